"""What the components' scripts reckon before they draw, asked of the scripts themselves.

They run in the node that Playwright brings, without a browser: a moment each.
"""

import json
import subprocess
from pathlib import Path

import pytest
from playwright._impl._driver import compute_driver_executable

import vcsoup.ui.components

SCRIPTS = Path(vcsoup.ui.components.__file__).parent


def asked(script: str, question: str) -> object:
    """Ask a script for the worth of an expression."""
    node, _ = compute_driver_executable()
    source = (SCRIPTS / script).read_text(encoding="utf-8")
    program = f"{source}\nconsole.log(JSON.stringify({question}));"
    ran = subprocess.run(
        [node, "--input-type=module", "-"],
        input=program,
        text=True,
        capture_output=True,
        check=True,
    )
    return json.loads(ran.stdout)


@pytest.mark.parametrize(
    ("low", "high", "places"),
    [
        (-40, 45, [-40, -20, 0, 20, 40]),
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (-4, 4, [-4, -2, 0, 2, 4]),
    ],
)
def test_an_axis_has_ticks_enough_to_read_it_by(low, high, places):
    """A quarter of 85 is 21.3: steps of 50 would leave a lone 0 on the axis."""
    found = asked("canvas.js", f"ticks({low}, {high}, 4).places")
    assert found == pytest.approx(places)


def test_a_label_at_the_edge_of_a_canvas_stays_whole():
    """Thirty pixels wide and asked for 5 pixels before the right edge of 200, and at the left."""
    pen = "{measureText: () => ({width: 30}), fillText: (...at) => (pen.at = at)}"
    written = f"((x) => {{ const pen = {pen}; centred(pen, '2,000', x, 9, 200); return pen.at; }})"
    assert asked("canvas.js", f"[195, 100, 2].map({written})") == [
        ["2,000", 185, 9],
        ["2,000", 100, 9],
        ["2,000", 15, 9],
    ]


@pytest.mark.parametrize("script", ["ternary.js", "front_chart.js"])
def test_a_drawing_is_watched_once_however_often_its_data_change(script):
    """Streamlit calls a script for every change of its data, and cleans up after the last alone."""
    source = json.dumps((SCRIPTS / script).read_text(encoding="utf-8"))
    world = """
      const known = (own, name) => name === "querySelector" ? part : own[name] ?? (() => 0);
      const part = () => new Proxy({}, {get: known});
      globalThis.document = {createElementNS: part, createElement: part};
      globalThis.window = {addEventListener: () => 0, removeEventListener: () => 0};
      let made = 0;
      globalThis.ResizeObserver = class {
        constructor() { made += 1; }
        observe() {}
        disconnect() {}
      };
    """
    data = "{values: ['a', 'b', 'c'], colours: [], weights: [500, 300, 200], dots: [], locked: []}"
    known = (
        "{svg: part(), from: JSON.stringify(data), drawn: 9}" if "front" in script else "undefined"
    )
    calls = f"""(async () => {{
      {world}
      const script = "data:text/javascript," + encodeURIComponent({source});
      const {{default: draw}} = await import(script);
      const data = {data};
      const root = {{replaceChildren: () => 0, clientWidth: 9, style: {{}}, state: {known}}};
      const parentElement = {{querySelector: () => root}};
      for (const setTriggerValue of [0, 1, 2]) draw({{data, parentElement, setTriggerValue}});
      return made;
    }})()"""
    assert asked("canvas.js", f"await {calls}") == 1


def test_a_corner_of_the_triangle_cuts_a_name_but_never_its_weight():
    long = "harmlessness-under-adversarial-pressure"
    fits = "(text) => text.length <= 19"
    assert asked("ternary.js", f"labelled('{long}', '0.50', {fits})") == "harmlessness… 0.50"
    assert asked("ternary.js", f"labelled('helpful', '0.50', {fits})") == "helpful 0.50"
    assert asked("ternary.js", f"labelled('{long}', '0.50', () => false)") == "h… 0.50"


def test_a_table_of_many_answers_scrolls_before_its_columns_are_too_narrow():
    """Eight columns (base, six values, a soup) of 144 pixels are more than a page of 800 has."""
    assert asked("answers.js", "narrowest(8)") == "72rem"

"""From the release of a slider to the first streamed word and to the measured point, in Chromium.

    python benchmarks/slider_latency.py [--moves 10] [--prompts 64]

Opens the demo in a workspace of its own, serves the app, warms the engine up with two moves, then
drags a slider or the triangle to weights that were never measured. Times are taken in the browser,
frame by frame, from the release of the mouse to what a person can read. Prints medians.
"""

import argparse
import itertools
import os
import platform
import statistics
import sys
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.e2e.conftest import CHROMIUM_FLAGS, find_chromium, served
from vcsoup.demo.open_demo import open_demo
from vcsoup.workspace import Workspace

STEPS = {
    "predicted": "predicted point shown",
    "word": "first streamed word",
    "first": "first measured point",
    "point": "point of all prompts",
}

WATCH = """
(prompts) => {
  const shadows = () => [...document.querySelectorAll('*')].filter((e) => e.shadowRoot);
  const reading = () => shadows().map((e) => e.shadowRoot.querySelector('.reading')).find(Boolean);
  const captions = () => [...document.querySelectorAll('[data-testid="stCaptionContainer"]')]
    .map((e) => e.textContent).join('|');
  window.seen = null;
  addEventListener('pointerup', () => {
    const found = { release: performance.now() };
    const old = reading()?.textContent;
    let changed = false;
    const look = () => {
      const now = performance.now() - found.release;
      const told = captions(), text = reading()?.textContent ?? '';
      if (!found.predicted && told.includes('Predicted, not measured')) found.predicted = now;
      changed ||= text !== old;  // emptied first; the same answer may come again
      if (!found.word && text && changed) found.word = now;
      const measured = told.match(/Measured here on (\\d+) held-out/);
      if (found.predicted && measured) {
        found.first ??= now;
        if (Number(measured[1]) >= prompts) found.point ??= now;
      }
      if (found.point) window.seen = found;
      else if (now < 60000) requestAnimationFrame(look);
    };
    window.seen = null;
    requestAnimationFrame(look);
  }, true);
}
"""


def drag_slider(page: Page, place: float) -> None:
    """Drag the first value's slider to a share of its track, and release."""
    thumb = page.locator(".st-key-weight_helpful [data-testid='stSliderThumbValue']").locator("..")
    box = thumb.bounding_box()
    track = page.locator(".st-key-weight_helpful [data-testid='stSlider'] > div").last
    ground = track.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(ground["x"] + place * ground["width"], box["y"] + box["height"] / 2, steps=6)
    page.mouse.up()


def drag_triangle(page: Page, place: float) -> None:
    """Drag the handle of the triangle along a curve, and release."""
    ground = page.locator(".ternary .ground").bounding_box()
    handle = page.locator(".ternary .handle").bounding_box()
    page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
    page.mouse.down()
    page.mouse.move(
        ground["x"] + (0.3 + 0.4 * place) * ground["width"],
        ground["y"] + (0.55 + 0.4 * (place * 7 % 1)) * ground["height"],
        steps=6,
    )
    page.mouse.up()


def measure(page: Page, drag, moves: int) -> list[dict[str, float]]:
    """Drag often, each time to another place, and return the times of each move in ms.

    A drag that ends on a measured soup has nothing to measure: it is done again elsewhere.
    """
    found: list[dict[str, float]] = []
    for move in itertools.count():
        drag(page, 0.137 + 0.7 * ((move * 0.6180339887) % 1))
        with suppress(PlaywrightTimeoutError):
            page.wait_for_function("window.seen", timeout=60_000 if move < 2 else 10_000)
            found.append(page.evaluate("window.seen"))
        if len(found) == moves + 2:
            return found[2:]  # the first two warm up
        page.wait_for_timeout(700)


def show(title: str, found: list[dict[str, float]]) -> None:
    """Print medians and the slowest."""
    print(f"{title}, {len(found)} moves (ms after the release)")
    for step, told in STEPS.items():
        times = sorted(one[step] for one in found if one.get(step))
        if times:
            print(f"  {told:24} median {statistics.median(times):7.0f}   slowest {times[-1]:7.0f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moves", type=int, default=10)
    parser.add_argument("--prompts", type=int, default=64)
    options = parser.parse_args()
    with ExitStack() as opened:
        workspace = Workspace(Path(opened.enter_context(tempfile.TemporaryDirectory())))
        open_demo(workspace)
        address = opened.enter_context(served(workspace))
        chromium = opened.enter_context(sync_playwright()).chromium
        browser = chromium.launch(executable_path=find_chromium(), args=CHROMIUM_FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        page.goto(f"{address}/soup")
        page.locator(".ternary .handle").wait_for()
        page.wait_for_timeout(1500)
        page.evaluate(WATCH, options.prompts)
        load = " ".join(f"{part:.1f}" for part in os.getloadavg())
        print(
            f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
            f"load {load}, {options.prompts} prompts a point"
        )
        show("slider", measure(page, drag_slider, options.moves))
        show("triangle", measure(page, drag_triangle, options.moves))
        browser.close()


if __name__ == "__main__":
    main()

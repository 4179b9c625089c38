"""Moving a threshold at 10k, 100k and 1M pairs: a naive page against the cockpit, in Chromium.

    python benchmarks/threshold_latency.py [--pairs 10000 100000 1000000] [--workspace FOLDER]

Both pages are served by Streamlit from the same synthetic project (`demo synth`). The naive page
is what one writes first: `st.slider`, `px.histogram` of all pairs, a count; the reading of its data
is cached, in its favour. Measured per move, medians: from the key to the last change on the naive
page; from the key (held) or the mouse move to the painted frame while ours is dragged; from the
release to the last change on our page, for every view; bytes that the browser sends; memory of the
server.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from playwright.sync_api import CDPSession, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.e2e.conftest import CHROMIUM_FLAGS, end, find_chromium, free_port, start
from vcsoup.jobs import Jobs
from vcsoup.workspace import Workspace

NAIVE_PAGE = """
import plotly.express as px
import streamlit as st
from vcsoup.workspace import Workspace, default_workspace

project = Workspace(default_workspace()).project(st.query_params["project"])
consistency = st.cache_data(lambda name, value: project.consistency(value))(project.name, "helpful")
tau = st.slider("Threshold of helpful", -1.0, 1.0, 0.3, 0.01)
kept = consistency >= tau
st.metric("Pairs kept", int(kept.sum()))
st.plotly_chart(px.histogram(x=consistency, color=kept, nbins=80))
"""
VIEWS = ("Gaps", "Map", "Pairs", "Likely flips", "Sweep", "Bias")
QUIET_TICKS = 40  # the script rests and nothing changes for 40 x 20 ms: all is painted

# Notes the time of every change of the page, shadow roots included, and of every painted frame.
WATCH = """() => {
  const roots = (node) => [node, ...[...node.querySelectorAll('*')].flatMap(
    (e) => e.shadowRoot ? roots(e.shadowRoot) : [])];
  const painted = (act) => requestAnimationFrame(() => setTimeout(act));
  const note = () => painted(() => { watch.last = performance.now(); });
  const watch = { last: 0, moves: [] };
  window.watch?.observer.disconnect();
  watch.observer = new MutationObserver(note);
  const options = { subtree: true, childList: true, characterData: true };
  for (const root of roots(document.querySelector('[data-testid=stMain]'))) {
    watch.observer.observe(root, options);
  }
  if (!window.watch) for (const kind of ['keydown', 'pointermove', 'pointerup', 'keyup']) {
    window.addEventListener(kind, (event) => {
      window.watch.began = event.timeStamp;
      if (kind !== 'keydown' && !(kind === 'pointermove' && event.buttons)) return;
      painted(() => window.watch.moves.push(performance.now() - event.timeStamp));
    }, true);
  }
  window.watch = watch;
}"""
SETTLED = """async (ticks) => {
  const app = document.querySelector('[data-testid=stApp]');
  const { watch } = window;
  // Counted in turns of the browser's own loop: one that is busy drawing does not look calm.
  for (let calm = 0; calm < ticks;) {
    const before = watch.last;
    await new Promise((done) => setTimeout(done, 20));
    const busy = app.dataset.testScriptState !== 'notRunning' || watch.last !== before;
    calm = busy ? 0 : calm + 1;
  }
  return watch.last - watch.began;
}"""


class Server:
    """A Streamlit server of one page or of the app, and what it weighs."""

    def __init__(self, command: list[str], workspace: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        arguments = [part.format(port=self.port) for part in command]
        self.process = start(
            [sys.executable, "-m", *arguments], self.url, VCSOUP_WORKSPACE=str(workspace)
        )

    def memory(self) -> float:
        """MiB that the server and its children hold."""
        main = psutil.Process(self.process.pid)
        return sum(p.memory_info().rss for p in [main, *main.children(recursive=True)]) / 2**20


@contextmanager
def serving(command: list[str], workspace: Path) -> Iterator[Server]:
    """Run a server for a while."""
    server = Server(command, workspace)
    try:
        yield server
    finally:
        end(server.process)


def sent_bytes(session: CDPSession) -> list[int]:
    """Collect the sizes of the frames that the browser sends from now on."""
    sizes: list[int] = []
    session.on(
        "Network.webSocketFrameSent", lambda e: sizes.append(len(e["response"]["payloadData"]))
    )
    return sizes


def settle(page: Page, act) -> float:
    """Do something and wait; milliseconds from its last event to the last change on the page."""
    page.evaluate(WATCH)
    act()
    return page.evaluate(SETTLED, QUIET_TICKS)


def measure_naive(page: Page, server: Server, project: str, moves: int) -> dict[str, float]:
    """Press a key on the slider of the naive page, again and again."""
    page.goto(f"{server.url}/?project={project}")
    slider = page.get_by_role("slider")
    slider.wait_for(timeout=120_000)
    page.locator(".js-plotly-plot").wait_for(timeout=120_000)
    page.wait_for_timeout(8000)
    sizes = sent_bytes(network(page))
    slider.focus()
    times = [settle(page, lambda: slider.press("ArrowRight")) for _ in range(moves)]
    return {
        "naive": statistics.median(times),
        "naive_bytes": sum(sizes) / moves,
        "naive_memory": server.memory(),
    }


def network(page: Page) -> CDPSession:
    """Listen to the page's network."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    return session


def measure_ours(page: Page, server: Server, project: str, moves: int) -> dict[str, float]:
    """Hold a key, drag with the mouse, and let go in front of every view."""
    page.goto(f"{server.url}/consistency?project={project}&view=gaps")
    handle = page.get_by_role("slider", name="Threshold of helpful")
    handle.wait_for(timeout=120_000)
    page.wait_for_timeout(8000)
    sizes = sent_bytes(network(page))
    found: dict[str, float] = {}
    handle.focus()
    page.evaluate(WATCH)
    for _ in range(100):
        page.keyboard.down("ArrowRight")  # repeats at about 30 a second, as a held key does
        page.wait_for_timeout(33)
    found["held"] = statistics.median(page.evaluate("window.watch.moves"))
    found["drag_bytes"] = float(sum(sizes))
    page.keyboard.up("ArrowRight")
    page.wait_for_timeout(1500)
    found["mouse"], release = drag(page, handle, sizes, found)
    found["memory"] = server.memory()
    sizes.clear()
    for view in VIEWS:
        page.get_by_role("radio", name=view, exact=True).click()
        page.wait_for_timeout(2500)
        sizes.clear()
        times = [release(part) for part in parts(moves)]
        found[view] = statistics.median(times)
        found["release_bytes"] = sum(sizes) / len(times)
        found["memory"] = max(found["memory"], server.memory())
    return found


def drag(page: Page, handle, sizes: list[int], found: dict[str, float]):
    """Drag once with the mouse; returns the median per move, and what drags and lets go again."""
    box = handle.locator("xpath=..").bounding_box()
    middle = box["y"] + box["height"] / 2

    def pull(to: float, steps: int) -> None:
        page.mouse.move(box["x"] + box["width"] * 0.55, middle)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * to, middle, steps=steps)

    sizes.clear()
    page.evaluate(WATCH)
    pull(0.9, 100)
    median = statistics.median(page.evaluate("window.watch.moves"))
    found["drag_bytes"] += float(sum(sizes))
    page.mouse.up()
    page.wait_for_timeout(1500)

    def release(to: float) -> float:
        page.evaluate("window.scrollTo(0, 0)")
        pull(to, 5)
        page.wait_for_timeout(200)
        return settle(page, page.mouse.up)

    return median, release


def parts(moves: int) -> list[float]:
    """Places to drag to, none twice in a row."""
    return [0.6 + 0.3 * ((7 * step) % 10) / 10 for step in range(moves)]


def measure(workspace: Path, pairs: int, moves: int, browser) -> dict[str, float]:
    """Measure both pages on one project."""
    project = f"synth-{pairs}"
    found: dict[str, float] = {"pairs": pairs}
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "naive.py"
        script.write_text(NAIVE_PAGE, encoding="utf-8")
        naive = ["streamlit", "run", str(script), "--server.port", "{port}"]
        ours = ["vcsoup", "app", "--port", "{port}", "--workspace", str(workspace)]
        for command, look in ((naive, measure_naive), (ours, measure_ours)):
            context = browser.new_context(viewport={"width": 1440, "height": 1000})
            with serving(command, workspace) as server:
                found |= look(context.new_page(), server, project, moves)
            context.close()
    return found


def show(rows: list[dict[str, float]]) -> None:
    """Print one table: milliseconds are medians, ratios are naive over ours."""
    lines = [("pairs", lambda row: f"{row['pairs']:,}")]
    lines += [("naive page, key to painted, ms", lambda row: f"{row['naive']:.0f}")]
    for name, key in (("key held, per frame, ms", "held"), ("mouse, per frame, ms", "mouse")):
        lines += [(name, lambda row, key=key: f"{row[key]:.1f} ({row['naive'] / row[key]:.0f}x)")]
    for view in VIEWS:
        name = f"released, {view}, ms"
        lines += [(name, lambda row, key=view: f"{row[key]:.0f} ({row['naive'] / row[key]:.1f}x)")]
    lines += [
        ("bytes sent per move, naive", lambda row: f"{row['naive_bytes']:,.0f}"),
        ("bytes sent in 200 moves, ours", lambda row: f"{row['drag_bytes']:,.0f}"),
        ("bytes sent per release, ours", lambda row: f"{row['release_bytes']:,.0f}"),
        ("server memory, naive, MiB", lambda row: f"{row['naive_memory']:.0f}"),
        ("server memory, ours, MiB", lambda row: f"{row['memory']:.0f}"),
    ]
    for name, cell in lines:
        print(f"{name:32}" + "".join(f"{cell(row):>18}" for row in rows))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--moves", type=int, default=9)
    parser.add_argument("--workspace", type=Path, default=None)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        workspace = options.workspace or Path(folder)
        make_projects(workspace, options.pairs)
        chromium = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_FLAGS)
        rows = [measure(workspace, n, options.moves, chromium) for n in options.pairs]
        chromium.close()
    show(rows)


def make_projects(root: Path, sizes: list[int]) -> None:
    """Write the synthetic projects that are missing, with the app's own command."""
    workspace = Workspace(root)
    known = {project.name for project in workspace.projects()}
    for n in sizes:
        if f"synth-{n}" not in known:
            args = ["demo", "synth", "--pairs", str(n), "--workspace", str(root)]
            job = Jobs(workspace.jobs_root).start(args, kind="synth", title=f"{n} pairs")
            while job.active:
                psutil.wait_procs([], timeout=0.5)


if __name__ == "__main__":
    main()

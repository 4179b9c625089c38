"""kill -9 of the app's server, right after a person has started a run in its page."""

import re
import subprocess
import sys
import time

import numpy as np
from playwright.sync_api import Page, expect, sync_playwright

from tests.e2e.conftest import CHROMIUM_FLAGS, end, find_chromium, free_port, start
from tests.faults.inspection import broken, losses, treasure
from tests.faults.kills import TOLERANCE
from tests.faults.ledger import Row
from tests.faults.scene import Scene
from vcsoup.jobs import Job

PATIENCE_MS = 60_000


def kill_servers(scene: Scene, *, kills: int, seed: int) -> Row:
    """Start runs in the page, kill the server, and see them end; a new server must show them.

    The page's settings are its own, so each run is compared with a second one of the same command
    that nobody disturbs.
    """
    row, rng = Row("kill -9 of the app's server"), np.random.default_rng(seed)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_FLAGS)
        for _ in range(kills):
            page = browser.new_page()
            job = _start_and_kill(scene, page, row, delay=float(rng.uniform(0.0, 5.0)))
            page.close()
            _outlives_it(scene, job, row)
            _shows_again(scene, browser.new_page(), job, row)
        browser.close()
    return row


def _start_and_kill(scene: Scene, page: Page, row: Row, *, delay: float) -> Job:
    """Start a run with a click, and kill the server some seconds later."""
    url, server = _serve(scene)
    known = {job.id for job in scene.jobs.list()}
    page.goto(f"{url}/train?project=demo")
    if known:  # with runs to show, the form is folded
        page.get_by_text("Start runs", exact=True).click(timeout=PATIENCE_MS)
    page.locator(".st-key-start_runs button").click(timeout=PATIENCE_MS)
    scene.wait(lambda: {job.id for job in scene.jobs.list()} - known, "the run of the page")
    (job,) = [job for job in scene.jobs.list() if job.id not in known]
    time.sleep(delay)
    before = treasure(scene)
    server.kill()
    server.wait()
    row.injected += 1
    row.lost += losses(scene, before)
    row.half += broken(scene, job)
    return job


def _outlives_it(scene: Scene, job: Job, row: Row) -> None:
    """Nobody looks: the run must end by itself, and as an undisturbed one does."""
    row.runs.append(job.id)
    deadline = time.monotonic() + 180
    while job.active and time.monotonic() < deadline:
        time.sleep(0.1)
    if job.state != "done" or job.attempt != 1:
        row.stuck.append(f"{job.title} is {job.state} after the server's death: {job.error}")
        return
    undisturbed = scene.finish(scene.jobs.retry(job.id))
    distance = scene.end_of(job).distance(scene.end_of(undisturbed))
    row.furthest = max(row.furthest, distance)
    if distance > TOLERANCE:
        row.stuck.append(f"{job.title} differs by {distance:.1e}")


def _shows_again(scene: Scene, page: Page, job: Job, row: Row) -> None:
    """A new server shows the run that the killed one had started."""
    url, server = _serve(scene)
    try:
        page.goto(f"{url}/train?project=demo&run={job.id}")
        shown = page.locator(".stMarkdown", has_text=re.compile(r"\bdone\s*$")).first
        expect(shown).to_be_visible(timeout=PATIENCE_MS)
    except AssertionError as error:
        row.lost.append(f"{job.title} in the page of a new server: {str(error).splitlines()[0]}")
    finally:
        page.close()
        end(server)


def _serve(scene: Scene) -> tuple[str, subprocess.Popen[bytes]]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "vcsoup", "app", "--port", str(port)]
    return url, start([*command, "--workspace", str(scene.workspace.root)], url)

"""A real server, a real browser: the app as a person meets it, on the demo project."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.engine_end import stop_engine
from vcsoup.jobs import Jobs
from vcsoup.workspace import Workspace

REPOSITORY = Path(__file__).parents[2]
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 30_000


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(command: list[str], url: str, **environment: str) -> subprocess.Popen:
    """Start a server from the repository and wait until it answers."""
    process = subprocess.Popen(
        command,
        cwd=REPOSITORY,
        env={**os.environ, "OMP_NUM_THREADS": "2", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert process.poll() is None, f"{command} ended with {process.returncode}"
        try:
            if httpx.get(f"{url}/_stcore/health", trust_env=False).is_success:
                return process
        except httpx.HTTPError:
            time.sleep(0.2)
    process.kill()
    raise AssertionError(f"{url} did not come up")


def end(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def find_chromium() -> str:
    """The first that is installed; the shell without a window of its own takes half the CPU."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    assert found, "no Chromium found; `make chromium` installs it"
    return found


@pytest.fixture(scope="module")
def browser():
    # By module: while Playwright runs, this thread has a running event loop that others mind.
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_MS)
        launched = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_FLAGS)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One for the tests of a module, which spares them loading and compiling the app's scripts."""
    opened = browser.new_context(viewport={"width": 1440, "height": 1000})
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE_MS)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("e2e"))


@pytest.fixture(scope="module")
def app_url(workspace: Workspace, request: pytest.FixtureRequest):
    """Address of the app, as `make app` starts it, on an empty workspace.

    A module that starts no command says `PRELOAD = "0"`, which saves loading the libraries.
    """
    with served(workspace, VCSOUP_PRELOAD=getattr(request.module, "PRELOAD", "1")) as url:
        yield url


@contextmanager
def served(workspace: Workspace, *options: str, **environment: str) -> Iterator[str]:
    """Serve the app on a workspace; at the end nothing that it started goes on.

    Args:
        workspace: The workspace.
        options: Of `python -m vcsoup app`.
        environment: Of the server and its jobs.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "vcsoup", "app", *options, "--port", str(port)]
    process = start([*command, "--workspace", str(workspace.root)], url, **environment)
    try:
        yield url
    finally:
        end(process)
        jobs = Jobs(workspace.jobs_root)
        for job in jobs.list():
            if job.active:
                job.stop(grace=5)
        stop_engine(workspace, jobs)

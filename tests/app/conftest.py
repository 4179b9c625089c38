"""A way to open any page of the app on a workspace, without a browser."""

import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.state import SafeSessionState
from streamlit.testing.v1 import AppTest

from vcsoup.jobs import Jobs
from vcsoup.jobs import folder as files
from vcsoup.ui.whole_callbacks import run_callbacks_whole
from vcsoup.workspace import Workspace, default_workspace

ROOT = Path(__file__).parents[2]
START = ROOT / "vcsoup" / "ui" / "start.py"


@pytest.fixture(autouse=True, scope="session")
def _one_look_at_what_is_installed() -> Iterator[None]:
    """Read once which packages bring components; each AppTest reads that of all installed ones."""
    scan = manifest_scanner.scan_component_manifests
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(scan))
        yield


@pytest.fixture(autouse=True, scope="session")
def callbacks_as_in_the_app() -> Iterator[None]:
    """Run callbacks as `app.py` has them run, which an AppTest does not start."""
    with pytest.MonkeyPatch.context() as patch:
        own = SafeSessionState.on_script_will_rerun
        patch.setattr(SafeSessionState, "on_script_will_rerun", own)  # brings it back afterwards
        run_callbacks_whole()
        yield


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    """Give the empty workspace that the app of this test looks at; what runs there then ends."""
    workspace = Workspace(default_workspace())
    yield workspace
    for job in Jobs(workspace.jobs_root).list():
        worker = files.find_process(files.read(job.path / files.IDENTITY))
        if worker is None or worker.pid != os.getpid():  # a test may have been the worker
            job.stop(grace=0.0)


@pytest.fixture
def visit() -> Callable[..., AppTest]:
    """Return a function that opens a page as a first visit: name of the page, then query."""

    def open_page(name: str, **query: str) -> AppTest:
        app = AppTest.from_file(str(START), default_timeout=30)
        app.run()
        app.switch_page(f"../../pages/{name}.py")
        app.query_params.update(query)
        app.run()
        assert not app.exception, app.exception
        return app

    return open_page

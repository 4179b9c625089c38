"""What all tests share: no network, no user workspace, few threads."""

import gc
import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
# Tiny models lose more by handing work over than a second thread wins.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.pop("VCSOUP_WORKSPACE", None)

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("unhurried", deadline=None)  # no test looks at the clock
settings.load_profile("unhurried")

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


def pytest_collection_finish() -> None:
    """Put what the imports made out of the collector's sight.

    Each page that runs and each training that ends collects garbage, which takes a quarter of a
    second while there are millions of objects of torch, transformers and trl to look at.
    """
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread the browser's files among the others.

    Each keeps a browser, a server and its jobs busy, so that several at once wait for each other.
    """
    places: dict[Path, float] = {}
    for place, item in enumerate(items):
        places.setdefault(item.path, place / len(items))
    browsers = [path for path in places if path.parent.name == "e2e"]
    for place, path in enumerate(browsers):
        places[path] = 0.9 * (place + 0.5) / len(browsers)  # none begins at the very end
    items.sort(key=lambda item: places[item.path])


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory, monkeypatch):
    """No test may find or touch the workspace of the person who runs it."""
    monkeypatch.setenv("VCSOUP_WORKSPACE", str(tmp_path_factory.mktemp("workspace")))


@pytest.fixture
def shared_data():
    """Return the folder of real preference pairs; tests that need it are left out without it."""
    if not SHARED_DATA.is_dir():
        pytest.skip("real preference pairs are not at hand")
    return SHARED_DATA

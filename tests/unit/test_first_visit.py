"""Why a deep link as the first visit shows the whole app: facts of streamlit that app.py relies on.

Streamlit runs a page alone, without the shell, when the folder of the *main script* has `pages/`.
The main script lies where there is none, and `st.App` names it. Chromium proves the rest
(`tests/e2e/test_deep_links.py`).
"""

from pathlib import Path

from streamlit.runtime.pages_manager import PagesManager
from streamlit.web.server.app_discovery import discover_asgi_app

ROOT = Path(__file__).parents[2]


def test_streamlit_run_finds_the_app_object():
    found = discover_asgi_app(ROOT / "app.py")
    assert (found.is_asgi_app, found.import_string) == (True, "app:app")


def test_the_main_script_is_no_old_multipage_app(monkeypatch):
    monkeypatch.setattr(PagesManager, "uses_pages_directory", None)
    PagesManager(str(ROOT / "vcsoup" / "ui" / "start.py"))
    assert PagesManager.uses_pages_directory is False


def test_app_py_itself_would_be_one(monkeypatch):
    """The trap is still there; when this fails, app.py can become the main script again."""
    monkeypatch.setattr(PagesManager, "uses_pages_directory", None)
    PagesManager(str(ROOT / "app.py"))
    assert PagesManager.uses_pages_directory is True

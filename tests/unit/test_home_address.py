"""Home under an address that names its project: what is redirected, and what is left alone."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from vcsoup.ui import home_address
from vcsoup.ui.home_address import NamesProject
from vcsoup.workspace import ProjectConfig, Workspace

PAGE = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def client(tmp_path: Path, monkeypatch) -> TestClient:
    monkeypatch.setenv("VCSOUP_WORKSPACE", str(tmp_path / "w"))
    return TestClient(NamesProject(PlainTextResponse("here")), follow_redirects=False, headers=PAGE)


def test_home_without_a_project_is_that_of_the_newest(client, tmp_path):
    assert client.get("/").text == "here", "no project yet: Home itself says what to do"
    for name in ("first", "second"):
        config = ProjectConfig(name=name, values=("calm", "kind"), base="org/base")
        Workspace(tmp_path / "w").create_project(config)
    told = client.get("/", params={"present": "1", "q": "a b&c"})
    assert told.status_code == 307
    assert told.headers["location"] == "?present=1&q=a+b%26c&project=second"


@pytest.mark.parametrize("address", ["/?project=first", "/soup", "/_stcore/health", "/static/a.js"])
def test_everything_else_is_as_it_was(client, tmp_path, address):
    config = ProjectConfig(name="first", values=("calm", "kind"), base="org/base")
    Workspace(tmp_path / "w").create_project(config)
    assert client.get(address).text == "here"
    assert client.get("/", headers={"accept": "*/*"}).text == "here"


def test_a_workspace_that_cannot_be_opened_is_told_by_the_page(client, tmp_path):
    (tmp_path / "w").write_text("a file")
    assert client.get("/").text == "here"


def test_choices_of_another_version_are_told_by_the_page(client, tmp_path):
    """Else Home is no page at all but two words of the server."""
    config = ProjectConfig(name="first", values=("calm", "kind"), base="org/base")
    Workspace(tmp_path / "w").create_project(config)
    with closing(sqlite3.connect(tmp_path / "w" / "workspace.sqlite")) as records:
        records.execute('UPDATE projects SET config = \'{"name": "first"}\'')
        records.commit()
    assert client.get("/").text == "here"


def test_a_slow_disk_holds_nobody_else_up(monkeypatch):
    """The workspace is read in a thread of its own, not in that of the server's event loop."""
    read_in = []
    monkeypatch.setattr(home_address, "_newest", lambda: read_in.append(threading.get_ident()))

    async def here(scope: Scope, receive: Receive, send: Send) -> None:
        served_in.append(threading.get_ident())
        await PlainTextResponse("here")(scope, receive, send)

    served_in: list[int] = []
    TestClient(NamesProject(here), headers=PAGE).get("/")
    assert len(read_in) == len(served_in) == 1
    assert read_in != served_in


def test_the_app_stands_behind_it():
    """Read, not imported: app.py changes Streamlit for the whole process."""
    told = (Path(__file__).parents[2] / "app.py").read_text(encoding="utf-8")
    assert "middleware=[Middleware(NamesProject)]" in told

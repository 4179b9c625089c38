"""Home is opened under an address that names its project already.

A page that writes the project into its address on arrival makes a second entry in the browser's
history, for it does so before the script is there that would replace the first (`arrivals`): two
presses of "back" to leave. A redirect is no entry. Middleware of the server; no streamlit here.
"""

from urllib.parse import parse_qsl, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from vcsoup.errors import VcsoupError
from vcsoup.workspace import Workspace, default_workspace


class NamesProject:
    """Sends a browser that asks for Home without a project to the newest one."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand before an app."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        answer: ASGIApp = self._app
        if scope["type"] == "http" and scope["path"] == "/" and _is_page(scope):
            asked = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
            # In a thread: all visits share this one, and a disk or its database may be slow.
            if "project" not in dict(asked) and (name := await run_in_threadpool(_newest)):
                # Relative: a proxy may serve the app below a folder.
                answer = RedirectResponse(f"?{urlencode([*asked, ('project', name)])}")
        await answer(scope, receive, send)


def _is_page(scope: Scope) -> bool:
    return b"text/html" in dict(scope["headers"]).get(b"accept", b"")


def _newest() -> str | None:
    try:
        known = Workspace(default_workspace()).projects()
    except (VcsoupError, OSError, ValueError):  # the page says what is wrong with a workspace
        return None
    return known[-1].name if known else None

"""The app's front door: `streamlit run app.py` (or `python -m vcsoup app`).

`st.App` serves the script in `vcsoup/ui/start.py`, which holds the page configuration and the
navigation. It is not this file because Streamlit treats a `pages/` folder beside the *main script*
as its old kind of multipage app: a deep link as the first visit would run that page alone, without
the shell. The main script lives where no such folder is, so every visit runs the shell first.
"""

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress

import streamlit as st
from starlette.middleware import Middleware

from vcsoup.errors import VcsoupError
from vcsoup.jobs.preload import fork_server
from vcsoup.ui.home_address import NamesProject
from vcsoup.ui.whole_callbacks import run_callbacks_whole
from vcsoup.workspace import Workspace, default_workspace


@asynccontextmanager
async def _beside_the_server(_app: st.App) -> AsyncIterator[None]:
    """Keep the fork server of the workspace's jobs while the app is served."""
    with ExitStack() as kept:
        with suppress(VcsoupError):  # the pages say what is wrong with a workspace
            kept.enter_context(fork_server(Workspace(default_workspace()).jobs_root))
        yield


run_callbacks_whole()
app = st.App(
    "vcsoup/ui/start.py", lifespan=_beside_the_server, middleware=[Middleware(NamesProject)]
)

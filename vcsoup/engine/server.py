"""The engine process: HTTP on 127.0.0.1, behind a random token, for one workspace.

Request handlers only look at tasks and queue them; `vcsoup.engine.owner` does the work on its one
thread. The address and token are published in the workspace (`vcsoup.engine.identity`), readable by
the user alone. The process ends by itself when nobody asked anything for an hour.
"""

import asyncio
import contextlib
import os
import secrets
import socket
import sys
import threading
import time
from typing import Annotated, Any

import psutil
import uvicorn
from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from vcsoup import __version__
from vcsoup.engine.bench import Benches
from vcsoup.engine.guard import Guard, refusal
from vcsoup.engine.identity import Identity, sole_engine, write_identity
from vcsoup.engine.openai import router
from vcsoup.engine.owner import Owner
from vcsoup.engine.table import table_router
from vcsoup.engine.task_state import Tasks
from vcsoup.engine.tasting import Tasting, TastingRequest, checked_weights
from vcsoup.errors import EngineBusyError, NotFoundError, PortBusyError, VcsoupError, reason_of
from vcsoup.monitor import SILENT, Monitor
from vcsoup.workspace import Workspace

HOST = "127.0.0.1"
IDLE_SECONDS = 3600.0
LOOK_SECONDS = 0.003  # between looks for a first word that somebody waits for
SWITCH_SECONDS = 0.0005  # a request gets its turn this soon while the owner computes
_LOOK_TO_END_SECONDS = 0.5
_MOST_TASTINGS = 200  # older ones that ended are forgotten


def serve(
    workspace: Workspace,
    port: int = 0,
    *,
    idle_seconds: float = IDLE_SECONDS,
    monitor: Monitor = SILENT,
) -> None:
    """Serve a workspace until SIGTERM, SIGINT, or an hour without a request.

    Args:
        workspace: Whose projects.
        port: On 127.0.0.1; 0 takes any free one.
        idle_seconds: End after this long without a request.
        monitor: Asked whether to stop: a signal may come before the server listens to any.

    Raises:
        EngineError: another engine serves this workspace.
        PortBusyError: the port is taken.
    """
    with sole_engine(workspace.engine_root), contextlib.closing(_listen(port)) as listener:
        sys.setswitchinterval(SWITCH_SECONDS)
        token, owner = secrets.token_urlsafe(32), Owner()
        app = create_app(workspace, owner, token=token)
        config = uvicorn.Config(
            app, log_config=None, access_log=False, timeout_graceful_shutdown=2, ws="none"
        )
        server = uvicorn.Server(config)
        watch = threading.Thread(
            target=_end_in_time, args=(server, app, idle_seconds, monitor), daemon=True
        )
        watch.start()
        me = psutil.Process()
        identity = Identity(os.getpid(), me.create_time(), listener.getsockname()[1], token)
        write_identity(workspace.engine_root, identity)
        try:
            server.run(sockets=[listener])
        finally:
            owner.close()


def create_app(workspace: Workspace, owner: Owner, *, token: str) -> FastAPI:
    """The web application: every path needs `Authorization: Bearer <token>`.

    Args:
        workspace: Whose projects.
        owner: Runs the tasks.
        token: What requests must carry.
    """
    app = FastAPI(title="VC-Soup engine", version=__version__, docs_url=None, redoc_url=None)
    app.state.last_asked = time.monotonic()
    app.state.owner = owner
    benches = Benches(workspace)
    tastings = Tasks[Tasting]("tasting", _MOST_TASTINGS)
    app.add_middleware(Guard, token=token, heard=lambda: _note_time(app))
    _speak_plainly(app)
    app.include_router(router(workspace, benches, owner))
    app.include_router(table_router(workspace, benches, owner))

    @app.get("/health")
    def health() -> dict[str, Any]:
        return {"pid": os.getpid(), "version": __version__, "busy": owner.busy}

    @app.post("/tastings")
    def start(asked: TastingRequest) -> dict[str, str]:
        project = workspace.project(asked.project)
        weights = checked_weights(project, asked.weights, free=asked.free)
        tasting = Tasting(benches, asked, weights)
        owner.submit(tasting)
        tastings.add(tasting)
        return {"id": tasting.id}

    @app.get("/tastings/{tasting_id}")
    async def look(
        tasting_id: str, patience: Annotated[float, Query(ge=0, le=10)] = 0
    ) -> dict[str, Any]:
        tasting, late = tastings.get(tasting_id), time.monotonic() + patience
        while not (tasting.text or tasting.ended) and time.monotonic() < late:
            await asyncio.sleep(LOOK_SECONDS)
        return tasting.seen()

    @app.delete("/tastings/{tasting_id}")
    def cancel(tasting_id: str) -> dict[str, Any]:
        tasting = tastings.get(tasting_id)
        tasting.cancel()
        return tasting.seen()

    return app


def _note_time(app: FastAPI) -> None:
    app.state.last_asked = time.monotonic()


def _speak_plainly(app: FastAPI) -> None:
    """Every refusal is JSON with one line."""

    @app.exception_handler(VcsoupError)
    async def refuse(request: Request, error: VcsoupError) -> Response:
        return refusal(request.url.path, str(error), _status(error))

    @app.exception_handler(HTTPException)
    async def say(request: Request, error: HTTPException) -> Response:
        message = f"{request.method} {request.url.path}: {error.detail}; see the documentation"
        return refusal(request.url.path, message, error.status_code)

    @app.exception_handler(Exception)
    async def own_up(request: Request, error: Exception) -> Response:
        first = (str(error).splitlines() or [""])[0]
        message = f"the engine broke off ({type(error).__name__}: {first}); its log says more"
        return refusal(request.url.path, message, 500)

    @app.exception_handler(RequestValidationError)
    async def explain(request: Request, error: RequestValidationError) -> Response:
        path, first = request.url.path, error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "body") or "body"
        status = 400 if path.startswith("/v1/") else 422
        message = f"{where}: {reason_of(first)}; correct this entry"
        return refusal(path, message, status, param=where)


def _status(error: VcsoupError) -> int:
    if isinstance(error, EngineBusyError):
        return 429
    return 404 if isinstance(error, NotFoundError) else 400


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        # Connections wait in the queue from now on, so the address can be published at once.
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise PortBusyError(
            f"port {port} on {HOST} cannot be used ({os.strerror(error.errno or 0)}); stop the "
            "program that listens there or choose another with --port"
        ) from error
    return listener


def _end_in_time(
    server: uvicorn.Server, app: FastAPI, idle_seconds: float, monitor: Monitor
) -> None:
    while not server.should_exit:
        time.sleep(min(_LOOK_TO_END_SECONDS, idle_seconds / 4))
        idle = time.monotonic() - app.state.last_asked
        if monitor.stop_requested or (idle > idle_seconds and not app.state.owner.busy):
            server.should_exit = True

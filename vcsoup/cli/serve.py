"""`engine` and `app`: the two servers, both on loopback only."""

import os
import socket
from pathlib import Path
from typing import Annotated

import typer

from vcsoup.cli.options import WorkspaceOption, as_job, open_workspace
from vcsoup.errors import NotFoundError, PortBusyError
from vcsoup.workspace import Workspace

HOST = "127.0.0.1"
APP_PORT = 8501
_REPOSITORY = Path(__file__).parents[2]
# Sessions work on arrays of megabytes in many threads; with these settings of the C library such
# memory goes back to the system at once instead of piling up in each thread's own store.
_GIVES_MEMORY_BACK = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": str(1 << 18)}


def engine(
    workspace: WorkspaceOption = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free port.")] = 0,
) -> None:
    """Serve soups to the app and to OpenAI clients, until stopped or idle for an hour."""
    opened = open_workspace(workspace)
    if port:
        check_port(port)
    from vcsoup.engine.server import serve

    with as_job(opened, "engine", "Engine", slot=False) as worker:
        serve(opened, port=port, monitor=worker)


def app(
    workspace: WorkspaceOption = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = APP_PORT,
    demo: Annotated[
        bool, typer.Option("--demo/--no-demo", help="Open the demo in an empty workspace.")
    ] = True,
) -> None:
    """Serve the screens on 127.0.0.1."""
    opened = open_workspace(workspace)
    check_port(port)
    if demo and not opened.projects():
        _open_demo(opened)
    from vcsoup.jobs.handover import become_python

    if not (_REPOSITORY / "app.py").is_file():
        raise NotFoundError(
            f"{_REPOSITORY} holds no app.py; start the app from a checkout of VC-Soup Lab"
        )
    typer.echo(f"VC-Soup Lab: http://{HOST}:{port}  (Ctrl-C ends it; jobs go on)")
    become_python(
        ["-m", "streamlit", "run", "app.py", "--server.port", str(port), "--server.address", HOST],
        folder=_REPOSITORY,
        environment={"VCSOUP_WORKSPACE": str(opened.root), **_GIVES_MEMORY_BACK},
    )


def check_port(port: int) -> None:
    """Raise `PortBusyError` when another program listens on this port of 127.0.0.1."""
    with socket.socket() as probe:
        # A port whose last connection just closed is free; one that is listened on is not.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise PortBusyError(
                f"port {port} on {HOST} cannot be used ({os.strerror(error.errno or 0)}); "
                f"stop the program that listens there or choose another port with --port"
            ) from error


def _open_demo(workspace: Workspace) -> None:
    """Open the demo when the bundle is there; the app starts without it all the same."""
    from vcsoup.demo.open_demo import open_demo

    try:
        open_demo(workspace)
    except NotFoundError as error:
        typer.echo(f"without the demo: {error}", err=True)

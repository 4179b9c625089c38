"""Asking the fork server of a jobs folder for a worker (`vcsoup.jobs.forkserver`)."""

import json
import os
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from vcsoup.errors import JobError
from vcsoup.jobs import folder as files
from vcsoup.jobs.inheritance import inheritance
from vcsoup.library_settings import LIBRARY_SETTINGS

SOCKET = "forkserver.sock"
_GREETING_S, _PATIENCE_S = 3.0, 10.0
_LOOK_EVERY_S = 0.5
_OWN = ("VCSOUP_", "STREAMLIT_")
_PLACE = ("PWD", "OLDPWD", "SHLVL", "_")


class Forked:
    """A worker that the fork server made; like `subprocess.Popen`, as far as a starter needs it."""

    def __init__(self, pid: int, connection: socket.socket) -> None:
        self.pid = pid
        self._identity = None
        with suppress(psutil.NoSuchProcess):  # it may have ended already, and been seen off
            self._identity = files.identity_of(pid)
        self._connection = connection

    def wait(self) -> int:
        """Wait for its end; return its exit status, 1 when the server died before it."""
        self._connection.settimeout(None)
        with self._connection:
            news = _hear(self._connection)
        while "status" not in news and files.find_process(self._identity) is not None:
            time.sleep(_LOOK_EVERY_S)
        return int(news.get("status", 1))


def fork(
    root: Path,
    args: Sequence[str],
    *,
    log: Path,
    environment: Mapping[str, str],
    held: Mapping[str, int],
    folder: Path,
) -> Forked | None:
    """Have the fork server of a jobs folder start `python -m vcsoup *args`.

    Args:
        root: The jobs folder.
        args: The verb and its options.
        log: File that takes the output.
        environment: All variables of the worker.
        held: Variable -> descriptor that it should name, of a lock that is handed over.
        folder: Working folder.

    Returns:
        The worker; None when there is no such server, or it cannot take this one.

    Raises:
        JobError: the server broke off, so nobody knows whether the worker lives.
        OSError: the log cannot be written.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(_GREETING_S)
    with ExitStack() as unless_forked:
        unless_forked.callback(connection.close)
        output = unless_forked.enter_context(log.open("ab"))
        try:
            with address(root) as path:
                connection.connect(str(path))
            if not _hear(connection):  # it hangs; a process of its own begins later, but begins
                return None
            connection.settimeout(_PATIENCE_S)
            request = {
                "args": list(args),
                "environment": dict(environment),
                "held": list(held),
                "folder": str(folder),
                "inheritance": inheritance(),
            }
            text = json.dumps(request).encode() + b"\n"
            sent = socket.send_fds(connection, [text], [output.fileno(), *held.values()])
            if sent < len(text):
                connection.sendall(text[sent:])
        except OSError:  # it has not got the whole request, so it forked nothing
            return None
        news = _hear(connection)
        if not news:
            raise JobError("the fork server broke off; start it again")
        if "pid" not in news:
            return None
        output.close()
        unless_forked.pop_all()
        return Forked(news["pid"], connection)


def alike(environment: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether libraries that were loaded under one environment serve a worker of the other.

    Example:
        >>> alike({"HF_HOME": "a", "VCSOUP_JOB": "1"}, {"HF_HOME": "a", "PWD": "/"})
        True
        >>> alike({"HF_HOME": "a"}, {"HF_HOME": "b"})
        False
        >>> alike({}, {"TOKENIZERS_PARALLELISM": "false"})  # which every command sets
        True
    """
    return _read_by_libraries(environment) == _read_by_libraries(other)


@contextmanager
def address(root: Path) -> Iterator[Path]:
    """Name the socket in a jobs folder, however long the folder's path is, for the block."""
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield Path(f"/proc/self/fd/{descriptor}/{SOCKET}")
    finally:
        os.close(descriptor)


def _read_by_libraries(environment: Mapping[str, str]) -> dict[str, str]:
    kept = {
        name: text
        for name, text in environment.items()
        if name not in _PLACE and not name.startswith(_OWN)
    }
    paths = dict.fromkeys(kept.pop("PYTHONPATH", "").split(os.pathsep))
    search = os.pathsep.join(path for path in paths if path)
    return {**LIBRARY_SETTINGS, **kept, "PYTHONPATH": search}


def _hear(connection: socket.socket) -> dict[str, Any]:
    """Read one line of news; empty when the server is gone, or says nothing in time."""
    text = b""
    try:
        while not text.endswith(b"\n"):
            if not (more := connection.recv(1)):  # behind the line may stand the next news
                return {}
            text += more
    except OSError:
        return {}
    news: dict[str, Any] = json.loads(text)
    return news

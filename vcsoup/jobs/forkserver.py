"""The process that workers are forked from: it has loaded the model libraries already.

Loading torch, transformers, peft and trl takes longer than many a command needs for its work. A
fork of a process that has them begins at once and shares their memory. This process never computes,
opens no device and knows no job: it takes a command with the descriptors of the locks that its
starter holds, forks, and says how the child ended. The child then is `python -m vcsoup ...` in a
session of its own. It ends with the server that started it (`vcsoup.jobs.preload`); children go on.

Two of the libraries leave an idle thread behind, OpenBLAS and the jemalloc of pyarrow; both take
care of forks themselves. No thread of Python runs here.
"""

import gc
import importlib
import json
import logging
import os
import runpy
import select
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vcsoup.jobs.forked import address, alike
from vcsoup.jobs.inheritance import inheritance
from vcsoup.library_settings import set_up_libraries

_LIBRARIES: Mapping[str, Sequence[str]] = {
    # What the verbs take from them; some load a name's module when it is first asked for.
    "torch": (),
    "transformers": (
        "AutoModelForCausalLM",
        "AutoModelForSequenceClassification",
        "AutoTokenizer",
        "LlamaForCausalLM",
        "Trainer",
    ),
    "peft": ("PeftModel",),
    "trl": ("DPOTrainer",),
    "datasets": (),
    "pandas": (),
    "typer": (),
    "fastapi": (),
    "uvicorn": (),
}
_PATIENCE_S = 5.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """What a child should be.

    Attributes:
        args: Arguments behind `python -m vcsoup`.
        environment: All its variables, with the numbers of the descriptors it inherits.
        folder: Its working folder.
        log: Descriptor of the file that takes its output.
        held: Descriptors of the locks that its starter holds for it.
    """

    args: Sequence[str]
    environment: Mapping[str, str]
    folder: str
    log: int
    held: Sequence[int]


def main(root: Path, life: int) -> None:
    """Load the libraries, serve until `life` ends; a child returns as its command.

    Args:
        root: The jobs folder, where the socket lies.
        life: Descriptor of a pipe that is closed when the starter ends.
    """
    began_with = dict(os.environ)
    set_up_libraries()
    for name, parts in _LIBRARIES.items():
        with suppress(ImportError):
            library = importlib.import_module(name)
            for part in parts:
                getattr(library, part)
    gc.collect()
    gc.freeze()  # what is never looked at again stays shared with the children
    if (request := serve(root, life, began_with)) is not None:
        _become(request)
        runpy.run_module("vcsoup", run_name="__main__", alter_sys=True)


def serve(root: Path, life: int, began_with: Mapping[str, str]) -> Request | None:
    """Fork a child for every request until `life` ends.

    Args:
        root: The jobs folder.
        life: Descriptor that becomes readable when it is time to end.
        began_with: The environment that the libraries were loaded in; a request with another one
            is refused.

    Returns:
        In each child what it should be; None in the server, at the end.
    """
    if select.select([life], [], [], 0.0)[0]:  # ended while the libraries were loaded
        return None
    children: dict[int, socket.socket] = {}
    woken, wake = socket.socketpair()
    wake.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
    listener, own = _listen(root)
    with listener, woken, wake:
        awaited: list[Any] = [listener, woken, life]
        while life not in (ready := select.select(awaited, [], [])[0]):
            if woken in ready:
                woken.recv(4096)
                _see_off(children)
            if listener not in ready:
                continue
            connection, _ = listener.accept()
            _tell(connection, {"ready": True})
            request = _receive(connection, began_with)
            pid = None if request is None else _fork(request, connection)
            if pid is None:
                connection.close()
            elif pid:
                children[pid] = connection
            else:
                for other in (connection, *children.values()):
                    other.close()
                os.close(life)
                return request
        # As long as it listens, no other file gets its number.
        with suppress(FileNotFoundError), address(root) as path:
            if path.stat().st_ino == own:
                path.unlink()
    return None


def _listen(root: Path) -> tuple[socket.socket, int]:
    """Return the listening socket, and the number of its file: a successor puts another there."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with address(root) as path:
        aside = path.with_suffix(".new")
        aside.unlink(missing_ok=True)
        listener.bind(str(aside))
        aside.chmod(0o600)  # before it listens: nobody else can have connected
        own = aside.stat().st_ino
        listener.listen()
        aside.replace(path)  # whoever finds it there is heard
    return listener, own


def _receive(connection: socket.socket, began_with: Mapping[str, str]) -> Request | None:
    """Read a request; None for one that was broken off, or that needs a process of its own."""
    connection.settimeout(_PATIENCE_S)
    descriptors: list[int] = []
    try:
        text, descriptors, _, _ = socket.recv_fds(connection, 1 << 16, 8)
        while not text.endswith(b"\n"):
            if not (more := connection.recv(1 << 16)):
                raise EOFError
            text += more
        asked: dict[str, Any] = json.loads(text)
        environment: dict[str, str] = asked["environment"]
        log, *held = descriptors
        if not alike(environment, began_with) or asked["inheritance"] != inheritance():
            _tell(connection, {"refused": "another environment"})
            raise EOFError
        numbers = zip(asked["held"], map(str, held), strict=True)
        return Request(asked["args"], environment | dict(numbers), asked["folder"], log, held)
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
        if not isinstance(error, EOFError):  # such as one of another version
            _log.warning("a request could not be read: %s", error)
            _tell(connection, {"refused": "it could not be read"})
        for descriptor in descriptors:
            os.close(descriptor)
        return None


def _fork(request: Request, starter: socket.socket) -> int | None:
    """Fork and tell the starter; 0 in the child, None when the system has no room for one."""
    try:
        pid = os.fork()
    except OSError as error:
        _log.warning("no worker could be forked: %s", error)
        pid = None
    if pid == 0:
        return 0
    for descriptor in (request.log, *request.held):
        os.close(descriptor)
    _tell(starter, {"refused": "no fork"} if pid is None else {"pid": pid})
    return pid


def _tell(connection: socket.socket, news: Mapping[str, Any]) -> None:
    with suppress(OSError):  # the starter may be gone
        connection.sendall(json.dumps(news).encode() + b"\n")


def _see_off(children: dict[int, socket.socket]) -> None:
    """Tell the starters of ended children how they ended."""
    for pid in list(children):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            with children.pop(pid) as connection:
                _tell(connection, {"status": os.waitstatus_to_exitcode(status)})


def _become(request: Request) -> None:
    """Make a forked process what a started one would be."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for stream in (1, 2):
        os.dup2(request.log, stream)
    os.close(request.log)
    os.environ.clear()
    os.environ.update(request.environment)
    os.chdir(request.folder)
    sys.argv[1:] = request.args
    for name in [name for name in sys.modules if name.partition(".")[0] == "vcsoup"]:
        del sys.modules[name]  # on the disk, the code may be newer than this process
    # Else every child would draw the same.
    if (numpy := sys.modules.get("numpy")) is not None:
        numpy.random.seed()
    if (torch := sys.modules.get("torch")) is not None:
        torch.default_generator.seed()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))

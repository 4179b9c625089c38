"""Keeping a fork server beside the app's server, so that commands begin without loading libraries.

Off with VCSOUP_PRELOAD=0, which saves some 460 MiB of memory. Left out where a fork is not safe:
not on Linux, or beside a GPU, whose driver may not be passed on to a child.
"""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from vcsoup.jobs import folder as files
from vcsoup.jobs.devices import visible_devices
from vcsoup.jobs.spawn import spawn

VARIABLE = "VCSOUP_PRELOAD"
LOCK, LOG = "forkserver.lock", "forkserver.log"
_OTHER_GPUS = ("kfd", "dxg")  # ROCm, and Windows' subsystem for Linux


@contextmanager
def fork_server(root: Path) -> Iterator[None]:
    """Keep the fork server of a jobs folder for the block, where there is none and it is of use.

    Args:
        root: The jobs folder; where it cannot be written, commands start as they do without.
    """
    with ExitStack() as kept:
        if wanted():
            with suppress(OSError):
                root.mkdir(parents=True, exist_ok=True)
                _start(root, kept)
        yield


def wanted() -> bool:
    """Whether a fork server is safe here and not switched off."""
    if sys.platform != "linux" or os.environ.get(VARIABLE, "1") == "0":
        return False
    return not visible_devices() and not any(Path("/dev", name).exists() for name in _OTHER_GPUS)


def _start(root: Path, kept: ExitStack) -> None:
    """Start it, unless another app serves this folder already; it ends when `kept` is closed."""
    if kept.enter_context(files.holding(root / LOCK)) is None:
        return
    read, write = os.pipe()
    kept.callback(os.close, write)
    try:
        process = spawn(
            ["-m", "vcsoup.jobs.forkserver", str(root.resolve()), str(read)],
            log=root / LOG,
            environment={},
            descriptors=[read],
        )
    finally:
        os.close(read)
    threading.Thread(target=process.wait, daemon=True).start()

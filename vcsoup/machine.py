"""How a heavy command treats the machine that it shares with a browser, a server and a person.

Two defaults of the C libraries below torch cost more than any of our code. The OpenMP threads of
libgomp spin while they wait, and when anything else wants a core a training step takes many times
as long; waiting passively costs little on an idle machine. And glibc hands every large buffer back
to the kernel, which then clears its pages again in the next step. Called by the command line before
torch is loaded; a user's own environment variables win.
"""

import ctypes
import os

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # of mallopt(3)
_OWN = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_MAX_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")


def prepare_machine() -> None:
    """Let threads wait without spinning, and keep freed memory for the next step.

    The second is for glibc alone; on other systems it does nothing.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if any(name in os.environ for name in _OWN):
        return
    mallopt = getattr(_libc(), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def _libc() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL("libc.so.6")
    except OSError:
        return None

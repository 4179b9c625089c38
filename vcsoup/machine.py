"""How a heavy command, and the app, treat the memory of their machine.

glibc hands every large buffer back to the kernel, which then clears its pages again in the next
step; that costs training more than any of our code. Called by the command line before torch is
loaded; a user's own environment variables win. Threads are told to wait without spinning in
`vcsoup`, for every command.
"""

import ctypes
import os

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # of mallopt(3)
_OWN = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_MAX_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")


def keep_memory() -> None:
    """Keep freed memory for the next step; on other systems than glibc's it does nothing."""
    if any(name in os.environ for name in _OWN):
        return
    mallopt = getattr(_libc(), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def give_memory_back() -> None:
    """Return freed memory to the kernel; on other systems than glibc's it does nothing.

    The app calls it after reading a million pairs: what the reading took is not needed again soon.
    A run calls it between models, of which the next one is loaded from a file that counts too.
    """
    trim = getattr(_libc(), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _libc() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL("libc.so.6")
    except OSError:
        return None

"""How a heavy command treats the memory of its machine.

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


def _libc() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL("libc.so.6")
    except OSError:
        return None

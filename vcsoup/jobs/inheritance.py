"""What a process gets from the one that starts it, beside variables, folder and descriptors.

A fork server may have begun under another user, umask, limit or in another container than the
starter that asks it. Linux only.
"""

import os
from pathlib import Path

_STATUS = ("Uid", "Gid", "Groups", "Umask", "Cpus_allowed", "Mems_allowed")


def inheritance() -> dict[str, str]:
    """Return what a child of this thread would get, in the kernel's words.

    Raises:
        OSError: the system does not tell.
    """
    me = Path("/proc/thread-self")
    lines = (me / "status").read_text(encoding="utf-8", errors="replace").splitlines()
    status = dict(line.partition(":")[::2] for line in lines)
    return {
        **{name: status.get(name, "").strip() for name in _STATUS},
        **{space.name: str(space.readlink()) for space in (me / "ns").iterdir()},
        "limits": (me / "limits").read_text(encoding="ascii"),
        "cgroup": (me / "cgroup").read_text(encoding="utf-8", errors="replace"),
        "priority": f"{os.sched_getscheduler(0)} {os.getpriority(os.PRIO_PROCESS, 0)}",
    }

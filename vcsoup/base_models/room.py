"""How much memory this machine has for models: of its first GPU, else of the machine itself."""

from pathlib import Path
from typing import NamedTuple

_LIMIT = Path("/sys/fs/cgroup/memory.max")
_USED = Path("/sys/fs/cgroup/memory.current")


class Room(NamedTuple):
    """Memory, in bytes.

    Attributes:
        name: Whose.
        free: What is free at this moment.
        total: All of it.
        gpus: How many GPUs there are; 0 computes on the CPU.
    """

    name: str
    free: float
    total: float
    gpus: int


def room_here() -> Room:
    """Look at this machine; a container's limit counts as its memory."""
    import psutil
    import torch

    if torch.cuda.is_available():
        name, memory = torch.cuda.get_device_name(), torch.cuda.mem_get_info()
        return Room(name, *memory, torch.cuda.device_count())
    here = psutil.virtual_memory()
    free, total = float(here.available), float(here.total)
    if (limit := _number(_LIMIT)) is not None and limit < total:
        free, total = min(free, limit - (_number(_USED) or 0.0)), limit
    return Room("this machine, without a GPU", free, total, 0)


def _number(path: Path) -> float | None:
    try:
        return float(path.read_text())
    except (OSError, ValueError):  # no control group, or "max"
        return None

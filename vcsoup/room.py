"""How much memory this machine has for models: of its first GPU, else of the machine itself.

Also tells beforehand of weights that cannot fit: the kernel ends whoever loads them without a word.
"""

import logging
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from vcsoup.home_paths import from_home
from vcsoup.numbers import memory

_LIMIT = Path("/sys/fs/cgroup/memory.max")
_USED = Path("/sys/fs/cgroup/memory.current")
_PARTS = Path("/sys/fs/cgroup/memory.stat")

logger = logging.getLogger(__name__)


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
    """Look at this machine; a container's limit counts as its memory.

    What torch keeps of a GPU's memory for this process without using it is free for this process.
    """
    import torch

    if torch.cuda.is_available():
        free, total = torch.cuda.mem_get_info()
        kept = torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
        return Room(torch.cuda.get_device_name(), free + kept, total, torch.cuda.device_count())
    return machine_room()


def machine_room() -> Room:
    """Look at the machine's own memory, whatever GPUs there are; torch-free."""
    import psutil

    here = psutil.virtual_memory()
    free, total = float(here.available), float(here.total)
    if (limit := _number(_LIMIT)) is not None and limit < total:
        free, total = min(free, limit - _used_here()), limit
    return Room("this machine, without a GPU", free, total, 0)


def stored_numbers(model: str, revision: str | None = None) -> int | None:
    """Count the numbers in a model's safetensors; None where they are not on this machine.

    Args:
        model: Folder or hub id.
        revision: Of a hub id.
    """
    from huggingface_hub import get_local_safetensors_metadata, snapshot_download
    from huggingface_hub.errors import (
        HFValidationError,
        LocalEntryNotFoundError,
        NotASafetensorsRepoError,
        SafetensorsParsingError,
    )

    absent = (HFValidationError, LocalEntryNotFoundError, OSError)
    with suppress(*absent, NotASafetensorsRepoError, SafetensorsParsingError):
        folder = from_home(model)
        if not folder.is_dir():
            folder = Path(snapshot_download(model, revision=revision, local_files_only=True))
        return sum(get_local_safetensors_metadata(folder).parameter_count.values())
    return None


def why_no_room(model: str, revision: str | None, *, each: int) -> str:
    """Say that a model's weights cannot fit the memory of a machine without a GPU; else "".

    What may fit when other programs make room is only warned of.

    Args:
        model: Folder or hub id.
        revision: Of a hub id.
        each: Bytes that a number takes in memory.
    """
    import psutil

    numbers = stored_numbers(model, revision)
    if numbers is None:
        return ""
    room, need = room_here(), each * numbers
    swap = psutil.swap_memory()
    if need > room.total + swap.total:
        return (
            f"its weights take {memory(need)} in memory, and this machine has {memory(room.total)}"
        )
    if need > room.free + swap.free:
        told = "%s takes %s of memory, and %s are free; it may be ended by the system"
        logger.warning(told, model, memory(need), memory(room.free))
    return ""


def _used_here() -> float:
    """What a container holds, without the files that the kernel remembers and can forget."""
    used = _number(_USED) or 0.0
    with suppress(OSError, ValueError):
        parts = dict(line.split() for line in _PARTS.read_text().splitlines())
        used -= float(parts.get("active_file", 0)) + float(parts.get("inactive_file", 0))
    return max(used, 0.0)


def _number(path: Path) -> float | None:
    try:
        return float(path.read_text())
    except (OSError, ValueError):  # no control group, or "max"
        return None

"""The GPUs of this machine, counted without loading a model library, and who gets which."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "CUDA_VISIBLE_DEVICES"

_DEVICE_FILE = re.compile(r"nvidia(\d+)")


def visible_devices(
    environment: Mapping[str, str] | None = None, files: Path = Path("/dev")
) -> list[str]:
    """Return the names of the GPUs that this process may use, as CUDA_VISIBLE_DEVICES has them.

    Args:
        environment: Where CUDA_VISIBLE_DEVICES may be set; the process's by default.
        files: Where the driver keeps one file per GPU.

    Example:
        >>> visible_devices({"CUDA_VISIBLE_DEVICES": "2,3"}), visible_devices({VARIABLE: ""})
        (['2', '3'], [])
    """
    chosen = (os.environ if environment is None else environment).get(VARIABLE)
    if chosen is None:
        numbers = (_DEVICE_FILE.fullmatch(path.name) for path in files.glob("nvidia*"))
        # Behind CUDA, devices count from 0 whatever their files are called.
        return [str(index) for index in range(sum(match is not None for match in numbers))]
    names = [name.strip() for name in chosen.split(",")]
    # What stands behind an entry that names no device is not seen by CUDA either.
    end = next((i for i, name in enumerate(names) if name in ("", "-1")), len(names))
    return names[:end]


def device_of_place(place: int) -> dict[str, str]:
    """Return the environment that gives a place its own GPU; empty unless there are several."""
    devices = visible_devices()
    return {VARIABLE: devices[place % len(devices)]} if len(devices) > 1 else {}

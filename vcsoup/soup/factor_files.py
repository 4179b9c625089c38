"""An adapter's factors as numpy arrays, read without torch: what the screens can afford.

The twin with torch is `vcsoup.soup.adapters`. Reads float16, bfloat16, float32 and float64.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, deserialize

from vcsoup.errors import AdapterError
from vcsoup.soup.adapter_settings import (
    PREFIX,
    WEIGHTS_FILE,
    adapted_modules,
    rank_and_scale,
    read_settings,
)

FloatArray = npt.NDArray[np.float64]
Half = tuple[FloatArray, FloatArray, float]  # A (r, in), B (out, r), scale
_DTYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8"}


def read_halves(path: Path) -> dict[str, Half]:
    """Read the factors of every module that an adapter changes.

    Args:
        path: Adapter folder.

    Returns:
        Module -> (A of shape (r, in), B of shape (out, r), scale), float64.

    Raises:
        NotFoundError: no adapter there.
        AdapterError: no plain LoRA adapter, or tensors that do not fit its configuration.
    """
    config = read_settings(path)
    tensors = _read_tensors(path / WEIGHTS_FILE)
    halves = {}
    for module in adapted_modules(path.name, tensors):
        A, B = (tensors.get(f"{PREFIX}{module}.lora_{side}.weight") for side in "AB")
        rank, scale = rank_and_scale(config, module)
        if A is None or B is None or A.ndim != 2 or not A.shape[0] == B.shape[-1] == rank:
            raise AdapterError(
                f"{path.name}, {module}: expected A ({rank}, in) and B (out, {rank}); save it again"
            )
        halves[module] = (A, B, scale)
    return halves


def _read_tensors(path: Path) -> dict[str, FloatArray]:
    """Every tensor of a safetensors file as float64; numpy itself knows no bfloat16."""
    try:
        entries = deserialize(path.read_bytes())
    except SafetensorError as error:
        raise AdapterError(f"{path} cannot be read ({error}); copy it again") from error
    return {name: _numbers(path, entry) for name, entry in entries}


def _numbers(path: Path, entry: Mapping[str, Any]) -> FloatArray:
    if entry["dtype"] == "BF16":  # the upper half of a float32
        words = np.frombuffer(entry["data"], dtype="<u2").astype(np.uint32) << 16
        numbers = words.view(np.float32)
    elif entry["dtype"] in _DTYPES:
        numbers = np.frombuffer(entry["data"], dtype=_DTYPES[entry["dtype"]])
    else:
        raise AdapterError(f"{path} holds {entry['dtype']} numbers; save it in float32")
    return numbers.reshape(entry["shape"]).astype(np.float64)

"""Read a LoRA adapter folder (PEFT layout) into the plain tensors of its deltas.

A policy of the method is one adapter per value; everything a soup needs of it is, per module,
the factors A (r, in), B (out, r) and a scale s with delta = s * B @ A. Settings that mean more
than that (DoRA, trained biases, saved modules, initialisations that change the base, ...) are
refused by name (`adapter_settings`) rather than merged wrongly. Reads `adapter_model.safetensors`
only: no pickle.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from vcsoup.errors import AdapterError
from vcsoup.fingerprint import model_fingerprint
from vcsoup.home_paths import from_home
from vcsoup.soup.adapter_settings import (
    MANIFEST_FILE,
    PREFIX,
    WEIGHTS_FILE,
    adapted_modules,
    rank_and_scale,
    read_settings,
)


@dataclass(frozen=True)
class Factors:
    """One module's delta in factors: delta = scale * B @ A, with A (r, in) and B (out, r)."""

    A: torch.Tensor
    B: torch.Tensor
    scale: float

    @property
    def rank(self) -> int:
        """How many rows A has."""
        return self.A.shape[0]


@dataclass(frozen=True)
class Adapter:
    """A LoRA adapter as tensors.

    Attributes:
        name: The folder's name.
        path: The folder.
        base: Base model as the adapter's configuration names it (folder or hub id), "" if unnamed.
        base_fingerprint: Content name of the base, None when it is nowhere recorded.
        config: `adapter_config.json` as read.
        factors: Module path inside the base model -> its factors, float32, on the CPU.
    """

    name: str
    path: Path
    base: str
    base_fingerprint: str | None
    config: Mapping[str, Any]
    factors: Mapping[str, Factors]


def load_adapter(path: Path) -> Adapter:
    """Read an adapter folder.

    Args:
        path: Folder with `adapter_config.json` and `adapter_model.safetensors`.

    Returns:
        The adapter; `scale` is alpha / r, or alpha / sqrt(r) for rsLoRA, per module where
        `rank_pattern` or `alpha_pattern` say so.

    Raises:
        NotFoundError: no such folder, or one of the two files is missing.
        AdapterError: not a plain LoRA adapter; the setting or tensor is named with what to do.

    Example:
        ```python
        adapter = load_adapter(Path("adapters/helpful-filtered-1"))
        A, B, s = (f := adapter.factors["model.layers.0.self_attn.q_proj"]).A, f.B, f.scale
        delta = s * B @ A
        ```
    """
    config = read_settings(path)
    base = str(config.get("base_model_name_or_path") or "")
    return Adapter(
        name=path.name,
        path=path,
        base=base,
        base_fingerprint=_base_fingerprint(path, base),
        config=config,
        factors=_read_factors(path, config),
    )


def check_same_base(
    adapters: Sequence[Adapter], *, base: str | None = None, revision: str | None = None
) -> None:
    """Refuse adapters that were trained on different base models.

    Bases are compared by content where it is recorded or can be read, else by name; a name that
    cannot be read here (a folder that moved) says nothing, and shapes decide at load time.

    Args:
        adapters: One or more adapters.
        base: Base model (folder or hub id) they are going to be used with, if known.
        revision: Its revision on the hub.

    Raises:
        AdapterError: two bases differ, or the list is empty.
    """
    if not adapters:
        raise AdapterError("expected at least one adapter, got none; train or add one first")
    first = adapters[0]
    name = base if base is not None else first.base
    known = _content_of(name) if base is not None else first.base_fingerprint
    for adapter in adapters:
        if _differs(name, known, adapter):
            raise AdapterError(
                f"adapter {adapter.name} belongs to base model {adapter.base or 'unknown'}, "
                f"expected {name}; use adapters trained on one base model"
            )
        if base is not None and _of_another_revision(base, revision, adapter):
            raise AdapterError(
                f"adapter {adapter.name} was trained on another revision of {base} than "
                f"{revision or 'main'}; load the base at the revision that it was trained on"
            )


def _read_factors(path: Path, config: Mapping[str, Any]) -> dict[str, Factors]:
    try:
        tensors = load_file(path / WEIGHTS_FILE)
    except SafetensorError as error:
        raise AdapterError(
            f"{path / WEIGHTS_FILE} cannot be read ({error}); copy it again"
        ) from error
    modules = adapted_modules(path.name, tensors)
    return {module: _factors(path, config, module, tensors) for module in modules}


def _factors(
    path: Path, config: Mapping[str, Any], module: str, tensors: Mapping[str, torch.Tensor]
) -> Factors:
    A, B = (tensors.get(f"{PREFIX}{module}.lora_{side}.weight") for side in "AB")
    rank, scale = rank_and_scale(config, module)
    shapes = [() if side is None else tuple(side.shape) for side in (A, B)]
    whole = [len(shape) for shape in shapes] == [2, 2] and shapes[0][0] == shapes[1][1] == rank
    if A is None or B is None or not whole:
        raise AdapterError(
            f"{path.name}, {module}: expected A ({rank}, in) and B (out, {rank}), "
            f"got {shapes[0]} and {shapes[1]}; save the adapter again"
        )
    if not (torch.isfinite(A).all() and torch.isfinite(B).all()):
        raise AdapterError(f"{path.name}, {module}: weights are not finite; train it again")
    return Factors(A.float(), B.float(), scale)


def _base_fingerprint(path: Path, base: str) -> str | None:
    manifest = path / MANIFEST_FILE
    if manifest.is_file():
        try:
            told = json.loads(manifest.read_text(encoding="utf-8"))
        except ValueError as error:
            raise AdapterError(
                f"{manifest} is not JSON ({error}); copy the adapter again, or remove that file"
            ) from error
        if isinstance(told, dict) and (recorded := told.get("base_fingerprint")):
            return str(recorded)
    return _content_of(base)


def _content_of(base: str) -> str | None:
    return model_fingerprint(base) if base and from_home(base).is_dir() else None


def _differs(name: str, known: str | None, adapter: Adapter) -> bool:
    if known and adapter.base_fingerprint:
        return known != adapter.base_fingerprint
    both_on_hub = all(base and not Path(base).is_absolute() for base in (name, adapter.base))
    return both_on_hub and name != adapter.base and not known


def _of_another_revision(base: str, revision: str | None, adapter: Adapter) -> bool:
    if base != adapter.base or not adapter.base_fingerprint or from_home(base).exists():
        return False
    on_hub = not Path(base).is_absolute()
    return on_hub and model_fingerprint(base, revision=revision) != adapter.base_fingerprint

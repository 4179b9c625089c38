"""Read a LoRA adapter folder (PEFT layout) into the plain tensors of its deltas.

A policy of the method is one adapter per value; everything a soup needs of it is, per module,
the factors A (r, in), B (out, r) and a scale s with delta = s * B @ A. Settings that mean more
than that (DoRA, trained biases, saved modules, initialisations that change the base, ...) are
refused by name rather than merged wrongly. Reads `adapter_model.safetensors` only: no pickle.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from vcsoup.errors import AdapterError, NotFoundError
from vcsoup.fingerprint import model_fingerprint

WEIGHTS_FILE = "adapter_model.safetensors"
CONFIG_FILE = "adapter_config.json"
MANIFEST_FILE = "manifest.json"
PREFIX = "base_model.model."

# Initialisations that leave the base as it is; the others (pissa, olora, corda, loftq, lora_ga)
# subtract something from it, so their factors alone are not the delta.
_PLAIN_INITS = (True, False, None, "gaussian", "eva", "orthogonal")
# Settings without influence on the delta, or read below. Any other truthy setting is refused.
_KNOWN_SETTINGS = frozenset(
    "task_type peft_type auto_mapping peft_version base_model_name_or_path revision inference_mode "
    "r target_modules exclude_modules lora_alpha lora_dropout fan_in_fan_out bias use_rslora "
    "init_lora_weights layers_to_transform layers_pattern rank_pattern alpha_pattern megatron_core "
    "loftq_config eva_config corda_config lora_ga_config qalora_group_size "
    "ensure_weight_tying".split()
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
    config = _read_config(path)
    _refuse_unmergeable(path, config)
    base = config.get("base_model_name_or_path") or ""
    return Adapter(
        name=path.name,
        path=path,
        base=base,
        base_fingerprint=_base_fingerprint(path, base),
        config=config,
        factors=_read_factors(path, config),
    )


def check_same_base(adapters: Sequence[Adapter], *, base: str | None = None) -> None:
    """Refuse adapters that were trained on different base models.

    Bases are compared by content where it is recorded or can be read, else by name; a name that
    cannot be read here (a folder that moved) says nothing, and shapes decide at load time.

    Args:
        adapters: One or more adapters.
        base: Base model (folder or hub id) they are going to be used with, if known.

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


def pattern_value(patterns: Mapping[str, Any], module: str, default: Any) -> Any:
    """The entry of PEFT's `rank_pattern` or `alpha_pattern` that applies to a module.

    Example:
        >>> pattern_value({"q_proj": 16}, "layers.0.self_attn.q_proj", 8)
        16
    """
    for key, value in patterns.items():
        if re.match(rf"(.*\.)?({key})$", module):
            return value
    return default


def _read_config(path: Path) -> dict[str, Any]:
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        if not (path / name).is_file():
            hint = (
                "; convert adapter_model.bin to safetensors with peft (save_pretrained) first"
                if (path / "adapter_model.bin").is_file() and name == WEIGHTS_FILE
                else "; give the folder that peft's save_pretrained wrote"
            )
            raise NotFoundError(f"no {name} in {path}{hint}")
    try:
        config = json.loads((path / CONFIG_FILE).read_text())
    except ValueError as error:
        raise AdapterError(f"{path / CONFIG_FILE} is not JSON ({error}); save it again") from error
    if not isinstance(config, dict):
        raise AdapterError(f"{path / CONFIG_FILE} holds no settings; save the adapter again")
    return config


def _refuse_unmergeable(path: Path, config: Mapping[str, Any]) -> None:
    kind = config.get("peft_type")
    if kind != "LORA":
        raise AdapterError(f"{path.name} is a {kind} adapter, expected LORA; train it with LoRA")
    if config.get("bias", "none") != "none":
        raise AdapterError(
            f"{path.name} has trained biases (bias={config['bias']!r}), which do not merge as "
            "B @ A; train it with bias='none'"
        )
    if config.get("init_lora_weights", True) not in _PLAIN_INITS:
        raise AdapterError(
            f"{path.name} was initialised with {config['init_lora_weights']!r}, which changes the "
            "base model; convert it to plain LoRA on saving (path_initial_model_for_weight_"
            "conversion) or train with the default initialisation"
        )
    strange = sorted(key for key, value in config.items() if value and key not in _KNOWN_SETTINGS)
    if strange:
        raise AdapterError(
            f"{path.name} uses {', '.join(strange)}, which a sum of B @ A cannot carry; "
            "train it as plain LoRA (or rsLoRA) without"
        )


def _read_factors(path: Path, config: Mapping[str, Any]) -> dict[str, Factors]:
    try:
        tensors = load_file(path / WEIGHTS_FILE)
    except SafetensorError as error:
        raise AdapterError(
            f"{path / WEIGHTS_FILE} cannot be read ({error}); copy it again"
        ) from error
    modules = _modules(path, tensors)
    return {module: _factors(path, config, module, tensors) for module in modules}


def _modules(path: Path, tensors: Iterable[str]) -> list[str]:
    modules, strange = set(), set()
    for key in tensors:
        match = re.fullmatch(rf"{re.escape(PREFIX)}(.+)\.lora_[AB]\.weight", key)
        (modules.add(match[1]) if match else strange.add(key))
    if strange or not modules:
        found = min(strange) if strange else "no tensors"
        raise AdapterError(
            f"{path.name} holds {found}, expected only lora_A and lora_B weights; train it on "
            "linear layers, without embeddings or saved modules"
        )
    return sorted(modules)


def _factors(
    path: Path, config: Mapping[str, Any], module: str, tensors: Mapping[str, torch.Tensor]
) -> Factors:
    A, B = (tensors.get(f"{PREFIX}{module}.lora_{side}.weight") for side in "AB")
    rank = pattern_value(config.get("rank_pattern") or {}, module, config.get("r"))
    shapes = [() if side is None else tuple(side.shape) for side in (A, B)]
    if [len(shape) for shape in shapes] != [2, 2] or not shapes[0][0] == shapes[1][1] == rank:
        raise AdapterError(
            f"{path.name}, {module}: expected A ({rank}, in) and B (out, {rank}), "
            f"got {shapes[0]} and {shapes[1]}; save the adapter again"
        )
    if not (torch.isfinite(A).all() and torch.isfinite(B).all()):
        raise AdapterError(f"{path.name}, {module}: weights are not finite; train it again")
    alpha = pattern_value(config.get("alpha_pattern") or {}, module, config.get("lora_alpha"))
    scale = alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)
    return Factors(A.float(), B.float(), float(scale))


def _base_fingerprint(path: Path, base: str) -> str | None:
    manifest = path / MANIFEST_FILE
    if manifest.is_file():
        recorded = json.loads(manifest.read_text()).get("base_fingerprint")
        if recorded:
            return str(recorded)
    return _content_of(base)


def _content_of(base: str) -> str | None:
    return model_fingerprint(base) if base and Path(base).expanduser().is_dir() else None


def _differs(name: str, known: str | None, adapter: Adapter) -> bool:
    if known and adapter.base_fingerprint:
        return known != adapter.base_fingerprint
    both_on_hub = all(base and not Path(base).is_absolute() for base in (name, adapter.base))
    return both_on_hub and name != adapter.base and not known

"""What an adapter's configuration means for its delta, read without torch.

The settings half of `vcsoup.soup.adapters`: which adapters a sum of B @ A can carry, which modules
they change, and the scale of each. The screens read small adapters through it (numpy); the tensors'
half is `adapters`. Settings that mean more than a sum are refused by name.
"""

import hashlib
import json
import math
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from vcsoup.errors import AdapterError, NotFoundError

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
_SCALING = ("r", "lora_alpha", "rank_pattern", "alpha_pattern", "use_rslora")


def read_settings(path: Path) -> dict[str, Any]:
    """Read an adapter's configuration, refusing what a sum of B @ A cannot carry.

    Args:
        path: Folder with `adapter_config.json` and `adapter_model.safetensors`.

    Returns:
        The configuration as written.

    Raises:
        NotFoundError: no such folder, or one of the two files is missing.
        AdapterError: not a plain LoRA adapter; the setting is named with what to do.
    """
    config = _read_config(path)
    _refuse_unmergeable(path, config)
    return config


def adapted_modules(name: str, tensors: Iterable[str]) -> list[str]:
    """The modules that an adapter changes, from the names of its tensors.

    Args:
        name: The adapter's name, for the message.
        tensors: Names of all its tensors.

    Returns:
        Module paths inside the base model, sorted.

    Raises:
        AdapterError: no tensors, or one that is no LoRA factor of a linear layer.

    Example:
        >>> adapted_modules("mine", ["base_model.model.q.lora_A.weight"])
        ['q']
    """
    modules, strange = set(), set()
    for key in tensors:
        match = re.fullmatch(rf"{re.escape(PREFIX)}(.+)\.lora_[AB]\.weight", key)
        (modules.add(match[1]) if match else strange.add(key))
    if strange or not modules:
        found = min(strange) if strange else "no tensors"
        raise AdapterError(
            f"{name} holds {found}, expected only lora_A and lora_B weights; train it on "
            "linear layers, without embeddings or saved modules"
        )
    return sorted(modules)


def rank_and_scale(config: Mapping[str, Any], module: str) -> tuple[int, float]:
    """Rank and scale of one module's delta: alpha / r, or alpha / sqrt(r) for rsLoRA.

    Example:
        >>> rank_and_scale({"r": 4, "lora_alpha": 8, "alpha_pattern": {"q": 2}}, "layers.0.q")
        (4, 0.5)
    """
    rank = int(pattern_value(config.get("rank_pattern") or {}, module, config.get("r")))
    alpha = pattern_value(config.get("alpha_pattern") or {}, module, config.get("lora_alpha"))
    return rank, float(alpha / (math.sqrt(rank) if config.get("use_rslora") else rank))


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


def delta_hash(path: Path) -> str:
    """Name the delta of an adapter: its weights and what scales them, 16 hex characters.

    Blind to the folder's name and to where the base lies, so an adapter keeps it when it moves.

    Raises:
        NotFoundError, AdapterError: as `read_settings`.
    """
    config = read_settings(path)
    digest = hashlib.sha256()
    digest.update(json.dumps([config.get(key) for key in _SCALING], sort_keys=True).encode())
    with (path / WEIGHTS_FILE).open("rb") as file:
        digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


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
        config = json.loads((path / CONFIG_FILE).read_text(encoding="utf-8"))
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
    _check_numbers(path.name, config, ("r", "rank_pattern"), whole=True)
    _check_numbers(path.name, config, ("lora_alpha", "alpha_pattern"), whole=False)
    strange = sorted(key for key, value in config.items() if value and key not in _KNOWN_SETTINGS)
    if strange:
        raise AdapterError(
            f"{path.name} uses {', '.join(strange)}, which a sum of B @ A cannot carry; "
            "train it as plain LoRA (or rsLoRA) without"
        )


def _check_numbers(
    name: str, config: Mapping[str, Any], keys: tuple[str, str], *, whole: bool
) -> None:
    """Refuse entries that give a delta no rank or no scale: one for all modules, and patterns."""
    patterns = config.get(keys[1]) or {}
    if not isinstance(patterns, dict):
        raise AdapterError(
            f"{name} has {keys[1]} = {patterns!r}, expected numbers by module; save it again"
        )
    entries = {keys[0]: config.get(keys[0])}
    for module, entry in patterns.items():
        entries[f"{keys[1]}[{module!r}]"] = entry
        try:
            re.compile(module)
        except re.error as error:
            raise AdapterError(
                f"{name} has a {keys[1]} that names {module!r}, which is no regular expression "
                f"({error}); correct it in {CONFIG_FILE}"
            ) from error
    for where, entry in entries.items():
        if not (_is_rank(entry) if whole else _is_finite(entry)):
            form = "a whole number of at least 1" if whole else "a number"
            raise AdapterError(
                f"{name} has {where} = {entry!r}, expected {form}, which scales its delta; "
                "save it again"
            )


def _is_rank(entry: Any) -> bool:
    return isinstance(entry, int) and entry >= 1


def _is_finite(entry: Any) -> bool:
    return isinstance(entry, int | float) and abs(entry) <= sys.float_info.max

"""Write a merged adapter as a plain PEFT folder: weights, configuration, recipe, more texts.

Written aside and renamed, the manifest last, so a folder is whole or absent.
"""

import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import peft
import torch
from safetensors.torch import save_file

from vcsoup.errors import AdapterError
from vcsoup.soup.adapter_settings import CONFIG_FILE, MANIFEST_FILE, PREFIX, WEIGHTS_FILE
from vcsoup.soup.merge import Merged


def save_merged(
    merged: Merged,
    path: Path,
    *,
    base: str | None = None,
    recipe: Mapping[str, Any] | None = None,
    texts: Mapping[str, str] | None = None,
) -> Path:
    """Write a merged adapter as a plain PEFT folder, with its recipe in `manifest.json`.

    The folder is written aside and renamed, the manifest last, so `path` is whole or absent.

    Args:
        merged: What to write.
        path: New folder; its parent is made when missing.
        base: Where the base lies now; None names it as the first adapter does.
        recipe: More entries for the manifest (project, values, group, ...).
        texts: More files: name -> text, such as a model card.

    Returns:
        `path`.

    Raises:
        AdapterError: `path` exists already.
    """
    if path.exists():
        raise AdapterError(f"{path} exists already; choose another folder or remove it")
    with whole_folder(path) as aside:
        save_file(_state_dict(merged), aside / WEIGHTS_FILE, metadata={"format": "pt"})
        (aside / CONFIG_FILE).write_text(json.dumps(peft_config(merged, base), indent=2))
        for name, text in (texts or {}).items():
            (aside / name).write_text(text, encoding="utf-8")
        (aside / MANIFEST_FILE).write_text(json.dumps(_manifest(merged, recipe or {}), indent=2))
    return path


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A folder beside `path` that takes its name when the block succeeds, and goes otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        aside.chmod(0o755)
        yield aside
        aside.replace(path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def peft_config(merged: Merged, base: str | None = None) -> dict[str, Any]:
    """The `adapter_config.json` of a merged adapter: plain LoRA with scale 1 in every module."""
    first = merged.sources[0].config
    ranks = {module: factors.rank for module, factors in merged.factors.items()}
    odd = {re.escape(module): rank for module, rank in ranks.items() if rank != merged.rank}
    kept = ("target_modules", "exclude_modules", "layers_to_transform", "layers_pattern")
    targets = {key: first.get(key) for key in kept}
    alike = all(
        {key: a.config.get(key) for key in kept} == targets and set(a.factors) == set(ranks)
        for a in merged.sources
    )
    if not alike:
        targets = {"target_modules": sorted(merged.factors)}
    return {
        "peft_type": "LORA",
        "peft_version": peft.__version__,
        "task_type": first.get("task_type"),
        "base_model_name_or_path": base or merged.sources[0].base,
        "revision": first.get("revision"),
        "inference_mode": True,
        "r": merged.rank,
        "lora_alpha": merged.rank,
        "rank_pattern": odd,
        "alpha_pattern": odd,
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": bool(first.get("fan_in_fan_out")),
        "init_lora_weights": True,
        **targets,
    }


def _state_dict(merged: Merged) -> dict[str, torch.Tensor]:
    tensors = {}
    for module, factors in merged.factors.items():
        tensors[f"{PREFIX}{module}.lora_A.weight"] = factors.A.contiguous()
        tensors[f"{PREFIX}{module}.lora_B.weight"] = (factors.scale * factors.B).contiguous()
    return tensors


def _manifest(merged: Merged, recipe: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "kind": "soup",
        "method": merged.method,
        "relative_error": merged.relative_error,
        "rank": merged.rank,
        "base": merged.sources[0].base,
        "base_fingerprint": merged.sources[0].base_fingerprint,
        "adapters": [
            {"name": source.name, "weight": weight}
            for source, weight in zip(merged.sources, merged.weights, strict=True)
        ],
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"peft": peft.__version__, "torch": torch.__version__},
        **recipe,
    }

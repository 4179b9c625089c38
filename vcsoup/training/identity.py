"""What decides where a training run ends, so that a finished one is known again.

A checkpoint names the run that it belongs to, and an adapter's manifest records the same entries:
equal ones mean the same adapter. Torch-free, so that a plan can be made without loading a model.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import pandas as pd

from vcsoup.base_models.settings import AS_ALWAYS, BaseLoading, base_loading
from vcsoup.fingerprint import model_fingerprint
from vcsoup.preferences.pairs import pair_id
from vcsoup.training.config import ONLY_SEEN, TrainConfig


def run_identity(
    pairs: pd.DataFrame, config: TrainConfig, *, base: str, loading: BaseLoading = AS_ALWAYS
) -> dict[str, Any]:
    """What decides where a run ends: its pairs, its base and its configuration, flat."""
    fields = config.model_dump(mode="json", exclude=set(ONLY_SEEN))
    content = model_fingerprint(base, revision=loading.revision)
    named = {"pairs": pairs_hash(pairs), "base": numbers_of(content, loading)}
    return {**named, **fields}


def numbers_of(base_fingerprint: str, loading: BaseLoading) -> str:
    """Name the numbers that a base computes: its content, and how it is kept in memory.

    Example:
        >>> numbers_of("0123", BaseLoading(quantization="4bit")), numbers_of("0123", AS_ALWAYS)
        ('0123/4bit', '0123')
    """
    return "/".join([base_fingerprint, *loading.deciding.values()])


def is_run(manifest: Mapping[str, Any], identity: Mapping[str, Any]) -> bool:
    """Tell whether an adapter's manifest records a run of this identity.

    Args:
        manifest: What `train_value` wrote; an older one may lack fields of today's configuration.
        identity: What `run_identity` says.
    """
    config = manifest.get("config") or {}
    loading = base_loading(manifest.get("base_loading") or {})
    base = numbers_of(str(manifest.get("base_fingerprint")), loading)
    recorded = {"pairs": manifest.get("pairs_hash"), "base": base}
    recorded |= {name: config.get(name) for name in identity if name not in recorded}
    return all(recorded[name] == entry for name, entry in identity.items())


def pairs_hash(pairs: pd.DataFrame) -> str:
    """Name a pair table by the content and order of its pairs: 16 hex characters."""
    digest = hashlib.sha256()
    for pair in pairs[["prompt", "chosen", "rejected"]].itertuples(index=False):
        digest.update(pair_id(*pair).encode())
    return digest.hexdigest()[:16]

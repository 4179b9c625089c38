"""Where a run's adapter comes from, and what has changed upstream since it was trained.

The manifest names the pairs, the filter, the scale, the rewards, the seed and the base of the
adapter; each is compared with what the project has now. No streamlit here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vcsoup.base_models.settings import base_loading
from vcsoup.filtering import PairFilter
from vcsoup.fingerprint import known_fingerprint
from vcsoup.numbers import count, plain, plural
from vcsoup.workspace import AdapterInfo, Project


@dataclass(frozen=True)
class Origin:
    """One line of a lineage.

    Attributes:
        name: What it is about, such as "pairs".
        was: What the adapter was trained with.
        changed: What it is now, in words; "" while it is the same.
    """

    name: str
    was: str
    changed: str = ""


def adapters_by_job(adapters: Sequence[AdapterInfo]) -> dict[str, list[AdapterInfo]]:
    """Return the adapters that each job made, newest first, by the job's id."""
    found: dict[str, list[AdapterInfo]] = {}
    for info in adapters:
        if job := info.manifest.get("job"):
            found.setdefault(str(job), []).append(info)
    return found


def stale_reasons(info: AdapterInfo, project: Project) -> list[str]:
    """Say what has changed upstream of an adapter since it was trained; empty while nothing has."""
    return [f"{one.name}: {one.changed}" for one in lineage(info, project) if one.changed]


def lineage(info: AdapterInfo, project: Project) -> list[Origin]:
    """Say where an adapter comes from.

    Args:
        info: The adapter.
        project: Its project, as it is now.

    Returns:
        Pairs, filter, scale, rewards, seeds and base, each with what has changed since.
    """
    manifest = info.manifest
    return [
        _pairs(manifest, info.value, project),
        _filter(info, project),
        *_rewards(info, project),
        _seeds(manifest),
        _base(manifest, project),
    ]


def _pairs(manifest: Mapping[str, Any], value: str, project: Project) -> Origin:
    was = str(manifest.get("data_hash") or "not recorded")
    kept, total = manifest.get("n_pairs"), manifest.get("n_pairs_all")
    told = f"{count(kept)} of {count(total)} pairs, " if kept and total else ""
    held = manifest.get("n_heldout")
    told += f"{count(held)} of them held out to watch the run, " if told and held else ""
    present = project.datasets().get(value)
    changed = ""
    if present is None:
        changed = "the dataset was removed"
    elif manifest.get("data_hash") and present.hash != was:
        changed = (
            f"the dataset is another one now ({present.hash[:8]}, {plural(present.n, 'pair')})"
        )
    return Origin("Pairs", f"{told}dataset {was[:8]}", changed)


def _filter(info: AdapterInfo, project: Project) -> Origin:
    was = info.pair_filter
    if was is None:
        return Origin("Filter", "none, all pairs")
    now = project.filters()[info.value]
    changed = "" if was == now else f"the saved filter is {filter_words(now)} now"
    return Origin("Filter", filter_words(was), changed)


def filter_words(kept: PairFilter) -> str:
    """Say a filter in words.

    Example:
        >>> filter_words(PairFilter(threshold=0.5, min_norm=1.0))
        'threshold 0.50, norm at least 1.00'
    """
    parts = ["no threshold" if kept.threshold is None else f"threshold {plain(kept.threshold)}"]
    parts += [f"norm at least {plain(kept.min_norm)}"] if kept.min_norm else []
    parts += ["likely flips exchanged"] if kept.flip else []
    return ", ".join(parts)


def _rewards(info: AdapterInfo, project: Project) -> list[Origin]:
    """Scale and rewards decide what a filter keeps; without one they play no part."""
    if info.pair_filter is None:
        return []
    scale = info.manifest.get("scale")
    now = project.config.scale
    found = []
    if scale:
        words = {"dataset": "per dataset", "shared": "shared by all datasets"}
        changed = "" if scale == now else f"the project's scale is {words[now]} now"
        found.append(Origin("Scale", words.get(scale, str(scale)), changed))
    if stamp := info.manifest.get("reward_stamp"):
        present = project.rewards_stamp(info.value)
        changed = ""
        if present != stamp:
            changed = "the pairs were scored again" if present else "the rewards are out of date"
        found.append(Origin("Rewards", str(stamp)[:8], changed))
    return found


def _seeds(manifest: Mapping[str, Any]) -> Origin:
    config = manifest.get("config") or {}
    return Origin(
        "Seed", f"{config.get('seed', '?')}, start of LoRA A {config.get('init_seed', '?')}"
    )


def _base(manifest: Mapping[str, Any], project: Project) -> Origin:
    was, chosen = str(manifest.get("base_fingerprint") or ""), project.config
    now = known_fingerprint(chosen.base, revision=chosen.loading.revision)
    loaded = base_loading(manifest.get("base_loading") or {})
    changed = ""
    if was and now and was != now:
        changed = f"the project's base is another model now ({now[:8]})"
    elif not now and manifest.get("base") != chosen.base:
        changed = f"the project's base is {chosen.base} now"
    elif loaded.deciding != chosen.loading.deciding:
        changed = f"the project loads its base otherwise now ({chosen.loading.title or 'as it is'})"
    told = f"{manifest.get('base', 'not recorded')} {was[:8]}".strip()
    return Origin("Base", ", ".join(filter(None, [told, loaded.title])), changed)

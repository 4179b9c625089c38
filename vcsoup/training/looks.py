"""Looks at the held-out pairs, and when a run has collapsed.

A run has collapsed when its loss is no number, when the held-out loss stays above that of the
untouched base (log 2, the DPO loss at zero margin), or when the held-out chosen answers have lost
so much probability that the text falls apart. Torch-free.
"""

import math
from dataclasses import dataclass

from vcsoup.training.config import TrainConfig

BASE_LOSS = math.log(2)


@dataclass(frozen=True)
class Look:
    """One look at the held-out pairs; `drift` is in nats per token of the chosen answers."""

    step: int
    heldout_loss: float
    heldout_accuracy: float
    heldout_margin: float
    drift: float


def collapse_reason(looks: list[Look], config: TrainConfig) -> str | None:
    """Say why a run has collapsed, or None while it is sound.

    Args:
        looks: All looks so far, oldest first.
        config: `patience` and `max_drift`.

    Example:
        >>> collapse_reason([Look(20, math.nan, 0.5, 0.0, 0.0)], TrainConfig())
        'the held-out loss is no number at step 20'
    """
    if not looks:
        return None
    last = looks[-1]
    if not math.isfinite(last.heldout_loss):
        return f"the held-out loss is no number at step {last.step}"
    if last.drift < -config.max_drift:
        return (
            f"held-out chosen answers lost {-last.drift:.2f} nats per token by step {last.step} "
            f"(max_drift {config.max_drift:g})"
        )
    worse = [look.heldout_loss > BASE_LOSS for look in looks[-config.patience :]]
    if config.patience and len(worse) == config.patience and all(worse):
        return (
            f"the held-out loss {last.heldout_loss:.3f} stayed above the base's 0.693 for "
            f"{config.patience} looks, until step {last.step} (patience "
            f"{config.patience}; with few held-out pairs this may be chance, 0 lets it be)"
        )
    return None

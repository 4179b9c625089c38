"""When a run counts as collapsed."""

import math

import pytest

from vcsoup.training.config import train_config
from vcsoup.training.looks import Look, collapse_reason

CONFIG = train_config(patience=2, max_drift=1.0)


def look(step: int, loss: float, *, drift: float = -0.1) -> Look:
    return Look(step, heldout_loss=loss, heldout_accuracy=0.6, heldout_margin=0.1, drift=drift)


@pytest.mark.parametrize(
    ("looks", "words"),
    [
        ([], None),
        ([look(10, 0.60)], None),
        ([look(10, 0.70)], None),  # worse than log 2 = 0.693 once: patience 2
        ([look(10, 0.70), look(20, 0.71)], "stayed above the base's 0.693 for 2 looks"),
        ([look(10, 0.70), look(20, 0.69), look(30, 0.71)], None),  # 0.69 < log 2 between
        ([look(10, 0.50), look(20, 0.55), look(30, 0.60)], None),  # overfitting, yet above base
        ([look(10, math.nan)], "no number at step 10"),
        ([look(10, math.inf)], "no number at step 10"),
        ([look(10, 0.60, drift=-1.01)], "lost 1.01 nats per token by step 10"),
        ([look(10, 0.60, drift=+1.01)], None),
    ],
)
def test_collapse_by_hand(looks, words):
    reason = collapse_reason(looks, CONFIG)
    assert (reason is None) if words is None else (words in reason)


def test_patience_zero_never_judges_the_loss():
    looks = [look(step, 2.0) for step in range(10)]
    assert collapse_reason(looks, train_config(patience=0)) is None

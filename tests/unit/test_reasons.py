"""Reasons for dropped pairs that the consistency alone does not explain."""

import pytest

from vcsoup.numbers import MINUS, SIGMA
from vcsoup.reasons import keep_reason


@pytest.mark.parametrize(
    ("gaps", "min_norm", "reason"),
    [
        ({"a": 0.2, "b": -0.06}, 0.5, "weak evidence: norm 0.21 below 0.50"),
        ({"a": 0.3, "b": 0.4}, 0.50001, "weak evidence: norm 0.50000 below 0.50001"),
        ({"a": 0.0, "b": 0.0}, 0.5, "weak evidence: norm 0.00 below 0.50"),
    ],
)
def test_a_dropped_pair_below_the_least_norm_is_weak_evidence(gaps, min_norm, reason):
    """Norms: sqrt(0.0436) = 0.2088; exactly 0.5; 0."""
    assert keep_reason(gaps, kept=False, min_norm=min_norm) == reason


def test_the_least_norm_explains_no_other_pair():
    assert keep_reason({"a": 0.2, "b": 0.1}, kept=True, min_norm=0.5) == "both values agree"
    at_it = keep_reason({"a": 0.3, "b": -0.4}, kept=False, min_norm=0.5)
    assert at_it.startswith("b")


@pytest.mark.parametrize(
    ("gaps", "reason"),
    [
        ({"a": 1.4, "b": -2.8}, f"a +1.40 {SIGMA} against b {MINUS}2.80 {SIGMA}"),
        ({"a": 1.4, "b": -1.4}, f"a +1.40 {SIGMA} against b {MINUS}1.40 {SIGMA}"),
        ({"a": 2.0, "b": -1.5, "c": -1.5}, f"a +2.00 {SIGMA} against b {MINUS}1.50 {SIGMA}"),
        ({"a": 1.0, "b": 0.9, "c": -1.5}, f"a and b together outweigh c {MINUS}1.50 {SIGMA}"),
        ({"a": 2.0, "b": 0.9, "c": -1.5}, f"a +2.00 {SIGMA} outweighs c {MINUS}1.50 {SIGMA}"),
    ],
)
def test_a_kept_pair_outweighs_only_what_is_less(gaps, reason):
    """Sums: -1.4; 0; -1; 0.4, of two gaps that are each below 1.5; 1.4, of one that is above it."""
    assert keep_reason(gaps, kept=True) == reason

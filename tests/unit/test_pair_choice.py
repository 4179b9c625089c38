"""Pages of pairs: the asked order, ties in the dataset's order, no pair lost or shown twice."""

import numpy as np
import pytest

from tests.app.fixture_project import HAND_GAPS
from vcsoup.filtering import PairFilter
from vcsoup.ui.measures import measure
from vcsoup.ui.pair_choice import ORDERS, choose_rows, verdict


def many(n=500):
    """Gaps of few different kinds, so that most consistencies are tied."""
    gaps = np.random.default_rng(0).integers(-2, 3, (n, 3)).astype(float)
    return measure(gaps, np.ones((n, 3), np.int32), ("a", "b", "c"))


def rank(measures, order, threshold):
    return {
        "closest to the threshold": np.abs(measures.consistency - threshold),
        "most consistent": -measures.consistency,
        "least consistent": measures.consistency,
        "strongest": -measures.norms,
        "weakest": measures.norms,
    }[order]


@pytest.mark.parametrize("order", ORDERS)
def test_the_pages_together_are_one_stable_sort(order):
    measures = many()
    wanted = np.arange(500) % 3 > 0
    pages = [
        choose_rows(measures, wanted, threshold=0.3, order=order, page=page) for page in range(40)
    ]
    rows = np.flatnonzero(wanted)
    expected = rows[np.argsort(rank(measures, order, 0.3)[rows], kind="stable")]
    assert np.concatenate(pages).tolist() == expected.tolist()


def test_verdicts_by_hand():
    measures = measure(HAND_GAPS, np.ones((10, 3), np.int32), ("a", "b"))
    strict = PairFilter(threshold=0.5)
    assert [verdict(measures, row, strict)[0] for row in (0, 4, 8)] == [
        "kept",
        "dropped",
        "dropped",
    ]
    flipping = PairFilter(threshold=0.5, flip=True)
    assert [verdict(measures, row, flipping)[0] for row in (0, 4, 8)] == [
        *("kept", "dropped", "exchanged"),
    ]
    weak = PairFilter(threshold=0.5, min_norm=3.0)
    assert verdict(measures, 0, weak) == ("dropped", "weak evidence: norm 2.83 below 3.00")
    assert verdict(measures, 9, weak)[0] == "kept"

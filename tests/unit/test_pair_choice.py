"""Pages of pairs: the asked order, ties in the dataset's order, no pair lost or shown twice."""

from dataclasses import replace

import numpy as np
import pytest

from tests.app.fixture_project import HAND_GAPS
from vcsoup.filtering import PairFilter
from vcsoup.ui.measures import measure
from vcsoup.ui.pair_choice import ORDERS, choose_rows, told_beside, verdict


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


@pytest.mark.parametrize(
    ("consistency", "norm", "chosen", "told"),
    [
        (0.1962, 1.0, PairFilter(threshold=0.2), ("+0.196", "1.00")),
        (0.1996, 1.0, PairFilter(threshold=0.2), ("+0.1996", "1.00")),
        (0.2004, 1.0, PairFilter(threshold=0.2), ("+0.20", "1.00")),
        (0.3043, 1.0, PairFilter(threshold=0.3012), ("+0.304", "1.00")),
        (-0.1962, 1.0, PairFilter(threshold=0.2), ("\N{MINUS SIGN}0.20", "1.00")),
        (-0.1962, 1.0, PairFilter(threshold=0.2, flip=True), ("\N{MINUS SIGN}0.196", "1.00")),
        (0.1962, 0.4981, PairFilter(threshold=None, min_norm=0.5), ("+0.20", "0.498")),
        (0.1999999999, 1.0, PairFilter(threshold=0.2), ("+0.200000", "1.00")),
    ],
)
def test_a_number_beside_its_limit_shows_on_which_side_it_is(consistency, norm, chosen, told):
    """Two decimals would read as the limit itself, and the pair as one of the other side."""
    one = measure(np.ones((1, 2)), np.ones((1, 3), np.int32), ("a", "b"))
    one = replace(one, consistency=np.array([consistency]), norms=np.array([norm]))
    assert told_beside(one, 0, chosen) == told

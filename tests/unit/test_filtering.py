"""What the filter keeps, and that it keeps nothing by accident."""

import numpy as np
import pandas as pd
import pytest

from vcsoup.errors import FilterError, GapShapeError
from vcsoup.filtering import PairFilter, keep_pairs, pair_filter
from vcsoup.preferences.pairs import make_pairs, pair_id

# Consistency 1, 0, -1, 1/sqrt(2); norms sqrt 2, sqrt 2, sqrt 8, 1.
GAPS = np.array([[1.0, 1.0], [1.0, -1.0], [-2.0, -2.0], [1.0, 0.0]])


@pytest.mark.parametrize(
    ("threshold", "min_norm", "kept"),
    [
        (None, 0.0, [True, True, True, True]),
        (-1.0, 0.0, [True, True, True, True]),
        (0.5, 0.0, [True, False, False, True]),
        (1.0, 0.0, [True, False, False, False]),
        (None, 1.5, [False, False, True, False]),
        (0.5, 1.0, [True, False, False, True]),
        (0.5, 1.1, [True, False, False, False]),
    ],
)
def test_a_pair_is_kept_when_its_values_agree_strongly_enough(threshold, min_norm, kept):
    chosen = PairFilter(threshold=threshold, min_norm=min_norm)
    assert chosen.mask(GAPS).tolist() == kept
    assert not chosen.flipped(GAPS).any()
    assert chosen.count(GAPS) == sum(kept)


@pytest.mark.parametrize(
    ("fields", "flipped"),
    [
        ({"threshold": 0.5}, [False, False, True, False]),
        ({"threshold": 1.0}, [False, False, True, False]),
        ({"threshold": 0.5, "min_norm": 3.0}, [False] * 4),
        ({"threshold": 0.5, "min_norm": 2.8}, [False, False, True, False]),
    ],
)
def test_flips_are_as_sure_and_as_strong_as_kept_pairs(fields, flipped):
    chosen = PairFilter(flip=True, **fields)
    assert chosen.flipped(GAPS).tolist() == flipped
    assert not (chosen.mask(GAPS) & chosen.flipped(GAPS)).any()
    assert chosen.count(GAPS) == chosen.mask(GAPS).sum() + sum(flipped)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"flip": True}, "label flips need a threshold above 0, got none"),
        ({"flip": True, "threshold": 0.0}, "got 0; raise it or leave flips out"),
        ({"flip": True, "threshold": -0.5}, "got -0"),
        ({"threshold": 1.5}, "threshold = 1.5"),
        ({"threshold": float("nan")}, "threshold = nan"),
        ({"min_norm": -1.0}, "min_norm = -1.0"),
        ({"min_norm": float("inf")}, "min_norm = inf"),
        ({"treshold": 0.5}, "treshold"),
    ],
)
def test_contradictions_are_refused_in_one_line(fields, message):
    with pytest.raises(FilterError, match=message) as caught:
        pair_filter(**fields)
    assert "\n" not in str(caught.value)


def test_kept_pairs_keep_their_order_and_get_a_fresh_index():
    pairs = pd.DataFrame({"id": list("abcd")}, index=[9, 8, 7, 6])
    kept = keep_pairs(pairs, GAPS, pair_filter=PairFilter(threshold=0.0, min_norm=1.2))
    assert kept["id"].tolist() == ["a", "b"]
    assert kept.index.tolist() == [0, 1]
    assert len(pairs) == 4


def test_flipped_pairs_have_their_answers_exchanged_and_a_new_id():
    pairs = make_pairs([f"q{i}" for i in range(4)], [f"c{i}" for i in range(4)], ["r"] * 4)
    before = pairs.copy(deep=True)
    kept = keep_pairs(pairs.iloc[::1], GAPS, pair_filter=PairFilter(threshold=0.9, flip=True))
    assert kept[["chosen", "rejected"]].values.tolist() == [["c0", "r"], ["r", "c2"]]
    assert kept["id"].tolist() == [pairs["id"][0], pair_id("q2", "r", "c2")]
    assert kept["prompt"].tolist() == [pairs["prompt"][0], pairs["prompt"][2]]
    pd.testing.assert_frame_equal(pairs, before)


def test_gaps_of_other_pairs_are_refused():
    with pytest.raises(GapShapeError, match="3 pairs came with 4 rows"):
        keep_pairs(pd.DataFrame({"id": list("abc")}), GAPS, pair_filter=PairFilter())

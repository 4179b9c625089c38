"""Which pairs a run trains on."""

import numpy as np
import pandas as pd
import pytest

from vcsoup.errors import GapShapeError
from vcsoup.training.filtering import PairFilter, keep_pairs

# Consistency of (3, 4): 7 / (5 sqrt 2) = 0.98995; of (1, 0): 1 / sqrt 2 = 0.70711; of (1, -1): 0.
GAPS = np.array([[3.0, 4.0], [1.0, 0.0], [1.0, -1.0], [-1.0, -1.0]])


@pytest.mark.parametrize(
    ("threshold", "min_norm", "kept"),
    [
        (None, 0.0, [True, True, True, True]),
        (0.0, 0.0, [True, True, True, False]),
        (0.71, 0.0, [True, False, False, False]),
        (0.0, 1.2, [True, False, True, False]),
        (None, 5.0, [True, False, False, False]),
    ],
)
def test_mask_by_hand(threshold, min_norm, kept):
    assert PairFilter(threshold=threshold, min_norm=min_norm).mask(GAPS).tolist() == kept


def test_kept_pairs_keep_their_order_and_get_a_fresh_index():
    pairs = pd.DataFrame({"id": list("abcd")})
    kept = keep_pairs(pairs, GAPS, pair_filter=PairFilter(threshold=0.0, min_norm=1.2))
    assert kept["id"].tolist() == ["a", "c"]
    assert kept.index.tolist() == [0, 1]
    assert pairs["id"].tolist() == list("abcd")


def test_pairs_and_gaps_must_match():
    with pytest.raises(GapShapeError, match="3 pairs came with 4 rows of gaps"):
        keep_pairs(pd.DataFrame({"id": list("abc")}), GAPS, pair_filter=PairFilter())

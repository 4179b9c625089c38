"""Lengths in figures."""

import numpy as np

from vcsoup.pair_statistics import length_statistics


def test_every_answer_is_in_a_bin_and_a_long_one_in_the_last():
    """199 answers of 10 characters and one of a million: 99 % reach 10, so 40 bins of 1."""
    lengths = np.full((100, 3), 10, dtype=np.int32)
    lengths[7, 2] = 1_000_000
    found = length_statistics(lengths)
    assert found.edges.tolist() == list(range(41))
    assert (found.chosen.sum(), found.rejected.sum()) == (100, 100)
    assert (found.chosen[10], found.rejected[10], found.rejected[-1]) == (100, 99, 1)
    assert (found.beyond, found.longest) == (1, (10, 10, 1_000_000))
    assert (found.chosen_longer, found.same_length) == (0.0, 0.99)


def test_one_pair_is_enough():
    found = length_statistics(np.array([[0, 1, 5_000]], dtype=np.int32))
    assert found.median == (0.0, 1.0, 5_000.0)
    assert found.chosen.sum() == found.rejected.sum() == 1

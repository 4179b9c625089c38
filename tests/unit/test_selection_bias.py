"""The bias check: it finds what was planted, stays calm on noise, and its interval covers."""

import numpy as np
import pytest

from vcsoup.selection_bias import length_shift, word_shifts, words_of


def test_length_difference_by_hand():
    """Lengths 1 2 3 6, the last two kept: means 3 and 4.5.

    Kept and dropped have variances 4.5 and 0.5 over two each, so the difference of their means has
    a standard error of sqrt(2.5) = 1.5811, of which half (the dropped share) counts: 1.96 x 0.7906.
    """
    shift = length_shift(np.array([1, 2, 3, 6]), np.array([False, False, True, True]))
    assert (shift.everyone, shift.kept, shift.difference) == (3.0, 4.5, 1.5)
    np.testing.assert_allclose([shift.low, shift.high], [1.5 - 1.5495, 1.5 + 1.5495], atol=1e-4)
    assert not shift.stands_out(1.0)


def test_the_interval_covers_in_about_95_of_100_cases():
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(400):
        lengths = rng.exponential(100, 300).astype(np.int32)
        kept = rng.random(300) < 0.4  # chosen without a look at the length
        shift = length_shift(lengths, kept)
        covered += shift.low <= 0 <= shift.high
    assert 0.92 <= covered / 400 <= 0.98


@pytest.mark.parametrize("size", [1, 3, 20, 199])
def test_few_kept_or_few_dropped_pairs_raise_no_alarm_by_chance(size):
    """Lengths as skewed as those of answers; about one interval in 20 may leave out 0."""
    rng = np.random.default_rng(size)
    alarms = 0
    for _ in range(600):
        lengths = rng.lognormal(5, 0.7, 200).astype(np.int32)
        shift = length_shift(lengths, np.arange(200) < size)
        alarms += shift.low > 0 or shift.high < 0
    assert alarms / 600 <= 0.08


def test_a_difference_of_lengths_is_held_against_its_own_size():
    """+10 and -10 by turns: mean 0, size 10. Of the 1,000 that are kept, some +10 are +30.

    20 of them: kept mean 0.4, all 0.2, size 10.2: the shift of 0.2 is 2 % of it. 200 of them: kept
    mean 4, all 2, size 12: 17 %, with a standard error of 0.5 x 14 x sqrt(2 / 1000) = 0.3.
    """
    kept = np.arange(2_000) < 1_000

    def shift(longer):
        margins = np.tile([10, -10], 1_000)
        margins[: 2 * longer : 2] += 20
        return length_shift(margins, kept)

    slight, clear = shift(20), shift(200)
    np.testing.assert_allclose([slight.difference, slight.size], [0.2, 10.2])
    np.testing.assert_allclose([clear.difference, clear.everyone, clear.size], [2.0, 2.0, 12.0])
    assert not slight.stands_out(0.05)
    assert clear.stands_out(0.05)
    assert not clear.stands_out(0.2)
    assert length_shift(np.arange(1, 9), kept[:8]).size == 4.5


def test_one_kept_and_one_dropped_pair_say_nothing():
    shift = length_shift(np.array([10, 500]), np.array([True, False]))
    assert shift.difference == 10 - 255
    assert (shift.low, shift.high) == (-np.inf, np.inf)


def test_all_or_nothing_kept_is_no_shift():
    lengths = np.array([1, 2, 3])
    everything = length_shift(lengths, np.ones(3, dtype=bool))
    assert (everything.difference, everything.low, everything.high) == (0.0, 0.0, 0.0)
    nothing = length_shift(lengths, np.zeros(3, dtype=bool))
    assert np.isnan(nothing.kept)
    assert not nothing.stands_out(0)
    assert word_shifts([{"a"}] * 3, np.ones(3, dtype=bool)) == []


def test_a_planted_topic_is_found_on_its_side():
    rng = np.random.default_rng(1)
    words = np.array([f"word{i}" for i in range(200)])
    texts = [set(rng.choice(words, 12)) for _ in range(2000)]
    kept = rng.random(2000) < 0.5
    for text, stays in zip(texts, kept, strict=True):
        if rng.random() < (0.10 if stays else 0.02):
            text.add("garden")
        if rng.random() < (0.02 if stays else 0.10):
            text.add("money")
    found = {shift.word: shift.z for shift in word_shifts(texts, kept)}
    assert set(found) == {"garden", "money"}
    assert found["garden"] > 4
    assert found["money"] < -4


def test_noise_raises_no_alarm():
    rng = np.random.default_rng(2)
    words = np.array([f"word{i}" for i in range(3000)])
    texts = [set(rng.choice(words, 15)) for _ in range(3000)]
    assert word_shifts(texts, rng.random(3000) < 0.3) == []


def test_words_are_letters_of_any_script():
    assert words_of("Où est l'été? 42 times, naïve <b>bold</b>") >= {"est", "été", "naïve", "bold"}
    assert "42" not in words_of("42")

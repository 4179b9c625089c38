"""Asking by constraint, on four soups drawn by hand."""

import pytest

from vcsoup.errors import UnknownValueError
from vcsoup.evaluation.choice import ask

#           helpful, harmless, humorous
SOUPS = [[3.0, 0.1, 0.0], [2.0, 0.6, 0.5], [1.5, 0.9, 0.2], [0.5, 0.4, 1.0]]


def test_the_best_that_meets_the_constraint_and_what_it_beat():
    """Rows 1 and 2 have harmless >= 0.5; row 1 leads by 2.0 - 1.5."""
    found = ask(SOUPS, {1: 0.5}, maximise=0)
    assert (found.chosen, found.met, found.runner_up, found.lead) == (1, 2, 2, 0.5)


def test_several_constraints():
    """Harmless >= 0.4 leaves 1, 2, 3; humorous >= 0.5 leaves 1 and 3; helpful picks 1 by 1.5."""
    found = ask(SOUPS, {1: 0.4, 2: 0.5}, maximise=0)
    assert (found.chosen, found.met, found.runner_up, found.lead) == (1, 2, 3, 1.5)


def test_a_minimum_on_the_maximised_value_counts_too():
    found = ask(SOUPS, {0: 1.0}, maximise=2)
    assert (found.chosen, found.met) == (1, 3)


def test_a_single_soup_beats_nobody():
    found = ask(SOUPS, {1: 0.7}, maximise=0)
    assert (found.chosen, found.met, found.runner_up, found.lead) == (2, 1, None, None)


def test_without_constraints_all_compete():
    found = ask(SOUPS, {}, maximise=2)
    assert (found.chosen, found.met, found.runner_up, found.lead) == (3, 4, 1, 0.5)


def test_a_constraint_that_nobody_meets_is_named_with_the_best_and_the_nearest():
    found = ask(SOUPS, {1: 1.0}, maximise=0)
    assert found.chosen is None
    assert found.beyond == {1: 0.9}
    assert found.nearest == 2
    assert found.shortfalls == pytest.approx({1: 0.1})


def test_constraints_that_are_met_one_by_one_but_not_together():
    """Row 1 is nearest: of the ranges 2.5 and 1 the rows lack 1, 0.5, (0.2 + 0.8), 0.6.

    The question is helpful >= 2 and humorous >= 1.
    """
    found = ask(SOUPS, {0: 2.0, 2: 1.0}, maximise=1)
    assert (found.chosen, found.beyond, found.nearest) == (None, {}, 1)
    assert found.shortfalls == pytest.approx({2: 0.5})


def test_unknown_columns_are_named():
    with pytest.raises(UnknownValueError, match="columns 0 to 2"):
        ask(SOUPS, {7: 0.0}, maximise=0)

"""Drafts of filters and their history: pushing, undoing, what is saved of them."""

from vcsoup.filtering import PairFilter
from vcsoup.ui.draft import Draft, draft_of
from vcsoup.ui.history import KEPT_STEPS, History

START = Draft({"a": 0.0, "b": 0.3})


def test_undo_and_redo_walk_the_same_steps():
    first, second = START.moved({"a": 0.5}), START.moved({"a": 0.9})
    history = History(START).push(first).push(second)
    assert history.undo().present == first
    assert history.undo().undo().present == START
    assert history.undo().undo().redo().present == first
    assert history.undo().undo().undo().present == START
    assert history.redo() == history


def test_a_new_step_ends_what_could_be_redone():
    history = History(START).push(START.moved({"a": 0.5})).undo().push(START.moved({"b": 0.1}))
    assert history.redo() == history
    assert history.undo().present == START


def test_a_step_that_changes_nothing_is_none():
    assert History(START).push(START.moved({"a": 0.0})).past == ()


def test_history_is_bounded():
    history = History(START)
    for step in range(KEPT_STEPS + 20):
        history = history.push(START.moved({"a": step / 1000}))
    assert len(history.past) == KEPT_STEPS


def test_a_draft_saves_as_one_filter_per_value_and_comes_back():
    draft = Draft({"a": 0.5, "b": -1.0}, min_norm=0.4, flips=frozenset({"a", "b"}))
    filters = draft.filters()
    assert filters == {
        "a": PairFilter(threshold=0.5, min_norm=0.4, flip=True),
        "b": PairFilter(threshold=-1.0, min_norm=0.4),  # no flips at or below 0
    }
    assert draft_of(filters).thresholds == draft.thresholds
    assert draft_of({"a": PairFilter()}).thresholds == {"a": -1.0}

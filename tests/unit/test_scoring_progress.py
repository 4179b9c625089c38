"""Progress of a scoring run over all its models and data sets."""

import pytest

from vcsoup.scoring_progress import known_rewards, scoring_stages, seconds_left, share_done


def report(time, model, done, total):
    return {"time": time, "stage": f"scoring {model}", "done": done, "total": total}


RECORDS = [
    report(0.0, "helpful", 20, 100),
    report(8.0, "helpful", 100, 100),
    report(9.0, "harmless", 0, 100),
    report(13.0, "harmless", 40, 100),
]


def test_stages_remember_what_the_cache_knew():
    stages = scoring_stages(RECORDS)
    assert [(s.model, s.cached, s.done) for s in stages] == [
        ("helpful", 20, 100),
        ("harmless", 0, 40),
    ]
    assert known_rewards(stages) == (140, 200)


def test_records_may_come_in_pieces_and_between_others():
    loading = {"time": 1.0, "stage": "loading", "done": 0, "total": 1}
    first = scoring_stages([*RECORDS[:3], loading])
    assert scoring_stages(RECORDS[3:], first) == scoring_stages(RECORDS)


def test_the_same_model_on_the_next_data_set_is_another_stage():
    again = [*RECORDS, report(20.0, "harmless", 100, 100), report(21.0, "helpful", 0, 60)]
    assert [s.model for s in scoring_stages(again)] == ["helpful", "harmless", "helpful"]


def test_time_left_counts_the_stages_to_come():
    """120 rewards took 12 s: 10 a second. 60 are open now, two stages of about 100 come: 26 s."""
    assert seconds_left(scoring_stages(RECORDS), expected=4) == pytest.approx(26.0)
    assert share_done(scoring_stages(RECORDS), expected=4) == pytest.approx(0.35)


def test_nothing_can_be_said_before_anything_was_computed():
    assert seconds_left(scoring_stages(RECORDS[:1]), expected=2) is None
    assert seconds_left((), expected=2) is None

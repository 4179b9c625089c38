"""Progress of a scoring run over all its models and data sets."""

import pytest

from vcsoup.rewards.spec import RewardSpec
from vcsoup.scoring_progress import (
    expected_stages,
    known_rewards,
    scoring_stages,
    seconds_left,
    share_done,
    spent_so_far,
)


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


def test_data_sets_of_one_size_are_stages_of_their_own_where_one_model_judges():
    """The other value's scores come with the data: 2 of 2 data sets of 24 replies, half done."""
    rewards = {
        "helpful": RewardSpec(kind="length"),
        "harmless": RewardSpec(kind="column", column="score"),
    }
    told = [(0.0, 0), (6.0, 24), (7.0, 0), (10.0, 12)]
    stages = scoring_stages([report(time, "helpful", done, 24) for time, done in told])
    expected = expected_stages(rewards, 2)
    assert [(stage.done, stage.total) for stage in stages] == [(24, 24), (12, 24)]
    assert share_done(stages, expected) == pytest.approx(0.75)
    assert seconds_left(stages, expected) == pytest.approx(3.0)  # 36 replies took 9 s


def test_time_left_counts_the_stages_to_come():
    """120 rewards took 12 s: 10 a second. 60 are open now, two stages of about 100 come: 26 s."""
    assert seconds_left(scoring_stages(RECORDS), expected=4) == pytest.approx(26.0)
    assert share_done(scoring_stages(RECORDS), expected=4) == pytest.approx(0.35)


def test_heads_that_share_a_pass_take_no_time_of_their_own():
    """Three data sets, three heads: 10 s a data set, and the first is done."""
    told = [report(0.0, "a", 0, 100), *(report(10.0, head, 100, 100) for head in "abc")]
    assert seconds_left(scoring_stages(told), expected=9) == pytest.approx(20.0)


def test_nothing_can_be_said_before_anything_was_computed():
    assert seconds_left(scoring_stages(RECORDS[:1]), expected=2) is None
    assert seconds_left((), expected=2) is None


def test_what_endpoints_took_is_summed_over_values_from_their_last_figures():
    """Figures go on over the data sets of a run, and not every report brings some."""
    asked = {"requests": 30, "tokens": 3000, "cost": 0.5}
    records = [
        {**report(0.0, "helpful", 0, 100), "requests": 0, "tokens": 0, "cost": 0.0},
        {**report(1.0, "helpful", 30, 100), **asked},
        report(2.0, "helpful", 60, 100),
        {**report(3.0, "harmless", 10, 100), "requests": 10, "tokens": 500, "cost": 0.25},
        report(4.0, "brief", 10, 100),
        {**report(5.0, "helpful", 5, 60), "requests": 35, "tokens": 3600, "cost": 0.625},
    ]
    stages = scoring_stages(records[2:], scoring_stages(records[:2]))
    assert spent_so_far(stages) == {"requests": 45, "tokens": 4100, "cost": 0.875}
    assert spent_so_far(scoring_stages(RECORDS)) == {}


def test_what_each_attempt_and_each_run_took_is_summed():
    """A resumed job begins a new bill: 30 requests, then 5 and no more, then 10 of another run."""
    first = [
        {**report(0.0, "helpful", 0, 100), "requests": 0, "under_way": 0, "tokens": 0},
        {**report(1.0, "helpful", 26, 100), "requests": 30, "under_way": 4, "tokens": 2600},
    ]
    resumed = [
        {**report(9.0, "helpful", 30, 100), "requests": 0, "under_way": 0, "tokens": 0},
        {**report(10.0, "helpful", 35, 100), "requests": 5, "under_way": 0, "tokens": 500},
    ]
    stages = scoring_stages(resumed, scoring_stages(first))
    assert [(stage.cached, stage.done) for stage in stages] == [(0, 35)]
    assert spent_so_far(stages) == {"requests": 35, "under_way": 4, "tokens": 3100}
    other = scoring_stages([{**report(20.0, "helpful", 45, 100), "requests": 10, "tokens": 1000}])
    assert spent_so_far(stages, other) == {"requests": 45, "under_way": 4, "tokens": 4100}

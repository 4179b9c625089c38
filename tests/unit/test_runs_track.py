"""What a job's reports become: curves that never run twice through a step, samples, time left."""

import pytest

from vcsoup.ui.runs_track import Reports


class Written:
    """A job whose reports are a list; the offset counts records."""

    def __init__(self):
        self.records = []

    def step(self, step, *, time=0.0, stage="training helpful", **figures):
        self.records.append({"time": time, "stage": stage, "done": step, "total": 100, **figures})

    def progress_since(self, offset=0):
        return self.records[offset:], len(self.records)


def steps(rows):
    return [row["step"] for row in rows]


def test_a_resumed_run_drops_what_lay_behind_its_checkpoint():
    """Steps 1 to 4 and a look at 4; resumed from the checkpoint of step 2, it takes 3 again."""
    job, reports = Written(), Reports()
    for step in (1, 2, 3, 4):
        job.step(step, loss=float(step))
    job.step(4, heldout_loss=0.5, sample="old", sample_prompt="q")
    reports.read(job)
    job.step(3, loss=33.0)
    reports.read(job)
    track = reports.track
    assert steps(track.train) == [1, 2, 3]
    assert track.newest("loss") == 33.0
    job.step(4, heldout_loss=0.4, sample="new", sample_prompt="q")
    reports.read(job)
    assert steps(track.looks) == [4]
    assert [(sample.step, sample.text) for sample in track.samples] == [(4, "new")]


def test_a_look_does_not_take_the_step_of_its_own_number():
    job, reports = Written(), Reports()
    job.step(1, loss=0.7)
    job.step(1, heldout_loss=0.6)
    reports.read(job)
    assert (steps(reports.track.train), steps(reports.track.looks)) == ([1], [1])


def test_several_values_are_apart_and_other_stages_make_no_curve():
    job, reports = Written(), Reports()
    job.step(1, stage="reading helpful with the base")
    job.step(1, loss=0.7)
    job.step(1, stage="training harmless", loss=0.6)
    reports.read(job)
    assert list(reports.tracks) == ["helpful", "harmless"]
    assert reports.track.value == "harmless"


def test_adapter_sets_of_one_value_are_apart_where_reports_name_them():
    job, reports = Written(), Reports()
    job.step(1, loss=0.7, group="filtered")
    job.step(2, loss=0.6, group="filtered")
    job.step(1, loss=0.5, group="unfiltered")
    reports.read(job)
    assert {name: steps(track.train) for name, track in reports.tracks.items()} == {
        "helpful, filtered": [1, 2],
        "helpful, unfiltered": [1],
    }
    assert (reports.track.value, reports.track.group) == ("helpful", "unfiltered")


def test_what_is_no_number_is_no_figure():
    job, reports = Written(), Reports()
    job.step(1, loss=None, accuracy=True, margin=0.5)
    reports.read(job)
    assert reports.track.train == [{"step": 1, "margin": 0.5}]


def test_time_left_goes_by_the_present_stage():
    """Reading took 0.1 s an item; training takes 2 s a step: 96 steps left are 192 s."""
    job, reports = Written(), Reports()
    for item in range(50):
        job.step(item, time=item / 10, stage="reading helpful with the base")
    for step in range(1, 5):
        job.step(step, time=10.0 + 2 * step, loss=0.5)
    reports.read(job)
    assert reports.seconds_left(now=18.0) == pytest.approx(192.0)


def test_time_left_ignores_the_night_between_two_attempts():
    """2 s a step before and after ten hours' pause."""
    job, reports = Written(), Reports()
    for step in range(1, 11):
        job.step(step, time=2.0 * step, loss=0.5)
    for step in range(8, 12):
        job.step(step, time=36_000.0 + 2 * step, loss=0.5)
    reports.read(job)
    assert reports.seconds_left(now=36_022.0) == pytest.approx(89 * 2.0)


def test_nothing_reported_nothing_said():
    assert Reports().seconds_left(now=1.0) is None
    assert Reports().track is None

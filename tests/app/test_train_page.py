"""Train: the cost in numbers, the command of a run, live curves, chips, errors in one line."""

import time

import pytest

from tests.app.fixture_project import full_project, hand_project
from vcsoup.errors import TrainingError
from vcsoup.jobs import Jobs, job_worker
from vcsoup.ui.runs import curve_records, progress_text


def finished_run(workspace, *, fail=False):
    """Leave a run in the workspace as the command line would, without training anything."""
    with job_worker(
        kind="train",
        title="helpful, filtered",
        project="hand",
        args=["train", "--value", "helpful", "--group", "filtered"],
        jobs_root=workspace.jobs_root,
        slot=False,
    ) as worker:
        for step in (1, 2):
            worker.report("training helpful", step, 100, loss=0.7 - 0.1 * step, accuracy=0.5)
        if fail:
            raise TrainingError("no pair is left above threshold 1.0; lower the threshold")


def test_without_a_project_the_page_leads_home(visit):
    assert visit("train").subheader[0].value == "No project yet"


def test_an_unknown_project_is_an_error_message(workspace, visit):
    hand_project(workspace)
    assert "nowhere" in visit("train", project="nowhere").error[0].value


def test_the_cost_follows_the_settings(workspace, visit):
    """At threshold 0.5 five of ten helpful pairs stay: 50 steps x 16 pairs are 160 passes."""
    project = hand_project(workspace)
    project.set_threshold("helpful", 0.5)
    app = visit("train")
    app.segmented_control(key="train_preset").set_value("demo").run()
    app.number_input(key="steps_demo").set_value(50).run()
    shown = "\n".join(element.value for element in app.markdown)
    assert "50 steps of 16 pairs, 800 in all, per run." in shown
    assert "| helpful | 0.50 | 5 of 10 | 160.0 |" in shown
    app.segmented_control(key="train_pairs").set_value("unfiltered").run()
    shown = "\n".join(element.value for element in app.markdown)
    assert "| helpful | – | 10 of 10 | 80.0 |" in shown  # noqa: RUF001


def test_times_go_by_runs_with_the_same_settings(workspace, visit):
    """The recorded adapters took 61 s for 100 steps of rank 16: three runs take 3 min 3 s."""
    full_project(workspace)
    app = visit("train")
    app.segmented_control(key="train_preset").set_value("demo").run()
    shown = [element.value for element in app.caption]
    assert "About 1 min 1 s per run, 3 min 3 s for all, going by the recorded runs." in shown


def test_starting_makes_a_job_of_the_command_shown(workspace, visit):
    hand_project(workspace)
    app = visit("train")
    app.pills(key="train_values").set_value(["harmless"]).run()
    app.segmented_control(key="train_preset").set_value("demo").run()
    app.number_input(key="steps_demo").set_value(30).run()
    app.button(key="start_runs").click().run()
    (job,) = Jobs(workspace.jobs_root).list(kind="train")
    job.stop(grace=0.5)
    assert job.command == (
        "python -m vcsoup train --project hand --value harmless --group filtered --preset demo "
        f"--steps 30 --workspace {workspace.root}"
    )
    deadline = time.monotonic() + 30
    while job.active and time.monotonic() < deadline:
        time.sleep(0.1)
    assert job.state in ("stopped", "failed")


def test_a_finished_run_shows_its_chip_and_log(workspace, visit):
    hand_project(workspace)
    finished_run(workspace)
    app = visit("train")
    shown = " ".join(element.value for element in app.markdown)
    assert "helpful, filtered" in shown
    assert "done" in shown
    assert any("python -m vcsoup train --value helpful" in block.value for block in app.code)


def test_a_failed_run_shows_one_line(workspace, visit):
    hand_project(workspace)
    with pytest.raises(TrainingError):
        finished_run(workspace, fail=True)
    app = visit("train")
    assert [e.value for e in app.error] == [
        "no pair is left above threshold 1.0; lower the threshold"
    ]
    assert app.button[-1].label == "Start again"


def test_curves_hold_what_was_reported(workspace):
    hand_project(workspace)
    finished_run(workspace)
    (job,) = Jobs(workspace.jobs_root).list(kind="train")
    records = curve_records([job])
    assert records["step"].tolist() == [1, 2]
    assert records["loss"].round(6).tolist() == [0.6, 0.5]
    assert records["run"].unique().tolist() == ["helpful, filtered"]
    done, text = progress_text(job)
    assert done == 0.02
    assert text.startswith("training helpful: 2 of 100, loss 0.50, accuracy 50.0")

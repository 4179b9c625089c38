"""Train, the runs: their states and figures, one run in full, the queue, undo, filters, the table.

The list and the curves draw in a browser (`tests/e2e/test_train_page.py`); here their data are
looked at. No test lets the queue's runner start anything.
"""

import signal

import pytest

from tests.app import fixture_runs as made
from tests.app.fixture_project import full_project, hand_project
from tests.app.train_page import ask, captions, drawn, listed, number, shown
from vcsoup.jobs import Jobs, job_worker
from vcsoup.numbers import THIN
from vcsoup.ui import runs_desk
from vcsoup.ui.literal import literal
from vcsoup.ui.runs_look import look


@pytest.fixture(autouse=True)
def _nothing_starts(monkeypatch):
    monkeypatch.setattr("vcsoup.jobs.launch.ensure_runner", lambda *_: None)


@pytest.fixture
def jobs(workspace) -> Jobs:
    return Jobs(workspace.jobs_root)


def test_runs_show_state_outcome_and_what_one_can_do(workspace, visit):
    full_project(workspace)
    made.finished(workspace, "helpful")
    made.stopped(workspace, "harmless")
    made.failed(workspace, "humorous")
    made.lost(workspace, "helpful", "unfiltered")
    rows = {row["title"]: row for row in listed(visit("train"))}
    assert [row["state"] for row in rows.values()] == ["lost", "failed", "stopped", "done"]
    done = rows["helpful, filtered"]
    assert done["told"].startswith(f"held-out loss 0.34, accuracy 84.7{THIN}% of 3 pairs, 100")
    assert done["can"] == []
    assert rows["harmless, filtered"]["told"] == "stopped at step 42 of 100"
    assert rows["harmless, filtered"]["can"] == ["resume"]
    assert rows["humorous, filtered"]["told"].startswith("the loss is no number at step 7;")
    assert "at step 30 of 100; it can be resumed" in rows["helpful, unfiltered"]["told"]


def test_curves_are_what_was_reported(workspace, visit):
    full_project(workspace)
    with made.training(workspace, "helpful") as worker:
        for step, loss in ((1, 0.7), (2, 0.6), (3, 0.5)):
            worker.report("training helpful", step, 8, loss=loss, accuracy=0.5, margin=0.0)
        worker.report("training helpful", 3, 8, heldout_loss=0.65, kl=0.01)
    app = visit("train")
    assert "all pairs tie, and a tie counts half" in captions(app)[-1]
    panels = {panel["title"]: panel for panel in drawn(app, "vcsoup.curves")["panels"]}
    (line,) = panels["DPO loss"]["lines"]
    assert line["mean"] == [[1, 2, 3], [0.7, 0.6, 0.5]]
    assert line["looks"] == [[3], [0.65]]
    assert panels["DPO loss"]["x"] == [0, 8]
    assert panels["KL to the base, nats per token"]["lines"][0]["looks"] == [[3], [0.01]]


def test_a_look_that_lasts_says_how_far_it_is(workspace, visit):
    full_project(workspace)
    with made.training(workspace, "helpful") as worker:
        worker.report("training helpful", 3, 8, loss=0.5)
        worker.report("training helpful", 3, 8, looked_at=12, to_look_at=64)
        assert "step 3 of 8, 12 of 64 held-out pairs looked at" in listed(visit("train"))[0]["told"]
        worker.report("training helpful", 3, 8, heldout_loss=0.65)
        assert "looked at" not in listed(visit("train"))[0]["told"]


def test_a_project_files_run_is_listed_from_its_first_training_on(workspace, visit):
    adapter = full_project(workspace).adapters()[0].name
    with made.file_run(workspace) as worker:
        worker.report("scoring helpful", 3, 8)
        app = visit("train")
        assert captions(app)[-1].startswith("No runs yet.")
        for group in ("filtered", "unfiltered"):
            worker.report("training helpful", 1, 8, loss=0.7, group=group)
            worker.report("training helpful", 2, 8, loss=0.6, group=group)
        app = visit("train")
        (row,) = listed(app)
        assert row["title"] == "Running demo.yaml"
        assert row["told"].startswith("helpful, unfiltered: step 2 of 8")
        assert row["can"] == ["stop"]
        lines = drawn(app, "vcsoup.curves")["panels"][0]["lines"]
        assert [line["mean"] for line in lines] == [[[1, 2], [0.7, 0.6]]] * 2
        worker.report("training helpful", 2, 8, group="filtered", adapter=adapter)
    app = visit("train", run=worker.path.name)
    assert listed(app)[0]["told"].startswith("2 adapters trained")
    with made.file_run(workspace) as again:
        again.report("training helpful", 1, 8, loss=0.7, group="filtered")
    panels = drawn(visit("train"), "vcsoup.curves")["panels"]
    assert [len(panel["lines"]) for panel in panels[:1]] == [1]  # the file's newest run alone
    app = visit("train", run=worker.path.name)
    assert "run_duplicate" not in [button.key for button in app.button]
    app.segmented_control(key="run_part").set_value("Lineage").run()
    assert f"**{adapter}**" in shown(app)


def test_a_link_opens_one_run_with_figures_sample_and_command(workspace, visit):
    full_project(workspace)
    job = made.finished(workspace, "helpful")
    made.finished(workspace, "harmless")
    app = visit("train", run=job.id)
    assert app.subheader[1].value == "helpful, filtered"
    figures = {metric.label: metric.value for metric in app.metric}
    assert figures["Held-out loss"] == "0.34"
    assert figures["Held-out accuracy"] == f"84.7{THIN}%"
    assert figures["KL to the base"] == "0.116"
    assert ":material/warning: Held-out figures rest on 3 pairs, too few to tell runs apart." in (
        captions(app)
    )
    assert figures["Memory"] == "1.1 GiB"  # 1,220 MB
    assert made.REPLIES[-1] in [element.value for element in app.text]
    app.segmented_control(key="run_part").set_value("Log").run()
    assert any("vcsoup train --project demo --value helpful" in one.value for one in app.code)


def test_the_view_of_one_run_names_the_run_that_nobody_chose(workspace, visit):
    """The newest is shown; whoever opens the address after another was made sees the same."""
    full_project(workspace)
    job = made.finished(workspace, "helpful")
    app = visit("train")
    app.segmented_control(key="runs_view").set_value("run").run()
    assert app.subheader[1].value == "helpful, filtered"
    assert app.query_params["run"] == job.id
    made.finished(workspace, "harmless")
    app = visit("train", run=app.query_params["run"])
    assert app.subheader[1].value == "helpful, filtered"


def test_a_run_at_work_can_be_opened(workspace, visit):
    full_project(workspace)
    with made.training(workspace, "helpful") as worker:
        worker.report("training helpful", 3, 8, loss=0.5, accuracy=0.5, margin=0.0)
        app = visit("train", run=worker.path.name)
        assert app.subheader[1].value == "helpful, filtered"
        assert any("running" in element.value for element in app.markdown)
        (bar,) = app.get("progress")
        assert bar.proto.value == 37
        assert bar.proto.text.startswith("step 3 of 8")


def test_a_run_that_ends_its_step_can_be_ended_at_once(workspace, visit, jobs, monkeypatch):
    """The worker is this process, which is not to die: the signal that would end it is caught."""
    full_project(workspace)
    sent = []
    with made.training(workspace, "helpful") as worker:
        made.report(worker, "helpful", range(1, 4))
        worker.request_stop()
        app = visit("train", run=worker.path.name)
        assert [job.state for job in jobs.list()] == ["stopping"]
        monkeypatch.setattr("vcsoup.jobs.stopping._signal", lambda path, sign: sent.append(sign))
        app.button(key="run_end").click().run()
    assert not app.exception
    assert sent == [signal.SIGKILL]


def test_a_link_to_a_run_that_is_gone_says_so(workspace, visit):
    full_project(workspace)
    made.finished(workspace, "helpful")
    app = visit("train", run="20200101-nothing")
    assert "'20200101-nothing' is not here" in app.warning[0].value


def test_the_queue_is_reordered_and_left(workspace, visit, jobs):
    hand_project(workspace)
    app = visit("train")
    app.button(key="start_runs").click().run()
    first, second, *_ = (job.id for job in jobs.queue())
    app = ask(app, "down", first)
    assert [row["id"] for row in listed(app)][:2] == [second, first]
    app = ask(app, "cancel", second)
    rows = {row["id"]: row for row in listed(app)}
    assert rows[second]["state"] == "stopped"
    assert rows[first]["told"] == "next to run"
    assert rows[first]["can"] == ["down", "cancel"]


def test_runs_that_wait_for_other_work_say_for_which(workspace, visit, jobs):
    hand_project(workspace)
    app = visit("train")
    app.button(key="start_runs").click().run()
    waiting = len(jobs.queue())
    other = {"kind": "score", "title": "Scoring *mine*", "project": "mine", "args": ["score"]}
    with job_worker(**other, jobs_root=workspace.jobs_root, slot=True):
        told = [caption.value for caption in visit("train").caption]
    assert f"{waiting} waiting behind {literal('Scoring *mine* of mine')}" in told
    assert f"{waiting} waiting" in [caption.value for caption in visit("train").caption]


def test_resume_is_the_same_run_and_retry_a_new_one(workspace, visit, jobs):
    full_project(workspace)
    job = made.stopped(workspace, "harmless")
    app = visit("train", run=job.id)
    app.button(key="run_resume").click().run()
    (row,) = listed(app)
    assert (row["id"], row["state"]) == (job.id, "queued")
    assert jobs.get(job.id).attempt == 2
    done = made.finished(workspace, "helpful")
    app = visit("train", run=done.id)
    app.button(key="run_retry").click().run()
    again = [one for one in jobs.queue() if one.id != job.id]
    assert [one.command for one in again] == [done.command]


def test_the_time_of_a_resumed_run_is_that_of_both_attempts(workspace, visit, jobs):
    """67 s to the stop; an hour later 19 s to the end."""
    full_project(workspace)
    job = made.finished(workspace, "helpful")
    made.took(job, "2026-11-30T04:00:00Z", "2026-11-30T04:01:07Z", state="stopped")
    jobs.resume(job.id)
    made.took(job, "2026-11-30T05:00:00Z", "2026-11-30T05:00:19Z", state="done")
    app = visit("train", run=job.id)
    assert listed(app)[0]["told"].endswith("100 steps in 1 min 26 s")
    assert "100 steps in 1 min 26 s." in " ".join(captions(app))
    other = made.finished(workspace, "harmless")
    outcome = visit("train", compare=f"{job.id},{other.id}", view="differences").dataframe[1].value
    assert outcome.loc["took"].tolist()[0] == "1 min 26 s"


def test_a_duplicate_opens_the_form_with_the_runs_settings(workspace, visit):
    full_project(workspace)
    job = made.finished(workspace, "humorous", "unfiltered", seed=3)
    app = visit("train", run=job.id)
    assert not app.pills
    app.button(key="run_duplicate").click().run()
    assert app.pills(key="train_values").value == ["humorous"]
    assert app.segmented_control(key="train_pairs").value == ["unfiltered"]
    assert app.segmented_control(key="train_preset").value == "demo"
    assert number(app, "seed").value == 3


def test_a_deleted_run_can_be_put_back(workspace, visit, jobs):
    full_project(workspace)
    job = made.finished(workspace, "helpful")
    app = visit("train", run=job.id)
    app.button(key="run_delete").click().run()
    assert jobs.list(kind="train") == []
    app.button(key="undo_run").click().run()
    assert [row["id"] for row in listed(app)] == [job.id]


def test_a_run_gets_another_name(workspace, visit):
    full_project(workspace)
    job = made.finished(workspace, "helpful")
    app = visit("train", run=job.id)
    app.text_input(key=f"run_name_{job.id}").set_value("the good one").run()
    assert [row["title"] for row in listed(app)] == ["the good one"]


def test_filters_leave_what_was_asked_for(workspace, visit):
    full_project(workspace)
    for value, group in (
        ("helpful", "filtered"),
        ("helpful", "unfiltered"),
        ("harmless", "filtered"),
    ):
        made.finished(workspace, value, group)
    made.stopped(workspace, "harmless", "unfiltered")
    app = visit("train")
    titles = lambda: [row["title"] for row in listed(app)]  # noqa: E731
    app.selectbox(key="filter_value").set_value("harmless").run()
    assert titles() == ["harmless, unfiltered", "harmless, filtered"]
    app.selectbox(key="filter_state").set_value("done").run()
    assert titles() == ["harmless, filtered"]
    app.selectbox(key="filter_value").set_value("any value").run()
    app.text_input(key="filter_text").set_value("unfiltered HELPFUL").run()
    assert titles() == ["helpful, unfiltered"]


def test_differences_are_the_only_rows(workspace, visit):
    full_project(workspace)
    ids = [made.finished(workspace, "helpful", seed=seed).id for seed in (0, 1)]
    app = visit("train", compare=",".join(ids), view="differences")
    settings, outcome = (frame.value for frame in app.dataframe)
    assert settings.index.tolist() == ["seed"]
    assert settings.iloc[0].tolist() == ["0", "1"]
    assert outcome.loc["held-out loss"].tolist() == ["0.34", "0.39"]
    app.toggle(key="differences_only").set_value(False).run()
    assert "rank" in app.dataframe[0].value.index


def test_the_table_holds_every_run(workspace, visit):
    full_project(workspace)
    made.finished(workspace, "helpful")
    made.failed(workspace, "humorous")
    (frame,) = visit("train", view="table").dataframe
    assert frame.value["state"].tolist() == ["failed", "done"]
    assert frame.value["step"].tolist() == [7, 100]
    assert frame.value["held-out pairs"].tolist()[1] == 3
    assert frame.value["KL"].round(3).tolist()[1] == 0.116


def test_a_second_look_reads_only_what_was_written_since(workspace, jobs):
    """Three reports, then two: the second look hands out two, from where the first ended."""
    with made.training(workspace, "helpful") as worker:
        made.report(worker, "helpful", range(1, 4))
        first = look(jobs, "demo", {})
        (run,) = first.values()
        offset = run.reports.offset
        assert offset == (worker.path / "progress.jsonl").stat().st_size
        made.report(worker, "helpful", range(4, 6))
        (again,) = look(jobs, "demo", first).values()
    assert again.reports is run.reports
    assert [row["step"] for row in again.reports.track.train] == [1, 2, 3, 4, 5]
    assert again.reports.offset > offset


def test_runs_with_curves_are_at_most_twelve():
    for run in range(20):
        shown_ids = runs_desk.desk().ticked or ()
        runs_desk.toggle(f"run-{run}", shown_ids)
    assert len(runs_desk.desk().ticked) == runs_desk.MOST_CURVES


def test_the_menu_of_a_deleted_run_does_not_stay_open_over_the_next(workspace, visit):
    """There its Delete would be under the pointer; the browser knows a menu by its id."""
    full_project(workspace)
    made.finished(workspace, "helpful")
    app = visit("train", run=made.finished(workspace, "harmless").id)
    menus = [_menus(app)]
    app.button(key="run_delete").click().run()
    menus.append(_menus(app))
    assert [len(ids) for ids in menus] == [1, 1]
    assert menus[0] != menus[1]


def _menus(app):
    """Ids of the menus of runs."""
    found, seen = [], [app.main]
    while seen:
        block = seen.pop()
        seen += getattr(block, "children", {}).values()
        told = str(getattr(block, "proto", ""))
        found += [told] if "More about this run" in told and "popover" in told else []
    return found

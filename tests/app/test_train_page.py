"""Train: what starting costs and makes, the queue, the runs' states and figures, undo, the address.

The list and the curves draw in a browser (`tests/e2e/test_train_page.py`); here their data are
looked at. No test lets the queue's runner start anything.
"""

import json
import re
from dataclasses import replace

import pytest

from tests.app import fixture_runs as made
from tests.app.fixture_project import full_project, hand_project
from vcsoup.jobs import Jobs
from vcsoup.numbers import THIN
from vcsoup.pipeline.training import kept_pairs
from vcsoup.training.config import PRESETS, TrainConfig
from vcsoup.training.config_file import dump_train_config
from vcsoup.ui import runs_actions, runs_desk, train_files, train_settings
from vcsoup.ui.cost import TOKENS_TOLD
from vcsoup.ui.runs_look import look


@pytest.fixture(autouse=True)
def _nothing_starts(monkeypatch):
    monkeypatch.setattr("vcsoup.jobs.launch.ensure_runner", lambda *_: None)


@pytest.fixture
def jobs(workspace) -> Jobs:
    return Jobs(workspace.jobs_root)


def drawn(app, name):
    """Return the data of a drawn component; None when it is not on the page."""
    found = [part for part in app.get("bidi_component") if part.proto.component_name == name]
    return json.loads(found[0].proto.json) if found else None


def listed(app):
    """Return the rows of the list."""
    return drawn(app, "vcsoup.run_list")["runs"]


def shown(app):
    return "\n".join(element.value for element in app.markdown)


def captions(app):
    return [element.value for element in app.caption]


def ask(app, command, run):
    """Do what the list's script asks for, and look again."""
    runs_actions.ask(command, run)
    return app.run()


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
    number(app, "steps").set_value(50).run()
    assert "50 steps of 16 pairs, 800 in all, per run." in shown(app)
    assert "| helpful, filter 0.50 | 5 of 10 | 160.0 | " in shown(app)
    assert "| helpful, unfiltered | 10 of 10 | 80.0 | " in shown(app)


def test_runs_with_less_than_one_batch_are_named(workspace, visit):
    """Of 5 and 10 pairs 0 are held out (5 % of them, rounded): 5 are fewer than a batch of 8."""
    project = hand_project(workspace)
    project.set_threshold("helpful", 0.5)
    app = visit("train")
    app.pills(key="train_values").set_value(["helpful"]).run()
    number(app, "batch_size").set_value(8).run()
    (told,) = [warning.value for warning in app.warning]
    assert "Fewer pairs to train on than one batch of 8: helpful, filter 0.50. Lower" in told
    assert told.endswith("this run would fail at once.")
    number(app, "batch_size").set_value(5).run()
    assert not app.warning


def test_pairs_with_a_held_out_prompt_are_not_counted(workspace, visit):
    """As training leaves them out: of 5 pairs that the filter keeps, and of all 10, two."""
    project = hand_project(workspace)
    project.set_threshold("helpful", 0.5)
    kept = kept_pairs(project, "helpful", project.filters()["helpful"])
    project.save_held_out_prompts(list(kept["prompt"][:2]))
    app = visit("train")
    app.pills(key="train_values").set_value(["helpful"]).run()
    assert "| helpful, filter 0.50 | 3 of 10 |" in shown(app)
    assert "| helpful, unfiltered | 8 of 10 |" in shown(app)
    told = "Not counted: pairs whose prompt is held out to measure soups, 2 of helpful."
    assert told in [caption.value for caption in app.caption]
    assert len(kept_pairs(project, "helpful", project.filters()["helpful"])) == 3
    assert len(kept_pairs(project, "helpful", None)) == 8


def number(app, field):
    (found,) = [one for one in app.number_input if re.fullmatch(rf"set_\d+_{field}", one.key)]
    return found


def test_tokens_are_those_of_both_answers_with_the_prompt(workspace, visit):
    """Prompt and answers of the hand project have 34, 54 and 46 characters at most; 4 a token."""
    project = hand_project(workspace)
    app = visit("train")
    app.pills(key="train_values").set_value(["helpful"]).run()
    app.segmented_control(key="train_pairs").set_value(["unfiltered"]).run()
    lengths = project.lengths("helpful").astype(float)
    tokens = (2 * lengths[:, 0] + lengths[:, 1] + lengths[:, 2]).mean() / 4 * 500 * 16
    assert f"| 800.0 | {int(float(f'{tokens:.2g}')):,} |" in shown(app)
    assert TOKENS_TOLD in " ".join(caption.value for caption in app.caption)


def test_times_go_by_runs_with_the_same_settings(workspace, visit):
    """The recorded adapters took 61 s for 100 steps of rank 16: six runs take 6 min 6 s."""
    full_project(workspace)
    app = visit("train")
    app.segmented_control(key="train_preset").set_value("demo").run()
    told = "About 1 min 1 s per run, 6 min 6 s for 6 runs in turn, going by the recorded runs."
    assert told in captions(app)


def test_a_calibration_goes_before_recorded_runs(workspace, visit, jobs):
    """Loading 4 s, 100 steps of 0.2 s, 4 looks of 0.5 s, 600 pairs (all) of 0.01 s: 32 s a run."""
    full_project(workspace)
    with made.job_worker(
        kind="calibrate",
        title="speed",
        project="demo",
        args=["train", "--calibrate"],
        jobs_root=workspace.jobs_root,
        slot=False,
    ) as worker:
        config = PRESETS["demo"].model_dump(mode="json")
        pace = {"seconds_before": 4.0, "seconds_per_step": 0.2}
        pace |= {"seconds_per_look": 0.5, "seconds_per_pair": 0.01}
        worker.finish({**pace, "config": config})
    app = visit("train")
    app.segmented_control(key="train_preset").set_value("demo").run()
    told = "About 32 s per run, 3 min 12 s for 6 runs in turn, as measured on this machine."
    assert told in captions(app)


def test_every_setting_has_a_widget_with_its_sentence(workspace, visit):
    hand_project(workspace)
    app = visit("train")
    widgets = [*app.number_input, *app.selectbox, *app.text_input]
    helps = {one.key.split("_", 2)[2]: one.help for one in widgets if one.key.startswith("set_")}
    assert helps == {n: field.description for n, field in TrainConfig.model_fields.items()}


def test_one_click_queues_all_values_and_their_twins(workspace, visit, jobs):
    hand_project(workspace)
    app = visit("train")
    assert app.button(key="start_runs").label == "Start 4 runs"
    app.button(key="start_runs").click().run()
    order = [(job.meta["value"], job.meta["group"]) for job in jobs.queue()]
    values, groups = ("helpful", "harmless"), ("filtered", "unfiltered")
    assert order == [(value, group) for group in groups for value in values]
    assert [row["told"] for row in listed(app)][:2] == ["next to run", "2nd in the queue"]
    assert len(drawn(app, "vcsoup.curves")["runs"]) == 4


def test_the_same_click_from_a_second_tab_starts_nothing_more(workspace, visit, jobs):
    hand_project(workspace)
    first, second = visit("train"), visit("train")
    first.button(key="start_runs").click().run()
    second.button(key="start_runs").click().run()
    assert len(jobs.list(kind="train")) == 4


def test_the_job_is_the_command_shown_with_every_changed_setting(workspace, visit, jobs):
    hand_project(workspace)
    app = visit("train")
    app.pills(key="train_values").set_value(["harmless"]).run()
    app.segmented_control(key="train_pairs").set_value(["filtered"]).run()
    app.segmented_control(key="train_preset").set_value("demo").run()
    number(app, "steps").set_value(30).run()
    number(app, "dropout").set_value(0.1).run()
    command = (
        "python -m vcsoup train --project hand --value harmless --group filtered --preset demo "
        f"--set dropout=0.1 --steps 30 --workspace {workspace.root}"
    )
    assert command in [block.value for block in app.code]
    app.button(key="start_runs").click().run()
    (job,) = jobs.queue()
    assert job.command == command
    assert job.title == "harmless, filtered, dropout 0.1, steps 30"
    assert job.meta["config"]["dropout"] == 0.1


def test_settings_that_contradict_each_other_are_one_line(workspace, visit):
    """16 pairs a step are no multiple of 5."""
    hand_project(workspace)
    app = visit("train")
    number(app, "micro_batch").set_value(5).run()
    assert "batch\\_size 16 is no multiple of micro\\_batch 5" in app.error[0].value


def test_without_rewards_only_the_unfiltered_run_can_start(workspace, visit):
    from vcsoup.preferences.pairs import make_pairs
    from vcsoup.workspace import ProjectConfig

    config = ProjectConfig(name="raw", values=("helpful", "harmless"), base="org/base")
    project = workspace.create_project(config)
    project.save_pairs("helpful", make_pairs(["q"], ["good"], ["bad"]), source="test")
    app = visit("train")
    assert app.button(key="start_runs").label == "Train helpful, unfiltered"
    app.segmented_control(key="train_pairs").set_value(["filtered"]).run()
    assert app.button(key="start_runs").disabled
    assert any("no current rewards" in caption for caption in captions(app))


def test_settings_come_from_a_file_and_go_back_equal(workspace, visit):
    hand_project(workspace)
    app = visit("train")
    wanted = TrainConfig(steps=77, rank=8, targets=("q_proj",))
    feed(app, dump_train_config(wanted))
    assert number(app, "steps").value == 77
    assert number(app, "rank").value == 8
    (targets,) = [one for one in app.text_input if one.key.endswith("_targets")]
    assert targets.value == "q_proj"
    assert any("From mine.yaml." in element.value for element in app.text)


def test_a_wrong_file_names_its_line_and_changes_nothing(workspace, visit):
    hand_project(workspace)
    app = visit("train")
    feed(app, "steps: 20\nlearning_rat: 0.1\n")
    assert "mine.yaml, line 2" in app.error[0].value.replace("\\", "")
    assert number(app, "steps").value == 500


def feed(app, text):
    """Hand a file in: AppTest has no uploader's browser side."""
    session = app.session_state
    try:
        config = train_files.parse_train_config(text, "mine.yaml", preset="paper")
    except train_files.VcsoupError as error:
        session[train_files.PROBLEM] = str(error)
    else:
        former = session[train_settings.ORIGIN]
        session[train_settings.ORIGIN] = replace(
            former, turn=former.turn + 1, name="mine.yaml", config=config
        )
    app.run()


def test_runs_show_state_outcome_and_what_one_can_do(workspace, visit):
    full_project(workspace)
    made.finished(workspace, "helpful")
    made.stopped(workspace, "harmless")
    made.failed(workspace, "humorous")
    made.lost(workspace, "helpful", "unfiltered")
    rows = {row["title"]: row for row in listed(visit("train"))}
    assert [row["state"] for row in rows.values()] == ["lost", "failed", "stopped", "done"]
    done = rows["helpful, filtered"]
    assert done["told"].startswith(f"held-out loss 0.34, accuracy 84.7{THIN}%, 100 steps in")
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
    assert figures["Memory"] == "1.2 GB"
    assert made.REPLIES[-1] in [element.value for element in app.text]
    app.segmented_control(key="run_part").set_value("Log").run()
    assert any("vcsoup train --project demo --value helpful" in one.value for one in app.code)


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


def test_a_set_that_is_measured_is_said_to_be_measured_anew(workspace, visit):
    project = full_project(workspace)
    app = visit("train")
    (told,) = [caption.value for caption in app.caption if "stands in for" in caption.value]
    sets = project.adapter_sets().items()
    points = {group: len(project.points(project.set_key(infos))) for group, infos in sets}
    assert f"{points['filtered']} of filtered, {points['unfiltered']} of unfiltered." in told
    hand_project(workspace)
    assert not [c for c in visit("train", project="hand").caption if "stands in for" in c.value]

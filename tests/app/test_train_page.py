"""Train, the form: what starting costs and makes, settings from a file, what is refused.

The list and the curves draw in a browser (`tests/e2e/test_train_page.py`); here their data are
looked at. No test lets the queue's runner start anything.
"""

from dataclasses import replace

import pytest

from tests.app import fixture_runs as made
from tests.app.fixture_project import full_project, hand_project
from tests.app.train_page import captions, drawn, listed, number, shown
from vcsoup.jobs import Jobs
from vcsoup.numbers import DASH
from vcsoup.pipeline.training import kept_pairs
from vcsoup.training.config import PRESETS, TrainConfig
from vcsoup.training.config_file import dump_train_config
from vcsoup.ui import train_files, train_settings
from vcsoup.ui.cost import TOKENS_TOLD


@pytest.fixture(autouse=True)
def _nothing_starts(monkeypatch):
    monkeypatch.setattr("vcsoup.jobs.launch.ensure_runner", lambda *_: None)


@pytest.fixture
def jobs(workspace) -> Jobs:
    return Jobs(workspace.jobs_root)


def test_without_a_project_the_page_leads_home(visit):
    assert visit("train").subheader[0].value == "No project yet"


def test_an_unknown_project_is_an_error_message(workspace, visit):
    hand_project(workspace)
    assert "nowhere" in visit("train", project="nowhere").error[0].value


def test_the_cost_follows_the_settings(workspace, visit):
    """At threshold 0.5 five of ten helpful pairs stay: 50 steps x 16 pairs are 160 passes.

    A fifth held out to watch the run leaves four of them, and eight of all: 200 and 100.
    """
    project = hand_project(workspace)
    project.set_threshold("helpful", 0.5)
    app = visit("train")
    app.segmented_control(key="train_preset").set_value("demo").run()
    number(app, "steps").set_value(50).run()
    assert "50 steps of 16 pairs, 800 in all, per run." in shown(app)
    assert "| helpful, filter 0.50 | 5 of 10 | 160.0 | " in shown(app)
    assert "| helpful, unfiltered | 10 of 10 | 80.0 | " in shown(app)
    number(app, "holdout").set_value(0.2).run()
    assert "| helpful, filter 0.50 | 5 of 10 | 200.0 | " in shown(app)
    assert "| helpful, unfiltered | 10 of 10 | 100.0 | " in shown(app)


def test_a_base_that_is_not_here_is_told_before_anything_starts(workspace, visit, tmp_path):
    """As in a workspace that came from another machine."""
    project = hand_project(workspace)
    assert not visit("train").button(key="start_runs").disabled
    project.set_base(str(tmp_path / "gone"), project.config.loading)
    app = visit("train")
    assert "cannot be loaded: there is no folder" in app.warning[-1].value
    assert app.button(key="start_runs").disabled


def test_many_values_take_another_line_instead_of_hiding(workspace, visit):
    full_project(workspace)
    for page, keys in {
        "train": ["train_values"],
        "data": ["data_value_widget", "data_view_widget"],
        "compare": ["compare_x", "compare_y"],
    }.items():
        app = visit(page)
        assert all(app.button_group(key=key).proto.wrap for key in keys), page


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
    project.save_held_out_prompts(project.pairs("helpful")["prompt"].tolist())
    cost = next(one.value for one in visit("train").markdown if one.value.startswith("| run |"))
    assert f"| helpful, filter 0.50 | 0 of 10 | {DASH} | {DASH} |" in cost  # nothing is read


def test_epochs_say_which_pairs_they_leave_out(workspace, visit):
    """A fifth of 5 and 10 pairs watches the run: 80 pairs are 20 and 10 times those it learns."""
    project = hand_project(workspace)
    project.set_threshold("helpful", 0.5)
    app = visit("train")
    app.pills(key="train_values").set_value(["helpful"]).run()
    assert not [one for one in app.caption if "only watch a run" in one.value]
    for field, entry in {"batch_size": 4, "steps": 20, "holdout": 0.2}.items():
        number(app, field).set_value(entry).run()
    assert "| helpful, filter 0.50 | 5 of 10 | 20.0 |" in shown(app)
    assert "| helpful, unfiltered | 10 of 10 | 10.0 |" in shown(app)
    told = "Epochs: without the pairs that only watch a run, 2 at most. Tokens: of all steps"
    assert any(caption.value.startswith(told) for caption in app.caption)


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


def test_a_form_without_pairs_does_not_ask_for_values_alone(workspace, visit):
    """All values are chosen, neither filtered nor unfiltered pairs are."""
    full_project(workspace)
    app = visit("train")
    app.segmented_control(key="train_pairs").set_value([]).run()
    assert len(app.pills(key="train_values").value) == 3
    assert "Choose at least one value, and the pairs it is trained on." in captions(app)
    assert app.button(key="start_runs").label == "Choose values and pairs"
    assert app.button(key="start_runs").disabled


def test_a_set_that_is_measured_is_said_to_be_measured_anew(workspace, visit):
    project = full_project(workspace)
    app = visit("train")
    (told,) = [caption.value for caption in app.caption if "stands in for" in caption.value]
    sets = project.adapter_sets().items()
    points = {group: len(project.points(project.set_key(infos))) for group, infos in sets}
    assert f"{points['filtered']} of filtered, {points['unfiltered']} of unfiltered." in told
    hand_project(workspace)
    assert not [c for c in visit("train", project="hand").caption if "stands in for" in c.value]


def test_a_fresh_page_goes_on_with_what_the_form_was_left_with(workspace, visit):
    project = hand_project(workspace)
    visit("train")
    assert project.draft("train") is None  # looking at it decides nothing
    app = visit("train")
    app.segmented_control(key="train_preset").set_value("demo").run()
    number(app, "steps").set_value(50).run()
    app.pills(key="train_values").set_value(["harmless"]).run()
    app.segmented_control(key="train_pairs").set_value(["unfiltered"]).run()
    again = visit("train")
    assert again.segmented_control(key="train_preset").value == "demo"
    assert number(again, "steps").value == 50
    assert again.pills(key="train_values").value == ["harmless"]
    assert again.segmented_control(key="train_pairs").value == ["unfiltered"]
    assert any("Changed: steps 50 (preset: 100)" in text.value for text in again.text)


def test_settings_of_one_project_are_not_those_of_the_next(workspace, visit):
    """The demo's light preset would be wrong for a base of several billion parameters."""
    hand_project(workspace)
    full_project(workspace)
    app = visit("train", project="hand")
    app.segmented_control(key="train_preset").set_value("demo").run()
    app.query_params["project"] = "demo"
    app.run()
    assert app.segmented_control(key="train_preset").value == "paper"
    assert number(app, "steps").value == 500
    app.query_params["project"] = "hand"
    app.run()
    assert app.segmented_control(key="train_preset").value == "demo"


@pytest.mark.parametrize("left", ["{", "[]", '{"preset": "demo"}', '{"config": {"stepz": 3}}'])
def test_a_draft_that_makes_no_sense_is_none(workspace, visit, left):
    project = hand_project(workspace)
    project.keep_draft("train", {})
    (project.root / "drafts" / "train.json").write_text(left)
    assert number(visit("train"), "steps").value == 500

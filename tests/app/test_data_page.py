"""Data: cards, reading, statistics, reported rows, scoring state, bin; empty and error states."""

import json

from tests.app.fixture_project import full_project, hand_project
from vcsoup.intake import preview_file, store_pairs
from vcsoup.jobs import Jobs, job_worker
from vcsoup.jobs.folder import STOP
from vcsoup.preferences.pairs import make_pairs
from vcsoup.rewards.spec import RewardSpec
from vcsoup.workspace import ProjectConfig
from vcsoup.workspace.problems import IN_RECORD, load_problems


def metrics(app):
    return {metric.label: metric.value for metric in app.metric}


def captions(app):
    return " | ".join(caption.value for caption in app.caption)


def badges(app):
    return " ".join(element.value for element in app.markdown)


def file_of(tmp_path, rows, name="pairs.jsonl"):
    path = tmp_path / name
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def rows(n, **changes):
    return [{"prompt": f"q{i}", "chosen": "yes", "rejected": "no", **changes} for i in range(n)]


def raw_project(workspace):
    config = ProjectConfig(name="raw", values=("helpful", "harmless"), base="org/base")
    return workspace.create_project(config)


def test_without_a_project_the_page_leads_home(visit):
    assert visit("data").subheader[0].value == "No project yet"


def test_an_unknown_project_is_an_error_message(workspace, visit):
    hand_project(workspace)
    assert "nowhere" in visit("data", project="nowhere").error[0].value


def test_cards_show_what_every_value_has(workspace, visit):
    project = full_project(workspace)
    project.remove_dataset("humorous")
    app = visit("data")
    shown = metrics(app)
    assert [shown[f"Pairs about {value}"] for value in project.values] == ["600", "600", "0"]
    assert badges(app).count("no pairs") == 1
    assert badges(app).count("check_circle: scored") == 2


def test_pairs_without_rewards_and_with_old_ones_are_marked(workspace, visit):
    project = full_project(workspace)
    project.remove_dataset("harmless")
    fresh = make_pairs(["q"], ["yes"], ["no"])
    project.save_pairs("harmless", fresh, source="new")
    project.save_pairs("helpful", fresh, source="new")
    app = visit("data")
    assert badges(app).count("update: stale") == 1
    assert badges(app).count("pending: not scored") == 1
    assert "Waiting: helpful, harmless." in captions(app)
    assert app.button(key="start_scoring").label == "Score the pairs"


def test_scoring_needs_a_reward_model_per_value(workspace, visit):
    project = raw_project(workspace)
    project.save_pairs("helpful", make_pairs(["q"], ["yes"], ["no"]), source="test")
    app = visit("data")
    assert "No reward model for helpful, harmless" in captions(app)
    assert not [button for button in app.button if button.key == "start_scoring"]


def test_a_double_click_starts_one_scoring_job(workspace, visit, monkeypatch):
    project = full_project(workspace)
    project.save_pairs("helpful", make_pairs(["q"], ["yes"], ["no"]), source="new")
    started = []
    monkeypatch.setattr(Jobs, "start", lambda self, args, **about: started.append((args, about)))
    app = visit("data")
    app.button(key="start_scoring").click().run()
    ((args, about),) = started
    assert args[:5] == ["score", "--project", "demo", "--value", "helpful"]
    assert about["meta"]["values"] == ["helpful"]


def test_the_scoring_card_is_of_one_mind(workspace, visit):
    """A former run that is done says nothing of pairs that wait; one that is stopping, no Stop."""
    project = full_project(workspace)
    about = {"kind": "score", "title": "", "project": "demo", "args": [], "slot": False}
    with job_worker(**about, jobs_root=workspace.jobs_root) as worker:
        worker.finish({})
    project.set_reward("helpful", RewardSpec(kind="length"))
    app = visit("data")
    assert "Waiting: helpful, harmless, humorous." in captions(app)
    assert ": done" not in badges(app)
    with job_worker(**about, jobs_root=workspace.jobs_root) as worker:
        app = visit("data")
        assert ": running" in badges(app)
        assert not app.button(key="stop_scoring").disabled
        (worker.path / STOP).write_text("20")  # what `Job.stop` leaves, without its signal
        app.run()
        assert ": stopping" in badges(app)
        assert app.button(key="stop_scoring").disabled


def test_a_page_of_pairs_and_the_rewards_of_one(workspace, visit):
    """Pair 5 has gaps 2 and -1 around level 0: rewards 1, -1 and -0.5, 0.5."""
    project = hand_project(workspace)
    pair = project.pairs("helpful").iloc[4]
    app = visit("data", value="helpful", view="read", pair=pair["id"])
    tables = [table.value for table in app.dataframe]
    assert tables[-1]["reward model of"].tolist() == ["helpful", "harmless"]
    assert tables[-1]["chosen"].tolist() == [1.0, -0.5]
    assert tables[-1]["gap"].tolist() == [2.0, -1.0]
    assert "**Pair 5**" in badges(app)
    assert "Value consistency +0.32. Kept by the saved filter" in captions(app)


def test_a_pair_that_is_not_there_is_said_and_the_first_one_opens(workspace, visit):
    hand_project(workspace)
    app = visit("data", pair="0" * 16)
    assert "hold no pair 0000000000000000" in captions(app)
    assert "**Pair 1**" in badges(app)


def test_pages_hold_25_pairs_and_the_address_names_one(workspace, visit):
    full_project(workspace)
    app = visit("data", page="3")
    assert app.dataframe[-2].value["pair"].tolist() == list(range(51, 76))
    app = visit("data", page="everything")
    assert app.dataframe[-2].value["pair"].tolist() == list(range(1, 26))


def test_next_and_previous_cross_the_page(workspace, visit):
    project = full_project(workspace)
    last = project.pairs("helpful")["id"][24]
    app = visit("data", pair=last)
    app.button(key="step_Next").click().run()
    assert "**Pair 26**" in badges(app)
    assert app.dataframe[-2].value["pair"].tolist() == list(range(26, 51))


def test_search_counts_and_lists_the_pairs(workspace, visit):
    """Of 0..599 the numbers that begin with 7 are 7, 70..79: 11 prompts hold "number 7"."""
    full_project(workspace)
    app = visit("data", q="NUMBER 7")
    assert "11 pairs found, searched 600 of 600" in captions(app)
    assert app.dataframe[-2].value["pair"].tolist() == [8, *range(71, 81)]
    app = visit("data", q="nothing like this")
    assert "No pair holds this text" in app.info[0].value


def test_statistics_are_counted(workspace, visit):
    """Answers of 3 and 2, then 5 and 7 characters: medians 4 and 4.5; one prompt twice."""
    project = raw_project(workspace)
    pairs = make_pairs(["same", "same"], ["yes", "yesss"], ["no", "nononon"])
    project.save_pairs("helpful", pairs, source="test", report={"counts": {"empty": 3}})
    app = visit("data", value="helpful", view="statistics")
    shown = metrics(app)
    assert (shown["Pairs"], shown["Distinct prompts"]) == ("2", "1")
    assert (shown["Median chosen"], shown["Messages per prompt"]) == ("4", "1.0")
    assert "longer one in 50.0" in captions(app)
    kinds = app.dataframe[-1].value.set_index("kind")["rows"]
    assert kinds["empty"] == 3


def test_equal_rewards_are_counted_per_value(workspace, visit):
    """By hand: of the ten pairs one has no gap for helpful, and one none for harmless."""
    hand_project(workspace)
    app = visit("data", value="helpful", view="statistics")
    table = next(t.value for t in app.dataframe if "equal rewards" in t.value)
    assert table["equal rewards"].tolist() == [1, 1]


def test_every_reported_row_can_be_found(workspace, visit, tmp_path):
    """500 empty answers are more than the record holds: all are in the file beside it."""
    project = raw_project(workspace)
    path = file_of(tmp_path, [*rows(3), *rows(500, chosen=" ")])
    store_pairs(project, "helpful", preview_file("helpful", path))
    info = project.datasets()["helpful"]
    assert len(info.report["problems"]) == IN_RECORD
    assert len(load_problems(project.root, info.report)) == 500
    app = visit("data", value="helpful", view="reported")
    assert "503 rows in the file = 3 pairs + 500 reported" in captions(app)
    assert len(app.dataframe[-1].value) == 500
    app.text_input(key="reported_search").set_value("503").run()
    assert app.dataframe[-1].value["row"].tolist() == [503]
    assert app.dataframe[-1].value["reason"].tolist() == ["no text"]


def test_pairs_that_scoring_set_aside_are_listed(workspace, visit):
    project = hand_project(workspace)
    pairs = project.pairs("helpful")
    aside = pairs.iloc[[2]].assign(row=[3], column=["harmless"], reason=["reward is nan"])
    project.save_usable("helpful", pairs.drop(index=2).reset_index(drop=True), aside)
    app = visit("data", value="helpful", view="reported")
    table = next(t.value for t in app.dataframe if "reward model of" in t.value)
    assert table["reason"].tolist() == ["reward is nan"]
    assert metrics(app)["Pairs about helpful"] == "9"
    assert "1 pair set aside by scoring" in captions(app)


def test_removed_pairs_come_back_with_their_rewards(workspace, visit):
    project = full_project(workspace)
    app = visit("data")
    app.button(key="remove_helpful").click().run()
    assert metrics(app)["Pairs about helpful"] == "0"
    app.button(key="undo_remove").click().run()
    assert metrics(app)["Pairs about helpful"] == "600"
    assert project.rewards_stamp("helpful")


def test_renaming_shows_the_name_and_a_bad_one_is_refused(workspace, visit):
    project = hand_project(workspace)
    app = visit("data")
    field = next(field for field in app.text_input if field.key.startswith("name_helpful"))
    field.set_value("Mine *first*").run()
    app.button(key="rename_helpful").click().run()
    assert project.datasets()["helpful"].title == "Mine *first*"
    assert "Mine \\*first\\*" in captions(app)


def test_nonsense_in_the_address_opens_the_page_all_the_same(workspace, visit):
    full_project(workspace)
    app = visit("data", value="<b>", view="nowhere", page="-1", pair="../..")
    assert metrics(app)["Pairs about helpful"] == "600"
    assert app.segmented_control(key="data_view_widget").value == "read"


def test_a_value_without_pairs_opens_where_they_are_added(workspace, visit):
    raw_project(workspace)
    views = visit("data", value="harmless", view="statistics").segmented_control(
        key="data_view_widget"
    )
    assert (views.value, len(views.options)) == ("add", 2)

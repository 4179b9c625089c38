"""Adding pairs on the Data page: previews, questions about a file, small and large ones."""

import json
from dataclasses import replace

import pyarrow as pa
import pytest

from tests.app.fixture_project import hand_project
from tests.app.test_data_page import badges, captions, file_of, metrics, raw_project, rows
from vcsoup.errors import JobError
from vcsoup.jobs import Jobs
from vcsoup.ui import data_chosen
from vcsoup.ui.data_choice import ROLES
from vcsoup.workspace import incoming
from vcsoup.workspace.incoming import CHOSEN, Incoming

NO_FILE = "just a line of prose"


def look_through(app):
    """Press the button of the form that names a file."""
    next(button for button in app.button if button.label == "Look through").click().run()


def test_a_preview_counts_and_stores_only_when_told(workspace, visit, tmp_path, monkeypatch):
    monkeypatch.setenv("VCSOUP_DATA_ROOT", str(tmp_path))
    project = raw_project(workspace)
    file_of(tmp_path, [*rows(5), {"prompt": "q", "chosen": "", "rejected": "no"}])
    app = visit("data", value="helpful")
    app.text_input(key="path_helpful").set_value("pairs.jsonl")
    look_through(app)
    shown = metrics(app)
    assert (shown["Rows read"], shown["Pairs kept"], shown["Rows reported"]) == ("6", "5", "1")
    assert project.datasets() == {}
    app.button(key="store_helpful").click().run()
    assert metrics(app)["Pairs about helpful"] == "5"
    assert project.datasets()["helpful"].n == 5


def test_a_file_that_was_looked_through_survives_a_refresh(workspace, visit, tmp_path, monkeypatch):
    """Another visit knows the preview, and the question of a file that asks one; one end for both.

    The file may be gone or changed meanwhile: what was shown is what is stored.
    """
    monkeypatch.setenv("VCSOUP_DATA_ROOT", str(tmp_path))
    project = raw_project(workspace)
    file_of(tmp_path, rows(5))
    first = visit("data", value="helpful")
    first.text_input(key="path_helpful").set_value("pairs.jsonl")
    look_through(first)
    file_of(tmp_path, rows(3))
    second = visit("data", value="helpful")
    assert metrics(second)["Pairs kept"] == "5"
    second.button(key="store_helpful").click().run()
    assert project.datasets()["helpful"].n == 5
    assert "Pairs kept" not in metrics(visit("data", value="helpful", view="add"))
    odd = [{"a": f"q{k}", "b": "yes", "c": "no"} for k in range(4)]
    (tmp_path / "odd.jsonl").write_text("\n".join(map(json.dumps, odd)))
    third = visit("data", value="helpful", view="add")
    third.text_input(key="path_helpful").set_value("odd.jsonl")
    look_through(third)
    asked = [box.label for box in third.selectbox]
    assert asked
    fourth = visit("data", value="helpful", view="add")
    assert [box.label for box in fourth.selectbox] == asked
    leave = next(button for button in fourth.button if button.label == "Discard")
    leave.click().run()
    assert workspace.incoming.find(project.name, "helpful") is None
    assert not list((workspace.root / "incoming").glob("upload-*"))


def test_a_bad_file_is_refused_and_the_pairs_stay(workspace, visit, tmp_path, monkeypatch):
    monkeypatch.setenv("VCSOUP_DATA_ROOT", str(tmp_path))
    project = hand_project(workspace)
    (tmp_path / "bad").write_text(NO_FILE)
    app = visit("data", value="helpful", view="add")
    app.text_input(key="path_helpful").set_value("bad")
    look_through(app)
    assert "holds no preference pairs" in app.error[0].value
    assert "stay as they are" in app.error[0].value
    assert project.datasets()["helpful"].n == 10


def test_small_files_are_those_that_read_at_once():
    assert data_chosen.is_small(100_000, b"{")
    assert not data_chosen.is_small(data_chosen.INLINE_BYTES + 1, b"{")
    assert not data_chosen.is_small(100_000, b"\x1f\x8b..")
    assert not data_chosen.is_small(100_000, b"\x28\xb5\x2f\xfd")
    for mark in (b"PAR1", b"ARROW1", b"\xff\xff\xff\xff", b"\x1f\x8b..", b"\x28\xb5\x2f\xfd"):
        assert not data_chosen.is_small(3_000, mark)  # it may unpack to gigabytes


def choose_file(visit, tmp_path, monkeypatch, rows, name="pairs.jsonl"):
    """Open the page on a project without pairs and name a file of these rows."""
    monkeypatch.setenv("VCSOUP_DATA_ROOT", str(tmp_path))
    file_of(tmp_path, rows, name)
    app = visit("data", value="helpful")
    app.text_input(key="path_helpful").set_value(name)
    look_through(app)
    return app


def preview_of(app):
    return app.dataframe[-1].value


def safe_rlhf(n):
    answers = {"response_0": "So.", "response_1": "No."}
    labels = {"better_response_id": 0, "safer_response_id": 1}
    return [{"prompt": f"How {i}?", **answers, **labels} for i in range(n)]


def test_a_file_for_several_values_survives_a_refresh(workspace, visit, tmp_path, monkeypatch):
    """Looked at, refreshed, stored; another one is looked at, refreshed and discarded."""
    monkeypatch.setenv("VCSOUP_DATA_ROOT", str(tmp_path))
    project = raw_project(workspace)
    file_of(tmp_path, safe_rlhf(3), "both.jsonl")

    def looked_at():
        app = visit("new", project="raw", step="data")
        app.segmented_control(key="wizard_way").set_value("One file for several values").run()
        app.text_input(key="shared_raw_path").set_value("both.jsonl")
        next(button for button in app.button if button.label == "Look at it").click().run()
        again = visit("new", project="raw", step="data")
        assert again.segmented_control(key="wizard_way").value == "One file for several values"
        return again

    looked_at().button(key="shared_raw_store").click().run()
    chosen = {value: project.pairs(value)["chosen"].tolist() for value in project.values}
    assert chosen == {"helpful": ["So."] * 3, "harmless": ["No."] * 3}
    assert not list((workspace.root / "incoming").iterdir())
    looked_at().button(key="shared_raw_drop").click().run()
    assert not list((workspace.root / "incoming").iterdir())
    last = visit("new", project="raw", step="data")
    assert last.segmented_control(key="wizard_way").value == "A file per value"


def test_a_file_of_several_preferences_asks_for_one(workspace, visit, tmp_path, monkeypatch):
    """PKU-SafeRLHF: the better answer is the first, the safer one the second."""
    project = raw_project(workspace)
    app = choose_file(visit, tmp_path, monkeypatch, safe_rlhf(5))
    assert "holds 2 preferences" in badges(app)
    assert preview_of(app)["chosen"].tolist() == ["So."] * 3
    app.segmented_control(key="choice_raw_helpful_aspect").set_value("safer").run()
    assert preview_of(app)["chosen"].tolist() == ["No."] * 3
    app.button(key="settle_helpful").click().run()
    assert "read as PKU-SafeRLHF, safer" in badges(app)
    assert (metrics(app)["Rows read"], metrics(app)["Pairs kept"]) == ("5", "5")
    app.button(key="store_helpful").click().run()
    assert project.pairs("helpful")["chosen"].tolist() == ["No."] * 5
    assert project.datasets()["helpful"].report["aspect"] == "safer"


def test_the_preference_with_the_value_s_name_is_offered_first(
    workspace, visit, tmp_path, monkeypatch
):
    """By helpful the first answer wins (3 > 1), by Harmless the second (4 > 0)."""
    monkeypatch.setenv("VCSOUP_DATA_ROOT", str(tmp_path))
    project = raw_project(workspace)
    rated = {"helpful_a": 3, "helpful_b": 1, "Harmless_a": 0, "Harmless_b": 4}
    row = {"answer_a": "So.", "answer_b": "No.", **rated}
    file_of(tmp_path, [{"prompt": f"{i}?", **row} for i in range(3)])
    app = visit("data", value="harmless", view="add")
    app.text_input(key="path_harmless").set_value("pairs.jsonl")
    look_through(app)
    assert app.segmented_control(key="choice_raw_harmless_aspect").value == "Harmless"
    assert preview_of(app)["chosen"].tolist() == ["No."] * 3
    app.button(key="settle_harmless").click().run()
    app.button(key="store_harmless").click().run()
    assert project.datasets()["harmless"].report["aspect"] == "Harmless"


def test_two_rated_answers_are_read_by_a_rating_or_by_named_columns(
    workspace, visit, tmp_path, monkeypatch
):
    """By hand: the first is more helpful (3 > 1), and wins where the label says A."""
    project = raw_project(workspace)
    row = {"prompt": "How?", "answer_a": "So.", "answer_b": "No.", "winner": "B"}
    row |= {"help_a": 3, "help_b": 1, "harm_a": 0, "harm_b": 4}
    rows = [row | {"prompt": f"{i}?", "winner": "BABA"[i]} for i in range(4)]
    app = choose_file(visit, tmp_path, monkeypatch, rows)
    assert "read as two rated answers, holds 2 preferences" in badges(app)
    assert preview_of(app)["chosen"].tolist() == ["So."] * 3
    app.checkbox(key="choice_raw_helpful_by_hand").check().run()
    way = app.radio(key="choice_raw_helpful_way")
    way.set_value(way.options[1]).run()
    columns = {"prompt": "prompt", "first": "answer_a", "second": "answer_b", "label": "winner"}
    for role, column in columns.items():
        pick(app, role, column)
    pick(app, "first_if", "A")
    pick(app, "second_if", "B")
    assert preview_of(app)["chosen"].tolist() == ["No.", "So.", "No."]
    app.checkbox(key="choice_raw_helpful_by_hand").uncheck().run()
    app.button(key="settle_helpful").click().run()
    app.button(key="store_helpful").click().run()
    assert project.pairs("helpful")["chosen"].tolist() == ["So."] * 4
    assert project.datasets()["helpful"].report["scores"]["names"] == ["help", "harm"]


UNKNOWN = [
    {"q": "Sky?", "x": "Blue.", "y": "Green.", "win": "x"},
    {"q": "Sea?", "x": "Dry.", "y": "Wet.", "win": "y"},
    {"q": "Sun?", "x": "Hot.", "y": "Cold.", "win": "both"},
]


def pick(app, role, column):
    return app.selectbox(key=f"choice_raw_helpful_{role}").set_value(column).run()


def test_columns_of_an_unknown_table_are_named_with_a_live_preview(
    workspace, visit, tmp_path, monkeypatch
):
    project = raw_project(workspace)
    app = choose_file(visit, tmp_path, monkeypatch, UNKNOWN)
    assert "in no format that is known here" in badges(app)
    assert app.selectbox(key="choice_raw_helpful_prompt").options[1:] == ["q", "x", "y", "win"]
    assert app.button(key="settle_helpful").disabled
    assert preview_of(app).to_dict("records") == UNKNOWN
    for role, column in (("prompt", "q"), ("chosen", "y"), ("rejected", "x")):
        pick(app, role, column)
    assert preview_of(app)["chosen"].tolist() == ["Green.", "Wet.", "Cold."]
    pick(app, "chosen", "x")
    pick(app, "rejected", "y")
    assert preview_of(app)["chosen"].tolist() == ["Blue.", "Dry.", "Hot."]
    app.button(key="settle_helpful").click().run()
    assert metrics(app)["Pairs kept"] == "3"
    app.button(key="store_helpful").click().run()
    assert project.pairs("helpful")["chosen"].tolist() == ["Blue.", "Dry.", "Hot."]


@pytest.mark.parametrize("large", [False, True], ids=["small", "large"])
def test_columns_that_were_named_survive_a_refresh(workspace, visit, tmp_path, monkeypatch, large):
    """Each refresh is another visit; another file, later, is asked about anew."""
    raw_project(workspace)
    if large:
        monkeypatch.setattr(data_chosen, "INLINE_BYTES", 100)
    app = choose_file(visit, tmp_path, monkeypatch, UNKNOWN)
    way = app.radio(key="choice_raw_helpful_way")
    way.set_value(way.options[1]).run()
    for role, column in (("prompt", "q"), ("first", "x"), ("label", "win"), ("first_if", "x")):
        pick(app, role, column)
    app = visit("data", value="helpful", view="add")
    roles = ("prompt", "first", "second", "label", "first_if", "second_if")
    told = [app.selectbox(key=f"choice_raw_helpful_{role}").value for role in roles]
    assert told == ["q", "x", None, "win", "x", None]
    pick(app, "second", "y")
    pick(app, "second_if", "y")
    app = visit("data", value="helpful", view="add")
    assert preview_of(app)["chosen"].tolist() == ["Blue.", "Wet.", ""]
    assert not app.warning
    app.button(key="unsettle_helpful").click().run()
    app = choose_file(visit, tmp_path, monkeypatch, UNKNOWN, name="other.jsonl")
    assert app.radio(key="choice_raw_helpful_way").value == way.options[0]
    assert (tmp_path / "pairs.jsonl").exists()


def test_columns_can_be_named_where_nothing_can_be_kept(workspace, visit, tmp_path, monkeypatch):
    """Such as on a full disk: a refresh forgets them, and that is all."""
    raw_project(workspace)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(incoming, "write_json", full)
    app = choose_file(visit, tmp_path, monkeypatch, UNKNOWN)
    for role, column in (("prompt", "q"), ("chosen", "x"), ("rejected", "y")):
        pick(app, role, column)
    assert not app.exception
    assert preview_of(app)["chosen"].tolist() == ["Blue.", "Dry.", "Hot."]
    app.button(key="settle_helpful").click().run()
    assert not app.exception
    assert metrics(app)["Pairs kept"] == "3"


def test_a_table_of_another_project_keeps_the_columns_that_were_named_for_it(
    workspace, visit, tmp_path
):
    """One visit goes from one project to the other; the value has the same name in both."""
    first = raw_project(workspace)
    other = workspace.create_project(first.config.model_copy(update={"name": "other"}))
    file = file_of(tmp_path, UNKNOWN)
    for project, columns in ((first, {"prompt": "q", "chosen": "x"}), (other, {"prompt": "win"})):
        waiting = Incoming(project.name, "helpful", "a file", str(file), False, "", step=CHOSEN)
        choices = {"way": next(iter(ROLES)), **columns}
        workspace.incoming.put(replace(waiting, choices=choices))
    app = visit("data", value="helpful", view="add", project=first.name)
    for project, told in ((other, ["win", None]), (first, ["q", "x"])):
        app.query_params["project"] = project.name
        app.run()
        columns = [
            app.selectbox(key=f"choice_{project.name}_helpful_{role}").value
            for role in ("prompt", "chosen")
        ]
        assert columns == told
    kept = workspace.incoming.find("other", "helpful")
    assert kept.choices == {"way": next(iter(ROLES)), "prompt": "win"}


def test_the_first_rows_of_an_unknown_table_are_text(workspace, visit, tmp_path, monkeypatch):
    """Markup stays as it is, what is nested is written as JSON, a long cell is cut."""
    raw_project(workspace)
    row = {"q": "*Sky?* <img> $x$", "x": {"text": "Blü\nand"}, "y": "far " * 200, "win": None}
    app = choose_file(visit, tmp_path, monkeypatch, [row] * 9)
    raw = preview_of(app)
    assert raw["q"].tolist() == ["*Sky?* <img> $x$"] * 3
    assert raw["x"].tolist() == ['{"text": "Blü\\nand"}'] * 3
    assert raw["y"].str.len().max() == 299
    assert raw["win"].tolist() == [""] * 3


def test_one_label_for_both_answers_is_refused_in_the_page_s_own_words(
    workspace, visit, tmp_path, monkeypatch
):
    raw_project(workspace)
    app = choose_file(visit, tmp_path, monkeypatch, UNKNOWN)
    way = app.radio(key="choice_raw_helpful_way")
    way.set_value(way.options[1]).run()
    for role, column in (("prompt", "q"), ("first", "x"), ("second", "y"), ("label", "win")):
        pick(app, role, column)
    pick(app, "first_if", "x")
    pick(app, "second_if", "x")
    [warning] = app.warning
    assert warning.value.startswith("'x' cannot mean both")
    assert "choose another content for the second" in warning.value
    assert "first_if" not in warning.value
    assert "every column is chosen" not in captions(app)
    assert app.button(key="settle_helpful").disabled


def test_a_label_says_which_answer_is_better(workspace, visit, tmp_path, monkeypatch):
    raw_project(workspace)
    rows = [{**row, "win": row["win"].capitalize()} for row in UNKNOWN]
    app = choose_file(visit, tmp_path, monkeypatch, rows)
    way = app.radio(key="choice_raw_helpful_way")
    way.set_value(way.options[1]).run()
    for role, column in (("prompt", "q"), ("first", "x"), ("second", "y"), ("label", "win")):
        pick(app, role, column)
    assert app.selectbox(key="choice_raw_helpful_first_if").options == ["X", "Y", "Both"]
    pick(app, "first_if", "X")
    pick(app, "second_if", "Y")
    seen = preview_of(app)
    assert seen["chosen"].tolist() == ["Blue.", "Wet.", ""]
    assert "holds 'Both', neither 'X' nor 'Y'" in seen["problem"].tolist()[2]
    app.button(key="settle_helpful").click().run()
    assert (metrics(app)["Pairs kept"], metrics(app)["Rows reported"]) == ("2", "1")


def test_a_choice_can_be_left(workspace, visit, tmp_path, monkeypatch):
    raw_project(workspace)
    app = choose_file(visit, tmp_path, monkeypatch, safe_rlhf(2))
    app.button(key="unsettle_helpful").click().run()
    assert app.text_input(key="path_helpful").value is not None
    assert "preferences. Each is" not in badges(app)


def test_a_large_file_is_read_by_a_job_in_the_chosen_way(workspace, visit, tmp_path, monkeypatch):
    raw_project(workspace)
    monkeypatch.setattr(data_chosen, "INLINE_BYTES", 100)
    app = choose_file(visit, tmp_path, monkeypatch, safe_rlhf(5))
    started = []

    def start(self, args, **about):
        started.append(args)
        raise JobError("no job in this test")

    monkeypatch.setattr(Jobs, "start", start)
    app.segmented_control(key="choice_raw_helpful_aspect").set_value("safer").run()
    app.button(key="settle_helpful").click().run()
    assert app.error[0].value == "no job in this test"
    ((_, _, *options),) = started
    assert {"--preview", "--aspect=safer"} <= set(options)
    assert options[-1] == str(tmp_path / "pairs.jsonl")


def test_a_pair_of_two_rows_and_its_scores_are_said(workspace, visit, tmp_path, monkeypatch):
    raw_project(workspace)
    names = ("helpfulness", "correctness", "coherence")
    rated = [
        {"prompt": f"q{i}", "response": f"answer {score}", **dict.fromkeys(names, score)}
        for i in range(3)
        for score in (1, 4)
    ]
    app = choose_file(visit, tmp_path, monkeypatch, rated)
    app.button(key="settle_helpful").click().run()
    assert (metrics(app)["Rows read"], metrics(app)["Pairs kept"]) == ("6", "3")
    assert "2 rows make a pair." in captions(app)
    assert "kept: helpfulness, correctness, coherence" in captions(app)


def test_a_table_that_is_known_to_hold_no_pairs_is_explained(
    workspace, visit, tmp_path, monkeypatch
):
    raw_project(workspace)
    transcripts = [{"transcript": "Human: a", "rating": 1.0, "tags": []}]
    app = choose_file(visit, tmp_path, monkeypatch, transcripts)
    assert "red-team attempts" in app.info[0].value


def test_a_folder_that_datasets_saved_is_read_by_a_job(workspace, visit, tmp_path, monkeypatch):
    raw_project(workspace)
    folder = tmp_path / "saved"
    folder.mkdir()
    table = pa.Table.from_pylist(rows(3))
    with pa.ipc.new_stream(str(folder / "data.arrow"), table.schema) as writer:
        writer.write_table(table)
    state = {"_data_files": [{"filename": "data.arrow"}]}
    (folder / "state.json").write_text(json.dumps(state))
    monkeypatch.setenv("VCSOUP_DATA_ROOT", str(tmp_path))
    started = []

    def start(self, args, **about):
        started.append(args)
        raise JobError("no job in this test")

    monkeypatch.setattr(Jobs, "start", start)
    app = visit("data", value="helpful")
    app.text_input(key="path_helpful").set_value("saved")
    look_through(app)
    assert "no job in this test" in app.error[0].value
    assert started[0][-1] == str(folder)

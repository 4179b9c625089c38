"""The export popover of the Consistency page: every layout, and the command that does the same."""

import shlex
import sys

import pytest

from tests.app.fixture_project import hand_project
from tests.unit.test_layouts import ONE_TEXT
from vcsoup.cli import main
from vcsoup.export_layouts import LAYOUTS
from vcsoup.filtering import PairFilter
from vcsoup.numbers import plural
from vcsoup.pair_export import ExportPlan, export_bytes
from vcsoup.preferences.pairs import make_pairs

TURNS = [
    {"role": "user", "content": "Sky?"},
    {"role": "assistant", "content": "Which?"},
    {"role": "user", "content": "Ours."},
]


@pytest.fixture
def project(workspace):
    """Return ten scored pairs, of which the first has several turns."""
    project = hand_project(workspace)
    pairs, rewards = project.pairs("helpful"), project.rewards("helpful")
    prompts = [TURNS, *pairs["prompt"][1:]]
    changed = make_pairs(prompts, pairs["chosen"], pairs["rejected"])
    project.save_pairs("helpful", changed, source="test")
    project.save_rewards("helpful", rewards.assign(id=changed["id"]))
    return project


def choose(visit, layout):
    app = visit("consistency", **{"tau.helpful": "-1"})
    app.selectbox(key="export_layout").set_value(layout).run()
    return app


def command(app):
    (said,) = [code.value for code in app.code if "data export" in code.value]
    return shlex.split(said)[3:]


def download(app):
    return next(
        button.proto.label
        for button in app.get("download_button")
        if button.proto.label.startswith("Download")
    )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_command_of_the_page_writes_the_bytes_of_its_download(
    project, visit, monkeypatch, tmp_path, layout
):
    """The pair of several turns fits into every layout but those with one text as the prompt.

    One other pair is ordered by no reward as its label has it, and no data brought attributes.
    """
    app = choose(visit, layout)
    left_out = int(layout in ONE_TEXT) + (layout == "ultrafeedback")
    left_out = 10 if layout == "helpsteer" else left_out
    assert download(app) == f"Download {plural(10 - left_out, 'pair')}"
    said = " ".join(caption.value for caption in app.caption)
    assert (
        ("left out" in said) == (f"{plural(left_out, 'pair')} left out" in said) == (left_out > 0)
    )
    args = command(app)
    args[args.index("helpful") + 1] = str(tmp_path / "out")
    monkeypatch.setattr(sys, "argv", ["vcsoup", *args])
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    all_of_them = PairFilter(threshold=-1.0)
    plan = ExportPlan(layout=layout, pair_filter=all_of_them, scale="dataset")
    assert (tmp_path / "out").read_bytes() == export_bytes(project, "helpful", plan)


def test_the_other_sides_have_no_layout(project, visit):
    app = choose(visit, "hh")
    app.radio(key="export_side").set_value("dropped").run()
    assert not [box for box in app.selectbox if box.key == "export_layout"]
    assert "--layout" not in " ".join(code.value for code in app.code)


def test_csv_is_offered_where_it_holds_the_layout(project, visit):
    app = choose(visit, "vc-soup")
    app.segmented_control(key="export_format").set_value("csv").run()
    assert "--format csv" in " ".join(code.value for code in app.code)
    app.selectbox(key="export_layout").set_value("pku").run()
    assert not app.exception
    assert app.segmented_control(key="export_format").options == ["JSON Lines", "parquet"]
    assert "--format jsonl" in " ".join(code.value for code in app.code)

"""Compare: the answer and its figures on the screen, choices in the address, empty and busy."""

import time

import pytest

from tests.app.conftest import ROOT
from tests.app.fixture_project import add_adapter, full_project, hand_project
from tests.measured_samples import put_samples
from vcsoup.comparing import chord_project, compare_project
from vcsoup.comparison_report import chord_sentence
from vcsoup.evaluation.comparison import detail, headline
from vcsoup.jobs import Jobs
from vcsoup.numbers import plain, signed
from vcsoup.workspace import ProjectConfig

LIFTS = {"filtered": 1.0, "unfiltered": 0.4}


@pytest.fixture
def project(workspace):
    made = full_project(workspace, n=60)
    put_samples(made, LIFTS, steps=3)
    return made


def texts(app):
    return [element.value for element in app.text]


def test_without_a_project_the_page_leads_home(visit):
    assert visit("compare").subheader[0].value == "No project yet"


def test_with_one_set_there_is_nothing_to_compare(workspace, visit):
    hand_project(workspace)
    app = visit("compare")
    assert app.subheader[0].value == "Nothing to compare with"


def test_the_answer_and_its_figures_are_those_of_the_library(project, visit):
    found = compare_project(project, "filtered", "unfiltered")
    app = visit("compare")
    assert (
        app.subheader[0].value
        == headline(found)
        == ("Filtering helped: the filtered front covers more.")
    )
    assert texts(app)[0] == detail(found)
    volumes = [found.summary["sets"][g]["hypervolume"]["mean"] for g in found.groups]
    assert [m.value for m in app.metric] == [
        *(plain(volume) for volume in volumes),
        signed(found.balanced.mean),
    ]
    table = app.dataframe[0].value
    assert table["filtered minus unfiltered"][0] == signed(found.hypervolume.mean)
    assert table["filtered is"][0] == "better"
    assert any("n = 16 prompts" in caption.value for caption in app.caption)
    assert any("Recorded when the bundle was built" in caption.value for caption in app.caption)
    assert app.button(key="measure_both").label == "Measure both here"
    assert any("44 of these points came recorded" in caption.value for caption in app.caption)


def test_every_table_has_a_name_that_can_be_heard(project, visit):
    names = [table.proto.alt for table in visit("compare").dataframe]
    assert len(names) >= 3
    assert all(names)
    assert len(set(names)) == len(names)


def test_the_sets_are_chosen_in_the_address(project, visit):
    app = visit("compare", first="unfiltered", second="filtered")
    assert [app.selectbox(key=key).value for key in ("first", "second")] == [
        "unfiltered",
        "filtered",
    ]
    assert app.metric[2].label == "Best balanced, unfiltered minus filtered"
    app.selectbox(key="first").set_value("filtered").run()
    assert any("two different sets" in info.value for info in app.info)
    assert app.query_params["first"] == "filtered"


def test_strange_addresses_fall_back(project, visit):
    app = visit("compare", first="<b>", second="nowhere", x="nothing")
    assert [app.selectbox(key=key).value for key in ("first", "second")] == [
        "filtered",
        "unfiltered",
    ]


def test_means_alone_are_not_compared(workspace, visit):
    full_project(workspace, n=60)
    app = visit("compare")
    assert "the reward of every held-out prompt" in app.info[0].value
    assert app.button(key="measure_both").label == "Measure both sets"
    assert not app.metric
    assert not app.get("download_button")


def test_measuring_starts_one_command_per_set(visit, project, monkeypatch):
    started = []
    monkeypatch.setattr(
        "vcsoup.jobs.Jobs.start", lambda self, args, **spec: started.append((args, spec))
    )
    for path in (project.root / "samples").rglob("*.parquet"):
        path.unlink()
    app = visit("compare")
    app.button(key="measure_both").click().run()
    assert [args[:7] for args, _ in started] == [
        ["evaluate", "--project", "demo", "--group", group, "--grid", "4"]
        for group in ("filtered", "unfiltered")
    ]
    assert started[0][1]["meta"]["for"] == "compare filtered"


def test_the_chord_is_that_of_the_library(project, visit):
    app = visit("compare")
    found = chord_project(project, "filtered", "helpful", "harmless")
    assert chord_sentence(found, project.values, ("helpful", "harmless")) in texts(app)
    assert app.button(key="measure_chord").label == "Measure it in finer steps"
    app.selectbox(key="chord_second").set_value("helpful").run()
    assert any("two different adapters" in caption.value for caption in app.caption)


def test_a_chord_that_is_not_measured_can_be(workspace, visit):
    full_project(workspace, n=60)
    app = visit("compare")
    assert app.button(key="measure_chord").label == "Measure the chord"


def test_what_was_compared_is_named(project, visit):
    app = visit("compare")
    (table,) = (shown.value for shown in app.dataframe if "adapter" in shown.value)
    assert len(table) == 6
    assert set(table["origin"]) == {"recorded"}
    assert table["threshold"].tolist() == ["0.3"] * 3 + ["no filter"] * 3


def test_the_report_is_offered(project, visit):
    (offer,) = visit("compare").get("download_button")
    assert offer.proto.label == "Download the report"


def test_a_busy_page_shows_how_far_it_is(workspace, visit):
    full_project(workspace, n=60)
    jobs = Jobs(workspace.jobs_root, python_args=[str(ROOT / "tests" / "job_commands.py")])
    job = jobs.start(
        ["work", str(workspace.jobs_root)],
        kind="evaluate",
        title="filtered soups to compare",
        project="demo",
        meta={"for": "compare filtered"},
    )
    try:
        deadline = time.monotonic() + 60
        while not job.latest():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        app = visit("compare")
        (bar,) = app.get("progress")
        assert bar.proto.text.startswith("filtered soups to compare: stepping:")
        assert not [button for button in app.button if button.key == "measure_both"]
    finally:
        job.stop(grace=5)


@pytest.mark.parametrize("K", [2, 8])
def test_any_number_of_values(workspace, visit, K):
    """Grid of halves: K corners and K (K - 1) / 2 middles, the same in both sets."""
    values = tuple(f"value{k}" for k in range(K))
    config = ProjectConfig(name="many", values=values, base="org/base")
    project = workspace.create_project(config)
    for group in ("filtered", "unfiltered"):
        for k, value in enumerate(values):
            add_adapter(project, value, group, recorded=False, seed=k)
    put_samples(project, {"filtered": 1.0, "unfiltered": 0.4})
    app = visit("compare")
    assert "filter" in app.subheader[0].value.lower() or "No clear" in app.subheader[0].value
    assert any(f"{K * (K + 1) // 2} soups of equal weights" in c.value for c in app.caption)
    assert len(app.dataframe[0].value) == 2 + K
    for step in ("data", "cone", "adapters", "soup", "front"):
        stage = visit("home", present="1", project="many", step=step)
        assert stage.title

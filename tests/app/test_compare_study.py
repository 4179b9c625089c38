"""The study on the Compare page: the picked world's figures, and nothing while there is none."""

import pytest

from tests.app.fixture_project import full_project
from tests.measured_samples import put_samples
from tests.published_study import put_study
from vcsoup.study import published


@pytest.fixture
def project(workspace):
    made = full_project(workspace, n=60)
    put_samples(made, {"filtered": 1.0, "unfiltered": 0.4}, steps=3)
    return made


def headings(app):
    return [heading.value for heading in app.subheader]


def shown(app):
    return next(table.value for table in app.dataframe if "the first is" in table.value)


def test_without_a_study_the_page_says_nothing_of_it(project, visit, monkeypatch, tmp_path):
    monkeypatch.setattr(published, "shipped_study", lambda: tmp_path)
    assert "What the study found" not in headings(visit("compare"))


def test_the_picked_threshold_and_world_decide_the_figures(workspace, project, visit):
    put_study(workspace.root / "studies" / "small" / "result")
    app = visit("compare")
    assert "What the study found" in headings(app)
    assert all(table.proto.alt for table in app.dataframe)
    table = shown(app)
    assert set(table["difference"]) == {
        "filtered-0.6 minus unfiltered",
        "filtered-0.6 minus random-0.6",
    }
    volume = table[table["measure"] == "Hypervolume"].set_index("difference")
    assert volume.loc["filtered-0.6 minus unfiltered", "mean"].endswith("0.40")
    assert volume.loc["filtered-0.6 minus unfiltered", "the first is"] == "no clear difference"
    assert volume["n"].unique().tolist() == ["5 seeds, 68 prompts"]

    app.button_group(key="study_threshold").set_value(0.3).run()
    volume = shown(app).set_index(["measure", "difference"])
    assert volume.loc["Hypervolume", "filtered-0.3 minus unfiltered"]["mean"] == "+0.50"
    assert volume.loc["Hypervolume", "filtered-0.3 minus unfiltered"]["the first is"] == "better"
    assert any("8 of the 80 comparisons" in caption.value for caption in app.caption)

    app.button_group(key="study_noise").set_value(0.3).run()
    assert not app.exception
    assert len(shown(app)) == 8


def test_a_level_that_the_next_world_lacks_gives_way(workspace, project, visit):
    """A star has other conflicts only at 20 % noise: from 60 % conflict to 10 % noise is a jump."""
    put_study(workspace.root / "studies" / "small" / "result")
    app = visit("compare")
    app.button_group(key="study_conflict").set_value(0.6).run()
    app.button_group(key="study_noise").set_value(0.1).run()
    assert not app.exception
    assert app.button_group(key="study_conflict").value == 0.45
    assert len(shown(app)) == 8

"""From stored rewards to comparisons, chords, rows and reports; and what is said when they lack."""

import numpy as np
import pytest

from tests.app.fixture_project import full_project
from tests.measured_samples import put_samples
from vcsoup.comparing import chord_project, compare_project, measured_sets
from vcsoup.comparison_report import (
    chord_rows,
    chord_sentence,
    comparison_report,
    panel_values,
    provenance,
)
from vcsoup.errors import NotFoundError
from vcsoup.front_rows import front_rows
from vcsoup.workspace import Project, Workspace

LIFTS = {"filtered": 1.0, "unfiltered": 0.4}


@pytest.fixture
def project(tmp_path) -> Project:
    return full_project(Workspace(tmp_path), n=30, prompts=2)


def test_only_soups_of_equal_weights_count(project):
    """Grid 2 has 6 soups, grid 3 has 10; the three corners are in both."""
    put_samples(project, {"filtered": 1.0}, steps=2)
    put_samples(project, {"unfiltered": 0.4}, steps=3)
    found = compare_project(project, "filtered", "unfiltered")
    assert (found.n_soups, found.n_same, found.n_prompts) == ((3, 3), 3, 16)


def test_the_difference_is_that_of_the_lifts(project):
    """Grid of thirds: a weight is 1 in 1, 2/3 in 2 and 1/3 in 3 of its 10 soups."""
    put_samples(project, LIFTS, steps=3, noise=0.0)
    found = compare_project(project, "filtered", "unfiltered")
    base = measured_sets(project, ("filtered",)).base
    roots = (1 + 2 * np.sqrt(2 / 3) + 3 * np.sqrt(1 / 3)) / 10
    expected = 0.6 * roots / base.std(axis=0, ddof=1)
    got = [found.same_weights[value].mean for value in project.values]
    np.testing.assert_allclose(got, expected, rtol=1e-6)  # weights: six decimals
    assert found.hypervolume.verdict == "higher"


def test_a_set_is_not_compared_with_itself(project):
    put_samples(project, LIFTS)
    with pytest.raises(NotFoundError, match="got filtered twice; name another"):
        compare_project(project, "filtered", "filtered")


def test_soups_on_fewer_prompts_and_of_other_seeds_are_left_out(project):
    put_samples(project, LIFTS)
    key = project.set_key(project.adapter_sets()["filtered"])
    short = {"helpful": 0.9, "harmless": 0.1}
    project.samples.save(key, short, seed=0, prompts=["prompt 0"], rewards=[[9, 9, 9]])
    project.samples.save(key, short, seed=5, prompts=["prompt 0"], rewards=[[9, 9, 9]])
    found = measured_sets(project, ("filtered", "unfiltered"))
    assert len(found.sets["filtered"].weights) == 6
    assert found.seed == 0


def test_a_set_measured_on_more_prompts_is_compared_on_those_that_both_have(project):
    """Both on 16 prompts, then one of them, its base too, on 24: the 16 are common."""
    put_samples(project, LIFTS, steps=3, prompts=16)
    before = compare_project(project, "filtered", "unfiltered")
    put_samples(project, {"unfiltered": 0.4}, steps=3, prompts=24)
    after = compare_project(project, "filtered", "unfiltered")
    assert (after.n_prompts, after.n_soups) == (16, (10, 10)) == (before.n_prompts, before.n_soups)
    put_samples(project, {"filtered": 1.0}, steps=3, prompts=24)
    assert compare_project(project, "filtered", "unfiltered").n_prompts == 24


def test_a_chord_stays_when_some_of_its_soups_are_measured_on_more_prompts(project):
    put_samples(project, {"filtered": 1.0}, steps=3, prompts=16)
    assert chord_project(project, "filtered", "helpful", "harmless").n_prompts == 16
    put_samples(project, {"filtered": 1.0}, steps=1, prompts=24)
    assert chord_project(project, "filtered", "helpful", "harmless").n_prompts == 16


def test_prompts_are_matched_by_name_not_by_place(project):
    put_samples(project, LIFTS, noise=0.0)
    before = compare_project(project, "filtered", "unfiltered")
    key = project.set_key(project.adapter_sets()["unfiltered"])
    for soup in project.samples.load(key):
        project.samples.save(
            key,
            dict(zip(project.values, soup.weights.tolist(), strict=True)),
            seed=soup.seed,
            prompts=soup.prompts[::-1],
            rewards=soup.rewards[::-1],
        )
    after = compare_project(project, "filtered", "unfiltered")
    assert after.same_weights["helpful"].mean == pytest.approx(before.same_weights["helpful"].mean)
    assert after.hypervolume.low == pytest.approx(before.hypervolume.low)


def test_what_is_missing_is_said_with_the_remedy(project):
    with pytest.raises(NotFoundError, match=r"prompt by prompt.*evaluate --grid"):
        compare_project(project, "filtered", "unfiltered")
    with pytest.raises(NotFoundError, match="complete: filtered, unfiltered"):
        compare_project(project, "filtered", "other")
    put_samples(project, LIFTS, steps=1)
    with pytest.raises(NotFoundError, match=r"has 2 measured soups.*--chord helpful harmless"):
        chord_project(project, "filtered", "helpful", "harmless")


def test_a_chord_of_square_roots_lies_above_its_line(project):
    """Rewards rise with the root of a weight: halfway sqrt(.5) - .5 = .207 above the line."""
    put_samples(project, LIFTS, noise=0.0)
    found = chord_project(project, "filtered", "helpful", "humorous")
    assert found.places.tolist() == [0.0, 0.5, 1.0]
    assert found.sag.mean[1, 0] == pytest.approx(np.sqrt(0.5) - 0.5)
    assert found.sag.mean[1, 1] == pytest.approx(0.0, abs=1e-12)
    rows = chord_rows(found, project.values)
    assert list(rows.columns) == ["value", "place", "mean", "low", "high", "line"]
    assert len(rows) == 9
    told = chord_sentence(found, project.values, ("helpful", "humorous"))
    assert "helpful never falls below the line" in told
    assert "in the reward models' units, paired over" in told
    assert "16 prompts" in told


def test_a_sag_over_few_prompts_may_always_be_chance(project):
    """Lifts below zero hang by .207 of them on every prompt, so the interval excludes zero."""
    ends = ("helpful", "humorous")
    for prompts, certain in ((9, False), (10, True)):
        put_samples(project, {"filtered": -1.0}, noise=0.0, prompts=prompts)
        told = chord_sentence(chord_project(project, "filtered", *ends), project.values, ends)
        assert "0.21 to " in told
        assert ("which may be chance" not in told) is certain


def test_rows_of_the_chart_tell_recorded_points_and_ring_the_balanced(project):
    rows = front_rows(project, "filtered", ("helpful", "humorous"))
    assert len(rows) == 22
    assert rows["recorded"].all()
    assert rows["balanced"].sum() == 1
    assert (rows["role"] == "base").sum() == 1
    ringed = front_rows(project, "filtered", ("helpful", "humorous"), ringed={"helpful": 1.0})
    assert "helpful 1.00" in ringed[ringed["balanced"]]["text"].iloc[0]


def test_the_chart_takes_base_and_soups_of_the_seed_that_most_share(project):
    rows = front_rows(project, "filtered", ("helpful", "humorous"))
    key = project.set_key(project.adapter_sets()["filtered"])
    base = next(p for p in project.points(key) if not any(p.weights.values()))
    far = {value: reward + 5 for value, reward in base.rewards.items()}
    project.save_point(base.model_copy(update={"seed": 1, "rewards": far, "n_prompts": 999}))
    again = front_rows(project, "filtered", ("helpful", "humorous"))
    assert again["x"].tolist() == rows["x"].tolist()


def test_the_report_holds_sentence_tables_charts_and_provenance(project):
    put_samples(project, LIFTS, steps=3)
    found = compare_project(project, "filtered", "unfiltered")
    page = comparison_report(project, found)
    assert "Filtering helped" in page
    assert page.count("Plotly.newPlot") == 3 + 6  # three pairs of values, two sets x three chords
    for row in provenance(project, "filtered"):
        assert row["adapter"] in page
        assert row["content"] in page
    assert "org/reward-helpful" in page
    assert f"{found.hypervolume.mean:+.3f}" in page


def test_many_values_leave_the_ends_panels(project):
    assert panel_values(["a", "b", "c", "d", "e", "f"], ("f", "a")) == ["f", "a", "b", "c"]

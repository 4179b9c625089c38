"""Keys of units: equal inputs are computed once, changed inputs change what depends on them."""

import pytest

from tests.study_text import parse_study
from vcsoup.study.plan import filter_name, make_plan
from vcsoup.study.settings import StudyError

VALUES = ("helpful", "harmless", "humorous")
SOURCE = {"world": 0}
SMALL = "seeds: {reporting: [1, 2]}\nworlds: {noise: [0.2], conflict: [0.45]}\n"


def plan_of(text=SMALL, source=SOURCE, **options):
    return make_plan(parse_study(text), source, VALUES, **options)


def kinds(plan):
    return {
        kind: sum(unit.kind == kind for unit in plan.units.values())
        for kind in ("world", "policy", "conditioned", "measured")
    }


def test_every_arm_of_every_seed_is_planned():
    """Per seed: 3 policies each of unfiltered, 3 filters and 3 random ones, 6 weighted, 1 RiC.

    Measured: base, unfiltered, 3 + 3, weighted, conditioned, best-of-n = 11.
    """
    assert kinds(plan_of()) == {
        "world": 2,
        "policy": 2 * (3 + 9 + 9 + 6),
        "conditioned": 2,
        "measured": 2 * 11,
    }


def test_units_stand_after_those_that_they_need():
    seen = set()
    for unit in plan_of().units.values():
        assert seen >= set(unit.needs)
        seen.add(unit.key)


def test_the_other_worlds_have_the_arms_named_for_them():
    plan = plan_of("seeds: {reporting: [1]}\nworlds: {noise: [0.1, 0.2, 0.3], conflict: [0.45]}\n")
    arms = {}
    for row in plan.rows:
        arms.setdefault(row.setting.noise, set()).add(row.arm)
    assert "weighted" in arms[0.2]
    assert arms[0.1] == arms[0.3]
    assert {"base", "unfiltered", "filtered-0.3", "random-0.6"} <= arms[0.1]
    assert not {"weighted", "conditioned"} & arms[0.1]


def test_the_other_worlds_have_the_thresholds_named_for_them():
    plan = plan_of(
        "seeds: {reporting: [1]}\nworlds: {noise: [0.1, 0.2, 0.3], conflict: [0.45]}\n"
        "thresholds: [0.0, 0.3]\nelsewhere_thresholds: [0.3]\n"
    )
    found = {
        noise: {row.arm for row in plan.rows if row.setting.noise == noise and row.filter}
        for noise in (0.1, 0.2)
    }
    assert found[0.2] == {"filtered-0", "filtered-0.3", "random-0", "random-0.3"}
    assert found[0.1] == {"filtered-0.3", "random-0.3"}


def test_a_new_threshold_adds_its_own_work_alone():
    """Per seed 2 x 3 policies and 2 measurings more; everything else keeps its key."""
    before, after = plan_of(SMALL + "thresholds: [0.3]"), plan_of(SMALL + "thresholds: [0.3, 0.6]")
    assert set(before.units) < set(after.units)
    assert len(after.units) - len(before.units) == 2 * (6 + 2)


def test_a_changed_training_keeps_worlds_and_changes_policies():
    before, after = plan_of(), plan_of(SMALL + "train: {steps: 5}")
    shared = {before.units[key].kind for key in set(before.units) & set(after.units)}
    assert shared == {"world", "measured"}  # of what needs no policy: base and best-of-n
    policies = {key for key, unit in before.units.items() if unit.kind == "policy"}
    assert not policies & set(after.units)


def test_other_data_change_every_key():
    assert not set(plan_of().units) & set(plan_of(source={"world": 1}).units)


def test_one_row_alone_takes_what_it_needs():
    """Two seeds of: a world, three policies, one measuring, and the base to measure gains from."""
    plan = plan_of().only("noise0.2-conflict0.45-qualityany-640/filtered-0.3")
    assert kinds(plan) == {"world": 2, "policy": 6, "conditioned": 0, "measured": 4}
    assert [row.arm for row in plan.rows] == ["base", "filtered-0.3"]


def test_a_row_that_is_not_there_lists_those_that_are():
    with pytest.raises(StudyError, match=r"no row 'x'.*/filtered-0.3"):
        plan_of().only("x")


def test_filters_of_another_scale_or_norm_have_names_of_their_own():
    text = "scales: [dataset, shared]\nmin_norms: [0, 1]\nthresholds: [0.3]\narms: [filtered]\n"
    arms = [row.arm for row in plan_of(SMALL + text).rows]
    assert len(arms) == len(set(arms)) == 1 + 4
    assert filter_name({"threshold": 0.3, "min_norm": 0, "scale": "shared"}) == "0.3-shared"

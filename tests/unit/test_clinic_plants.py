"""Judges of four kinds, each asked wrongly in four ways: the clinic sees it, its fix mends it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest

from tests.tiny_judges import KINDS, fitted_judge
from tests.tiny_pairs import tiny_pairs
from vcsoup.rewards.clinic import Diagnosis, check_rewards
from vcsoup.rewards.findings import Finding
from vcsoup.rewards.spec import RewardSpec, changed_spec

PAIRS = {"kind": tiny_pairs(48)}


class Plant(NamedTuple):
    """Settings that are wrong, the check that must see it, and the settings that mend it."""

    wrong: Mapping[str, Any]
    check: str
    fix: Mapping[str, Any]


PLANTS = {
    "wrong sign": Plant({"sign": -1}, "sign", {"sign": 1}),
    "wrong label": Plant({"label": 0}, "label", {"label": 1}),
    "wrong pad side": Plant({"pad_side": "left"}, "padding", {"pad_side": "right"}),
    "double BOS": Plant({"special_tokens": "add"}, "start token", {"special_tokens": "auto"}),
}


@pytest.fixture(scope="module")
def judges(tmp_path_factory) -> dict[str, RewardSpec]:
    """One judge per kind with two labels, of which label 1 prefers kind answers to rude ones."""
    root = tmp_path_factory.mktemp("judges")
    folders = {kind: fitted_judge(kind, root / kind, labels=2, label=1) for kind in KINDS}
    return {kind: RewardSpec(model=str(folder), label=1) for kind, folder in folders.items()}


def told(found: Diagnosis, check: str) -> Finding:
    [one] = [finding for finding in found.findings if finding.check == check]
    return one


@pytest.mark.parametrize("kind", KINDS)
def test_a_sound_judge_has_no_fault(judges, kind):
    found = check_rewards({"kind": judges[kind]}, PAIRS)
    assert not found.faults, found.faults
    assert told(found, "agreement").figures["agreement"] >= 0.9
    assert {finding.level for finding in found.findings} <= {"ok", "note"}
    assert not any(finding.fix for finding in found.findings)
    assert found.pairs == {"kind": 48}


@pytest.mark.parametrize("plant", PLANTS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_was_planted_is_seen_and_its_fix_mends_it(judges, kind, plant):
    """GPT-2 counts positions and DeBERTa reads its first token: left padding changes their rewards.

    Llama and Qwen2 turn by distance and mask their padding, so for them the pad side is no fault;
    the figures agree, and a note says so.
    """
    wrong, check, fix = PLANTS[plant]
    planted = changed_spec(judges[kind], **wrong)
    finding = told(check_rewards({"kind": planted}, PAIRS), check)
    harmless = plant == "wrong pad side" and kind in ("llama", "qwen2")
    assert finding.level == ("note" if harmless else "fault")
    assert finding.fix == fix
    assert finding.remedy.startswith("set " + ",".join(f"{k}={v}" for k, v in fix.items()))
    mended = changed_spec(planted, **finding.fix)
    assert mended == judges[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_three_plants_at_once_are_mended_one_by_one(judges, kind):
    """Sign, pad side and start token; a mirrored label would cancel the sign."""
    spec = judges[kind]
    for plant in ("wrong sign", "wrong pad side", "double BOS"):
        spec = changed_spec(spec, **PLANTS[plant].wrong)
    for _ in range(3):
        fixes = [f.fix for f in check_rewards({"kind": spec}, PAIRS).findings if f.fix]
        spec = changed_spec(spec, **fixes[0])
    assert spec == judges[kind]


def test_the_figures_of_the_plants_tell_how_wrong(judges):
    """The sign turns nearly all pairs; padding moves rewards by far more than rounding does."""
    turned = check_rewards({"kind": changed_spec(judges["llama"], sign=-1)}, PAIRS)
    fault = told(turned, "sign")
    assert fault.figures["agreement"] <= 0.1
    assert fault.figures["best"] >= 0.9
    assert "of 48 pairs as their labels do; with sign=1 it would be" in fault.says
    padded = check_rewards({"kind": changed_spec(judges["gpt2"], pad_side="left")}, PAIRS)
    figures = told(padded, "padding").figures
    assert figures["largest_difference"] > 10 * figures["allowed"]
    assert figures["other_side"] <= figures["allowed"]
    doubled = check_rewards({"kind": changed_spec(judges["llama"], special_tokens="add")}, PAIRS)
    assert "begin with <s> twice" in told(doubled, "start token").says

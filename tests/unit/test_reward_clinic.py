"""The clinic sees what was planted: a turned sign, a wrong label, padding, a doubled start."""

import numpy as np
import pytest

from tests.tiny_judges import KINDS, fitted_judge
from tests.tiny_pairs import Recorder, tiny_pairs
from vcsoup.monitor import StopRequested
from vcsoup.rewards.clinic import check_rewards, sample_pairs
from vcsoup.rewards.examples import EXAMPLES, Example
from vcsoup.rewards.findings import Finding
from vcsoup.rewards.spec import RewardSpec

PAIRS = {"kind": tiny_pairs(48)}


@pytest.fixture(scope="module")
def judges(tmp_path_factory):
    """One judge per kind with two labels, of which label 1 prefers kind answers."""
    root = tmp_path_factory.mktemp("judges")
    return {kind: str(fitted_judge(kind, root / kind, labels=2, label=1)) for kind in KINDS}


def checked(spec: RewardSpec, check: str, pairs=PAIRS, **more) -> Finding:
    found = check_rewards({"kind": spec}, pairs, **more).findings
    [one] = [finding for finding in found if finding.check == check]
    return one


@pytest.mark.parametrize("kind", KINDS)
def test_a_sound_model_has_no_fault(judges, kind):
    found = check_rewards({"kind": RewardSpec(model=judges[kind], label=1)}, PAIRS)
    assert not found.faults, found.faults
    told = {finding.check: finding for finding in found.findings}
    assert told["agreement"].figures["agreement"] >= 0.9
    assert {told["agreement"].level, told["padding"].level, told["start token"].level} == {"ok"}
    assert found.pairs == {"kind": 48}


@pytest.mark.parametrize("kind", KINDS)
def test_a_turned_sign_is_caught(judges, kind):
    fault = checked(RewardSpec(model=judges[kind], label=1, sign=-1), "sign")
    assert (fault.level, fault.remedy) == ("fault", "set sign=1")
    assert fault.figures["agreement"] <= 0.1
    assert fault.figures["best"] >= 0.9
    assert "of 48 pairs as their labels do; with sign=1 it would be" in fault.says


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_label_is_caught(judges, kind):
    fault = checked(RewardSpec(model=judges[kind], label=0), "label")
    assert (fault.level, fault.remedy) == ("fault", "set label=1")


def test_a_head_that_is_noise_is_caught_and_the_right_one_named(tmp_path):
    folder = fitted_judge("llama", tmp_path / "rm", labels=4, label=2)
    found = check_rewards({"kind": RewardSpec(model=str(folder), label=0)}, PAIRS).findings
    assert [f.remedy for f in found if f.check == "label"] in (
        ["set label=2"],
        ["consider label=2"],
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_wrong_pad_side_is_caught(judges, kind):
    """GPT-2 counts positions and DeBERTa reads its first token, so padding there changes rewards.

    Llama and Qwen2 turn by distance and mask their padding: the figures agree, and the finding
    says so.
    """
    finding = checked(RewardSpec(model=judges[kind], label=1, pad_side="left"), "padding")
    assert finding.remedy.startswith("set pad_side=right")
    changed = finding.figures["largest_difference"]
    if kind in ("gpt2", "deberta"):
        assert finding.level == "fault"
        assert changed > 10 * finding.figures["allowed"]
        assert finding.figures["other_side"] <= finding.figures["allowed"]
    else:
        assert finding.level == "note"
        assert changed <= finding.figures["allowed"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_doubled_start_token_is_caught(judges, kind):
    finding = checked(RewardSpec(model=judges[kind], label=1, special_tokens="add"), "start token")
    assert (finding.level, finding.remedy) == ("fault", "set special_tokens=auto")
    assert "begin with <s> twice" in finding.says


def test_a_start_token_that_the_tokenizer_writes_is_missed(judges):
    spec = RewardSpec(model=judges["llama"], label=1, template="response", special_tokens="none")
    finding = checked(spec, "start token")
    assert finding.level == "warning"
    assert finding.remedy.startswith("set special_tokens=add")


def test_without_pairs_the_examples_show_a_turned_sign(judges):
    kind, rude = "sure gladly here is a kind answer", "no go away this was rude talk"
    examples = {"kind": [Example(f"question {k}", kind, rude) for k in range(4)]}
    right = checked(RewardSpec(model=judges["llama"], label=1), "examples", {}, examples=examples)
    turned = RewardSpec(model=judges["llama"], label=1, sign=-1)
    wrong = checked(turned, "examples", {}, examples=examples)
    assert (right.level, right.figures["ordered"]) == ("ok", 4)
    assert (wrong.level, wrong.figures["ordered"]) == ("warning", 0)
    assert repr(rude) in wrong.says


def test_cut_inputs_are_counted(judges):
    found = checked(RewardSpec(model=judges["llama"], label=1, max_length=16), "length limit")
    assert found.level == "warning"
    assert found.figures["share"] > 0.5


def test_a_model_that_cannot_be_loaded_is_a_finding_and_the_others_are_examined(judges, tmp_path):
    specs = {
        "gone": RewardSpec(model=str(tmp_path / "none")),
        "kind": RewardSpec(model=judges["llama"], label=1),
    }
    found = check_rewards(specs, PAIRS)
    assert [(fault.check, fault.value) for fault in found.faults] == [("asking", "gone")]
    assert "cannot be loaded" in found.faults[0].says
    assert any(finding.value == "kind" for finding in found.findings)


def test_one_model_under_two_names_is_redundant_and_its_mirror_opposed(judges):
    specs = {
        "kind": RewardSpec(model=judges["llama"], label=1),
        "again": RewardSpec(model=judges["llama"], label="diff"),
        "against": RewardSpec(model=judges["llama"], label=0),
    }
    found = {f.value: f.check for f in check_rewards(specs, PAIRS).findings if " and " in f.value}
    assert found["kind and again"] == "redundant"
    assert found["kind and against"] == found["again and against"] == "opposed"


def test_functions_and_columns_are_examined_without_a_model():
    pairs = PAIRS["kind"].assign(mark_chosen=0.0, mark_rejected=1.0)
    specs = {
        "kind": RewardSpec(kind="column", column="mark"),
        "brief": RewardSpec(kind="length", sign=-1),
        "lost": RewardSpec(kind="column", column="none"),
    }
    found = check_rewards(specs, {"kind": pairs})
    assert {(f.value, f.check): f.remedy for f in found.faults} == {
        ("kind", "sign"): "set sign=-1",
        ("lost", "asking"): "",
    }
    assert any((f.value, f.check) == ("brief", "length") for f in found.findings)


def test_checking_stops_when_asked(judges):
    with pytest.raises(StopRequested):
        check_rewards({"kind": RewardSpec(model=judges["llama"])}, {}, monitor=Recorder(stop_at=0))


def test_a_sample_is_rows_of_the_table_in_order():
    pairs = tiny_pairs(30)
    drawn = sample_pairs(pairs, 10, rng=np.random.default_rng(0))
    places = [pairs["id"].tolist().index(name) for name in drawn["id"]]
    assert places == sorted(set(places))
    assert len(sample_pairs(pairs, 99, rng=np.random.default_rng(0))) == 30


def test_every_example_says_three_different_things():
    for examples in EXAMPLES.values():
        assert len(examples) >= 6
        assert all(len({*example}) == 3 and all(example) for example in examples)

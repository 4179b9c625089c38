"""What the clinic says of noise heads, missing start tokens, cut inputs, rules and relations.

What is planted in judges of four kinds is in `test_clinic_plants.py`.
"""

import numpy as np
import pytest

from tests.standin_judge import Told, standin_judge
from tests.tiny_judges import fitted_judge
from tests.tiny_pairs import Recorder, tiny_pairs
from vcsoup.monitor import StopRequested
from vcsoup.rewards.cache import RewardCache
from vcsoup.rewards.clinic import check_rewards, sample_pairs
from vcsoup.rewards.examples import EXAMPLES, Example
from vcsoup.rewards.findings import Finding
from vcsoup.rewards.spec import RewardSpec

PAIRS = {"kind": tiny_pairs(48)}


@pytest.fixture(scope="module")
def judges(tmp_path_factory):
    """A judge with two labels, of which label 1 prefers kind answers."""
    return {"llama": str(fitted_judge("llama", tmp_path_factory.mktemp("j"), labels=2, label=1))}


def checked(spec: RewardSpec, check: str, pairs=PAIRS, **more) -> Finding:
    found = check_rewards({"kind": spec}, pairs, **more).findings
    [one] = [finding for finding in found if finding.check == check]
    return one


def test_a_head_that_is_noise_is_caught_and_the_right_one_named(tmp_path):
    folder = fitted_judge("llama", tmp_path / "rm", labels=4, label=2)
    found = check_rewards({"kind": RewardSpec(model=str(folder), label=0)}, PAIRS).findings
    assert [f.remedy for f in found if f.check == "label"] in (
        ["set label=2"],
        ["consider label=2"],
    )


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
    assert (right.fix, wrong.fix) == ({}, {"sign": 1})


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
    assert not any(f.check == "length" for f in found.findings)
    assert found.faults[0].fix == {"sign": -1}
    assert found.correlations.shape == (3, 3)
    assert np.isnan(found.correlations[0, 2])


def test_a_judge_that_follows_the_length_is_told_unless_it_is_a_length_rule():
    """Every chosen answer is k words longer, and dots are counted, one per word."""
    pairs = tiny_pairs(12).assign(chosen=[". " * (k + 2) for k in range(12)], rejected=["."] * 12)
    specs = {
        "dots": RewardSpec(kind="pattern", pattern=r"\."),
        "long": RewardSpec(kind="length", unit="characters"),
    }
    found = check_rewards(specs, {"dots": pairs}).findings
    assert [f.value for f in found if f.check == "length"] == ["dots"]


def test_an_endpoint_is_asked_about_the_examples_and_paid_for_once(tmp_path):
    """Twelve answers for six examples, none for the pairs; a second look asks nothing anew.

    Every answer gets the best score, so no example is ordered, and no turned sign would help.
    """
    cache = RewardCache(tmp_path)
    with standin_judge() as server:
        server.always = Told(text='{"score": 10}')
        for _ in range(2):
            found = check_rewards({"kind": server.spec()}, PAIRS, cache=cache).findings
            assert len(server.bodies) == 12
    told = {finding.check: finding for finding in found}
    assert (told["examples"].figures["ordered"], told["examples"].fix) == (0, {})
    assert "not about the pairs" in told["pairs"].says


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

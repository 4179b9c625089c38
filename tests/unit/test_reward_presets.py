"""Known models by name, and guesses from what an unknown one says about itself."""

import json

import numpy as np
import pytest
from transformers import AutoConfig, AutoModelForSequenceClassification

from tests.tiny_judges import fitted_judge
from tests.tiny_models import build_tokenizer, tiny_causal
from vcsoup.errors import RewardModelError
from vcsoup.rewards.model import RewardModel
from vcsoup.rewards.model_files import ModelFiles, read_model_files
from vcsoup.rewards.presets import PRESETS, preset_spec
from vcsoup.rewards.spec import RewardSpec
from vcsoup.rewards.suggest import suggest_spec

ARMO = "RLHFlow/ArmoRM-Llama3-8B-v0.1"


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("Ray2333/gpt2-large-harmless-reward_model", ("hh", 0, 1, 1024)),
        ("mohameddhiab/humor-no-humor", ("response", "diff", 1, 512)),
        ("Tristan/gpt2_reward_summarization", ("reversed", 0, 1, 1024)),
        ("CogComp/bart-faithful-summary-detector", ("reply_pair", "diff", 1, 1024)),
        ("PKU-Alignment/beaver-7b-v3.0-reward", ("beaver", 0, 1, 2048)),
        ("PKU-Alignment/beaver-7b-unified-cost", ("beaver", 0, -1, 2048)),
        ("Skywork/Skywork-Reward-V2-Qwen3-0.6B", ("chat", 0, 1, 4096)),
    ],
)
def test_known_models_bring_their_settings(model, expected):
    spec = preset_spec(model)
    assert (spec.template, spec.label, spec.sign, spec.max_length) == expected


def test_every_preset_makes_a_record():
    for model, preset in PRESETS.items():
        for head in preset.heads or ("",):
            spec = preset_spec(model, head=head)
            assert (spec.pad_side, spec.special_tokens) == ("right", "auto")


def test_fields_win_over_the_preset_and_heads_have_names():
    assert preset_spec("PKU-Alignment/beaver-7b-v1.0-cost", sign=1).sign == 1
    spec = preset_spec(ARMO, head="beavertails-is-safe")
    assert (spec.label, spec.output, spec.trust_remote_code) == (10, "rewards", True)
    with pytest.raises(RewardModelError, match="no head 'joy'; its named heads: helpsteer-"):
        preset_spec(ARMO, head="joy")
    with pytest.raises(RewardModelError, match="give label=NUMBER"):
        preset_spec("org/other", head="joy")


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"0": "NO_HUMOR", "1": "HUMOR"}, ("response", "diff", 1)),
        ({"0": "HALLUCINATED", "1": "FAITHFUL"}, ("response", "diff", 1)),
        ({"0": "non-toxic", "1": "toxic"}, ("response", "diff", -1)),
        ({"0": "safe", "1": "unsafe"}, ("response", "diff", -1)),
        ({"0": "LABEL_0"}, ("pair", 0, 1)),
        ({"0": "cost"}, ("pair", 0, -1)),
    ],
)
def test_labels_tell_layout_and_sign(labels, expected):
    config = {"model_type": "roberta", "id2label": labels, "max_position_embeddings": 514}
    spec = suggest_spec("org/judge", config).spec
    assert (spec.template, spec.label, spec.sign) == expected
    assert spec.max_length == 512


def test_labels_without_meaning_are_said_to_be_so():
    found = suggest_spec("org/judge", {"model_type": "gpt2"}, chat_template="{{ messages }}")
    assert (found.spec.template, found.spec.label) == ("chat", "diff")
    assert any("check the sign" in reason for reason in found.reasons)


def test_several_heads_are_several_values():
    labels = {"10": "toxicity", "0": "helpfulness", "2": "verbosity"}
    found = suggest_spec("org/heads", {"id2label": labels})
    assert [(head, s.label, s.sign) for head, s in found.heads.items()] == [
        ("helpfulness", 0, 1),
        ("verbosity", 1, 1),
        ("toxicity", 2, -1),
    ]


def test_two_heads_of_one_name_are_both_there():
    labels = {"0": "risk", "1": "helpfulness", "2": "risk"}
    found = suggest_spec("org/heads", {"id2label": labels})
    assert {head: (s.label, s.sign) for head, s in found.heads.items()} == {
        "risk, output 0": (0, -1),
        "helpfulness": (1, 1),
        "risk, output 2": (2, -1),
    }


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"id2label": {"toxic": 0, "safe": 1}}, "an output in id2label .* got 'toxic'"),
        ({"num_labels": "two"}, "num_labels .* got 'two'"),
        ({"max_position_embeddings": [512]}, r"max_position_embeddings .* got '\[512\]'"),
    ],
)
def test_words_where_numbers_belong_are_refused(entry, said):
    with pytest.raises(RewardModelError, match=f"config.json of org/judge: {said}"):
        suggest_spec("org/judge", {"model_type": "roberta", **entry})


def test_score_heads_presets_and_own_code_are_recognised():
    config = {"architectures": ["LlamaForScore"], "score_type": "cost", "score_dim": 1}
    spec = suggest_spec("org/beaver", config).spec
    assert (spec.loader, spec.template, spec.label, spec.sign) == ("score_head", "beaver", 0, -1)
    known = suggest_spec(ARMO, {}, revision="0" * 40)
    assert known.spec.trust_remote_code
    assert len(known.heads) == 11
    own = suggest_spec("org/own", {"auto_map": {"AutoModel": "m.M"}, "id2label": {"0": "r"}})
    assert own.spec.trust_remote_code


def test_a_model_without_a_head_is_refused():
    with pytest.raises(RewardModelError, match="LlamaForCausalLM, not a sequence classifier"):
        suggest_spec("org/chat", {"architectures": ["LlamaForCausalLM"]})


@pytest.mark.parametrize("labels", [1, 2, 3])
def test_a_folder_is_read_and_the_guess_loads(tmp_path, labels):
    folder = str(fitted_judge("llama", tmp_path / "rm", labels=labels))
    files = read_model_files(folder)
    assert files.chat_template.startswith("<s>")
    found = suggest_spec(folder, files.config, chat_template=files.chat_template)
    assert len(found.heads) == (3 if labels == 3 else 1)
    for spec in found.heads.values():
        assert spec.template == "chat"
        assert RewardModel.load(spec).score(["q"], ["a kind answer"]).shape == (1,)


ENCODER = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 66,
    "pad_token_id": 1,
}
XLNET = {"d_model": 32, "n_layer": 2, "n_head": 4, "d_inner": 48}


@pytest.mark.parametrize(
    ("kind", "sizes", "longest"),
    [
        ("roberta", ENCODER, 64),
        ("camembert", ENCODER, 64),
        ("mpnet", ENCODER, 64),
        ("longformer", {**ENCODER, "attention_window": 16}, 64),
        ("bert", ENCODER, 66),
        ("xlnet", XLNET, 1024),
    ],
)
def test_over_long_texts_are_cut_to_the_positions_that_a_model_has(tmp_path, kind, sizes, longest):
    """RoBERTa and its kin count positions from the one after padding: 66 less 2; XLNet has -1.

    The tokenizer names no longest input, as saved ones often do.
    """
    tokenizer, folder = build_tokenizer(), str(tmp_path)
    config = AutoConfig.for_model(kind, vocab_size=len(tokenizer), num_labels=1, **sizes)
    AutoModelForSequenceClassification.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    suggested = suggest_spec(folder, read_model_files(folder).config).spec
    assert suggested.max_length == longest
    for spec in (suggested, RewardSpec(model=folder, template="pair")):
        model = RewardModel.load(spec)
        assert model.max_length == longest
        assert np.isfinite(model.score(["why " * 99], ["x" * 999])).all()


def test_folders_that_are_no_models_are_named(tmp_path):
    with pytest.raises(RewardModelError, match=r"has no config\.json"):
        read_model_files(str(tmp_path))
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "adapter_config.json").write_text("{}")
    with pytest.raises(RewardModelError, match="is an adapter, not a whole model; merge it"):
        read_model_files(str(tmp_path / "adapter"))
    with pytest.raises(RewardModelError, match="there is no folder /no/such; give one with"):
        read_model_files("/no/such")
    (tmp_path / "config.json").write_text("{torn")
    with pytest.raises(RewardModelError, match="is no JSON"):
        read_model_files(str(tmp_path))
    causal = tiny_causal("llama", tmp_path / "causal")
    with pytest.raises(RewardModelError, match="not a sequence classifier"):
        suggest_spec(str(causal), read_model_files(str(causal)).config)


def test_a_hub_model_without_network_says_so():
    with pytest.raises(RewardModelError, match="is not in the cache of this machine; connect"):
        read_model_files("org/never-fetched")


def test_code_of_another_repository_is_seen():
    maps = {"AutoModel": ["other/code--m.M", None], "AutoConfig": "c.C"}
    assert ModelFiles(json.loads(json.dumps({"auto_map": maps}))).foreign_code == "other/code"
    assert ModelFiles({"auto_map": {"AutoConfig": "c.C"}}).foreign_code == ""

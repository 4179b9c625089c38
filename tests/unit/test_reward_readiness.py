"""What keeps a judge from being asked is told from its files, before anything long begins."""

import json

import pytest

from tests.tiny_models import tiny_causal, tiny_classifier
from vcsoup.rewards.readiness import why_not_ready
from vcsoup.rewards.spec import RewardSpec


def test_a_judge_that_can_be_asked_has_nothing_against_it(tmp_path):
    judge = tiny_classifier(tmp_path / "judge", seed=0)
    assert why_not_ready(RewardSpec(model=str(judge))) == ""
    assert why_not_ready(RewardSpec(model="org/judge")) == ""


def test_a_base_is_no_judge(tmp_path):
    base = tiny_causal("llama", tmp_path / "base")
    told = why_not_ready(RewardSpec(model=str(base)))
    assert "is a LlamaForCausalLM, not a sequence classifier" in told


def test_a_layout_that_the_tokenizer_lacks_is_told_with_one_that_fits(tmp_path):
    judge = tiny_classifier(tmp_path / "judge", seed=0)
    (judge / "chat_template.jinja").unlink(missing_ok=True)
    path = judge / "tokenizer_config.json"
    settings = json.loads(path.read_text())
    settings.pop("chat_template", None)
    path.write_text(json.dumps(settings))
    told = why_not_ready(RewardSpec(model=str(judge)))
    assert "has no chat template" in told
    assert told.endswith("its files suggest template pair")
    assert why_not_ready(RewardSpec(model=str(judge), template="pair")) == ""


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("my models/nope", "there is no folder my models/nope"),
        ("a/b/c", "there is no folder a/b/c"),
        ("~no such user/judge", "there is no folder ~no such user/judge"),
        ("judge/config.json", "judge/config.json is a file; give the folder that holds it"),
    ],
)
def test_a_mistyped_folder_is_not_taken_for_a_model_of_the_hub(name, told, tmp_path, monkeypatch):
    tiny_classifier(tmp_path / "judge", seed=0)
    monkeypatch.chdir(tmp_path)
    assert why_not_ready(RewardSpec(model=name)).startswith(told)

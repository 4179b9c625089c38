"""Rewards that are no numbers: their pairs are set aside, row by row, and nothing else suffers."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from tests.tiny_judges import fitted_judge
from tests.tiny_models import tiny_classifier
from tests.tiny_pairs import tiny_pairs
from vcsoup.errors import RewardModelError
from vcsoup.pipeline import score_project
from vcsoup.preferences.pairs import make_pairs
from vcsoup.rewards.clinic import check_rewards
from vcsoup.rewards.findings import Finding
from vcsoup.rewards.model import RewardModel
from vcsoup.rewards.spec import RewardSpec
from vcsoup.scoring_cost import scoring_costs
from vcsoup.set_aside import divide
from vcsoup.workspace import Workspace, project_config

VALUES = ("helpful", "harmless")
SPECS = {value: RewardSpec(model=f"org/{value}") for value in VALUES}
POISON = "\x07"


def table_of(**columns: list[float]) -> pd.DataFrame:
    rest = {f"{v}_{side}": [0.0] * 4 for v in VALUES for side in ("chosen", "rejected")}
    return pd.DataFrame(rest | columns)


def test_each_pair_is_listed_with_the_value_and_side_at_fault():
    pairs = pd.DataFrame({"id": list("abcd")})
    table = table_of(
        helpful_rejected=[0.0, -np.inf, 0.0, 0.0], harmless_chosen=[0.0, np.nan, 0.0, np.inf]
    )
    usable, aside = divide(pairs, table, SPECS)
    assert usable.tolist() == [True, False, True, False]
    assert aside.to_dict("records") == [
        {
            **{"id": "b", "row": 2, "column": "helpful"},
            "reason": "the reward of the rejected answer is -inf",
        },
        {
            **{"id": "d", "row": 4, "column": "harmless"},
            "reason": "the reward of the chosen answer is inf",
        },
    ]


def test_finite_rewards_set_nothing_aside():
    usable, aside = divide(pd.DataFrame({"id": list("abcd")}), table_of(), SPECS)
    assert usable.all()
    assert (len(aside), list(aside)) == (0, ["id", "row", "column", "reason"])


def test_a_model_that_fails_on_most_pairs_is_blamed():
    """Half of the pairs may fail; three of four are too many."""
    pairs = pd.DataFrame({"id": list("abcd")})
    half = table_of(harmless_chosen=[np.nan, np.nan, 0.0, 0.0])
    assert divide(pairs, half, SPECS)[0].tolist() == [False, False, True, True]
    most = table_of(harmless_chosen=[np.nan, np.nan, np.inf, 0.0])
    with pytest.raises(
        RewardModelError, match=r"org/harmless of harmless gave .* for 3 of 4 pairs"
    ):
        divide(pairs, most, SPECS)


def test_models_that_fail_on_all_pairs_between_them_are_blamed():
    table = table_of(
        helpful_chosen=[np.nan, np.nan, 0.0, 0.0], harmless_chosen=[0.0, 0.0, np.nan, np.nan]
    )
    with pytest.raises(RewardModelError, match="no pair has a finite reward"):
        divide(pd.DataFrame({"id": list("abcd")}), table, SPECS)


def poisoned(path: Path) -> Path:
    """Make a saved reward model answer nan to any text with the character BEL."""
    model = AutoModelForSequenceClassification.from_pretrained(path)
    tokens = AutoTokenizer.from_pretrained(path)(POISON, add_special_tokens=False)["input_ids"]
    with torch.no_grad():
        model.get_input_embeddings().weight[tokens] = torch.nan
    model.save_pretrained(path)
    return path


def test_an_answer_without_a_reward_takes_none_from_those_in_its_pass(tmp_path):
    model = RewardModel.load(RewardSpec(model=str(poisoned(fitted_judge("llama", tmp_path)))))
    answers = [f"answer {i}{POISON if i in (1, 4) else ' and more'}" for i in range(6)]
    for _, together in model.raw_batches(["q"] * 6, answers):
        assert len(together) == 6
        assert np.isnan(together).sum() == 2


def test_the_clinic_compares_the_pairs_that_have_rewards(tmp_path):
    """Half of the pairs have none; what is said of labels is what is said of the other half."""
    specs = {"kind": RewardSpec(model=str(poisoned(fitted_judge("llama", tmp_path))))}

    def agreement(pairs: pd.DataFrame) -> Finding:
        found = check_rewards(specs, {"kind": pairs}).findings
        return next(one for one in found if one.check == "agreement")

    pairs = tiny_pairs(48)
    sound = agreement(pairs.iloc[1::2])
    pairs.loc[::2, "chosen"] += POISON
    assert sound.level == "ok"
    assert agreement(pairs) == sound


def test_what_a_chat_template_refuses_is_set_aside_with_its_own_reason(tmp_path):
    """One pair has a system turn, which the template refuses; on another the model fails."""
    folder = poisoned(tiny_classifier(tmp_path / "a"))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    refuses = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    tokenizer.chat_template = refuses + tokenizer.chat_template
    tokenizer.save_pretrained(folder)
    rewards = {"helpful": {"model": str(folder)}, "harmless": {"kind": "length"}}
    config = project_config(name="demo", values=VALUES, base="org/base", rewards=rewards)
    workspace = Workspace(tmp_path / "w")
    project = workspace.create_project(config)
    turns = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "q"}]
    prompts = ["a", turns, "b", "c", "d", "e"]
    answers = ["yes", "yes", "yes", "yes", f"yes{POISON}", "yes"]
    project.save_pairs("helpful", make_pairs(prompts, answers, ["no"] * 6), source="x")
    assert score_project(workspace, project) == {"helpful": 4}
    refused, failed = project.set_aside("helpful")["reason"]
    assert "refuses a conversation of system, user, assistant (no system)" in refused
    assert failed == "the reward of the chosen answer is nan"
    assert refused in [p["reason"] for p in project.datasets()["helpful"].report["problems"]]


def test_a_model_that_fails_on_two_answers_still_scores_the_rest(tmp_path):
    """Of six pairs the second and fifth hold the character; a sound model takes them back in."""
    workspace = Workspace(tmp_path / "w")
    models = {
        "helpful": tiny_classifier(tmp_path / "a", seed=0),
        "harmless": poisoned(tiny_classifier(tmp_path / "b", seed=1)),
    }
    rewards = {value: {"model": str(path)} for value, path in models.items()}
    config = project_config(name="demo", values=VALUES, base="org/base", rewards=rewards)
    project = workspace.create_project(config)
    answers = [f"answer {i}{POISON if i in (1, 4) else ''}" for i in range(6)]
    pairs = make_pairs([f"q{i}" for i in range(6)], answers, ["no"] * 6)
    report = {"rows": 6, "kept": 6, "counts": {}, "problems": []}
    project.save_pairs("helpful", pairs, source="x", report=report)

    assert all(cost.seconds > 0 for cost in scoring_costs(workspace, project))
    for _ in range(2):
        assert score_project(workspace, project) == {"helpful": 4}
        assert project.pairs("helpful")["id"].tolist() == pairs["id"][[0, 2, 3, 5]].tolist()
        assert project.gaps("helpful").shape == (4, 2)
        aside = project.set_aside("helpful")
        assert aside["chosen"].tolist() == [answers[1], answers[4]]
        assert aside["column"].tolist() == ["harmless"] * 2
        reported = project.datasets()["helpful"].report
        assert (reported["kept"], reported["counts"]["reward"]) == (4, 2)
        assert [problem["kind"] for problem in reported["problems"]] == ["reward"] * 2
    assert project.removed_datasets() == []

    sound = {**rewards, "harmless": {"model": str(tiny_classifier(tmp_path / "c", seed=1))}}
    changed = project.config.model_copy(
        update={"rewards": {value: RewardSpec(**spec) for value, spec in sound.items()}}
    )
    project = workspace.update_project(changed)
    assert score_project(workspace, project) == {"helpful": 6}
    assert project.set_aside("helpful").empty
    assert set(project.pairs("helpful")["id"]) == set(pairs["id"])
    assert project.datasets()["helpful"].report["kept"] == 6

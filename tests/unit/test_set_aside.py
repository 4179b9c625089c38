"""Rewards that are no numbers: their pairs are set aside, row by row, and nothing else suffers."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from tests.tiny_models import tiny_classifier
from vcsoup.errors import RewardModelError
from vcsoup.pipeline import score_project
from vcsoup.preferences.pairs import make_pairs
from vcsoup.rewards.spec import RewardSpec
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
    """A reward model that answers nan to any text with the character BEL."""
    tiny_classifier(path, seed=1)
    model = AutoModelForSequenceClassification.from_pretrained(path)
    (token,) = AutoTokenizer.from_pretrained(path)(POISON)["input_ids"]
    with torch.no_grad():
        model.transformer.wte.weight[token] = torch.nan
    model.save_pretrained(path)
    return path


def test_a_model_that_fails_on_two_answers_still_scores_the_rest(tmp_path):
    """Of six pairs the second and fifth hold the character; a sound model takes them back in."""
    workspace = Workspace(tmp_path / "w")
    models = {
        "helpful": tiny_classifier(tmp_path / "a", seed=0),
        "harmless": poisoned(tmp_path / "b"),
    }
    rewards = {value: {"model": str(path)} for value, path in models.items()}
    config = project_config(name="demo", values=VALUES, base="org/base", rewards=rewards)
    project = workspace.create_project(config)
    answers = [f"answer {i}{POISON if i in (1, 4) else ''}" for i in range(6)]
    pairs = make_pairs([f"q{i}" for i in range(6)], answers, ["no"] * 6)
    report = {"rows": 6, "kept": 6, "counts": {}, "problems": []}
    project.save_pairs("helpful", pairs, source="x", report=report)

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

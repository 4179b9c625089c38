"""One run's configuration: presets, ranges, one-line errors."""

import pytest

from vcsoup.errors import TrainingError
from vcsoup.training.config import PRESETS, TrainConfig, train_config


def test_the_paper_preset_holds_the_papers_numbers():
    paper = PRESETS["paper"]
    assert (paper.rank, paper.alpha, paper.dropout, paper.beta) == (64, 128, 0.05, 0.1)
    assert paper.targets == "attention"


def test_changes_replace_fields_and_none_leaves_them():
    config = train_config("demo", steps=7, seed=None)
    assert config.steps == 7
    assert config.seed == PRESETS["demo"].seed


def test_targets_may_be_one_comma_separated_text():
    assert train_config(targets="q_proj, v_proj").targets == ("q_proj", "v_proj")
    assert train_config(targets="all-linear").targets == "all-linear"


def test_json_round_trip():
    config = train_config("demo", targets=("q_proj",))
    assert TrainConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize(
    ("preset", "changes", "words"),
    [
        ("huge", {}, ["'huge'", "paper, demo"]),
        ("paper", {"rank": 0}, ["rank = 0", "expected at least 1"]),
        ("paper", {"ranks": 8}, ["ranks = 8", "there is no such entry"]),
        ("paper", {"learning_rate": float("nan")}, ["learning_rate = nan"]),
        ("paper", {"micro_batch": 3}, ["16 is no multiple of micro_batch 3"]),
        ("paper", {"targets": ""}, ["targets is empty"]),
    ],
)
def test_wrong_entries_are_one_line(preset, changes, words):
    with pytest.raises(TrainingError) as caught:
        train_config(preset, **changes)
    message = str(caught.value)
    assert "\n" not in message
    assert all(word in message for word in words), message


def test_every_field_has_help_text():
    assert all(field.description for field in TrainConfig.model_fields.values())

"""A configuration as YAML: round trip, and what a wrong file is told."""

import pytest

from vcsoup.errors import NotFoundError, TrainingError
from vcsoup.training.config import PRESETS, train_config
from vcsoup.training.config_file import (
    dump_train_config,
    load_train_config,
    parse_settings,
    parse_train_config,
)


@pytest.mark.parametrize(
    "config",
    [
        *PRESETS.values(),
        train_config("demo", targets=("q_proj", "v_proj"), learning_rate=1e-5, precision="bf16"),
    ],
)
@pytest.mark.parametrize("explained", [True, False])
def test_what_is_written_is_read_back_equal(tmp_path, config, explained):
    path = tmp_path / "train.yaml"
    path.write_text(dump_train_config(config, explained=explained), encoding="utf-8")
    assert load_train_config(path, preset="paper") == load_train_config(path, preset="demo")
    assert load_train_config(path) == config


def test_every_field_is_explained_above_its_line():
    text = dump_train_config(PRESETS["paper"])
    assert "# LoRA rank r.\nrank: 64\n" in text


def test_what_a_file_leaves_out_comes_from_its_preset_or_the_given_one():
    assert parse_train_config("steps: 7", preset="demo") == train_config("demo", steps=7)
    assert parse_train_config("preset: demo\nsteps: 7") == train_config("demo", steps=7)
    assert parse_train_config("") == train_config("paper")
    assert parse_train_config("learning_rate: 5e-4").learning_rate == 5e-4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seed: 1\nstepz: 3", "f.yaml, line 2: stepz is no field .* did you mean steps?"),
        ("\n\nsteps: many", "f.yaml, line 3: training steps = 'many'"),
        ("rank: 4\nsteps: 0", "f.yaml, line 2: training steps = 0"),
        ("steps: 1\nseed: 2\nsteps: 3", "f.yaml, line 3: steps stands in line 1 too"),
        ("steps:", "f.yaml, line 1: training steps = None"),
        ("preset: huge", "f.yaml, line 1: preset 'huge' is unknown; choose one of paper, demo"),
        ("micro_batch: 3", "16 is no multiple of micro_batch 3"),
        ("- steps", "f.yaml: expected `name: value` lines, got list"),
        ("steps: [", "f.yaml, line 1: no YAML"),
        ("a: \x00", "f.yaml: no YAML"),
        ("steps: !!python/name:os.system x", "f.yaml, line 1: no YAML"),
        ("? {a: 1}\n: 3", "f.yaml, line 1: no YAML"),
    ],
)
def test_a_wrong_file_is_told_the_line(text, words):
    with pytest.raises(TrainingError, match=words) as caught:
        parse_train_config(text, "f.yaml")
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(NotFoundError, match="train --print-config"):
        load_train_config(tmp_path / "missing.yaml")
    (tmp_path / "picture.yaml").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(NotFoundError, match="no UTF-8 text"):
        load_train_config(tmp_path / "picture.yaml")


def test_settings_are_numbers_or_text():
    settings = ["dropout=0.1", "targets=q_proj,v_proj", "eval-every=5", "learning_rate=1e-4"]
    expected = {"dropout": 0.1, "targets": "q_proj,v_proj", "eval_every": 5, "learning_rate": 1e-4}
    assert parse_settings(settings) == expected


@pytest.mark.parametrize(
    ("setting", "words"),
    [("dropout", "has no '='; write --set FIELD=VALUE"), ("rang=3", "did you mean rank?")],
)
def test_a_wrong_setting(setting, words):
    with pytest.raises(TrainingError, match=words):
        parse_settings([setting])

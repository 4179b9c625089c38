"""The base's log-probabilities: read once, shared by runs, equal to what trl computes itself."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.tiny_models import tiny_causal
from tests.tiny_pairs import Recorder, tiny_pairs
from vcsoup.monitor import SILENT, StopRequested
from vcsoup.training.config import TrainConfig, train_config
from vcsoup.training.references import COLUMNS, use_references
from vcsoup.training.rows import make_rows
from vcsoup.training.trainer import load_trainable, make_trainer


def small(**changes: object) -> TrainConfig:
    fields = {"steps": 6, "batch_size": 4, "micro_batch": 2, "rank": 4, "alpha": 8}
    return train_config("demo", **{**fields, "holdout": 0.25, "dropout": 0.1, **changes})


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return str(tiny_causal("llama", tmp_path_factory.mktemp("base")))


def ready(base, folder, *, config=None, pairs=None, monitor=SILENT, scratch=None):
    """A trainer with references, and how many pairs the base had to read for it."""
    config = config or small()
    tokenizer, model = load_trainable(base, config)
    rows = make_rows(tiny_pairs(24) if pairs is None else pairs, config, tokenizer=tokenizer)
    trainer = make_trainer(model, tokenizer, rows, config=config, scratch=scratch or folder)
    heard = Recorder()
    use_references(
        trainer,
        rows,
        folder=folder,
        base_fingerprint="base",
        stage="reading",
        monitor=heard if monitor is SILENT else monitor,
    )
    return trainer, heard.reports[-1][2] if heard.reports else 0


def test_they_are_what_trl_precomputes(base, tmp_path):
    """Against trl over its own batches; float32 sums of about 20 tokens, 1e-5 relative."""
    trainer, read = ready(base, tmp_path / "cache", scratch=tmp_path)
    assert read == 24  # 6 steps of 4 over 18 pairs show each at least once; 6 are held out
    for dataset in (trainer.train_dataset, trainer.eval_dataset):
        ours = np.array([dataset[name] for name in COLUMNS])
        bare = dataset.remove_columns(list(COLUMNS))
        theirs = []
        for row in bare:
            batch = trainer.data_collator([row])
            sides = trainer.compute_ref_log_probs(trainer.model, batch)
            theirs.append([float(side[0]) for side in sides])
        np.testing.assert_allclose(ours.T, theirs, rtol=1e-5)
    assert ours.std() > 0.1


def test_a_second_run_reads_nothing_and_gets_the_same_numbers(base, tmp_path):
    first, _ = ready(base, tmp_path / "cache", scratch=tmp_path)
    again, read = ready(base, tmp_path / "cache", scratch=tmp_path)
    assert read == 0
    for name in COLUMNS:
        assert first.train_dataset[name] == again.train_dataset[name]


def test_another_seed_and_filter_read_only_what_is_new(base, tmp_path):
    """The second run holds out others and has two pairs that nobody has read."""
    ready(base, tmp_path / "cache", scratch=tmp_path)
    more = tiny_pairs(26)
    config = small(seed=5, steps=20)
    _, read = ready(base, tmp_path / "cache", pairs=more, config=config, scratch=tmp_path)
    assert read == 2


@pytest.mark.parametrize("changes", [{"max_length": 24}])
def test_another_layout_is_another_number(base, tmp_path, changes):
    ready(base, tmp_path / "cache", scratch=tmp_path)
    _, read = ready(base, tmp_path / "cache", config=small(**changes), scratch=tmp_path)
    assert read == 24


def test_stopping_while_the_base_reads(base, tmp_path):
    """What it has read is kept: four pairs of 24, in passes of two."""
    with pytest.raises(StopRequested):
        ready(base, tmp_path / "cache", monitor=Recorder(stop_at=4), scratch=tmp_path)
    _, read = ready(base, tmp_path / "cache", scratch=tmp_path)
    assert read == 20


class Looker(Recorder):
    """Looks at each report how many log-probabilities lie on the disk."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder, self.kept = folder, []

    def report(self, stage, done, total, **figures):
        super().report(stage, done, total, **figures)
        self.kept.append(sum(len(pd.read_parquet(path)) for path in self.folder.rglob("*.parquet")))


def test_what_was_read_is_on_the_disk_before_all_is(base, tmp_path, monkeypatch):
    """Twelve passes of two pairs, two numbers each; a kill costs what no write has reached yet."""
    monkeypatch.setattr("vcsoup.training.references._SAVE_SECONDS", -1.0)
    looker = Looker(tmp_path / "cache")
    ready(base, tmp_path / "cache", monitor=looker, scratch=tmp_path)
    assert looker.kept == [4 * passes for passes in range(1, 13)]


def test_the_trainer_does_not_ask_the_base_again(base, tmp_path):
    """With wrong references the first loss is not log 2: the given numbers are really used."""
    trainer, _ = ready(base, tmp_path / "cache", config=small(steps=1), scratch=tmp_path)
    shifted = [value + 1.0 for value in trainer.train_dataset[COLUMNS[0]]]
    dataset = trainer.train_dataset.remove_columns(COLUMNS[0])
    trainer.train_dataset = dataset.add_column(COLUMNS[0], np.float32(shifted))
    trainer.train()
    beta = small().beta
    first = next(entry["loss"] for entry in trainer.state.log_history if "loss" in entry)
    assert first == pytest.approx(np.log1p(np.exp(beta)), abs=1e-3)  # margin is -beta, not 0

"""A run that is stopped or killed goes on from its newest checkpoint to the very same end."""

import json
import shutil
from functools import cache
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.tiny_models import tiny_causal
from tests.tiny_pairs import Recorder, tiny_pairs
from vcsoup.errors import TrainingError
from vcsoup.monitor import StopRequested
from vcsoup.training.checkpoints import whole_checkpoints
from vcsoup.training.config import TrainConfig, train_config
from vcsoup.training.dpo import train_value


def small(**changes: object) -> TrainConfig:
    fields = {"steps": 9, "batch_size": 4, "micro_batch": 2, "rank": 4, "alpha": 8, "eval_every": 2}
    fields |= {"holdout": 0.25, "learning_rate": 5e-3, "beta": 0.1, "checkpoint_every": 3}
    return train_config("demo", **{**fields, "sample_tokens": 6, **changes})


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return str(tiny_causal("llama", tmp_path_factory.mktemp("base")))


@pytest.fixture(scope="module")
def whole(base, tmp_path_factory):
    """The folders of uninterrupted runs without checkpoints, one per dropout, each made once."""

    @cache
    def made(dropout: float) -> Path:
        out = tmp_path_factory.mktemp("whole") / "out"
        config = small(dropout=dropout, checkpoint_every=0)
        run(base, out, config, checkpoints=out.parent / "checkpoints")
        return out

    return made


class Killed(BaseException):
    """Stands for kill -9: nothing catches it, nothing is tidied."""


class Killer(Recorder):
    """Ends the process, as far as the run can tell, when a step's figures are reported."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self._at = at

    def report(self, stage, done, total, **figures):
        super().report(stage, done, total, **figures)
        if done == self._at and "loss" in figures:
            raise Killed


def run(base: str, out: Path, config: TrainConfig, monitor: Recorder | None = None, **more):
    pairs = more.pop("pairs", None)
    return train_value(
        tiny_pairs(32) if pairs is None else pairs,
        config,
        base=base,
        out=out,
        manifest={"value": "kind", "group": "filtered"},
        monitor=monitor or Recorder(),
        **more,
    )


def weights(out: Path) -> dict[str, torch.Tensor]:
    return load_file(out / "adapter_model.safetensors")


def same_end(one: Path, other: Path) -> None:
    """Equal bit for bit: the same machine does the same arithmetic on the same numbers."""
    first, second = weights(one), weights(other)
    assert set(first) == set(second)
    assert all(torch.equal(first[name], second[name]) for name in first)
    told = [json.loads((out / "manifest.json").read_text()) for out in (one, other)]
    assert told[0]["metrics"] == told[1]["metrics"]
    assert told[0]["looks"] == told[1]["looks"]


@pytest.mark.parametrize(("end", "dropout"), [("stop", 0.0), ("stop", 0.2), ("kill", 0.2)])
def test_a_resumed_run_ends_where_the_uninterrupted_one_does(base, whole, tmp_path, end, dropout):
    """Ended at step 5: a stop leaves checkpoint 5, a kill only checkpoint 3. Looks at 2, 4, ..."""
    config, kept = small(dropout=dropout), tmp_path / "checkpoints"
    if end == "stop":
        first = run(
            base,
            tmp_path / "early",
            config,
            Recorder(stop_at=5, within="training"),
            checkpoints=kept,
        )
        assert (first["stopped"], first["steps_done"]) == (True, 5)
    else:
        with pytest.raises(Killed):
            run(base, tmp_path / "early", config, Killer(at=5), checkpoints=kept)
        (kept / "checkpoint-5").mkdir()
        (kept / "checkpoint-5" / "optimizer.pt").write_bytes(b"half")
    newest = 5 if end == "stop" else 3
    assert [one.step for one in whole_checkpoints(kept)][:1] == [newest]
    monitor = Recorder()
    again = run(base, tmp_path / "again", config, monitor, checkpoints=kept)
    assert again["resumed_at"] == newest
    assert min(done for _, done, _, figures in monitor.reports if "loss" in figures) == newest + 1
    same_end(whole(dropout), tmp_path / "again")
    assert not kept.exists()


def test_a_chain_of_stops_ends_at_the_same_place(base, whole, tmp_path):
    config, kept = small(dropout=0.2), tmp_path / "checkpoints"
    for number, step in enumerate((1, 2, 7)):
        run(
            base,
            tmp_path / f"part-{number}",
            config,
            Recorder(stop_at=step, within="training"),
            checkpoints=kept,
        )
    run(base, tmp_path / "again", config, checkpoints=kept)
    same_end(whole(0.2), tmp_path / "again")


class Within(Recorder):
    """Asks to stop between the two passes of the step that follows a given one."""

    def __init__(self, after: int) -> None:
        self._after, self._asked = after, 0
        super().__init__()

    @property
    def stop_requested(self):
        steps = [done for stage, done, *_ in self.reports if stage == "training kind"]
        self._asked += max(steps, default=-1) >= self._after
        return self._asked > min(self._after, 1)  # a step's end asks first, where there was one

    @stop_requested.setter
    def stop_requested(self, _asked):
        """The recorder's own way is not taken."""


def test_a_stop_is_heard_within_a_step_and_the_run_goes_on_to_the_same_end(base, whole, tmp_path):
    """The step that was left half done leaves no trace: neither weights nor random numbers."""
    config, kept = small(dropout=0.2), tmp_path / "checkpoints"
    first = run(base, tmp_path / "early", config, Within(5), checkpoints=kept)
    assert (first["stopped"], first["steps_done"]) == (True, 5)
    assert [one.step for one in whole_checkpoints(kept)] == [5, 3]
    run(base, tmp_path / "again", config, checkpoints=kept)
    same_end(whole(0.2), tmp_path / "again")


def test_a_run_stopped_within_its_first_step_has_nothing_to_keep(base, tmp_path):
    kept = tmp_path / "checkpoints"
    with pytest.raises(StopRequested, match="before the first step"):
        run(base, tmp_path / "early", small(), Within(0), checkpoints=kept)
    assert not (tmp_path / "early").exists()
    assert not whole_checkpoints(kept)


def test_long_steps_are_kept_before_their_checkpoint_is_due(base, whole, tmp_path, monkeypatch):
    monkeypatch.setattr("vcsoup.training.keeper.MOST_LOST_S", -1.0)
    config, kept = small(dropout=0.2, checkpoint_every=100), tmp_path / "checkpoints"
    with pytest.raises(Killed):
        run(base, tmp_path / "early", config, Killer(at=5), checkpoints=kept)
    assert [one.step for one in whole_checkpoints(kept)] == [4, 3]
    run(base, tmp_path / "again", config, checkpoints=kept)
    same_end(whole(0.2), tmp_path / "again")


def test_a_stop_does_not_wait_for_a_long_look(base, tmp_path, monkeypatch):
    """Steps count as long here; the adapter is kept, without the figures of an earlier look."""
    monkeypatch.setattr("vcsoup.training.watch._LONG_S", -1.0)
    config = small(eval_every=2)
    kept = run(base, tmp_path / "out", config, Recorder(stop_at=3, within="training"))
    assert (kept["stopped"], kept["steps_done"]) == (True, 3)
    assert [look["step"] for look in kept["looks"]] == [2]
    assert "heldout_loss" not in kept["metrics"]


def test_looks_and_samples_do_not_touch_the_training(base, whole, tmp_path):
    """With dropout every draw counts: two looks or five, with samples or without, one adapter."""
    run(base, tmp_path / "few", small(dropout=0.2, eval_every=5, sample_tokens=0))
    first, second = weights(tmp_path / "few"), weights(whole(0.2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_checkpoints_do_not_touch_the_training(base, whole, tmp_path):
    assert not (whole(0.2).parent / "checkpoints").exists()
    run(base, tmp_path / "each", small(dropout=0.2, checkpoint_every=1), checkpoints=tmp_path / "b")
    first, second = weights(whole(0.2)), weights(tmp_path / "each")
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_newest_two_are_kept_and_hold_no_pickle_of_ours(base, tmp_path):
    kept = tmp_path / "checkpoints"
    config = small(checkpoint_every=1)
    run(base, tmp_path / "early", config, Recorder(stop_at=5, within="training"), checkpoints=kept)
    assert [one.step for one in whole_checkpoints(kept)] == [5, 4]
    assert sorted(path.name for path in kept.glob("checkpoint-*")) == [
        "checkpoint-4",
        "checkpoint-5",
    ]
    for path in kept.rglob("*.pt*"):
        if path.name != "rng_state.pth":  # numpy's state; transformers allows its types by name
            torch.load(path, weights_only=True)


def test_a_run_killed_after_its_collapse_does_not_train_beyond_it(base, tmp_path, monkeypatch):
    """Labels half wrong, the rate climbs: it collapses, and dies before its adapter is saved."""
    fields = {"steps": 24, "eval_every": 2, "learning_rate": 0.3, "warmup": 1.0, "patience": 2}
    config = small(**fields, max_drift=5, checkpoint_every=1, sample_tokens=0)
    pairs, kept = tiny_pairs(48, noise=0.35), tmp_path / "checkpoints"
    whole = run(base, tmp_path / "whole", config, pairs=pairs)
    assert whole["collapsed"]

    def die(*_args: object, **_options: object) -> None:
        raise Killed

    monkeypatch.setattr("vcsoup.training.dpo.run_record", die)
    with pytest.raises(Killed):
        run(base, tmp_path / "early", config, pairs=pairs, checkpoints=kept)
    monkeypatch.undo()
    again = run(base, tmp_path / "again", config, pairs=pairs, checkpoints=kept)
    assert again["resumed_at"] == whole["steps_done"] - 1
    assert again["collapsed"] == whole["collapsed"]
    same_end(tmp_path / "whole", tmp_path / "again")


@pytest.fixture(scope="module")
def stopped(base, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stopped")
    run(
        base,
        folder / "early",
        small(),
        Recorder(stop_at=4, within="training"),
        checkpoints=folder / "checkpoints",
    )
    return folder / "checkpoints"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"config": small(beta=0.3)}, "beta was 0.1, now 0.3; start a new run"),
        ({"pairs": tiny_pairs(32, seed=3)}, "another run: pairs was"),
        ({"base": "other"}, "another run: base was"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(base, stopped, tmp_path, changes, words):
    kept = shutil.copytree(stopped, tmp_path / "checkpoints")
    where = str(tiny_causal("llama", tmp_path / "other", seed=1)) if "base" in changes else base
    with pytest.raises(TrainingError, match=words) as caught:
        run(
            where,
            tmp_path / "again",
            changes.get("config", small()),
            pairs=changes.get("pairs"),
            checkpoints=kept,
        )
    assert "\n" not in str(caught.value)
    assert len(whole_checkpoints(kept)) == len(whole_checkpoints(stopped))


def test_what_is_only_seen_may_change(base, stopped, tmp_path):
    kept = shutil.copytree(stopped, tmp_path / "checkpoints")
    config = small(sample_tokens=0, checkpoint_every=2)
    assert run(base, tmp_path / "again", config, checkpoints=kept)["resumed_at"] == 4


def test_seconds_count_all_attempts(base, stopped, tmp_path):
    kept = shutil.copytree(stopped, tmp_path / "checkpoints")
    newest = whole_checkpoints(kept)[0]
    watch = json.loads((newest.path / "watch.json").read_text())
    (newest.path / "watch.json").write_text(json.dumps({**watch, "seconds": 1000.0}))
    assert run(base, tmp_path / "again", small(), checkpoints=kept)["seconds"] > 1000


def test_processes_that_train_together_look_together(base, tmp_path, monkeypatch):
    """Of two, one may have taken longer for a step: it would wait for the other's look for ever."""
    monkeypatch.setattr("vcsoup.training.dpo.told_by_main", lambda may: not may)
    config = small(eval_every=2)
    kept = run(base, tmp_path / "out", config, Recorder(stop_at=3, within="training"))
    assert [look["step"] for look in kept["looks"]] == [2]

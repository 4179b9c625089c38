"""How fast this machine trains: a few real steps, timed, before anyone commits to a run.

Loads the base, lets it read the pairs of the timed steps, does one step to warm up and three that
are timed, and takes one look. Nothing is kept. What follows from it for a whole run is an estimate.
"""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from vcsoup.base_models.settings import AS_ALWAYS, BaseLoading
from vcsoup.fingerprint import model_fingerprint
from vcsoup.monitor import SILENT, Monitor, StopRequested
from vcsoup.training.config import TrainConfig, changed_config
from vcsoup.training.dpo import glimpse_of
from vcsoup.training.failures import explained
from vcsoup.training.references import use_references
from vcsoup.training.rows import make_rows
from vcsoup.training.trainer import load_trainable, make_trainer, policy_of, within_context

WARM_UP, TIMED = 1, 3


@dataclass(frozen=True)
class Calibration:
    """What a few steps took.

    Attributes:
        seconds_per_step: One optimiser step.
        tokens_per_step: Tokens read in it: each pair's prompt with each answer, padding left out.
        tokens_per_s: Their ratio.
        seconds_per_look: One look at the held-out pairs; 0 without any.
        seconds_per_pair: The base's reading of one pair that no run has used before.
        seconds_before: Loading the base and laying out the pairs of these few steps.
    """

    seconds_per_step: float
    tokens_per_step: float
    tokens_per_s: float
    seconds_per_look: float
    seconds_per_pair: float
    seconds_before: float

    def about(self, config: TrainConfig, n_pairs: int) -> float:
        """Estimate a run's seconds when the base has read none of its pairs yet.

        Args:
            config: The run; only its length may differ from the calibrated one.
            n_pairs: Pairs that it may train on.

        Example:
            >>> one = Calibration(2.0, 800.0, 400.0, 5.0, 0.1, 3.0)
            >>> one.about(TrainConfig(steps=100, eval_every=50, batch_size=16), 100)
            223.0
        """
        looks = -(-config.steps // config.eval_every) if config.holdout else 0
        read = min(n_pairs, config.steps * config.batch_size)
        return (
            self.seconds_before
            + config.steps * self.seconds_per_step
            + looks * self.seconds_per_look
            + read * self.seconds_per_pair
        )


def calibrate(
    pairs: pd.DataFrame,
    config: TrainConfig,
    *,
    base: str,
    monitor: Monitor = SILENT,
    loading: BaseLoading = AS_ALWAYS,
) -> Calibration:
    """Time a few steps of a run.

    Args:
        pairs: The pairs that the run would train on.
        config: The run.
        base: Folder or hub id of the base model.
        monitor: Hears each step; may ask to stop.
        loading: How the base is brought into memory.

    Raises:
        BaseModelError: a base that cannot be loaded.
        TrainingError: what would keep the run from starting.
        StopRequested: asked to stop.
    """
    began = time.monotonic()
    few = changed_config(config, steps=WARM_UP + TIMED, checkpoint_every=0)
    with tempfile.TemporaryDirectory() as scratch, explained(config, Path(scratch)):
        tokenizer, model = load_trainable(base, few, loading)
        few = within_context(few, model)
        rows = make_rows(pairs, few, tokenizer=tokenizer)
        trainer = make_trainer(
            model, tokenizer, rows, config=few, scratch=Path(scratch), loading=loading
        )
        loaded = time.monotonic()
        use_references(
            trainer,
            rows,
            folder=None,
            base_fingerprint=model_fingerprint(base, revision=loading.revision),
            stage="reading pairs with the base",
            monitor=monitor,
        )
        read = (time.monotonic() - loaded) / (len(rows.shown) + len(rows.heldout))
        clock = _Clock(monitor)
        trainer.add_callback(clock)
        trainer.args.eval_strategy = "no"
        trainer.train()
        if monitor.stop_requested:
            raise StopRequested("stopped while steps were timed")
        step, tokens = clock.mean()
        looked = time.monotonic()
        if rows.heldout:
            trainer.evaluate()
            if glimpse := glimpse_of(trainer, rows, few):
                glimpse.look(policy_of(trainer))
    return Calibration(
        seconds_per_step=step,
        tokens_per_step=tokens,
        tokens_per_s=tokens / step,
        seconds_per_look=time.monotonic() - looked if rows.heldout else 0.0,
        seconds_per_pair=read,
        seconds_before=loaded - began,
    )


class _Clock(TrainerCallback):
    """Times steps and counts their tokens."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self._since = 0.0
        self._seconds: list[float] = []
        self._tokens: list[float] = []

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._since = time.monotonic()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._seconds.append(time.monotonic() - self._since)
        self._monitor.report("timing steps", state.global_step, WARM_UP + TIMED)
        control.should_training_stop |= self._monitor.stop_requested

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if "num_tokens" in kwargs["logs"]:
            self._tokens.append(float(kwargs["logs"]["num_tokens"]))

    def mean(self) -> tuple[float, float]:
        """Seconds and tokens of a timed step, on average."""
        timed = self._seconds[WARM_UP:]
        return sum(timed) / len(timed), (self._tokens[-1] - self._tokens[WARM_UP - 1]) / len(timed)

"""The eye on a running training: reports every step, obeys "stop", ends a run that collapses.

A run has collapsed when its loss is no number, when the held-out loss stays above that of the
untouched base (log 2, the DPO loss at zero margin), or when the held-out chosen answers have lost
so much probability that the text falls apart. The adapter of the best look is kept for that case.
A callback handed to trl's trainer; it reads the trainer's public logs only.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from peft import PeftModel, get_peft_model_state_dict
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from vcsoup.monitor import Monitor
from vcsoup.training.config import TrainConfig

BASE_LOSS = math.log(2)
_TRAIN = {
    "loss": "loss",
    "rewards/accuracies": "accuracy",
    "rewards/margins": "margin",
    "learning_rate": "lr",
}
_HELDOUT = {
    "eval_loss": "heldout_loss",
    "eval_rewards/accuracies": "heldout_accuracy",
    "eval_rewards/margins": "heldout_margin",
}


@dataclass(frozen=True)
class Look:
    """One look at the held-out pairs; `drift` is in nats per token of the chosen answers."""

    step: int
    heldout_loss: float
    heldout_accuracy: float
    heldout_margin: float
    drift: float


def collapse_reason(looks: list[Look], config: TrainConfig) -> str | None:
    """Say why a run has collapsed, or None while it is sound.

    Args:
        looks: All looks so far, oldest first.
        config: `patience` and `max_drift`.

    Example:
        >>> collapse_reason([Look(20, math.nan, 0.5, 0.0, 0.0)], TrainConfig())
        'the held-out loss is no number at step 20'
    """
    if not looks:
        return None
    last = looks[-1]
    if not math.isfinite(last.heldout_loss):
        return f"the held-out loss is no number at step {last.step}"
    if last.drift < -config.max_drift:
        return (
            f"held-out chosen answers lost {-last.drift:.2f} nats per token by step {last.step} "
            f"(max_drift {config.max_drift:g})"
        )
    recent = looks[-config.patience :] if config.patience else []
    if recent and len(recent) == config.patience:
        if all(look.heldout_loss > BASE_LOSS for look in recent):
            return (
                f"the held-out loss {last.heldout_loss:.3f} stayed above the base's 0.693 for "
                f"{config.patience} looks, until step {last.step}"
            )
    return None


class Watch(TrainerCallback):
    """Tells the monitor what happens and stops the trainer when that is due."""

    def __init__(self, stage: str, config: TrainConfig, *, tokens: float, monitor: Monitor) -> None:
        """Watch one run.

        Args:
            stage: What the monitor is told, such as "training helpful".
            config: Steps, beta and the limits of a sound run.
            tokens: Mean tokens of a held-out chosen answer.
            monitor: Hears the figures; may ask to stop.
        """
        self.looks: list[Look] = []
        self.last: dict[str, float] = {}
        self.collapsed: str | None = None
        self.stopped = False
        self.best: Look | None = None
        self.best_weights: dict[str, torch.Tensor] = {}
        self._stage, self._config = stage, config
        self._tokens, self._monitor = max(tokens, 1.0), monitor

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Pass the figures of a step or look on, judge them, obey a stop request."""
        logs = kwargs["logs"]
        if "eval_loss" in logs:
            self._take_look(state.global_step, logs, kwargs["model"])
        elif "loss" in logs:
            self.last = {ours: float(logs[name]) for name, ours in _TRAIN.items() if name in logs}
            self._report(state.global_step, self.last)
            if not math.isfinite(self.last["loss"]):
                self.collapsed = f"the loss is no number at step {state.global_step}"
        if self._monitor.stop_requested and state.global_step < self._config.steps:
            self.stopped = True
        if self.stopped or self.collapsed:
            control.should_training_stop = True

    def _take_look(self, step: int, logs: dict[str, float], model: PeftModel) -> None:
        figures = {ours: float(logs[name]) for name, ours in _HELDOUT.items()}
        drift = float(logs["eval_rewards/chosen"]) / self._config.beta / self._tokens
        self.looks.append(Look(step=step, drift=drift, **figures))
        self._report(step, figures)
        self.collapsed = self.collapsed or collapse_reason(self.looks, self._config)
        if not self.collapsed and figures["heldout_loss"] < self._best_loss():
            self.best = self.looks[-1]
            weights = get_peft_model_state_dict(model)
            self.best_weights = {name: w.detach().cpu().clone() for name, w in weights.items()}

    def _best_loss(self) -> float:
        return self.best.heldout_loss if self.best else BASE_LOSS

    def _report(self, step: int, figures: dict[str, float]) -> None:
        self._monitor.report(self._stage, step, self._config.steps, **figures)

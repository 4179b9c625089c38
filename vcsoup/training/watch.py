"""The eye on a running training: reports every step, obeys "stop", ends a run that collapses.

The adapter of the best look is kept for the case of a collapse (`looks`). A callback handed to
trl's trainer; it reads the trainer's public logs only, and leaves the random state as it found it.
What it knows goes into each checkpoint, so a resumed run judges as if it had never stopped.

Reward accuracy is trl's: the share of pairs whose margin is above 0. While no step has moved the
adapter yet (the first, and those of a learning rate of 0 before the second), the policy is the
base, so every margin is 0 but for rounding, and every pair a tie. A tie counts half, as in
`vcsoup.rewards.agreement`: the accuracy of such a step is 0.5.
"""

import json
import math
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel, get_peft_model_state_dict
from safetensors.torch import load_file, save_file
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from vcsoup.monitor import Monitor
from vcsoup.training.config import TrainConfig
from vcsoup.training.glimpse import Glimpse
from vcsoup.training.looks import BASE_LOSS, Look, collapse_reason
from vcsoup.training.pace import Pace, memory
from vcsoup.training.processes import is_main, told_by_main

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
_ALL_TIES = 0.5
_LONG_S = 10.0  # a stop waits no longer than this for one more look
_TELL_S = 1.0  # between words on how far a look is
_STATE, _BEST = "watch.json", "best.safetensors"


class Watch(TrainerCallback):
    """Tells the monitor what happens and stops the trainer when that is due.

    Attributes:
        looks: All looks so far, oldest first.
        last: The figures of the newest step.
        best: The look with the lowest held-out loss below the base's, and its adapter's weights.
        collapsed: Why the run ended early, or None.
        stopped: Whether the user ended it.
        seconds: Time that the run has taken, earlier attempts included up to their checkpoint.
    """

    def __init__(
        self,
        stage: str,
        config: TrainConfig,
        *,
        tokens: float,
        heldout: int,
        monitor: Monitor,
        glimpse: Glimpse | None = None,
    ) -> None:
        """Watch one run.

        Args:
            stage: What the monitor is told, such as "training helpful".
            config: Steps, beta and the limits of a sound run.
            tokens: Mean tokens of a held-out chosen answer.
            heldout: How many pairs are held out; told with each look.
            monitor: Hears the figures; may ask to stop.
            glimpse: Samples replies at each look.
        """
        self.looks: list[Look] = []
        self.last: dict[str, float] = {}
        self.collapsed: str | None = None
        self.stopped = False
        self.best: Look | None = None
        self.best_weights: dict[str, torch.Tensor] = {}
        self._stage, self._config = stage, config
        self._tokens, self._monitor, self._glimpse = max(tokens, 1.0), monitor, glimpse
        self._heldout, self._pace = heldout, Pace()
        self._began, self._earlier = time.monotonic(), 0.0
        self._random: list[torch.Tensor] = []
        self._passes, self._told = 0, time.monotonic()  # of the present look

    @property
    def may_look(self) -> bool:
        """Whether a run that ends here may look once more: not when somebody waits too long."""
        return not self.collapsed and not (self.stopped and self._pace.slowest > _LONG_S)

    @property
    def seconds(self) -> float:
        """Time that the run has taken, in seconds."""
        return self._earlier + time.monotonic() - self._began

    def save(self, folder: Path) -> None:
        """Write what a resumed run needs to know into a checkpoint's folder."""
        best = asdict(self.best) if self.best else None
        content = {
            "looks": [asdict(look) for look in self.looks],
            "last": self.last,
            "best": best,
            "seconds": self.seconds,
        }
        (folder / _STATE).write_text(json.dumps(content), encoding="utf-8")
        if self.best:
            save_file(self.best_weights, folder / _BEST)

    def restore(self, folder: Path) -> None:
        """Take up what `save` wrote."""
        content = json.loads((folder / _STATE).read_text(encoding="utf-8"))
        self.looks = [Look(**look) for look in content["looks"]]
        self.last = content["last"]
        self._earlier = float(content["seconds"])
        if content["best"]:
            self.best = Look(**content["best"])
            self.best_weights = load_file(folder / _BEST)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Say where the run begins: its first step may take minutes."""
        self._report(state.global_step, {})

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Start the clock of a step, and remember the random state for who leaves it half done."""
        self._pace.begin()
        if args.gradient_accumulation_steps > 1:
            self._random = _random_state()

    def on_substep_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Obey a stop request between the passes of a step, as if the step had not begun."""
        if told_by_main(self._monitor.stop_requested):
            self.stopped = control.should_training_stop = True
            _set_random_state(self._random)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Remember the random state before a look; looking draws from it."""
        self._random = _random_state() if control.should_evaluate else []
        self._told = time.monotonic()

    def on_prediction_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Say how far a look is: on a large base it takes minutes."""
        self._passes += 1
        if time.monotonic() - self._told >= _TELL_S:
            self._told = time.monotonic()
            looked = round(self._heldout * self._passes / len(kwargs["eval_dataloader"]))
            self._report(state.global_step, {"looked_at": looked, "to_look_at": self._heldout})

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Go on with the random state from before the look."""
        self._pace.passed()
        self._passes = 0
        if self._random:
            _set_random_state(self._random)
            self._random = []

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Pass the figures of a step or look on, judge them, obey a stop request."""
        logs = kwargs["logs"]
        if "eval_loss" in logs:
            self._take_look(state, logs, kwargs["model"])
        elif "loss" in logs:
            self.last = {ours: float(logs[name]) for name, ours in _TRAIN.items() if name in logs}
            if "accuracy" in self.last and not _has_moved(state, before=state.global_step):
                self.last["accuracy"] = _ALL_TIES
            self._report(state.global_step, self.last | self._pace.end(logs) | memory())
            self._pace.begin()
            if not math.isfinite(self.last["loss"]):
                self.collapsed = f"the loss is no number at step {state.global_step}"
        if told_by_main(self._monitor.stop_requested) and state.global_step < self._config.steps:
            self.stopped = True
        if self.stopped or self.collapsed:
            control.should_training_stop = True
        if self.collapsed:
            control.should_save = False  # a run that goes on from here would go on beyond the end
        elif self.stopped and self._config.checkpoint_every:
            control.should_save = True

    def _take_look(self, state: TrainerState, logs: dict[str, float], model: PeftModel) -> None:
        step = state.global_step
        figures = {ours: float(logs[name]) for name, ours in _HELDOUT.items()}
        if not _has_moved(state, before=step + 1):
            figures["heldout_accuracy"] = _ALL_TIES
        drift = float(logs["eval_rewards/chosen"]) / self._config.beta / self._tokens
        self.looks.append(Look(step=step, drift=drift, **figures))
        seen = self._glimpse.look(model) if self._glimpse and is_main() else {}
        counted = {"heldout_pairs": self._heldout, "drift": drift}
        self._report(step, figures | counted | seen)
        self.collapsed = self.collapsed or collapse_reason(self.looks, self._config)
        if not self.collapsed and figures["heldout_loss"] < self._best_loss():
            self.best = self.looks[-1]
            weights = get_peft_model_state_dict(model)
            self.best_weights = {name: w.detach().cpu().clone() for name, w in weights.items()}

    def _best_loss(self) -> float:
        return self.best.heldout_loss if self.best else BASE_LOSS

    def _report(self, step: int, figures: dict[str, Any]) -> None:
        self._monitor.report(self._stage, step, self._config.steps, **figures)


def _has_moved(state: TrainerState, *, before: int) -> bool:
    """Whether a step before a given one had a learning rate, so that the policy left the base."""
    steps = (told for told in state.log_history if told["step"] < before)
    return any(told.get("learning_rate", 0.0) > 0 for told in steps)


def _random_state() -> list[torch.Tensor]:
    gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return [torch.get_rng_state(), *gpus]


def _set_random_state(states: list[torch.Tensor]) -> None:
    torch.set_rng_state(states[0])
    if states[1:]:
        torch.cuda.set_rng_state_all(states[1:])

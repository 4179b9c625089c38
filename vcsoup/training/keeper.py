"""Makes transformers' checkpoints whole: the watch's knowledge, then the mark, then the sweep.

A callback handed to trl's trainer. transformers writes the checkpoint through its public
arguments (`save_strategy`, `save_steps`); this adds what a resumed run needs beside it.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from vcsoup.training.checkpoints import mark_whole, sweep
from vcsoup.training.processes import is_main, told_by_main
from vcsoup.training.watch import Watch

MOST_LOST_S = 300.0
"""So much work is kept however many steps it is: a kill costs little more than that."""


class Keeper(TrainerCallback):
    """Completes each checkpoint of one run."""

    def __init__(self, watch: Watch, run: Mapping[str, Any]) -> None:
        """Keep checkpoints.

        Args:
            watch: What it knows is saved too.
            run: What a checkpoint of this run is told by (`checkpoints.newest_checkpoint`).
        """
        self._watch, self._run = watch, dict(run)
        self._saved, self._since = 0, time.monotonic()

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Begin where there is nothing to keep yet: anew, or at the checkpoint that was read."""
        self._saved, self._since = state.global_step, time.monotonic()

    def on_substep_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Save what a run that is stopped within a step has."""
        if self._watch.stopped and args.save_strategy != "no":
            control.should_save = state.global_step != self._saved

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Save also when steps take long, and none at the last: the adapter itself comes next."""
        if args.save_strategy != "no":
            control.should_save |= told_by_main(time.monotonic() - self._since > MOST_LOST_S)
        if state.global_step >= state.max_steps:
            control.should_save = False

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Complete the checkpoint that was just written."""
        self._saved, self._since = state.global_step, time.monotonic()
        assert args.output_dir is not None  # `make_trainer` names a folder
        path = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        args.distributed_state.wait_for_everyone()  # every process writes its random state
        if is_main():
            self._watch.save(path)
            mark_whole(path, self._run)
            sweep(path.parent)

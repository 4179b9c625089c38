"""What a run leaves in its adapter's manifest about itself."""

import math
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from trl import DPOTrainer

import vcsoup
from vcsoup.training.config import TrainConfig
from vcsoup.training.looks import Look
from vcsoup.training.rows import Rows
from vcsoup.training.watch import Watch

_LIBRARIES = ("torch", "transformers", "peft", "trl")


def run_record(
    trainer: DPOTrainer, watch: Watch, rows: Rows, *, config: TrainConfig
) -> dict[str, Any]:
    """Counts, metrics, looks and versions of a run that has ended, fit for JSON."""
    done = trainer.state.global_step
    kept = watch.best if watch.collapsed else watch.looks[-1] if watch.looks else None
    if kept and not watch.collapsed and kept.step < done:  # stopped, with no time for a look
        kept = None
    heldout = _figures(kept) if kept else {}
    last = {name: figure for name, figure in watch.last.items() if math.isfinite(figure)}
    return {
        "config": config.model_dump(mode="json"),
        "n_train": rows.n_train,
        "n_heldout": len(rows.heldout),
        "n_too_long": rows.n_too_long,
        "n_shown": done * config.batch_size,
        "steps_done": done,
        "steps_kept": kept.step if kept and watch.collapsed else done,
        "stopped": watch.stopped,
        "collapsed": watch.collapsed,
        "metrics": {**last, **heldout},
        "looks": [{"step": look.step, **_figures(look)} for look in watch.looks],
        "seconds": round(watch.seconds, 2),
        "versions": {"vcsoup": vcsoup.__version__} | {name: version(name) for name in _LIBRARIES},
    }


def _figures(look: Look) -> dict[str, float]:
    """A look's finite figures, fit for JSON."""
    figures = asdict(look)
    del figures["step"]
    return {name: figure for name, figure in figures.items() if math.isfinite(figure)}

"""Train one value's policy: LoRA DPO on its (kept) pairs (VC-Soup, policies pi_k).

trl's `DPOTrainer` does the work and is used by composition, through its public arguments. The
result is a plain PEFT adapter folder with a `manifest.json`, written aside and renamed, so a folder
that exists is whole. Every value starts from the same LoRA A (`init_seed`), which keeps the
adapters of a project mixable. Filtering happens before (`vcsoup.filtering`).
"""

import json
import math
import shutil
import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
from peft import set_peft_model_state_dict
from transformers import set_seed
from trl import DPOTrainer

import vcsoup
from vcsoup.errors import TrainingError
from vcsoup.fingerprint import model_fingerprint
from vcsoup.monitor import SILENT, Monitor
from vcsoup.training.config import TrainConfig
from vcsoup.training.rows import Rows, make_rows
from vcsoup.training.trainer import load_base, make_trainer
from vcsoup.training.watch import Look, Watch

MANIFEST = "manifest.json"
_LIBRARIES = ("torch", "transformers", "peft", "trl")


def train_value(
    pairs: pd.DataFrame,
    config: TrainConfig,
    *,
    base: str,
    out: Path,
    manifest: Mapping[str, Any],
    monitor: Monitor = SILENT,
) -> dict[str, Any]:
    """Train one adapter and save it in `out`.

    Args:
        pairs: Canonical pair table (`id, prompt, chosen, rejected`), already filtered.
        config: Every choice of the run.
        base: Folder or hub id of the base model.
        out: Adapter folder to make; must not exist yet (an empty folder may).
        manifest: What the caller knows of the run (value, group, data hash, filter, ...); goes into
            `manifest.json` as it is. `value` names the stage that the monitor hears.
        monitor: Hears loss, accuracy, margin, lr of every step and heldout_* of every look; a stop
            request ends the run after the present step, and the adapter is kept.

    Returns:
        The manifest: the caller's entries, and base, base_fingerprint, config, counts of pairs,
        metrics, looks, steps done and kept, stopped, collapsed (reason or null), versions, seconds.

    Raises:
        TrainingError: too few pairs, a base that cannot be loaded or lacks the target modules, an
            existing `out`, or a run that collapsed before it had learnt anything. Nothing is saved.
    """
    started = time.monotonic()
    _check_free(out)
    tokenizer, model = load_base(base, config)
    rows = make_rows(pairs, config, tokenizer=tokenizer)
    stage = f"training {manifest.get('value', '')}".strip()
    watch = Watch(stage, config, tokens=rows.tokens, monitor=monitor)
    aside = out.parent / f".{out.name}.{uuid.uuid4().hex[:8]}"
    aside.mkdir(parents=True)
    try:
        trainer = make_trainer(model, tokenizer, rows, config=config, scratch=aside)
        trainer.add_callback(watch)
        _train(trainer, watch, config)
        trainer.model.save_pretrained(aside, save_embedding_layers=False)
        record = _record(trainer, watch, rows, config=config) | {
            "n_pairs": len(pairs),
            "base": base,
            "base_fingerprint": model_fingerprint(base),
            "seconds": round(time.monotonic() - started, 2),
        }
        return _finish(aside, out, {**manifest, **record})
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _train(trainer: DPOTrainer, watch: Watch, config: TrainConfig) -> None:
    """Run to the last step, a stop or a collapse; after a collapse the best look is restored."""
    set_seed(config.seed)
    trainer.train()
    step = trainer.state.global_step
    looked = not trainer.eval_dataset or (watch.looks and watch.looks[-1].step == step)
    if not looked and not watch.collapsed:
        trainer.evaluate()
    if watch.collapsed and watch.best is None:
        raise TrainingError(
            f"the run collapsed before it learnt anything: {watch.collapsed}; lower the learning "
            f"rate ({config.learning_rate:g}) or keep more pairs"
        )
    if watch.collapsed:
        set_peft_model_state_dict(trainer.model, watch.best_weights)


def _record(
    trainer: DPOTrainer, watch: Watch, rows: Rows, *, config: TrainConfig
) -> dict[str, Any]:
    done = trainer.state.global_step
    kept = watch.best if watch.collapsed else watch.looks[-1] if watch.looks else None
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
        "versions": {"vcsoup": vcsoup.__version__} | {name: version(name) for name in _LIBRARIES},
    }


def _figures(look: Look) -> dict[str, float]:
    """A look's finite figures, fit for JSON."""
    figures = asdict(look)
    del figures["step"]
    return {name: figure for name, figure in figures.items() if math.isfinite(figure)}


def _finish(aside: Path, out: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    (aside / "README.md").unlink(missing_ok=True)
    manifest = {"created": datetime.now(UTC).isoformat(timespec="seconds")} | manifest
    (aside / MANIFEST).write_text(json.dumps(manifest, indent=2, allow_nan=False) + "\n")
    _check_free(out)
    aside.rename(out)
    return manifest


def _check_free(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise TrainingError(f"{out} exists already; choose another name for this adapter")

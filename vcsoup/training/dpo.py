"""Train one value's policy: LoRA DPO on its (kept) pairs (VC-Soup, policies pi_k).

trl's `DPOTrainer` does the work and is used by composition, through its public arguments. The
result is a plain PEFT adapter folder with a `manifest.json`, written aside and renamed, so a folder
that exists is whole. Every value starts from the same LoRA A (`init_seed`), which keeps the
adapters of a project mixable. A run that was stopped or killed goes on from its newest whole
checkpoint to the same end. Filtering happens before (`vcsoup.filtering`). Started by
`accelerate launch`, every process calls `train_value`, and the main one writes.
"""

import json
import shutil
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
from datasets import Dataset
from peft import set_peft_model_state_dict
from transformers import PreTrainedTokenizerBase, set_seed
from trl import DPOTrainer

from vcsoup.base_models.settings import AS_ALWAYS, BaseLoading
from vcsoup.errors import TrainingError
from vcsoup.fingerprint import model_fingerprint
from vcsoup.machine import give_memory_back
from vcsoup.monitor import SILENT, Monitor, StopRequested
from vcsoup.training.checkpoints import Checkpoint, discard, newest_checkpoint, sweep
from vcsoup.training.config import TrainConfig
from vcsoup.training.failures import explained
from vcsoup.training.glimpse import PROMPTS, Glimpse
from vcsoup.training.identity import run_identity
from vcsoup.training.keeper import Keeper
from vcsoup.training.need import trained_sizes, warn_of_memory
from vcsoup.training.processes import is_main, told_by_main
from vcsoup.training.record import run_record
from vcsoup.training.references import use_references
from vcsoup.training.rows import Rows, make_rows
from vcsoup.training.trainer import load_trainable, make_trainer, policy_of, within_context
from vcsoup.training.watch import Watch

MANIFEST = "manifest.json"


def train_value(
    pairs: pd.DataFrame,
    config: TrainConfig,
    *,
    base: str,
    out: Path,
    manifest: Mapping[str, Any],
    monitor: Monitor = SILENT,
    checkpoints: Path | None = None,
    references: Path | None = None,
    loading: BaseLoading = AS_ALWAYS,
) -> dict[str, Any]:
    """Train one adapter and save it in `out`.

    Args:
        pairs: Canonical pair table (`id, prompt, chosen, rejected`), already filtered.
        config: Every choice of the run.
        base: Folder or hub id of the base model.
        out: Adapter folder to make; must not exist yet (an empty folder may).
        manifest: What the caller knows of the run (value, group, data hash, filter, ...); goes into
            `manifest.json` as it is. `value` names the stage that the monitor hears.
        monitor: Hears loss, accuracy, margin, lr, tokens_per_s and memory_mb of every step; at
            every look heldout_* (loss, accuracy, margin, pairs), drift, and kl, sample and
            sample_prompt (`glimpse`). A stop request ends the run after the present step, and the
            adapter is kept.
        checkpoints: Where this run, and no other, keeps its checkpoints. A whole one that lies
            there is gone on from; when the run is finished, all are removed. None keeps none.
        references: Where the base's log-probabilities are kept for all runs; None keeps none.
        loading: How the base is brought into memory.

    Returns:
        The manifest: the caller's entries, and base, base_fingerprint, base_loading (where it is
        not as always), pairs_hash, config, counts of pairs, metrics, looks, steps done and kept,
        stopped, collapsed (reason or null), resumed_at (step or null), versions, seconds (all
        attempts).

    Raises:
        BaseModelError: a base that cannot be loaded.
        TrainingError: too few pairs, a base that lacks the target modules, an existing `out`, a
            checkpoint of another run, or a run that collapsed before it had learnt anything. No
            adapter is saved.
        StopRequested: asked to stop before the first step had ended. No adapter is saved.
    """
    _check_free(out)
    identity = run_identity(pairs, config, base=base, loading=loading)
    with explained(config, out.parent):
        start = _starting_point(checkpoints, identity)
        tokenizer, model = load_trainable(base, config, loading)
        fitted = within_context(config, model)
        rows = make_rows(pairs, fitted, tokenizer=tokenizer)
        sizes = trained_sizes(model, fitted)
        aside = _aside(out, job=manifest.get("job"))
        try:
            trainer = make_trainer(
                model,
                tokenizer,
                rows,
                config=fitted,
                scratch=aside,
                checkpoints=checkpoints,
                loading=loading,
            )
            warn_of_memory(trainer, rows, sizes, config=fitted, loading=loading)
            value = manifest.get("value", "")
            use_references(
                trainer,
                rows,
                folder=references,
                base_fingerprint=identity["base"],
                stage=f"reading {value} with the base".replace("  ", " "),
                monitor=monitor,
            )
            stage = f"training {value}".strip()
            glimpse = glimpse_of(trainer, rows, config)
            watch = Watch(
                stage,
                config,
                tokens=_chosen_tokens(trainer, fitted),
                heldout=len(rows.heldout),
                monitor=monitor,
                glimpse=glimpse,
            )
            trainer.add_callback(watch)
            trainer.add_callback(Keeper(watch, identity))
            give_memory_back()  # of loading and reading, which steps could not all use again
            _train(trainer, watch, config, start=start)
            record = run_record(trainer, watch, rows, config=config) | {
                "n_pairs": len(pairs),
                "pairs_hash": identity["pairs"],
                "base": base,
                "base_fingerprint": model_fingerprint(base, revision=loading.revision),
                **({"base_loading": told} if (told := loading.model_dump()) else {}),
                "resumed_at": start.step if start else None,
            }
            if not is_main():
                return {**manifest, **record}
            policy_of(trainer).save_pretrained(str(aside), save_embedding_layers=False)
            done = _finish(aside, out, {**manifest, **record})
            if checkpoints and not watch.stopped:
                discard(checkpoints)
            return done
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def _starting_point(checkpoints: Path | None, identity: Mapping[str, Any]) -> Checkpoint | None:
    """The checkpoint to go on from; what a kill left half written is removed."""
    if checkpoints is None:
        return None
    start = newest_checkpoint(checkpoints, identity)
    if is_main():
        sweep(checkpoints)
    return start


def _aside(out: Path, *, job: str | None) -> Path:
    """A folder beside `out` to write to; what a killed attempt of the same job left is removed."""
    if job:
        for left in out.parent.glob(f".*.{job}"):
            shutil.rmtree(left, ignore_errors=True)
    aside = out.parent / f".{out.name}.{job or uuid.uuid4().hex[:8]}"
    aside.mkdir(parents=True)
    return aside


def glimpse_of(trainer: DPOTrainer, rows: Rows, config: TrainConfig) -> Glimpse | None:
    """Prepare the glimpses of a run; None without held-out pairs or samples."""
    if not rows.heldout or not config.sample_tokens:
        return None
    # `make_trainer` gave it both.
    assert isinstance(trainer.eval_dataset, Dataset)
    assert isinstance(trainer.processing_class, PreTrainedTokenizerBase)
    return Glimpse(
        trainer.eval_dataset[:PROMPTS]["prompt_ids"],
        told=_told(rows.heldout[0]["prompt"]),
        tokenizer=trainer.processing_class,
        tokens=config.sample_tokens,
    )


def _told(prompt: str | list[dict[str, str]]) -> str:
    """A prompt's last message, as a person reads it."""
    return prompt if isinstance(prompt, str) else prompt[-1]["content"]


def _chosen_tokens(trainer: DPOTrainer, config: TrainConfig) -> float:
    """Mean length of the held-out chosen answers as trl reads them: cut, and with their ends."""
    lengths = [
        min(len(row["chosen_ids"]), config.max_length - len(row["prompt_ids"]))
        for row in cast(Iterable[dict[str, Any]], trainer.eval_dataset or ())
    ]
    return float(np.mean(lengths)) if lengths else 0.0


def _train(
    trainer: DPOTrainer, watch: Watch, config: TrainConfig, *, start: Checkpoint | None
) -> None:
    """Run to the last step, a stop or a collapse; after a collapse the best look is restored."""
    set_seed(config.seed)
    if start:
        watch.restore(start.path)
    trainer.train(resume_from_checkpoint=str(start.path) if start else None)
    step = trainer.state.global_step
    if watch.stopped and not step:
        raise StopRequested("stopped before the first step had ended; there is nothing to keep")
    looked = not trainer.eval_dataset or (watch.looks and watch.looks[-1].step == step)
    if not looked and told_by_main(watch.may_look):  # all look together; clocks differ
        trainer.evaluate()
    if watch.collapsed and watch.best is None:
        raise TrainingError(
            f"the run collapsed before it learnt anything: {watch.collapsed}; lower the learning "
            f"rate ({config.learning_rate:g}) or keep more pairs"
        )
    if watch.collapsed:
        set_peft_model_state_dict(trainer.model, watch.best_weights)


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

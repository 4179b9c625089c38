"""Set up trl's `DPOTrainer` for one run: base model, LoRA, trl's own configuration.

trl is used by composition, through public arguments only. What makes a run fast on a CPU is set
here: rows in the given order (batches sorted by length), small passes that fit the cache, no
activation checkpointing unless asked for, no reference copy (trl switches the adapter off instead).
"""

import warnings
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset, disable_progress_bars
from peft import LoraConfig, PeftModel
from transformers import PreTrainedModel, PreTrainedTokenizerBase, PrinterCallback
from trl import DPOConfig, DPOTrainer

from vcsoup.base_models.anatomy import (
    attention_names,
    context_of,
    decoder_linears,
    is_transposed,
    layer_names,
)
from vcsoup.base_models.loading import NO_END, lacks_end, load_base
from vcsoup.base_models.settings import AS_ALWAYS, BaseLoading
from vcsoup.errors import BaseModelError, TrainingError
from vcsoup.training.config import TrainConfig, check_targets
from vcsoup.training.processes import process_count
from vcsoup.training.rows import Rows

# trl 1.16 and peft 0.21 ask for it by the name that transformers gives up.
warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)


def load_trainable(
    base: str, config: TrainConfig, loading: BaseLoading = AS_ALWAYS
) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
    """Load the base model for training, its own dropout switched off.

    Raises:
        BaseModelError: the base cannot be loaded, or its tokenizer names no end.
        TrainingError: the base has no linear layer that `config.targets` names.
    """
    dtype = torch.bfloat16 if _use_bf16(config) and torch.cuda.is_available() else torch.float32
    tokenizer, model = load_base(base, loading, dtype=dtype)
    if lacks_end(tokenizer):
        raise BaseModelError(
            f"base model {base} has {NO_END}; name its eos_token in tokenizer_config.json, in "
            "a local copy"
        )
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    check_targets(config.targets, layer_names(decoder_linears(model)))
    return tokenizer, model


def within_context(config: TrainConfig, model: PreTrainedModel) -> TrainConfig:
    """A run's choices with texts cut to the base's context, behind which it has no positions."""
    context = context_of(model.config.get_text_config())
    longest = min(config.max_length, context) if context > 0 else config.max_length
    return config.model_copy(update={"max_length": longest})


def make_trainer(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: Rows,
    *,
    config: TrainConfig,
    scratch: Path,
    checkpoints: Path | None = None,
    loading: BaseLoading = AS_ALWAYS,
) -> DPOTrainer:
    """Set up trl's trainer for one run, ready to train.

    Args:
        model: The base.
        tokenizer: Its tokenizer.
        rows: Pairs, laid out.
        config: Every choice of the run.
        scratch: A folder that trl may write to.
        checkpoints: Where checkpoints go; None writes none.
        loading: How the base was loaded.

    Raises:
        TrainingError: a batch that the processes cannot share evenly, or targets among which are
            a mixture's experts.
    """
    disable_progress_bars()
    args = _trl_config(
        config,
        checkpoints or scratch,
        watched=bool(rows.heldout),
        saved=bool(checkpoints),
        twice=loading.gradient_checkpointing,
    )
    trainer = DPOTrainer(
        model=model,
        args=args,
        train_dataset=Dataset.from_list(rows.shown),
        eval_dataset=Dataset.from_list(rows.heldout) if rows.heldout else None,
        processing_class=tokenizer,
        peft_config=lora_config(model, config, loading),
    )
    _check_experts(policy_of(trainer))
    trainer.remove_callback(PrinterCallback)
    trainer.train_dataset = in_order(trainer.train_dataset, rows)
    return trainer


def _check_experts(policy: PeftModel) -> None:
    """Refuse adapters that peft puts on fused experts: no soup can run through them."""
    config = policy.active_peft_config
    if experts := sorted(config.target_parameters or ()):
        raise TrainingError(
            f"these targets reach the experts of a mixture ({', '.join(experts)}), which no soup "
            "can run through; give the adapter to attention alone (targets: attention)"
        )


def policy_of(trainer: DPOTrainer) -> PeftModel:
    """The model that a trainer trains: the base with its adapter."""
    assert isinstance(trainer.model, PeftModel)  # because `make_trainer` gives a `peft_config`
    return trainer.model


def lora_config(
    model: PreTrainedModel, config: TrainConfig, loading: BaseLoading = AS_ALWAYS
) -> LoraConfig:
    """The adapter that a run trains on a base."""
    return LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,  # type: ignore[arg-type]  # peft says int, and divides it
        lora_dropout=config.dropout,
        target_modules=_target_modules(model, config),
        fan_in_fan_out=is_transposed(model),
        revision=loading.revision,
        task_type="CAUSAL_LM",
    )


def in_order(shown: Dataset, rows: Rows) -> Dataset:
    """Repeat and order the rows that trl has laid out as they are to be shown.

    Raises:
        TrainingError: trl left some of them out.
    """
    if len(shown) != len(rows.shown):
        raise TrainingError(
            f"trl left out {len(rows.shown) - len(shown)} of {len(rows.shown)} pairs as too long; "
            "raise max_length"
        )
    return shown.select(rows.order)


def _trl_config(
    config: TrainConfig, folder: Path, *, watched: bool, saved: bool, twice: bool
) -> DPOConfig:
    micro = _pairs_per_pass(config)
    return DPOConfig(
        output_dir=str(folder),
        per_device_train_batch_size=micro,
        gradient_accumulation_steps=config.batch_size // (micro * process_count()),
        per_device_eval_batch_size=micro,
        beta=config.beta,
        disable_dropout=config.dropout == 0,
        bf16=_use_bf16(config),
        activation_checkpointing=twice,
        eval_strategy="steps" if watched else "no",
        eval_steps=config.eval_every,
        save_strategy="steps" if saved and config.checkpoint_every else "no",
        save_steps=config.checkpoint_every or config.steps,
        logging_nan_inf_filter=False,
        **schedule_arguments(config),
    )


def schedule_arguments(config: TrainConfig) -> dict[str, Any]:
    """What any of trl's trainers is told of a run: its schedule and seed, and to keep quiet."""
    on_gpu = torch.cuda.is_available()
    constant = config.schedule == "constant"
    return {
        "train_sampling_strategy": "sequential",  # whoever makes the rows decides their order
        "max_steps": config.steps,
        "learning_rate": config.learning_rate,
        "lr_scheduler_type": "constant_with_warmup" if constant else config.schedule,
        "warmup_steps": round(config.warmup * config.steps),
        "max_length": config.max_length,
        "seed": config.init_seed,  # trl seeds with it just before it makes LoRA A
        "use_cpu": not on_gpu,
        "dataloader_pin_memory": on_gpu,
        "logging_steps": 1,
        "disable_tqdm": True,
        "report_to": "none",
    }


def _pairs_per_pass(config: TrainConfig) -> int:
    """The largest pass up to `micro_batch` that lets the processes share a batch evenly."""
    share, left = divmod(config.batch_size, process_count())
    if left:
        raise TrainingError(
            f"batch_size {config.batch_size} cannot be shared by {process_count()} processes; "
            "choose a multiple of their number"
        )
    most = min(config.micro_batch or share, share)
    return next(pairs for pairs in range(most, 0, -1) if share % pairs == 0)


def _target_modules(model: PreTrainedModel, config: TrainConfig) -> str | list[str]:
    """What peft is told to adapt; a base without layers of attention alone gets all linear ones."""
    if config.targets == "attention":
        return attention_names(decoder_linears(model)) or "all-linear"
    return config.targets if isinstance(config.targets, str) else list(config.targets)


def _use_bf16(config: TrainConfig) -> bool:
    return config.precision == "bf16" or (
        config.precision == "auto" and torch.cuda.is_available() and torch.cuda.is_bf16_supported()
    )

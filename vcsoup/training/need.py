"""Whether the passes of a run fit the memory that is free, told before the first of them.

The estimate of `vcsoup.base_models.memory` with the run's own texts. The kernel ends a process that
takes too much without a word, so the warning in the log is all that is left then.
"""

import logging

import torch
from datasets import Dataset
from transformers import PreTrainedModel
from trl import DPOTrainer

from vcsoup.base_models.anatomy import attention_names, decoder_linears, layer_names, sizes_of
from vcsoup.base_models.memory import Load, Sizes, training_bytes
from vcsoup.base_models.settings import BaseLoading
from vcsoup.numbers import count, memory, plural
from vcsoup.room import room_here
from vcsoup.training.config import TrainConfig
from vcsoup.training.rows import Rows, tokens_of

logger = logging.getLogger(__name__)


def trained_sizes(model: PreTrainedModel, config: TrainConfig) -> Sizes:
    """What the memory of a run depends on; to be asked before adapters wrap the layers."""
    linears = decoder_linears(model)
    names = list(config.targets)
    if isinstance(config.targets, str):
        names = attention_names(linears) if config.targets == "attention" else []
    return sizes_of(model, names or layer_names(linears))


def warn_of_memory(
    trainer: DPOTrainer, rows: Rows, sizes: Sizes, *, config: TrainConfig, loading: BaseLoading
) -> None:
    """Warn where a pass takes more memory than is free beside the base, which is loaded.

    Args:
        trainer: Ready to train: its texts and the pairs of a pass.
        rows: The pairs behind its data set.
        sizes: Of its base.
        config: Rank and dropout.
        loading: How the base was loaded.
    """
    assert isinstance(trainer.train_dataset, Dataset)  # `make_trainer` gave it one
    pairs = trainer.args.per_device_train_batch_size
    longest = max(map(tokens_of, trainer.train_dataset.select(rows.first_places)))
    load = Load(config.rank, pairs, min(longest, config.max_length), dropout=bool(config.dropout))
    on_gpu = torch.cuda.is_available()
    numbers = loading.dtype if loading.dtype != "auto" else "bfloat16" if on_gpu else "float32"
    parts = training_bytes(sizes, loading, load, dtype=numbers, on_gpu=on_gpu)
    need, free = sum(parts.values()) - parts["weights"], room_here().free
    if need > free:
        logger.warning(
            "a pass of %s of up to %s tokens may take %s of memory, and %s are free; lower "
            "micro_batch (now %d, 0 is the whole batch) or max_length, or turn gradient "
            "checkpointing on",
            plural(pairs, "pair"),
            count(load.tokens),
            memory(need),
            memory(free),
            config.micro_batch,
        )

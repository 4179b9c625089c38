"""Every choice of one training run, checked once and saved beside its adapter.

Torch-free: the pages and the command line build their forms from these fields, and each field's
description is its help text. Two presets: the paper's code where it makes sense, and a lighter one
for the embedded world on two CPU cores. `vcsoup.training.dpo` obeys this record.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from vcsoup.errors import TrainingError, first_fault

Targets = Literal["attention", "all-linear"] | tuple[str, ...]
Share = Annotated[float, Field(ge=0, le=1)]


class TrainConfig(BaseModel):
    """LoRA, DPO and schedule of one run; the defaults are the "paper" preset.

    Example:
        >>> TrainConfig(steps=10).rank
        64
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rank: int = Field(64, ge=1, le=1024, description="LoRA rank r.")
    alpha: float = Field(128, gt=0, description="LoRA alpha; the delta is scaled by alpha / r.")
    dropout: float = Field(0.05, ge=0, lt=1, description="Dropout on the LoRA input.")
    targets: Targets = Field(
        "attention",
        description="Layers that get an adapter: 'attention' (whatever the base's architecture "
        "calls them), 'all-linear', or names.",
    )
    beta: float = Field(0.1, gt=0, description="DPO beta: larger stays closer to the base.")
    learning_rate: float = Field(5e-5, gt=0, lt=1, description="Highest learning rate of AdamW.")
    warmup: Share = Field(0.1, description="Share of the steps in which the rate rises.")
    schedule: Literal["cosine", "linear", "constant"] = Field(
        "cosine", description="How the learning rate falls after the warm-up."
    )
    batch_size: int = Field(16, ge=1, description="Pairs per optimiser step.")
    micro_batch: int = Field(
        0, ge=0, description="Pairs per forward pass, to save memory; 0 takes the whole batch."
    )
    steps: int = Field(
        500,
        ge=1,
        description="Optimiser steps, the same whatever the filter keeps (fair to compare).",
    )
    seed: int = Field(0, ge=0, lt=2**31, description="Order of the pairs and the held-out choice.")
    init_seed: int = Field(
        0, ge=0, lt=2**31, description="Start of LoRA A; keep it equal for all values of a project."
    )
    max_length: int = Field(
        1024, ge=8, description="Longest prompt + answer in tokens; never above the base's context."
    )
    holdout: float = Field(
        0.05, ge=0, le=0.5, description="Share of the pairs held out to watch the run; 0 for none."
    )
    holdout_max: int = Field(64, ge=1, description="At most this many held-out pairs.")
    eval_every: int = Field(25, ge=1, description="Steps between looks at the held-out pairs.")
    patience: int = Field(
        3, ge=0, description="Looks in a row worse than the base before the run ends; 0: never."
    )
    max_drift: float = Field(
        1.0,
        gt=0,
        description="Stop when held-out chosen answers lose more nats per token than this.",
    )
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto", description="Arithmetic: auto is bf16 on a GPU and fp32 on a CPU."
    )
    checkpoint_every: int = Field(
        25, ge=0, description="Steps between checkpoints, from which a run can go on; 0: none."
    )
    sample_tokens: int = Field(
        48,
        ge=0,
        le=1024,
        description="Length of the sample replies at each look, which also give the KL; 0: none.",
    )

    @field_validator("targets", mode="before")
    @classmethod
    def _split_names(cls, targets: Any) -> Any:
        if isinstance(targets, str) and targets not in ("attention", "all-linear"):
            return tuple(name.strip() for name in targets.split(",") if name.strip())
        return targets

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not self.targets:
            raise ValueError(
                "targets is empty; name at least one layer, or use 'attention' or 'all-linear'"
            )
        if self.micro_batch and self.batch_size % self.micro_batch:
            raise ValueError(
                f"batch_size {self.batch_size} is no multiple of micro_batch {self.micro_batch}; "
                "choose one that divides it"
            )
        return self

    def n_heldout(self, n: int) -> int:
        """How many of n pairs are held out to watch the run.

        Example:
            >>> TrainConfig(holdout=0.05, holdout_max=64).n_heldout(100)
            5
        """
        return min(round(n * self.holdout), self.holdout_max)

    def n_train(self, n: int) -> int:
        """How many of n pairs a run trains on; the others watch it.

        Example:
            >>> TrainConfig(holdout=0.05, holdout_max=64).n_train(100)
            95
        """
        return n - self.n_heldout(n)


# Fields that change what is seen or kept of a run, but not where it ends.
ONLY_SEEN = frozenset({"checkpoint_every", "sample_tokens"})

PRESETS: Mapping[str, TrainConfig] = {
    "paper": TrainConfig(),
    "demo": TrainConfig(
        rank=16,
        alpha=32,
        dropout=0.0,
        targets="all-linear",
        beta=0.5,  # at 0.1 the small model wanders off: many sampled sentences fall apart
        learning_rate=7e-4,
        steps=100,
        micro_batch=0,
        max_length=256,
        eval_every=25,
        holdout_max=48,
    ),
}


def train_config(preset: str = "paper", **changes: Any) -> TrainConfig:
    """Take a preset and change some of its fields; changes that are None are left out.

    Args:
        preset: A key of `PRESETS`.
        **changes: Fields of `TrainConfig`.

    Returns:
        The checked configuration.

    Raises:
        TrainingError: unknown preset or field, or a number out of its range; one line.

    Example:
        >>> train_config("demo", steps=20, seed=None).steps
        20
    """
    if preset not in PRESETS:
        raise TrainingError(f"preset {preset!r} is unknown; choose one of {', '.join(PRESETS)}")
    return changed_config(PRESETS[preset], **changes)


def changed_config(config: TrainConfig, **changes: Any) -> TrainConfig:
    """Change some fields of a configuration; changes that are None are left out.

    Raises:
        TrainingError: unknown field, or a number out of its range; one line.

    Example:
        >>> changed_config(TrainConfig(), steps=3, rank=None).steps
        3
    """
    given = {name: change for name, change in changes.items() if change is not None}
    try:
        return TrainConfig(**{**config.model_dump(), **given})
    except ValidationError as error:
        raise TrainingError(one_line(error)) from error


def check_targets(targets: Targets, layers: Sequence[str]) -> None:
    """Refuse targets that are no linear layers of a base's blocks: no soup could carry them.

    Args:
        targets: `TrainConfig.targets`.
        layers: The base's own names (`vcsoup.base_models.anatomy.layer_names`).

    Raises:
        TrainingError: names them, and those that there are.
    """
    if isinstance(targets, str):
        return
    if strange := [name for name in targets if name not in layers]:
        raise TrainingError(
            f"targets {', '.join(strange)} are no linear layers of this base; use 'attention', "
            f"'all-linear' or its own layers: {', '.join(layers)}"
        )


def one_line(error: ValidationError) -> str:
    """Say the first thing that is wrong with a configuration, field and value named."""
    where, came, reason = first_fault(error)
    return f"training {where} = {came!r}: {reason}" if where else f"training: {reason}"

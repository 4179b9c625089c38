"""The study file: which worlds, which arms, which seeds; checked once, saved beside the results.

Torch-free. `python -m vcsoup study study.yaml` reads it; every field has a default, so an empty
file is a study too. Seeds for tuning and for reporting are disjoint: choices are made on the
former, and only the latter enter the report.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, ValidationError, field_validator, model_validator

from vcsoup.errors import first_fault
from vcsoup.study.settings import Record, SeedPlan, Setting, StudyError, Worlds
from vcsoup.training.config import TrainConfig, train_config
from vcsoup.yaml_lines import YamlText, read_yaml_file

ArmKind = Literal["unfiltered", "random", "filtered", "weighted", "conditioned", "best-of-n"]
Threshold = Annotated[float, Field(ge=-1, le=1)]
ARMS: tuple[ArmKind, ...] = (
    "unfiltered", "random", "filtered", "weighted", "conditioned", "best-of-n",
)  # fmt: skip


class Conditioned(Record):
    """Reward-conditioned fine-tuning (as Rewards-in-Context does), steered by the prompt.

    Attributes:
        levels: Into how many equally frequent levels each value's rewards are divided.
        learning_rate: Of the supervised fine-tuning.
        steps: Optimiser steps; None takes as many as the K policies of one soup together.
    """

    levels: int = Field(default=3, ge=2, le=5)
    learning_rate: float = Field(default=4e-3, gt=0, lt=1)
    steps: int | None = Field(default=None, ge=1)


class StudyFile(Record):
    """A whole study.

    Attributes:
        name: Of the folder that holds it.
        project: A scored project of the workspace; None takes the embedded world's generator.
        worlds: World settings.
        seeds: Repetitions.
        arms: What is compared in the centre of the worlds; the base and the single values come by
            themselves.
        elsewhere: What is compared in the other worlds.
        tuning_arms: What is compared on the tuning seeds.
        thresholds: Of the filter.
        elsewhere_thresholds: Of the filter in the other worlds; None takes `thresholds`.
        scales: Gaps divided by deviations of one data set or of all.
        min_norms: Least length of the gap vector.
        weights: Weight vectors that each arm is asked for, (V, K).
        grid_steps: Further soups: all multiples of 1 / grid_steps.
        train: Changes of the "demo" training preset; the same for every arm.
        conditioned: Of the arm of that name.
        best_of: Replies that best-of-n chooses from.
        prompts: Held-out prompts to measure on; None takes all.
        heldout_pairs: Pairs per value kept from training, for the loss barrier.
    """

    name: str = Field("study", pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")
    project: str | None = None
    worlds: Worlds = Worlds()
    seeds: SeedPlan = SeedPlan()
    arms: tuple[ArmKind, ...] = ARMS
    elsewhere: tuple[ArmKind, ...] = ("unfiltered", "random", "filtered")
    tuning_arms: tuple[ArmKind, ...] = ("unfiltered", "filtered")
    thresholds: tuple[Threshold, ...] = (0.0, 0.3, 0.6)
    elsewhere_thresholds: tuple[Threshold, ...] | None = None
    scales: tuple[Literal["dataset", "shared"], ...] = ("dataset",)
    min_norms: tuple[Annotated[float, Field(ge=0)], ...] = (0.0,)
    weights: tuple[tuple[float, ...], ...] = ()
    grid_steps: int = Field(4, ge=1, le=12)
    train: dict[str, Any] = Field(default_factory=dict)
    conditioned: Conditioned = Field(default_factory=Conditioned)
    best_of: int = Field(8, ge=2, le=64)
    prompts: int | None = Field(None, ge=4)
    heldout_pairs: int = Field(16, ge=1)

    @field_validator("train")
    @classmethod
    def _is_a_training(cls, changes: dict[str, Any]) -> dict[str, Any]:
        if named := {"seed", "init_seed"} & set(changes):
            raise ValueError(f"{', '.join(sorted(named))} comes from seeds; leave it out of train")
        training(changes, seed=0)
        return changes

    @model_validator(mode="after")
    def _filters_are_there(self) -> Self:
        if {"filtered", "random"} & {*self.arms, *self.elsewhere} and not self.thresholds:
            raise ValueError("filtered and random need thresholds; list at least one")
        return self

    def thresholds_in(self, setting: Setting) -> tuple[float, ...]:
        """Thresholds of the filter in one world."""
        if setting == self.worlds.centre or self.elsewhere_thresholds is None:
            return self.thresholds
        return self.elsewhere_thresholds

    def config(self, seed: int) -> TrainConfig:
        """The training of every policy of one repetition."""
        return training(self.train, seed=seed)

    def with_steps(self, steps: int) -> Self:
        """This study with another number of optimiser steps for every policy."""
        return self.model_copy(update={"train": {**self.train, "steps": steps}})

    def conditioned_steps(self, K: int) -> int:
        """Optimiser steps of reward-conditioned fine-tuning beside soups of K policies."""
        return self.conditioned.steps or K * self.config(0).steps

    def vectors(self, K: int) -> list[tuple[float, ...]]:
        """Weight vectors that every arm is asked for; by default corners and leaning mixes.

        Raises:
            StudyError: vectors of another length than K, or off the simplex.
        """
        chosen = self.weights or tuple(dict.fromkeys(map(tuple, _usual_vectors(K).tolist())))
        for vector in chosen:
            if len(vector) != K or min(vector) < 0 or abs(sum(vector) - 1) > 1e-6:
                raise StudyError(
                    f"weights {list(vector)}: expected {K} numbers >= 0 that sum to one; "
                    "correct this vector"
                )
        return [tuple(map(float, vector)) for vector in chosen]


def training(changes: dict[str, Any], *, seed: int) -> TrainConfig:
    """The study's training: the demo preset without samples and checkpoints, with some changes."""
    lean = {"sample_tokens": 0, "checkpoint_every": 0, "steps": 40, "eval_every": 20}
    return train_config("demo", **{**lean, "holdout_max": 16, **changes}, seed=seed, init_seed=seed)


def load_study(path: Path) -> StudyFile:
    """Read a study file.

    Raises:
        NotFoundError: the file cannot be read.
        StudyError: no YAML, an unknown key, or a value out of its range; names the line.
    """
    return _parsed(read_yaml_file(path, error=StudyError, remedy="give a study file"))


def _parsed(read: YamlText) -> StudyFile:
    try:
        return StudyFile(**read.content)
    except ValidationError as error:
        fault = first_fault(error)
        where = read.where(error.errors()[0]["loc"])
        told = f"{fault.where} = {fault.came!r}: " if fault.where else ""
        raise StudyError(f"{where}: {told}{fault.reason}") from error


def _usual_vectors(K: int) -> np.ndarray:
    """The K corners, and K mixes that lean to one value: half of it, the rest shared.

    With two values both mixes are the even one.
    """
    leaning = np.full((K, K), 0.5 / (K - 1))
    np.fill_diagonal(leaning, 0.5)
    return np.concatenate([np.eye(K), leaning])

"""The worlds of a study: noise, conflict, shared quality, pairs; and its seeds.

Pure records. The study file that holds them is `vcsoup.study.study_file`.
"""

from collections.abc import Sequence
from itertools import product
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from vcsoup.errors import VcsoupError

Share = Annotated[float, Field(ge=0, lt=0.5)]
Level = Annotated[float, Field(ge=0, le=1)]
Seeds = tuple[Annotated[int, Field(ge=0, lt=2**31)], ...]


class StudyError(VcsoupError, ValueError):
    """A study file that contradicts itself, or a row that the study does not have."""


class Record(BaseModel):
    """A part of a study file: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Setting(Record):
    """One world: how its preference pairs are drawn.

    Attributes:
        noise: Share of the labels that prefer the worse answer; on a scored project, labels turned
            round on top of what its data hold.
        conflict: Share of the pairs on which another value prefers the other answer; None as drawn.
        quality: Share of the pairs whose answers differ in flaws, which every value dislikes; None
            as drawn.
        pairs: Pairs per value.
    """

    noise: Share = 0.2
    conflict: Level | None = None
    quality: Level | None = None
    pairs: int = Field(640, ge=16)

    @property
    def name(self) -> str:
        """Short and unique.

        Example:
            >>> Setting(noise=0.1, conflict=0.5, pairs=40).name
            'noise0.1-conflict0.5-qualityany-40'
        """
        told = ["any" if level is None else f"{level:g}" for level in (self.conflict, self.quality)]
        return f"noise{self.noise:g}-conflict{told[0]}-quality{told[1]}-{self.pairs}"

    @property
    def title(self) -> str:
        """The world in words.

        Example:
            >>> Setting(noise=0.1, conflict=0.45).title
            '10 % wrong labels, 45 % in conflict'
        """
        levels = [f"{self.noise * 100:g} % wrong labels"]
        if self.conflict is not None:
            levels.append(f"{self.conflict * 100:g} % in conflict")
        if self.quality is not None:
            levels.append(f"{self.quality * 100:g} % of unlike quality")
        return ", ".join(levels)


class Worlds(Record):
    """Levels of each setting; `star` varies one at a time around the centre, `grid` all together.

    The centre of a list is its middle entry (the first of the two middle ones).
    """

    noise: tuple[Share, ...] = (0.1, 0.2, 0.3)
    conflict: tuple[Level | None, ...] = (0.3, 0.45, 0.6)
    quality: tuple[Level | None, ...] = (None,)
    pairs: tuple[Annotated[int, Field(ge=16)], ...] = (640,)
    design: Literal["star", "grid"] = "star"

    @property
    def centre(self) -> Setting:
        """The middle of every list."""
        return Setting(**{name: _middle(levels) for name, levels in self._levels().items()})

    def settings(self) -> list[Setting]:
        """Return all settings, the centre first."""
        levels = self._levels()
        if self.design == "grid":
            rows = [dict(zip(levels, row, strict=True)) for row in product(*levels.values())]
        else:
            middle = self.centre.model_dump()
            rows = [{**middle, name: at} for name, own in levels.items() for at in own]
        made = {found.name: found for found in (self.centre, *(Setting(**row) for row in rows))}
        return list(made.values())

    def _levels(self) -> dict[str, tuple[Any, ...]]:
        return {name: getattr(self, name) for name in ("noise", "conflict", "quality", "pairs")}

    @model_validator(mode="after")
    def _has_levels(self) -> Self:
        for name, levels in self._levels().items():
            if not levels or len(set(levels)) < len(levels):
                raise ValueError(f"{name} needs one or more different levels; list each once")
        return self


class SeedPlan(Record):
    """Seeds of drawing, training and sampling: one number is one whole repetition."""

    tuning: Seeds = (101, 102)
    reporting: Seeds = (1, 2, 3, 4, 5)

    @model_validator(mode="after")
    def _are_apart(self) -> Self:
        every = (*self.tuning, *self.reporting)
        if len(set(every)) < len(every):
            raise ValueError(
                "tuning and reporting seeds must all differ; choices made on a seed that is "
                "reported would flatter the result"
            )
        if not self.reporting:
            raise ValueError("name at least one reporting seed")
        return self


def _middle(levels: Sequence[Any]) -> Any:
    return levels[(len(levels) - 1) // 2]

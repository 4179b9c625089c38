"""What scores replies for a value: a reward model, or a function of the reply.

The one place that turns any `RewardSpec` into something with `score` and `batches`. A column of the
data judges only the pairs that it stands beside (`vcsoup.rewards.scoring`), so it has no judge.
"""

from collections.abc import Container, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from vcsoup.errors import RewardModelError
from vcsoup.rewards.functions import FunctionJudge
from vcsoup.rewards.heads import read_label
from vcsoup.rewards.spec import RewardSpec
from vcsoup.rewards.templates import Prompt

if TYPE_CHECKING:
    from vcsoup.rewards.model import RewardModel

FloatArray = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]


class Judge(Protocol):
    """What scores replies for one value; larger is better."""

    def score(self, prompts: Sequence[Prompt], replies: Sequence[str]) -> FloatArray:
        """Rewards of n replies, shape (n,)."""
        ...

    def batches(
        self, prompts: Sequence[Prompt], replies: Sequence[str], *, tokens_per_batch: int = ...
    ) -> Iterator[tuple[Rows, FloatArray]]:
        """(Row numbers, rewards), batch by batch, each row once."""
        ...


def load_judges(specs: Sequence[RewardSpec], *, consents: Container[str] = ()) -> list[Judge]:
    """Load what K specs name; values that share a model share one copy and one pass of it.

    Raises:
        RewardModelError: as `load_judge`.
    """
    models: dict[str, SharedModel] = {}
    names = [spec.pass_fingerprint() for spec in specs]
    judges: list[Judge] = []
    for spec, name in zip(specs, names, strict=True):
        if spec.kind != "model" or names.count(name) == 1:
            judges.append(load_judge(spec, consents=consents))
            continue
        if name not in models:
            from vcsoup.rewards.model import RewardModel

            models[name] = SharedModel(RewardModel.load(spec, consents=consents))
        judges.append(HeadJudge(spec, models[name]))
    return judges


def load_judge(
    spec: RewardSpec, device: str | None = None, *, consents: Container[str] = ()
) -> "RewardModel | FunctionJudge":
    """Load what a spec names.

    Args:
        spec: Of any kind but "column".
        device: Where a model goes; the GPU when there is one.
        consents: Keys of the consents to run a model's own code.

    Raises:
        RewardModelError: a column, or a model that cannot be loaded.

    Example:
        >>> load_judge(RewardSpec(kind="length")).score(["q"], ["two words"]).tolist()
        [2.0]
    """
    if spec.kind == "column":
        raise RewardModelError(
            f"{spec.title} are of the pairs in the file alone and cannot judge new replies; "
            "give this value a reward model or a function to measure soups with"
        )
    if spec.is_function:
        return FunctionJudge(spec)
    from vcsoup.rewards.model import RewardModel

    return RewardModel.load(spec, device, consents=consents)


class SharedModel:
    """A model that several values read; remembers what it said last."""

    def __init__(self, model: "RewardModel") -> None:
        self._model = model
        self._asked: tuple[list[Prompt], list[str]] | None = None
        self._logits = np.empty((0, 0), dtype=np.float32)

    def logits(self, prompts: Sequence[Prompt], replies: Sequence[str]) -> FloatArray:
        """All that the model says, shape (n, heads); asked anew only for other texts."""
        asked = (list(prompts), list(replies))
        if asked != self._asked:
            parts = list(self._model.logit_batches(*asked))
            rows = np.concatenate([rows for rows, _ in parts] or [np.empty(0, dtype=np.intp)])
            said = np.concatenate([said for _, said in parts]) if parts else self._logits[:0]
            self._logits, self._asked = said[np.argsort(rows)], asked
        return self._logits


class HeadJudge:
    """One value's reading of a shared model."""

    def __init__(self, spec: RewardSpec, model: SharedModel) -> None:
        self.spec = spec
        self._model = model

    def score(self, prompts: Sequence[Prompt], replies: Sequence[str]) -> FloatArray:
        """Rewards of n replies, shape (n,), the sign applied.

        Raises:
            RewardModelError: a reward that is no number, or no such head.
        """
        if not len(replies):
            return np.empty(0, dtype=np.float32)
        raw = read_label(self._model.logits(prompts, replies), self.spec)
        if not np.isfinite(raw).all():
            raise RewardModelError(
                f"reward model {self.spec.model} gave no finite number for reply "
                f"{int(np.flatnonzero(~np.isfinite(raw))[0]) + 1}; "
                "leave this reply out or take another model"
            )
        return raw * np.float32(self.spec.sign)

    def batches(
        self, prompts: Sequence[Prompt], replies: Sequence[str], *, tokens_per_batch: int = 0
    ) -> Iterator[tuple[Rows, FloatArray]]:
        """Yield all rows with their rewards at once."""
        if len(replies):
            yield np.arange(len(replies)), self.score(prompts, replies)

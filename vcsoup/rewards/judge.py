"""What scores replies for a value: a reward model, an endpoint, or a function of the reply.

The one place that turns any `RewardSpec` into something with `score` and `batches`. A column of the
data judges only the pairs that it stands beside (`vcsoup.rewards.scoring`), so it has no judge.
"""

from collections.abc import Container, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np
import numpy.typing as npt

from vcsoup.errors import RewardModelError
from vcsoup.preferences.pairs import AnyPrompt
from vcsoup.rewards.cache import RewardCache
from vcsoup.rewards.endpoint import EndpointJudge
from vcsoup.rewards.functions import FunctionJudge
from vcsoup.rewards.heads import read_label, signed_rewards
from vcsoup.rewards.spec import RewardSpec

if TYPE_CHECKING:
    from vcsoup.rewards.model import RewardModel

FloatArray = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]


class Judge(Protocol):
    """What scores replies for one value; larger is better."""

    def score(self, prompts: Sequence[AnyPrompt], replies: Sequence[str]) -> FloatArray:
        """Rewards of n replies, shape (n,)."""
        ...

    def batches(
        self, prompts: Sequence[AnyPrompt], replies: Sequence[str], *, tokens_per_batch: int = ...
    ) -> Iterator[tuple[Rows, FloatArray]]:
        """(Row numbers, rewards), batch by batch, each row once."""
        ...


def load_judges(
    specs: Sequence[RewardSpec],
    *,
    consents: Container[str] = (),
    cache: RewardCache | None = None,
) -> list[Judge]:
    """Load what K specs name; values that share a model share one copy and one pass of it.

    Args:
        specs: Of any kind but "column".
        consents: As for `load_judge`.
        cache: As for `load_judge`.

    Raises:
        RewardModelError: as `load_judge`.
    """
    models: dict[str, SharedModel] = {}
    names = [spec.pass_fingerprint() for spec in specs]
    judges: list[Judge] = []
    for spec, name in zip(specs, names, strict=True):
        if spec.kind != "model" or names.count(name) == 1:
            judges.append(load_judge(spec, consents=consents, cache=cache))
            continue
        if name not in models:
            models[name] = SharedModel.load(spec, consents=consents)
        judges.append(HeadJudge(spec, models[name]))
    return judges


def load_judge(
    spec: RewardSpec,
    device: str | None = None,
    *,
    consents: Container[str] = (),
    cache: RewardCache | None = None,
) -> "RewardModel | FunctionJudge | EndpointJudge":
    """Load what a spec names.

    Args:
        spec: Of any kind but "column".
        device: Where a model goes; the GPU when there is one.
        consents: Keys of the consents to run a model's own code or to send texts away.
        cache: Where an endpoint's answers, which cost money, are kept and looked up; what runs
            here is computed anew.

    Raises:
        RewardModelError: a column, a model that cannot be loaded, or an endpoint without consent
            or key.

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
    if spec.kind == "endpoint":
        judge = EndpointJudge(spec, cache=cache, consents=consents)
        judge.check_key()
        return judge
    from vcsoup.rewards.model import RewardModel

    return RewardModel.load(spec, device, consents=consents)


class SharedModel:
    """A model that several values read; remembers what it said last."""

    def __init__(self, model: "RewardModel") -> None:
        self._model = model
        self._asked: tuple[list[AnyPrompt], list[str]] | None = None
        self._said: list[tuple[Rows, FloatArray]] = []

    @classmethod
    def load(cls, spec: RewardSpec, *, consents: Container[str] = ()) -> Self:
        """Load the model that a spec names, whatever its label and sign.

        Raises:
            RewardModelError: as `RewardModel.load`.
        """
        from vcsoup.rewards.model import RewardModel

        return cls(RewardModel.load(spec, consents=consents))

    def logit_batches(
        self, prompts: Sequence[AnyPrompt], replies: Sequence[str], **sizes: int
    ) -> Iterator[tuple[Rows, FloatArray]]:
        """What `RewardModel.logit_batches` yields; new texts alone go through the model."""
        asked = (list(prompts), list(replies))
        if asked == self._asked:
            yield from self._said
            return
        said = []
        for batch in self._model.logit_batches(asked[0], asked[1], **sizes):
            said.append(batch)
            yield batch
        self._said, self._asked = said, asked


class HeadJudge:
    """One value's reading of a shared model."""

    def __init__(self, spec: RewardSpec, model: SharedModel) -> None:
        self.spec = spec
        self._model = model

    def score(self, prompts: Sequence[AnyPrompt], replies: Sequence[str]) -> FloatArray:
        """Rewards of n replies, shape (n,), the sign applied.

        Raises:
            RewardModelError: a reward that is no number, or no such head.
        """
        rewards = np.empty(len(replies), dtype=np.float32)
        for rows, scored in self.batches(prompts, replies):
            rewards[rows] = scored
        return rewards

    def batches(
        self, prompts: Sequence[AnyPrompt], replies: Sequence[str], **sizes: int
    ) -> Iterator[tuple[Rows, FloatArray]]:
        """Yield (row numbers, rewards with the sign), batch by batch, each row once.

        Raises:
            RewardModelError: as `score`.
        """
        for rows, logits in self._model.logit_batches(prompts, replies, **sizes):
            yield rows, signed_rewards(rows, read_label(logits, self.spec), self.spec)

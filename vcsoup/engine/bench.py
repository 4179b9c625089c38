"""The models that the engine keeps ready: per project and group one soup and its reward models.

Loaded on demand, kept while used, loaded again when the set of adapters changed (a run ended) or
the project's models did. What was not used for longest makes room for what the memory does not hold
beside it: each set of adapters has a base of its own. Only the owner thread calls this.
"""

import gc
from collections import OrderedDict
from collections.abc import Callable, Generator, Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from vcsoup.errors import RewardModelError
from vcsoup.pipeline import judging_key, outdated, points_of
from vcsoup.preferences.pairs import AnyPrompt
from vcsoup.rewards.cache import RewardCache
from vcsoup.rewards.consent import check_consent
from vcsoup.rewards.judge import HeadJudge, Judge, SharedModel, load_judge
from vcsoup.room import room_here, stored_numbers
from vcsoup.soup.model import SoupModel
from vcsoup.workspace import AdapterInfo, Point, Project, Workspace

_MOST_SOUPS = 2  # filtered and unfiltered side by side
_MOST_JUDGES = 8  # or as many as the project at hand has values: all of them judge each reply
_TOKENS = 2048  # scored at a time: nobody waits longer than that takes

_SAME_WEIGHT = 5e-6
"""Weights nearer than this are the same: addresses and commands write six decimals that sum to one,
so that one weight takes what rounding leaves over, up to half a millionth per value."""

FloatArray = npt.NDArray[np.float64]
Thing = TypeVar("Thing")


@dataclass(frozen=True)
class Bench:
    """What a tasting works with.

    Attributes:
        project: The project as it was when the bench was asked for.
        group: The adapter set's name.
        adapters: Value -> adapter, in the project's order of values.
        set_key: Name of the adapter set and its judges (`Project.set_key`).
        soup: The resident model.
    """

    project: Project
    group: str
    adapters: dict[str, AdapterInfo]
    set_key: str
    soup: SoupModel

    def point(self, weights: FloatArray, rewards: FloatArray, *, seed: int) -> Point:
        """The point of one soup from its rewards on P prompts, shape (P, K)."""
        soups, samples = weights[None], rewards[None]
        return points_of(self.project, self.group, self.adapters, soups, samples, seed=seed)[0]

    def known_point(self, weights: FloatArray, *, seed: int) -> Point | None:
        """The stored point of this soup, None when it was not measured with this seed.

        Nor is it known when the judges' files or the prompts were others then.
        """
        named = dict(zip(self.project.values, weights.tolist(), strict=True))
        for point in self.project.points(self.set_key):
            same = all(
                abs(point.weights.get(value, 0.0) - weight) < _SAME_WEIGHT
                for value, weight in named.items()
            )
            if same and point.seed == seed and self._current(point):
                return point
        return None

    def judged(self, n_prompts: int) -> str:
        """What judges soups now, on so many prompts (`pipeline.judging_key`)."""
        return judging_key(self.project, n_prompts)

    def keep(self, point: Point, judged: str) -> None:
        """Store a point; those of other judges' files or prompts are set aside first.

        Args:
            point: Measured just now.
            judged: What judged it.
        """
        self.project.set_aside_points(outdated(self.project, self.set_key))
        self.project.save_point(point.model_copy(update={"judged": judged}))

    def _current(self, point: Point) -> bool:
        return not point.judged or point.judged == self.judged(point.n_prompts)


class Benches:
    """Loads benches and keeps the most recently used ones."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._soups: OrderedDict[Hashable, SoupModel] = OrderedDict()
        self._judges: OrderedDict[Hashable, Judge] = OrderedDict()
        self._models: OrderedDict[Hashable, SharedModel] = OrderedDict()

    def bench(self, project_name: str, group: str) -> Bench:
        """The bench of a project's group, loading what is not resident.

        Raises:
            NotFoundError: no such project, or an incomplete adapter set.
            AdapterError: adapters that do not fit the base.
        """
        project = self._workspace.project(project_name)
        adapters = project.adapter_set(group)
        ordered = {value: adapters[value] for value in project.values}
        paths = [info.path for info in ordered.values()]
        contents = tuple(info.hash for info in ordered.values())
        base, loading = project.config.base, project.config.loading
        soup = _kept(
            self._soups,
            (base, loading, contents),
            _MOST_SOUPS,
            lambda: SoupModel.load(base, paths, loading=loading),
            need=lambda: _bytes(
                base, loading.revision, half=loading.dtype in ("bfloat16", "float16")
            ),
        )
        return Bench(project, group, ordered, project.set_key(adapters), soup)

    def score(self, bench: Bench, prompts: Sequence[AnyPrompt], replies: list[str]) -> FloatArray:
        """Rewards of replies, shape (n, K), float64, in the order of the project's values.

        Raises:
            RewardModelError: a value without a reward model, or one that cannot be loaded.
        """
        scoring = self.scoring(bench, prompts, replies)
        while True:
            try:
                next(scoring)
            except StopIteration as end:
                return end.value

    def scoring(
        self, bench: Bench, prompts: Sequence[AnyPrompt], replies: list[str]
    ) -> Generator[None, None, FloatArray]:
        """Like `score`, pausing after each batch so that the owner can do other work.

        A task says `rewards = yield from benches.scoring(bench, prompts, replies)`.
        """
        rewards = np.empty((len(replies), len(bench.project.values)))
        for column, value in enumerate(bench.project.values):
            judge = self._judge(bench.project, value)
            for rows, scored in judge.batches(prompts, replies, tokens_per_batch=_TOKENS):
                rewards[rows, column] = scored
                yield
        return rewards

    def _judge(self, project: Project, value: str) -> Judge:
        spec = project.config.rewards.get(value)
        if spec is None:
            raise RewardModelError(
                f"project {project.name} has no reward model for {value}; name one per value"
            )
        consents, most = project.consents.keys(), max(_MOST_JUDGES, len(project.values))
        check_consent(spec, consents)  # also of one that is loaded already
        if spec.kind == "model":  # heads of one model read one copy of it
            model = _kept(
                self._models,
                spec.pass_fingerprint(),
                most,
                lambda: SharedModel.load(spec, consents=consents),
                need=lambda: _bytes(spec.model, spec.revision),
            )
            return HeadJudge(spec, model)
        key = (spec.fingerprint(), spec)
        cache = RewardCache(project.reward_cache_root)
        return _kept(
            self._judges,
            key,
            most,
            lambda: load_judge(spec, consents=consents, cache=cache),
        )


def _bytes(model: str, revision: str | None, *, half: bool = False) -> int:
    """What a model's weights take in memory, in float32 unless told otherwise; 0: not known."""
    return (2 if half else 4) * (stored_numbers(model, revision) or 0)


def _kept(
    shelf: "OrderedDict[Hashable, Thing]",
    key: Hashable,
    most: int,
    load: Callable[[], Thing],
    *,
    need: Callable[[], int] = int,
) -> Thing:
    """The thing under `key`, loaded when missing; the longest unused ones make room first.

    Args:
        shelf: Where it is kept.
        key: Its name there.
        most: So many are kept.
        load: Loads it.
        need: Tells the bytes that it takes; fewer are kept where these are not free beside them.
    """
    if key not in shelf:
        bytes_needed = need()
        while shelf and (len(shelf) >= most or bytes_needed > room_here().free):
            shelf.popitem(last=False)
            gc.collect()
        shelf[key] = load()
    shelf.move_to_end(key)
    return shelf[key]

"""Comparing adapter sets of a project: what was measured on the same prompts, and what came of it.

Beside `vcsoup.pipeline`: reads the workspace, calls the pure functions, decides nothing. The
Compare page, its report, presenter mode and `python -m vcsoup compare` call it. Torch-free.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vcsoup.errors import NotFoundError
from vcsoup.evaluation.chord import Chord, chord, on_chord
from vcsoup.evaluation.comparison import RESAMPLES, Comparison, compare
from vcsoup.evaluation.summary import MeasuredSet
from vcsoup.workspace import Project
from vcsoup.workspace.samples import Samples

FloatArray = npt.NDArray[np.float64]
_SLOW_VALUES = 7  # from here on a hypervolume takes long enough to draw fewer of them


@dataclass(frozen=True)
class Measured:
    """Soups of one or more sets on the same prompts, with the same seed.

    Attributes:
        base: Rewards of the base, shape (P, K).
        sets: By group, its soups without the base.
        seed: Seed of the sampling.
    """

    base: FloatArray
    sets: dict[str, MeasuredSet]
    seed: int


def compare_project(project: Project, first: str, second: str) -> Comparison:
    """Compare two adapter sets by the soups, of equal weights, that are measured of both.

    More soups cover more, whatever they are made of; so only those that both sets have count.

    Args:
        project: The project.
        first: Name of a complete adapter set, such as "filtered".
        second: Name of another.

    Raises:
        NotFoundError: no such set, the same set twice, or nothing measured on common prompts; says
            what to run.
    """
    if first == second:
        raise NotFoundError(f"a comparison needs two adapter sets, got {first} twice; name another")
    found = measured_sets(
        project, (first, second), suffices=lambda sets: len(_in_both(sets)) >= len(project.values)
    )
    sets = _shared(project, found.sets)
    resamples = RESAMPLES if len(project.values) < _SLOW_VALUES else RESAMPLES // 5
    rng = np.random.default_rng(found.seed)
    return compare(project.values, found.base, sets, rng=rng, resamples=resamples)


def chord_project(project: Project, group: str, first: str, second: str) -> Chord:
    """The measured chord between two values' adapters of one set.

    Args:
        project: The project.
        group: The adapter set.
        first: Value whose adapter is one end.
        second: Value whose adapter is the other.

    Raises:
        NotFoundError: no such set, or fewer than three soups measured on it, ends included.
    """
    columns = project.values.index(first), project.values.index(second)

    def whole(sets: Mapping[str, MeasuredSet]) -> bool:
        places = on_chord(sets[group].weights, *columns)
        ends = [bool((np.abs(places - end) < 1e-4).any()) for end in (0.0, 1.0)]
        return bool((~np.isnan(places)).sum() >= 3 and all(ends))

    sets = measured_sets(project, (group,), suffices=whole).sets
    soups = sets[group]
    places = on_chord(soups.weights, *columns)
    on = ~np.isnan(places)
    if not whole(sets):
        raise NotFoundError(
            f"the chord from {first} to {second} of {group} has {int(on.sum())} measured soups, "
            "expected both ends and one between; run `python -m vcsoup evaluate --chord "
            f"{first} {second} --group {group} --project {project.name}`"
        )
    return chord(places[on], soups.rewards[on], rng=np.random.default_rng(0))


def measured_sets(
    project: Project,
    groups: Sequence[str],
    *,
    suffices: Callable[[Mapping[str, MeasuredSet]], bool] = lambda sets: True,
) -> Measured:
    """Collect what is measured of some sets on the same prompts with the same seed.

    Soups that were measured on fewer prompts are left out, unless what is left does not suffice:
    then fewer prompts count, which more soups have in common.

    Args:
        project: The project.
        groups: Names of complete adapter sets.
        suffices: Whether these soups are enough.

    Raises:
        NotFoundError: no such set, or no base and soups on common prompts.
    """
    found = list(_on_common_prompts({group: _samples(project, group) for group in groups}))
    if not found:
        raise NotFoundError(
            f"{' and '.join(groups)} have no soups whose rewards are known prompt by prompt on the "
            "same prompts as the base; run `python -m vcsoup evaluate --grid 4 --group GROUP "
            f"--project {project.name}` for each"
        )
    return next((one for one in found if suffices(one.sets)), found[0])


def _on_common_prompts(samples: Mapping[str, Sequence[Samples]]) -> Iterator[Measured]:
    """Yield what all sets have in common: the seed of most soups first, then the most prompts."""
    seeds = Counter(s.seed for found in samples.values() for s in found)
    for seed, _ in seeds.most_common():
        chosen = {g: [s for s in found if s.seed == seed] for g, found in samples.items()}
        every = [s for found in chosen.values() for s in found]
        bases = [s for s in every if not s.weights.any()]
        if not bases:
            continue
        base = max(bases, key=lambda s: len(s.prompts))
        known = {frozenset(s.prompts): s.prompts for s in (*every, base)}
        for prompts in sorted(known.values(), key=len, reverse=True):
            own = _on_prompts([base], prompts)
            sets = {group: _measured(found, prompts) for group, found in chosen.items()}
            if own and all(len(measured.weights) for measured in sets.values()):
                yield Measured(own[0][1], sets, seed)


def _measured(found: Sequence[Samples], prompts: Sequence[str]) -> MeasuredSet:
    """The soups, not the base, that know all these prompts."""
    rows = _on_prompts([soup for soup in found if soup.weights.any()], prompts)
    return MeasuredSet(
        np.array([weights for weights, _ in rows]), np.array([rewards for _, rewards in rows])
    )


def _samples(project: Project, group: str) -> list[Samples]:
    return project.samples.load(project.set_key(project.adapter_set(group)))


def _shared(project: Project, sets: Mapping[str, MeasuredSet]) -> dict[str, MeasuredSet]:
    both = _in_both(sets)
    if len(both) < len(project.values):
        raise NotFoundError(
            f"{' and '.join(sets)} have {len(both)} soups of equal weights measured, expected at "
            f"least {len(project.values)}; run `python -m vcsoup evaluate --grid 4 --group GROUP "
            f"--project {project.name}` for each"
        )
    rows = {group: [place.index(key) for key in both] for group, place in _keys(sets).items()}
    return {
        group: MeasuredSet(found.weights[rows[group]], found.rewards[rows[group]])
        for group, found in sets.items()
    }


def _in_both(sets: Mapping[str, MeasuredSet]) -> list[tuple[float, ...]]:
    """Weights of the soups that both sets have."""
    first, second = _keys(sets).values()
    known = set(second)
    return [key for key in first if key in known]


def _keys(sets: Mapping[str, MeasuredSet]) -> dict[str, list[tuple[float, ...]]]:
    return {
        group: [tuple(row) for row in np.round(found.weights, 4).tolist()]
        for group, found in sets.items()
    }


def _on_prompts(
    found: Sequence[Samples], prompts: Sequence[str]
) -> list[tuple[FloatArray, FloatArray]]:
    """Weights and rewards (P, K) of those that know all these prompts."""
    rows = []
    for soup in found:
        place = {prompt: row for row, prompt in enumerate(soup.prompts)}
        if all(prompt in place for prompt in prompts):
            rows.append((soup.weights, soup.rewards[[place[prompt] for prompt in prompts]]))
    return rows

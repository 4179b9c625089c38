"""What a study stands on: pairs, judges, a base, held-out prompts, and the truth where it is known.

Either the embedded world, whose generator draws pairs at any setting, or a scored project of the
workspace, whose pairs are what they are (labels can be turned round, nothing else).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from vcsoup.demo.bundle import Bundle, bundle_folder, judge_spec, read_bundle
from vcsoup.demo.truth import true_rewards
from vcsoup.demo.world import Prompts, topic_of_prompt, topics
from vcsoup.fingerprint import model_fingerprint
from vcsoup.numbers import plural
from vcsoup.preferences.pairs import as_messages, prompt_text
from vcsoup.rewards.spec import RewardSpec
from vcsoup.study.drawing import Drawn, draw_clean
from vcsoup.study.settings import Setting, StudyError
from vcsoup.study.study_file import StudyFile
from vcsoup.workspace import Project, Workspace
from vcsoup.workspace.held_out import not_held_out

FloatArray = npt.NDArray[np.float64]
_FEWEST_STUDIED = 4
"""One half chooses a soup, the other measures it, and each needs a mean that can vary."""
Messages = list[dict[str, str]]


class Ground(Protocol):
    """What the units of a study read."""

    values: tuple[str, ...]
    base: str
    specs: dict[str, RewardSpec]
    prompts: list[Messages]
    identity: dict[str, Any]
    consents: frozenset[str]

    def draw(self, value: str, setting: Setting, n: int, seed: int) -> Drawn:
        """Clean pairs of one value, at most n of them."""
        ...

    def truth(self, prompts: Sequence[Messages], replies: Sequence[str]) -> FloatArray | None:
        """What n replies are really worth, shape (n, K); None where nobody knows."""
        ...


@dataclass
class EmbeddedWorld:
    """The embedded world's generator, base and judges; one base and one set of judges for all."""

    consents: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        folder = bundle_folder()
        bundle: Bundle = read_bundle(folder)
        models = folder / "models"
        self.values = bundle.values
        self.base = str(models / "base")
        self.specs = {value: judge_spec(models, value) for value in self.values}
        self.prompts = [as_messages(text) for text in bundle.held_out]
        self.identity = {
            "world": bundle.seed,
            "base": model_fingerprint(self.base),
            "judges": {value: spec.fingerprint() for value, spec in self.specs.items()},
        }
        held_out = set(bundle.held_out)
        self.train: Prompts = tuple(
            (topic, prompt)
            for topic in topics()
            for prompt in topic.prompts
            if prompt not in held_out
        )

    def draw(self, value: str, setting: Setting, n: int, seed: int) -> Drawn:
        """Draw pairs at the setting's levels."""
        return draw_clean(value, self.train, setting, n, seed)

    def truth(self, prompts: Sequence[Messages], replies: Sequence[str]) -> FloatArray | None:
        """The hidden truth of the world."""
        topic_of = topic_of_prompt()
        asked = [topic_of[prompt_text(prompt)] for prompt in prompts]
        found = [true_rewards(topic, text) for topic, text in zip(asked, replies, strict=True)]
        return np.array(found, dtype=np.float64)


@dataclass
class ScoredProject:
    """A project's own pairs, base and reward models; the seed decides which pairs are taken."""

    project: Project

    def __post_init__(self) -> None:
        project = self.project
        self.values, self.base = project.values, project.config.base
        if missing := [value for value in self.values if value not in project.config.rewards]:
            raise StudyError(
                f"project {project.name} has no reward model for {', '.join(missing)}; a study "
                "needs one per value"
            )
        if columns := [v for v in self.values if project.config.rewards[v].kind == "column"]:
            raise StudyError(
                f"{', '.join(columns)} of project {project.name} is judged by a column of the "
                "data, which cannot judge new replies; a study needs a model or a function"
            )
        self.specs = {value: project.config.rewards[value] for value in self.values}
        self.prompts = [as_messages(prompt) for prompt in project.held_out_prompts()]
        if len(self.prompts) < _FEWEST_STUDIED:
            raise StudyError(
                f"project {project.name} holds out {plural(len(self.prompts), 'prompt')}, and a "
                f"study measures on at least {_FEWEST_STUDIED}; add data with more prompts"
            )
        self.consents = project.consents.keys()
        self.identity = {
            "project": project.name,
            "base": model_fingerprint(self.base),
            "data": {value: info.hash for value, info in project.datasets().items()},
            "judges": {value: spec.fingerprint() for value, spec in self.specs.items()},
        }

    def draw(self, value: str, setting: Setting, n: int, seed: int) -> Drawn:
        """Take some of the project's pairs."""
        if setting.conflict is not None or setting.quality is not None:
            raise StudyError(
                f"the pairs of project {self.project.name} are what they are; set conflict and "
                "quality of the study's worlds to [null]"
            )
        pairs = self.project.pairs(value)
        usable = np.flatnonzero(not_held_out(pairs["prompt"], self.project.held_out_prompts()))
        rng = np.random.default_rng([seed, self.values.index(value)])
        chosen = rng.permutation(usable)[:n]
        return Drawn(pairs.iloc[chosen].reset_index(drop=True), rng.random(len(chosen)))

    def truth(self, prompts: Sequence[Messages], replies: Sequence[str]) -> FloatArray | None:
        """Nobody knows."""
        return None


def open_ground(study: StudyFile, workspace: Workspace) -> Ground:
    """Open what a study file names.

    Raises:
        NotFoundError: no such project, or no bundle.
        StudyError: a project that cannot be studied.
    """
    if study.project is None:
        return EmbeddedWorld()
    return ScoredProject(workspace.project(study.project))

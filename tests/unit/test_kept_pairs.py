"""Which pairs a run trains on: the saved filter's, without those whose prompt is held out."""

import numpy as np
import pytest

from vcsoup.errors import NotFoundError
from vcsoup.filtering import PairFilter
from vcsoup.pipeline import kept_pairs
from vcsoup.preferences.pairs import make_pairs
from vcsoup.workspace import Project, Workspace, project_config
from vcsoup.workspace.tables import reward_columns

VALUES = ("helpful", "harmless")
# Consistency 1, 0, -1, 1, 1; the last pair is weak.
GAPS = np.array([[2.0, 2.0], [2.0, -2.0], [-2.0, -2.0], [2.0, 2.0], [0.1, 0.1]])


@pytest.fixture
def project(tmp_path) -> Project:
    config = project_config(name="demo", values=VALUES, base="org/base")
    project = Workspace(tmp_path / "w").create_project(config)
    n = len(GAPS)
    pairs = make_pairs([f"q{i}" for i in range(n)], [f"c{i}" for i in range(n)], ["r"] * n)
    project.save_pairs("helpful", pairs, source="x")
    project.save_held_out_prompts([[{"role": "user", "content": "q3"}]])
    return project


def score(project: Project) -> None:
    rewards = project.pairs("helpful")[["id"]]
    rewards[reward_columns(VALUES)] = np.concatenate([GAPS / 2, -GAPS / 2], axis=1)
    project.save_rewards("helpful", rewards)


def test_the_whole_filter_counts_and_held_out_prompts_never_do(project):
    score(project)
    for chosen, answers in [
        (None, ["c0", "c1", "c2", "c4"]),
        (PairFilter(), ["c0", "c1", "c2", "c4"]),
        (PairFilter(threshold=0.5), ["c0", "c4"]),
        (PairFilter(threshold=0.5, min_norm=1.0), ["c0"]),
        (PairFilter(threshold=0.5, min_norm=1.0, flip=True), ["c0", "r"]),
    ]:
        kept = kept_pairs(project, "helpful", chosen)
        assert kept["chosen"].tolist() == answers
        assert kept.index.tolist() == list(range(len(answers)))


def test_all_pairs_need_no_rewards_and_a_filter_does(project):
    assert len(kept_pairs(project, "helpful", None)) == 4
    with pytest.raises(NotFoundError, match="vcsoup score"):
        kept_pairs(project, "helpful", PairFilter(threshold=0.5))

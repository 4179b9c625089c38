"""What scoring costs: counted exactly, timed on real models, never by asking an endpoint."""

from pathlib import Path

import pytest

from tests.tiny_models import tiny_classifier
from tests.tiny_pairs import tiny_pairs
from vcsoup.errors import NotFoundError
from vcsoup.pipeline import score_project
from vcsoup.preferences.pairs import make_pairs
from vcsoup.rewards.model import RewardModel
from vcsoup.rewards.spec import RewardSpec
from vcsoup.scoring_cost import distinct_replies, scoring_costs
from vcsoup.workspace import Project, Workspace, project_config

PAIRS = 12


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace")


@pytest.fixture
def project(workspace: Workspace, tmp_path: Path) -> Project:
    """Three values: two heads of one model, and a rule; the values share their pairs."""
    judge = str(tiny_classifier(tmp_path / "judge", labels=2))
    rewards = {
        "helpful": RewardSpec(model=judge, template="pair", label=0),
        "harmless": RewardSpec(model=judge, template="pair", label=1),
        "brief": RewardSpec(kind="length", sign=-1),
    }
    config = project_config(name="mine", values=tuple(rewards), base="org/base", rewards=rewards)
    made = workspace.create_project(config)
    for value in ("helpful", "harmless"):
        made.save_pairs(value, tiny_pairs(PAIRS), source="test")
    return made


def test_replies_are_counted_once_and_heads_share_a_pass(workspace, project):
    """Two data sets of the same 12 pairs: 24 distinct replies, one pass for both heads."""
    shared, rule = scoring_costs(workspace, project, timed=False)
    assert (shared.values, shared.replies, shared.known, shared.passes) == (
        ("helpful", "harmless"),
        24,
        0,
        24,
    )
    assert (rule.values, rule.kind, rule.passes) == (("brief",), "rule", 0)
    assert shared.seconds is None
    prompts, replies = distinct_replies(project, ["helpful", "harmless"])
    assert len(prompts) == len(replies) == 24


def test_known_rewards_cost_nothing(workspace, project):
    score_project(workspace, project, ["helpful"])
    project.save_pairs("harmless", tiny_pairs(PAIRS + 4, seed=0), source="more")
    shared, _ = scoring_costs(workspace, project, ["harmless"], timed=False)
    assert (shared.replies, shared.known, shared.passes) == (32, 24, 8)


def test_a_model_is_timed_on_real_replies(workspace, project):
    shared, _ = scoring_costs(workspace, project)
    assert shared.seconds > 0
    assert shared.tokens > 24 * 4  # each reply has at least three words
    assert shared.memory > 10**8  # this process holds torch
    score_project(workspace, project)
    done, _ = scoring_costs(workspace, project)
    assert (done.passes, done.seconds) == (0, None)


def test_an_endpoint_is_billed_and_never_asked(workspace, project):
    """Nobody listens on the address, so a request would fail."""
    asked = {"url": "http://127.0.0.1:9/v1", "model": "m", "criterion": "wit"}
    prices = {"input_price": 1.0, "output_price": 10.0}
    project.set_reward("brief", RewardSpec(kind="endpoint", **asked, **prices))
    billed = scoring_costs(workspace, workspace.project("mine"), timed=False)[-1]
    assert (billed.values, billed.passes, billed.requests) == (("brief",), 0, 24)
    assert billed.tokens > 24 * 64
    assert billed.money > 24 * 64 * 10 / 1e6


def test_a_value_without_pairs_is_named(workspace, project):
    with pytest.raises(NotFoundError, match="brief has no pairs"):
        scoring_costs(workspace, project, ["brief"], timed=False)


@pytest.mark.parametrize(("n", "timed"), [(1, 2), (12, 24), (13, 24), (500, 24)])
def test_both_answers_of_a_prompt_are_timed_together(workspace, project, monkeypatch, n, timed):
    """As in the run, where they share the pass over their prompt."""
    asked: list[list[str]] = []

    def heard(judge, prompts, replies):
        asked.append([str(prompt) for prompt in prompts])
        return iter(())

    monkeypatch.setattr(RewardModel, "raw_batches", heard)
    prompts = [f"ask {i}" for i in range(n)]
    pairs = make_pairs(prompts, [f"yes {i}" for i in range(n)], [f"no {i}" for i in range(n)])
    project.save_pairs("helpful", pairs, source="test")
    scoring_costs(workspace, project, ["helpful"])
    assert len(asked[1]) == timed
    assert {asked[1].count(prompt) for prompt in asked[1]} == {2}

"""Data: what a judge behind an endpoint costs, before scoring and when a run met its cap."""

import pytest

from tests.job_processes import wait_until
from tests.standin_judge import StandinJudge, Told, standin_judge
from tests.tiny_pairs import tiny_pairs
from vcsoup.jobs import Job, Jobs
from vcsoup.rewards.cache import RewardCache
from vcsoup.rewards.endpoint import EndpointJudge
from vcsoup.rewards.spec import RewardSpec
from vcsoup.workspace import Project, ProjectConfig, Workspace


@pytest.fixture
def server():
    with standin_judge() as judge:
        yield judge


def judged_project(
    workspace: Workspace, server: StandinJudge, *, name: str = "asked", **fields: object
) -> Project:
    """Twenty pairs of one value, judged by an endpoint and a rule."""
    spec = server.spec(input_price=1000.0, output_price=1000.0, answer_tokens=5, **fields)
    rewards = {"kind": spec, "brief": RewardSpec(kind="length", sign=-1)}
    config = ProjectConfig(name=name, values=tuple(rewards), base="org/base", rewards=rewards)
    project = workspace.create_project(config)
    project.save_pairs("kind", tiny_pairs(20), source="tiny_pairs")
    return project


def ended(job: Job) -> None:
    wait_until(lambda: not job.active, 120)


def captions(app) -> str:
    return " | ".join(caption.value for caption in app.caption)


def test_the_cost_shows_before_scoring_and_a_missing_key_too(workspace, visit, server, monkeypatch):
    """Forty answers of at most 5 tokens are 200; 1000 for a million of them is 0.2 and more."""
    monkeypatch.delenv("STAND_IN_KEY", raising=False)
    project = judged_project(workspace, server, key_env="STAND_IN_KEY")
    app = visit("data", project="asked")
    assert "kind is judged by stand-in at 127.0.0.1: at most 40 requests" in captions(app)
    assert "up to 200 answered, cost about " in captions(app)
    assert r"no STAND\_IN\_KEY" in app.warning[0].value
    monkeypatch.setenv("STAND_IN_KEY", "held")
    app = visit("data", project="asked")
    assert "at most 40 requests" in captions(app)
    assert not app.warning
    assert not server.bodies
    judge = EndpointJudge(
        project.config.rewards["kind"], cache=RewardCache(workspace.reward_cache_root)
    )
    pairs = project.pairs("kind")
    judge.rate([*pairs["prompt"]] * 2, [*pairs["chosen"], *pairs["rejected"]])
    monkeypatch.delenv("STAND_IN_KEY")
    assert not visit("data", project="asked").warning, "all answers are known: nothing is sent"


def test_an_endpoint_that_nobody_agreed_to_is_named(workspace, visit, server):
    project = judged_project(workspace, server)
    away = "https://judge.example/v1"
    project.set_reward("kind", server.spec(url=away))
    (warning,) = visit("data", project="asked").warning
    assert "Nobody agreed to send texts to" in warning.value
    assert f"`python -m vcsoup reward consent {away}`" in warning.value
    workspace.consents.give(away)
    assert not visit("data", project="asked").warning


def score(workspace: Workspace) -> Job:
    return Jobs(workspace.jobs_root).start(
        ["score", "--project", "asked", "--workspace", str(workspace.root)],
        kind="score",
        title="Scoring kind",
        project="asked",
        meta={"values": ["kind"], "n": [20]},
    )


def test_an_estimate_above_the_limit_says_that_scoring_may_end_before(workspace, visit, server):
    judged_project(workspace, server, most_cost=1.0)
    told = captions(visit("data", project="asked"))
    assert r"most\_cost = 1 is less than that: a run ends before it costs more" in told
    judged_project(workspace, server, name="rich", most_cost=1000.0)
    assert "is less than that" not in captions(visit("data", project="rich"))


def test_a_run_that_met_its_cap_says_what_it_took_and_what_is_kept(workspace, visit, server):
    """A request costs 0.105 (105 tokens at 1000 a million); 1 pays for nine."""
    judged_project(workspace, server, most_cost=1.0, at_once=1)
    ended(score(workspace))
    asked = len(server.bodies)
    assert asked in (8, 9)
    app = visit("data", project="asked")
    assert "was stopped before it costs more than most" in app.error[0].value
    spent = f"{asked} requests, {105 * asked} tokens, cost {0.105 * asked:.4g}"
    assert f"Asked of endpoints: {spent}" in captions(app)
    assert f"{asked} of 40 rewards of the steps that had begun are kept" in captions(app)
    assert f"at most {40 - asked} requests" in captions(app)
    assert f"{asked} answers are known already" in captions(app)
    ended(score(workspace))
    asked = len(server.bodies)
    assert asked in (16, 17, 18)
    app = visit("data", project="asked")
    spent = f"{asked} requests, {105 * asked:,} tokens, cost {0.105 * asked:.4g}"
    assert f"Asked of endpoints in 2 runs: {spent}" in captions(app)
    assert f"at most {40 - asked} requests" in captions(app)


def test_requests_under_way_when_a_run_is_stopped_are_told(workspace, visit, server):
    server.always = Told(delay=3.0)
    judged_project(workspace, server)
    job = score(workspace)
    wait_until(lambda: len(server.bodies) == 4, 120)
    job.stop()
    ended(job)
    told = captions(visit("data", project="asked"))
    assert "Asked of endpoints: 4 requests, 0 tokens, cost 0." in told
    assert "4 requests had no answer when a run ended: they may have been charged too" in told

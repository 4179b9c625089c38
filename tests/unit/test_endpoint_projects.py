"""A project whose judges are behind an endpoint: named, allowed, scored, measured, tasted.

The stand-in scores a reply by its length. Its key is in the environment of the commands and, when
all is done, nowhere in the workspace.
"""

import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.standin_judge import StandinJudge, Told, honest, standin_judge
from tests.tiny_project import VALUES, tiny_project
from vcsoup.cli import main
from vcsoup.cli.reward_options import parse_reward
from vcsoup.engine.bench import Benches
from vcsoup.errors import NotFoundError, RewardModelError, UnscoredRepliesError
from vcsoup.jobs import Jobs
from vcsoup.pipeline import measure_project
from vcsoup.rewards import endpoint_client
from vcsoup.rewards.consent import consent_key, risk_of
from vcsoup.rewards.endpoint import EndpointJudge
from vcsoup.rewards.endpoint_fields import EndpointFields
from vcsoup.rewards.spec import RewardSpec
from vcsoup.workspace import Workspace

Run = Callable[..., tuple[int, str, str]]
KEY = "sk-stand-in-9876543210"
PAIRS = [
    {"prompt": f"question {row}", "chosen": "a" * (4 + row), "rejected": "b" * (1 + row)}
    for row in range(5)
]
AWAY = "https://judge.example/v1"


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(endpoint_client, "_FIRST_WAIT_S", 0.01)
    monkeypatch.setenv("STAND_IN_KEY", KEY)
    with standin_judge() as judge:
        yield judge


@pytest.fixture
def root(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setenv("VCSOUP_WORKSPACE", str(tmp_path / "w"))
    return tmp_path / "w"


@pytest.fixture
def run(root: Path, monkeypatch, capfd) -> Run:
    def run(*args: object) -> tuple[int, str, str]:
        """Run a command; return its exit status, output and error output."""
        monkeypatch.setattr(sys, "argv", ["vcsoup", *map(str, args)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capfd.readouterr()
        return int(end.value.code or 0), out, err

    return run


def create(run: Run, server: StandinJudge, folder: Path, *, key_env: str = "STAND_IN_KEY") -> None:
    """A project with two criteria at one endpoint, and pairs of the first value."""
    asked = f"kind=endpoint,url={server.url},model=stand-in,key_env={key_env},input_price=2"
    rewards = [f"helpful={asked},criterion=how long it is", f"brief={asked},sign=-1,criterion=wit"]
    options = [part for reward in rewards for part in ("--reward", reward)]
    values = ["--value", "helpful", "--value", "brief"]
    told = run("project", "create", "mine", "--base", "org/base", *values, *options)
    assert told[0] == 0, told
    file = folder / "pairs.jsonl"
    file.write_text("\n".join(json.dumps(pair) for pair in PAIRS))
    assert run("data", "add", "helpful", file, "--project", "mine")[0] == 0


def files_with(root: Path, secret: str) -> list[Path]:
    paths = [path for path in root.rglob("*") if path.is_file()]
    assert paths
    return [path for path in paths if secret.encode() in path.read_bytes()]


def test_pairs_are_scored_from_the_command_line_and_the_key_is_nowhere(run, server, root, tmp_path):
    create(run, server, tmp_path)
    code, out, err = run("score", "--project", "mine", "--estimate", "--json")
    assert code == 0, err
    costs = json.loads(out)["judges"]
    assert [(cost["requests"], cost["replies"]) for cost in costs] == [(10, 10)] * 2
    assert all(0 < cost["money"] < 0.01 for cost in costs)
    assert not server.bodies
    code, out, err = run("score", "--project", "mine", "--json")
    assert code == 0, err
    assert "expected 10 requests, about " in err
    assert json.loads(out)["scored"] == {"helpful": 5}
    assert len(server.bodies) == 20  # ten answers by two criteria
    assert {headers["authorization"] for headers in server.headers} == {f"Bearer {KEY}"}
    table = Workspace(root).project("mine").rewards("helpful")
    for value, sign in (("helpful", 1), ("brief", -1)):
        for side in ("chosen", "rejected"):
            scores = [sign * honest(pair[side]) for pair in PAIRS]
            assert table[f"{value}_{side}"].tolist() == scores
    assert run("score", "--project", "mine")[0] == 0
    assert len(server.bodies) == 20
    assert files_with(root, "stand-in")
    assert not files_with(root, KEY)


def test_a_job_has_the_key_from_where_it_was_started(run, server, root, tmp_path):
    """A process of its own, as the screens start it."""
    create(run, server, tmp_path)
    job = Jobs(root / "jobs").start(
        ["score", "--project", "mine", "--workspace", str(root)],
        kind="score",
        title="Scoring helpful",
        project="mine",
    )
    until = time.monotonic() + 120
    while job.active:
        assert time.monotonic() < until
        time.sleep(0.1)
    assert job.state == "done", job.log_tail(20)
    records, _ = job.progress_since(0)
    last = [record for record in records if record["stage"] == "scoring brief"][-1]
    assert (last["requests"], last["tokens"], last["cost"]) == (10, 1050, 0.002)
    assert len(server.bodies) == 20
    assert not files_with(root, KEY)


def test_a_missing_key_is_a_one_line_error(run, server, root, tmp_path, monkeypatch):
    create(run, server, tmp_path)
    monkeypatch.delenv("STAND_IN_KEY")
    code, _, err = run("score", "--project", "mine")
    assert code == 2
    assert "the environment variable STAND_IN_KEY holds none" in err
    assert not server.bodies


def test_a_key_in_place_of_its_name_is_refused_and_kept_nowhere(run, root):
    asked = f"kind=endpoint,url=http://localhost/v1,model=m,criterion=wit,key_env={KEY}"
    options = ["--value", "a", "--value", "b", "--reward", f"a={asked}"]
    code, out, err = run("project", "create", "mine", "--base", "org/base", *options)
    assert code == 2
    assert "expected the name of an environment variable" in err
    assert KEY not in out + err
    assert not [path for path in root.rglob("*") if path.is_file() and KEY in path.read_text()]


def test_a_pair_without_a_usable_answer_is_set_aside_with_the_reason(run, server, root, tmp_path):
    create(run, server, tmp_path)
    server.script = [Told(400, "too long"), Told(400, "too long")]
    spec = server.spec(criterion="how long it is", key_env="STAND_IN_KEY", at_once=1)
    project = Workspace(root).project("mine")
    project.set_reward("helpful", spec)
    code, out, _ = run("score", "--project", "mine", "--json")
    assert code == 0
    assert json.loads(out) == {"scored": {"helpful": 4}, "set_aside": {"helpful": 1}}
    (problem,) = project.datasets()["helpful"].report["problems"]
    assert "the reward of the chosen answer is nan; the log" in problem["reason"]
    assert run("score", "--project", "mine")[0] == 0  # another chance
    assert len(project.rewards("helpful")) == 5


def test_the_cap_holds_over_all_data_sets_of_a_run(run, server, root, tmp_path):
    """A request costs 1.05 at these prices; 15 pay for fourteen, and each data set asks for ten."""
    create(run, server, tmp_path)
    file = tmp_path / "more.jsonl"
    more = [{**pair, "prompt": f"about {pair['prompt']}"} for pair in PAIRS]
    file.write_text("\n".join(json.dumps(pair) for pair in more))
    assert run("data", "add", "brief", file, "--project", "mine")[0] == 0
    prices = {"input_price": 1e4, "output_price": 1e4, "answer_tokens": 5, "most_cost": 15.0}
    project = Workspace(root).project("mine")
    project.set_reward("helpful", server.spec(at_once=1, **prices))
    project.set_reward("brief", RewardSpec(kind="length"))
    code, out, _ = run("score", "--project", "mine", "--estimate")
    assert code == 0
    assert "helpful: most_cost = 15 is less than that" in out
    code, _, err = run("score", "--project", "mine")
    assert code == 2
    assert "stopped before it costs more than most_cost = 15" in err
    assert 10 < len(server.bodies) <= 14
    assert len(project.rewards("helpful")) == 5


def test_sending_away_needs_a_consent_that_says_what_goes_where(run, root, monkeypatch):
    monkeypatch.setenv("STAND_IN_KEY", KEY)
    spec = RewardSpec(kind="endpoint", url=AWAY, model="m", criterion="wit", key_env="STAND_IN_KEY")
    workspace = Workspace(root)
    with pytest.raises(RewardModelError, match="nobody agreed to send texts there"):
        EndpointJudge(spec, consents=workspace.consents.keys())
    code, out, _ = run("reward", "consent", AWAY, "--yes")
    assert code == 0
    assert "Every prompt and answer to be judged" in out
    assert f"sent to {AWAY}" in out
    assert EndpointJudge(spec, consents=workspace.consents.keys()).spec == spec
    (given,) = workspace.consents.load()
    assert (given.model, given.risk) == (AWAY, risk_of(AWAY))
    assert "sending texts" in run("reward", "consents")[1]
    other = spec.model_copy(update={"url": "https://judge.example/v2"})
    with pytest.raises(RewardModelError, match="nobody agreed"):
        EndpointJudge(other, consents=workspace.consents.keys())
    assert run("reward", "consent", AWAY, "--revoke")[0] == 0
    assert consent_key(AWAY) not in workspace.consents.keys()
    with pytest.raises(NotFoundError):
        workspace.consents.revoke(AWAY)


def test_an_unencrypted_way_is_named():
    assert "not encrypted" in risk_of("http://judge.example/v1")
    assert "not encrypted" not in risk_of(AWAY)


@pytest.fixture(scope="module")
def soups(tmp_path_factory) -> Workspace:
    folder = tmp_path_factory.mktemp("soups")
    workspace = Workspace(folder / "w")
    tiny_project(workspace, folder, prompts=2)
    return workspace


def judged_by(workspace: Workspace, server: StandinJudge, **fields: object) -> None:
    for value in VALUES:
        spec = server.spec(criterion=f"how {value} it is", key_env="STAND_IN_KEY", **fields)
        workspace.project("demo").set_reward(value, spec)


def test_soups_are_measured_once_by_an_endpoint(soups, server):
    assert soups.project("demo").reward_cache_root == soups.reward_cache_root
    judged_by(soups, server)
    weights = np.array([[1.0, 0.0], [0.0, 1.0]])
    first = measure_project(soups.project("demo"), "filtered", weights)
    asked = len(server.bodies)
    assert 0 < asked <= 8  # two soups, two prompts, two criteria; equal replies are asked once
    assert first.rewards.min() >= 1
    assert first.rewards.max() <= 10
    again = measure_project(soups.project("demo"), "filtered", weights)
    assert len(server.bodies) == asked
    np.testing.assert_array_equal(again.rewards, first.rewards)


def test_a_reply_that_cannot_be_scored_costs_its_soup_alone(soups, server):
    """At a seed of its own the two corners say different things; the first reply is refused."""
    judged_by(soups, server, at_once=1)
    server.script = [Told(400, "refused")] * 2
    project, weights = soups.project("demo"), np.array([[1.0, 0.0], [0.0, 1.0]])
    before = len(project.points())
    with pytest.raises(UnscoredRepliesError) as caught:
        measure_project(project, "filtered", weights, seed=7)
    assert str(caught.value).startswith("1 of 2 soups have no point, since replies of theirs")
    assert "answered 400: " in str(caught.value)
    (point,) = (point for point in project.points() if point.seed == 7)
    assert (point.weights, point.n_prompts) == ({"helpful": 0.0, "harmless": 1.0}, 2)
    assert len(project.points()) == before + 1
    asked = len(server.bodies)
    measured = measure_project(project, "filtered", weights, seed=7)
    assert len(server.bodies) == asked + 1
    assert np.isfinite(measured.rewards).all()


def test_the_engine_goes_on_with_other_work_while_it_waits(soups, server):
    """Between two looks at its other work it never waits for the whole answer."""
    server.always = Told(delay=0.5)
    judged_by(soups, server)
    benches = Benches(soups)
    bench = benches.bench("demo", "filtered")
    scoring, pauses = benches.scoring(bench, ["q", "q"], ["aaa", "aaaaaa"]), 0
    while True:
        try:
            next(scoring)
        except StopIteration as end:
            rewards = end.value
            break
        pauses += 1
    assert rewards.tolist() == [[3, 3], [6, 6]]
    assert pauses > 4


def test_the_guide_names_a_judge_as_the_command_line_reads_it():
    text = (Path(__file__).parents[2] / "docs" / "endpoint_judges.md").read_text()
    (written,) = re.findall(r'--reward "(.*?)"', text)
    value, spec = parse_reward(written)
    assert (value, spec.kind, spec.key_env) == ("helpful", "endpoint", "OPENAI_API_KEY")
    fields = set(EndpointFields.model_fields) | {"model", "sign"}
    told = {
        name for row in re.findall(r"^\| (`.*?) \|", text, re.M) for name in row.split("`")[1::2]
    }
    assert told == fields

"""The engine as a real process over real HTTP, started through jobs, with tiny models."""

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from tests.engine_end import stop_engine
from tests.tiny_project import shelve_adapter, tiny_project
from vcsoup.engine.client import EngineClient
from vcsoup.engine.identity import is_alive, read_identity
from vcsoup.engine.launch import ensure_engine, find_engine
from vcsoup.engine.server import serve
from vcsoup.errors import EngineError, PortBusyError
from vcsoup.evaluation.measure import measure
from vcsoup.jobs import Jobs
from vcsoup.rewards.model import RewardModel
from vcsoup.soup.decoding import MAX_NEW_TOKENS, TEMPERATURE
from vcsoup.soup.model import SoupModel
from vcsoup.soup.sampling import sample
from vcsoup.workspace import Project, Workspace

REQUEST = {
    "project": "demo",
    "group": "filtered",
    "weights": {"helpful": 0.5, "harmless": 0.5},
    "prompt": "How do I plan a party?",
    "n_prompts": 20,
    "seed": 4,
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("engine")
    workspace = Workspace(folder / "workspace")
    tiny_project(workspace, folder)
    return workspace


@pytest.fixture(scope="module")
def jobs(workspace: Workspace) -> Jobs:
    return Jobs(workspace.jobs_root)


@pytest.fixture
def client(workspace: Workspace, jobs: Jobs) -> Iterator[EngineClient]:
    with ensure_engine(workspace, jobs) as client:
        yield client


@pytest.fixture(scope="module", autouse=True)
def _no_engine_stays(workspace: Workspace, jobs: Jobs) -> Iterator[None]:
    yield
    stop_engine(workspace, jobs)


def ended(client: EngineClient, name: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while (seen := client.tasting(name))["state"] in ("queued", "sampling", "measuring"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return seen


def measured_here(
    project: Project, weights: list[float], *, tokens: int = MAX_NEW_TOKENS
) -> tuple[str, np.ndarray]:
    """The same figures, computed in this process without the engine."""
    adapters = project.adapter_sets()["filtered"]
    paths = [adapters[value].path for value in project.values]
    soup = SoupModel.load(project.config.base, paths, device="cpu")
    judges = [RewardModel.load(project.config.rewards[value], "cpu") for value in project.values]
    prompts = project.held_out_prompts()
    measured = measure(soup, judges, prompts, [weights], seed=4, max_new_tokens=tokens)
    text = sample(soup, [REQUEST["prompt"]], [weights], seed=4, max_new_tokens=tokens)[0]
    return text, measured.rewards[0].mean(axis=0)


def test_a_tasting_streams_measures_and_is_stored(
    client: EngineClient, workspace: Workspace
) -> None:
    project = workspace.project("demo")
    seen = ended(client, client.start_tasting(**REQUEST))
    assert (seen["state"], seen["error"]) == ("done", None)
    text, means = measured_here(project, [0.5, 0.5])
    assert seen["text"] == text
    got = [seen["point"]["rewards"][value] for value in project.values]
    np.testing.assert_allclose(got, means, atol=1e-4)  # reward models: batched == alone to 1e-4
    assert seen["point"]["n_prompts"] == 20
    for value in project.values:
        low, mean, high = (seen["point"][part][value] for part in ("low", "rewards", "high"))
        assert low < mean < high
    assert 0 < seen["seconds_to_first_token"] < seen["seconds_to_point"]
    (point,) = project.points(project.set_key(project.adapter_sets()["filtered"]))
    assert point.weights == REQUEST["weights"]
    assert point.rewards == seen["point"]["rewards"]
    again = ended(client, client.start_tasting(**REQUEST))  # known: answered, not measured again
    assert again["point"] == seen["point"]
    assert again["seconds_to_point"] is None
    assert again["text"] == text
    written = {"helpful": 0.500001, "harmless": 0.499999}  # six decimals, as an address rounds
    near = ended(client, client.start_tasting(**{**REQUEST, "weights": written}))
    assert near["point"] == seen["point"]
    assert len(project.points()) == 1
    assert seen["point"]["set_key"] == project.set_key(project.adapter_sets()["filtered"])
    assert not seen["point"]["recorded"]
    project.save_point(point.model_copy(update={"recorded": True}))  # as one of a bundle
    assert ended(client, client.start_tasting(**REQUEST))["point"]["recorded"]


def test_the_base_and_free_weights(client: EngineClient) -> None:
    zeros = {"helpful": 0.0, "harmless": 0.0}
    base = ended(client, client.start_tasting(**{**REQUEST, "weights": zeros}))
    assert base["state"] == "done"
    odd = {"helpful": 1.5, "harmless": 0.2}
    with pytest.raises(EngineError, match="weights must sum to one"):
        client.start_tasting(**{**REQUEST, "weights": odd})
    free = ended(client, client.start_tasting(**{**REQUEST, "weights": odd, "free": True}))
    assert free["state"] == "done"
    assert free["point"]["rewards"] != base["point"]["rewards"]


def test_many_sessions_at_once_get_their_own_soup(
    client: EngineClient, workspace: Workspace
) -> None:
    shares = [0.0, 0.1, 0.4, 0.8, 1.0]
    asked = [{"helpful": share, "harmless": 1 - share} for share in shares]
    names: list[str] = [""] * len(asked)

    def start(place: int) -> None:
        names[place] = client.start_tasting(**{**REQUEST, "weights": asked[place]})

    threads = [threading.Thread(target=start, args=(place,)) for place in range(len(asked))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    project = workspace.project("demo")
    for name, weights in zip(names, asked, strict=True):
        seen = ended(client, name)
        text, means = measured_here(project, list(weights.values()))
        assert seen["text"] == text
        got = [seen["point"]["rewards"][value] for value in project.values]
        np.testing.assert_allclose(got, means, atol=1e-4)


def test_cancelling(client: EngineClient, workspace: Workspace) -> None:
    third = {"helpful": 0.3, "harmless": 0.7}
    slow = {**REQUEST, "weights": third, "max_new_tokens": 200}
    name = client.start_tasting(**slow)
    client.cancel(name)
    assert client.tasting(name)["state"] == "cancelled"
    done = ended(client, client.start_tasting(**REQUEST))
    client.cancel(client.start_tasting(**slow))
    assert done["state"] == "done"
    assert third not in [point.weights for point in workspace.project("demo").points()]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"project": "nope"}, "has no project 'nope'"),
        ({"weights": {"kind": 1.0}}, "unknown value 'kind'; project demo has helpful, harmless"),
        ({"weights": {"helpful": 0.7}}, "sum to one"),
        ({"n_prompts": 0}, "n_prompts: expected at least 2"),
        ({"colour": "red"}, "colour: there is no such entry"),
    ],
)
def test_refusals_are_one_line(client: EngineClient, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(EngineError, match=said) as caught:
        client.start_tasting(**{**REQUEST, **changes})
    assert "\n" not in str(caught.value)


def test_late_refusals_show_in_the_tasting(client: EngineClient) -> None:
    seen = ended(client, client.start_tasting(**{**REQUEST, "group": "unfiltered"}))
    assert seen["state"] == "failed"
    assert "no complete adapter set 'unfiltered'" in seen["error"]
    seen = ended(client, client.start_tasting(**{**REQUEST, "prompt": "word " * 400}))
    assert "context of 256" in seen["error"]
    with pytest.raises(EngineError, match="no tasting 'gone'"):
        client.tasting("gone")


def test_the_token_guards_every_path(client: EngineClient) -> None:
    for path in ("/health", "/v1/models", "/openapi.json", "/nowhere"):
        assert httpx.get(client.url + path).status_code == 401
    with pytest.raises(EngineError, match="wrong token"):
        EngineClient(client.url, "guess").health()


def openai(workspace: Workspace) -> httpx.Client:
    me = read_identity(workspace.engine_root)
    assert me is not None
    headers = {"Authorization": f"Bearer {me.token}"}
    return httpx.Client(base_url=f"{me.url}/v1", headers=headers, timeout=60)


def test_openai_chat_streams_what_it_answers_whole(
    client: EngineClient, workspace: Workspace
) -> None:
    body = {
        "model": "soup:helpful=0.5,harmless=0.5",
        "messages": [{"role": "user", "content": REQUEST["prompt"]}],
        "seed": 4,
        "max_tokens": 12,
        "temperature": TEMPERATURE,
        "user": "a setting that is not ours",
    }
    with openai(workspace) as http:
        whole = http.post("/chat/completions", json=body).json()
        choice = whole["choices"][0]
        text, _ = measured_here(workspace.project("demo"), [0.5, 0.5], tokens=12)
        assert choice["message"]["content"].strip() == text
        assert whole["usage"]["completion_tokens"] == 12
        assert choice["finish_reason"] == "length"
        with http.stream("POST", "/chat/completions", json={**body, "stream": True}) as stream:
            lines = [line.removeprefix("data: ") for line in stream.iter_lines() if line]
    assert lines[-1] == "[DONE]"
    chunks = [json.loads(line)["choices"][0] for line in lines[:-1]]
    assert len(chunks) > 5
    pieces = [chunk["delta"].get("content", "") for chunk in chunks]
    assert "".join(pieces) == choice["message"]["content"]
    assert chunks[-1]["finish_reason"] == "length"


def test_openai_text_models_and_errors(client: EngineClient, workspace: Workspace) -> None:
    with openai(workspace) as http:
        names = [model["id"] for model in http.get("/models").json()["data"]]
        assert "soup:demo/filtered:helpful=1,harmless=0" in names
        body = {"model": names[1], "prompt": "Once", "max_tokens": 5, "temperature": 0}
        first, second = (http.post("/completions", json=body).json() for _ in range(2))
        assert first["choices"][0]["text"] == second["choices"][0]["text"]
        refused = http.post("/completions", json={**body, "model": "gpt-4"})
        assert refused.status_code == 400
        assert "name a soup such as" in refused.json()["error"]["message"]
        too_long = http.post("/completions", json={**body, "prompt": "w " * 900, "stream": True})
        assert too_long.status_code == 400
        assert "shorten the prompt" in too_long.json()["error"]["message"]
        assert http.post("/completions", json={"model": "base"}).status_code == 400


def test_a_new_adapter_is_taken_up(
    client: EngineClient, workspace: Workspace, tmp_path: Path
) -> None:
    project = workspace.project("demo")
    before = ended(client, client.start_tasting(**REQUEST))
    shelve_adapter(project, "helpful", tmp_path / "newer", seed=77)
    after = ended(client, client.start_tasting(**REQUEST))
    assert after["text"] != before["text"]
    assert after["text"] == measured_here(project, [0.5, 0.5])[0]


def test_one_engine_for_all_and_a_killed_one_is_replaced(
    client: EngineClient, workspace: Workspace, jobs: Jobs
) -> None:
    found: list[int] = []
    threads = [
        threading.Thread(
            target=lambda: found.append(ensure_engine(workspace, jobs).health()["pid"])
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) == {client.health()["pid"]}
    with pytest.raises(EngineError, match="serves this workspace already at http"):
        serve(workspace)
    os.kill(found[0], signal.SIGKILL)
    while is_alive(workspace.engine_root):
        time.sleep(0.01)
    assert find_engine(workspace) is None
    with pytest.raises(EngineError, match="does not answer"):
        client.health()
    with ensure_engine(workspace, jobs) as second:
        assert second.health()["pid"] != found[0]
        assert ended(second, second.start_tasting(**REQUEST))["state"] == "done"


def test_stopping_ends_the_process_and_its_job(workspace: Workspace, jobs: Jobs) -> None:
    with ensure_engine(workspace, jobs):
        stop_engine(workspace, jobs)
    assert find_engine(workspace) is None
    assert not (workspace.engine_root / "engine.json").exists()
    (job, *_) = jobs.list("engine")
    while job.active:
        time.sleep(0.05)
    assert job.state == "stopped"
    stop_engine(workspace, jobs)  # nothing to stop: nothing happens


def test_a_busy_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortBusyError, match=f"port {port} on 127.0.0.1.*--port"):
            serve(Workspace(tmp_path / "w"), port)


def test_an_idle_engine_ends_by_itself(tmp_path: Path) -> None:
    serve(Workspace(tmp_path / "w"), idle_seconds=0.4)
    assert not is_alive(tmp_path / "w" / "engine")

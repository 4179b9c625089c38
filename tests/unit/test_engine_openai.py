"""The engine through the official OpenAI client: many streams at once, limits, and a kill."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import openai
import pytest

from tests.engine_end import stop_engine
from tests.tiny_project import tiny_project
from vcsoup.engine.client import EngineClient
from vcsoup.engine.guard import MOST_BYTES
from vcsoup.engine.identity import is_alive, read_identity
from vcsoup.engine.launch import ensure_engine
from vcsoup.errors import EngineError, EngineGoneError
from vcsoup.jobs import Jobs
from vcsoup.soup.model import SoupModel
from vcsoup.soup.sampling import sample
from vcsoup.workspace import Workspace

SIXTEEN = [round(place / 15, 3) for place in range(16)]
QUESTION = [{"role": "user", "content": "How do I plan a party?"}]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("openai")
    workspace = Workspace(folder / "workspace")
    tiny_project(workspace, folder)
    return workspace


@pytest.fixture(scope="module")
def jobs(workspace: Workspace) -> Iterator[Jobs]:
    jobs = Jobs(workspace.jobs_root)
    yield jobs
    stop_engine(workspace, jobs)


@pytest.fixture
def client(workspace: Workspace, jobs: Jobs) -> Iterator[openai.OpenAI]:
    ensure_engine(workspace, jobs).close()
    me = read_identity(workspace.engine_root)
    assert me is not None
    direct = httpx.Client(trust_env=False)
    with openai.OpenAI(
        base_url=f"{me.url}/v1", api_key=me.token, max_retries=0, http_client=direct
    ) as client:
        yield client


def name(share: float) -> str:
    return f"soup:helpful={share},harmless={round(1 - share, 3)}"


def stream(client: openai.OpenAI, share: float, **changes: object) -> str:
    chunks = client.chat.completions.create(
        **{
            "model": name(share),
            "messages": QUESTION,
            "temperature": 0,
            "max_tokens": 60,
            "stream": True,
            **changes,
        }
    )
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


def test_sixteen_streams_with_sixteen_soups(client: openai.OpenAI, workspace: Workspace) -> None:
    """Each is its own greedy reply, as it is alone and without the engine; none is dropped."""
    gate = threading.Barrier(16)

    def one(share: float) -> str:
        gate.wait()
        return stream(client, share)

    with ThreadPoolExecutor(16) as pool:
        together = list(pool.map(one, SIXTEEN))
    alone = [stream(client, share) for share in SIXTEEN]
    project = workspace.project("demo")
    adapters = project.adapter_sets()["filtered"]
    paths = [adapters[value].path for value in project.values]
    soup = SoupModel.load(project.config.base, paths, device="cpu")
    for share, got, again in zip(SIXTEEN, together, alone, strict=True):
        here = sample(
            soup, [QUESTION], [[share, round(1 - share, 3)]], max_new_tokens=60, temperature=0
        )
        assert got == again
        assert got.strip() == here[0]
    assert len(set(together)) > 2  # the soups do differ


def test_replies_stops_usage_and_seeds(client: openai.OpenAI) -> None:
    asked = {"model": name(0.4), "messages": QUESTION, "max_tokens": 20, "seed": 5}
    two = client.chat.completions.create(**asked, n=2)
    assert [choice.index for choice in two.choices] == [0, 1]
    assert two.choices[0].message.content != two.choices[1].message.content
    assert two.usage.completion_tokens == 40
    assert two.usage.total_tokens == 40 + two.usage.prompt_tokens
    other = client.chat.completions.create(**{**asked, "seed": 6})
    assert other.choices[0].message.content == two.choices[1].message.content
    text = two.choices[0].message.content
    cut = client.chat.completions.create(**asked, stop=[text[4:7]])
    assert cut.choices[0].message.content == text[: text.find(text[4:7])]
    assert cut.choices[0].finish_reason == "stop"
    chunks = list(
        client.chat.completions.create(
            **asked, n=2, stream=True, stream_options={"include_usage": True}
        )
    )
    texts = ["", ""]
    for chunk in chunks[:-1]:
        texts[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
    assert texts == [choice.message.content for choice in two.choices]
    assert chunks[-1].usage == two.usage


def test_texts_and_models(client: openai.OpenAI) -> None:
    listed = [model.id for model in client.models.list()]
    assert client.models.retrieve(listed[1]).id == listed[1]
    with pytest.raises(openai.BadRequestError, match="name a soup such as"):
        client.models.retrieve("gpt-4")
    both = client.completions.create(
        model=listed[1], prompt=["Once", "Twice"], max_tokens=6, temperature=0
    )
    for choice, prompt in zip(both.choices, ("Once", "Twice"), strict=True):
        alone = client.completions.create(
            model=listed[1], prompt=prompt, max_tokens=6, temperature=0
        )
        assert alone.choices[0].text == choice.text
    pieces = client.completions.create(
        model=listed[1], prompt="Once", max_tokens=6, temperature=0, stream=True
    )
    assert "".join(piece.choices[0].text for piece in pieces) == both.choices[0].text


def test_refusals_have_openais_form(client: openai.OpenAI) -> None:
    asked = {"model": name(0.5), "messages": QUESTION}
    with pytest.raises(openai.AuthenticationError, match="wrong token"):
        client.with_options(api_key="guess").models.list()
    with pytest.raises(openai.NotFoundError, match="no project 'nope'"):
        client.chat.completions.create(**{**asked, "model": "soup:nope/filtered:helpful=1"})
    with pytest.raises(openai.BadRequestError, match="expected at least 0") as caught:
        client.chat.completions.create(**asked, temperature=-1)
    assert (caught.value.type, caught.value.param) == ("invalid_request_error", "temperature")
    with pytest.raises(openai.BadRequestError, match="do not know the setting logprobs"):
        client.chat.completions.create(**asked, logprobs=True)
    with pytest.raises(openai.BadRequestError, match="1 to 64 replies"):
        client.completions.create(model=name(0.5), prompt=["x"] * 40, n=2)
    with pytest.raises(openai.APIStatusError, match="at most") as caught:
        client.completions.create(model=name(0.5), prompt="x" * MOST_BYTES)
    assert caught.value.status_code == 413
    with pytest.raises(openai.NotFoundError, match="POST /v1/embeddings: Not Found"):
        client.embeddings.create(model="base", input="x")


def health(workspace: Workspace, jobs: Jobs) -> dict[str, object]:
    with ensure_engine(workspace, jobs) as engine:
        return engine.health()


def test_a_reader_that_goes_away_ends_its_replies(
    client: openai.OpenAI, workspace: Workspace, jobs: Jobs
) -> None:
    long = {"model": name(0.5), "messages": QUESTION, "max_tokens": 200, "n": 64}
    chunks = client.chat.completions.create(**long, stream=True)
    next(iter(chunks))
    chunks.close()
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.05).chat.completions.create(**{**long, "seed": 1})
    deadline = time.monotonic() + 20
    while health(workspace, jobs)["busy"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_full_engine_refuses_and_goes_on(client: openai.OpenAI) -> None:
    """Far more requests than it takes at a time: each is answered or refused with 429."""
    short = {"model": name(0.5), "messages": QUESTION, "max_tokens": 120, "temperature": 0}
    # With more idle connections than it may keep, httpx closes one that a thread has just taken.
    every = httpx.Client(limits=httpx.Limits(max_connections=None, max_keepalive_connections=None))
    many = client.with_options(http_client=every)

    def one(_: int) -> str:
        try:
            return many.chat.completions.create(**short).choices[0].message.content
        except openai.RateLimitError:
            return "refused"

    with every, ThreadPoolExecutor(200) as pool:
        told = list(pool.map(one, range(200)))
    answers = set(told) - {"refused"}
    assert len(answers) == 1
    assert told.count("refused") < 150
    assert stream(client, 0.5, max_tokens=120) == answers.pop()


def watch(engine: EngineClient, tasting: str) -> dict[str, object]:
    deadline = time.monotonic() + 60
    while (seen := engine.tasting(tasting))["state"] not in ("done", "failed"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return seen


def test_killed_in_the_middle(client: openai.OpenAI, workspace: Workspace, jobs: Jobs) -> None:
    asked = {
        "project": "demo",
        "group": "filtered",
        "weights": {"helpful": 0.9, "harmless": 0.1},
        "prompt": "How do I plan a party?",
        "n_prompts": 20,
        "max_new_tokens": 200,
    }
    with ensure_engine(workspace, jobs) as engine:
        assert isinstance(engine, EngineClient)
        pid = engine.health()["pid"]
        chunks = iter(
            client.chat.completions.create(
                model=name(0.5), messages=QUESTION, max_tokens=230, n=64, stream=True
            )
        )
        next(chunks)
        tasting = engine.start_tasting(**asked)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(EngineGoneError, match="does not answer"):
            watch(engine, tasting)
        with pytest.raises((openai.APIError, httpx.HTTPError)):
            list(chunks)
    while is_alive(workspace.engine_root):
        time.sleep(0.01)
    with ensure_engine(workspace, jobs) as engine:
        assert engine.health()["pid"] != pid
        with pytest.raises(EngineError, match="no tasting"):
            engine.tasting(tasting)
        tasting = engine.start_tasting(**asked)
        assert watch(engine, tasting)["state"] == "done"

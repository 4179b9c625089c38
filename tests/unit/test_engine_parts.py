"""The engine's parts without HTTP: completions, stop texts, model names, benches, identity."""

import fcntl
import gc
import queue
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from tests.tiny_models import tiny_classifier
from tests.tiny_project import tiny_project
from vcsoup.engine.bench import Benches
from vcsoup.engine.completion import Completion, CompletionSpec, Told
from vcsoup.engine.identity import Identity, is_alive, read_identity, sole_engine, write_identity
from vcsoup.engine.model_names import model_names, parse_model
from vcsoup.engine.owner import Owner
from vcsoup.engine.server import create_app
from vcsoup.engine.table import AnswerTable, TableRequest
from vcsoup.engine.tasting import Tasting, TastingRequest
from vcsoup.errors import (
    EngineError,
    NotFoundError,
    UnknownValueError,
    VcsoupError,
)
from vcsoup.preferences.pairs import prompt_text
from vcsoup.rewards.spec import RewardSpec
from vcsoup.room import room_here
from vcsoup.soup.decoding import Sampler
from vcsoup.soup.model import SoupModel
from vcsoup.soup.prompts import draw_uniforms
from vcsoup.workspace import ProjectConfig, Workspace


@pytest.fixture
def owner() -> Owner:
    owner = Owner()
    yield owner
    owner.close()


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("parts")
    workspace = Workspace(folder / "workspace")
    tiny_project(workspace, folder)
    return workspace


def complete(
    workspace: Workspace, owner: Owner, **changes: object
) -> tuple[Completion, list[str], list[str | None]]:
    """The completion, its texts and why each ended."""
    spec = {
        "project": "demo",
        "group": "filtered",
        "weights": np.array([0.5, 0.5]),
        "prompts": ([{"role": "user", "content": "Hi"}],),
        "sampler": Sampler(40),
        "seed": 3,
    }
    told: queue.SimpleQueue[Told] = queue.SimpleQueue()
    whole = CompletionSpec(**{**spec, **changes})
    completion = Completion(Benches(workspace), whole, told.put)
    owner.submit(completion)
    texts, finishes = [""] * whole.n * len(whole.prompts), [None] * whole.n * len(whole.prompts)
    while (piece := told.get(timeout=60)) is not None:
        if isinstance(piece, EngineError):
            raise piece
        texts[piece.choice] += piece.text
        finishes[piece.choice] = piece.finish
    return completion, texts, finishes


def test_completion_ends_before_a_stop_text(workspace: Workspace, owner: Owner) -> None:
    whole, (text,), (finish,) = complete(workspace, owner)
    assert finish == "length"
    assert whole.completion_tokens == 40
    assert len(text) > 10
    stop = text[6:9]
    cut, (short,), (finish,) = complete(workspace, owner, stops=("never there", stop))
    assert short == text[: text.find(stop)]
    assert finish == "stop"
    assert cut.completion_tokens < 40


def test_several_replies_to_several_prompts(workspace: Workspace, owner: Owner) -> None:
    """Reply j to prompt p stands at n * p + j and has the random numbers of seed + j."""
    many, texts, finishes = complete(workspace, owner, prompts=("Hi", "Ho"), n=2)
    for place, (prompt, seed) in enumerate([("Hi", 3), ("Hi", 4), ("Ho", 3), ("Ho", 4)]):
        _, (alone,), _ = complete(workspace, owner, prompts=(prompt,), seed=seed)
        assert texts[place] == alone
    assert len(set(texts)) == 4
    assert (many.completion_tokens, finishes) == (160, ["length"] * 4)


def test_a_held_out_prompt_of_several_turns_is_asked_as_it_is_measured(tmp_path: Path) -> None:
    """Pages name it by its text; as one user message it would be another prompt."""
    project = tiny_project(Workspace(tmp_path / "workspace"), tmp_path)
    turns = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Yes?"},
        {"role": "user", "content": "Tell me a joke."},
    ]
    project.save_held_out_prompts([turns, [{"role": "user", "content": "Hi"}]])
    benches, soup = Benches(Workspace(tmp_path / "workspace")), {"helpful": 1.0}
    taste = TastingRequest(project="demo", weights=soup, prompt=prompt_text(turns))
    table = TableRequest(project="demo", prompts=[prompt_text(turns)], soups=[{"weights": soup}])
    for task in (
        Tasting(benches, taste, np.array([1.0, 0.0])),
        AnswerTable(benches, table, np.array([[1.0, 0.0]])),
    ):
        rows = next(task.steps())
        assert rows.soup.tokenizer.decode(rows.prompts[0]) == (
            "<|user|>Hi</s><|assistant|>Yes?</s><|user|>Tell me a joke.</s><|assistant|>"
        )
        drawn = draw_uniforms([turns], rows.uniforms.shape[1], seed=0)
        np.testing.assert_array_equal(rows.uniforms[:1], drawn)


def test_raw_text_is_continued_without_the_template(workspace: Workspace, owner: Owner) -> None:
    chat, *_ = complete(workspace, owner)
    raw, *_ = complete(workspace, owner, prompts=("Hi",))
    assert chat.prompt_tokens == raw.prompt_tokens + 3  # <|user|> ... </s><|assistant|>


def test_completion_tells_what_broke(workspace: Workspace, owner: Owner) -> None:
    with pytest.raises(EngineError, match="no complete adapter set 'nope'"):
        complete(workspace, owner, group="nope")


def test_model_names_round_trip(workspace: Workspace) -> None:
    project, group, weights = parse_model("soup:helpful=0.25,harmless=0.75", workspace)
    assert (project.name, group, weights.tolist()) == ("demo", "filtered", [0.25, 0.75])
    _, group, weights = parse_model("soup:demo/other:harmless=2", workspace)
    assert (group, weights.tolist()) == ("other", [0.0, 2.0])
    assert parse_model("base", workspace)[2].tolist() == [0.0, 0.0]
    assert parse_model("base:demo/other", workspace)[1] == "other"
    for name in model_names(workspace):
        parse_model(name, workspace)
    assert len(model_names(workspace)) == 4  # base, two corners, the even mix


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("gpt-4", EngineError),
        ("soup:", VcsoupError),
        ("soup:a:b:c", EngineError),
        ("soup:helpful=x", VcsoupError),
        ("soup:kind=1", UnknownValueError),
        ("soup:gone/filtered:helpful=1", NotFoundError),
    ],
)
def test_bad_model_names(workspace: Workspace, name: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        parse_model(name, workspace)


def test_benches_follow_the_shelf(workspace: Workspace) -> None:
    benches = Benches(workspace)
    first = benches.bench("demo", "filtered")
    assert benches.bench("demo", "filtered").soup is first.soup
    with pytest.raises(NotFoundError, match="no complete adapter set 'other'"):
        benches.bench("demo", "other")


def test_benches_keep_the_two_used_last(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is bounded: a third soup takes the place of the one unused for longest."""
    loads: list[str] = []
    former = SoupModel.load
    monkeypatch.setattr(
        SoupModel,
        "load",
        lambda base, paths, **how: (loads.append(str(base)), former(base, paths, **how))[1],
    )
    benches, others = Benches(Workspace(tmp_path / "w")), []
    for place in range(3):
        (tmp_path / str(place)).mkdir()
        others.append(
            tiny_project(Workspace(tmp_path / "w"), tmp_path / str(place), name=f"p{place}")
        )
    for project in ("p0", "p1", "p0", "p2", "p0", "p1"):
        benches.bench(project, "filtered")
    assert loads == [others[place].config.base for place in (0, 1, 2, 1)]


def test_a_soup_makes_room_for_one_that_memory_does_not_hold_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a machine on which nothing is free while a soup is loaded."""
    workspace = Workspace(tmp_path / "w")
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        tiny_project(workspace, tmp_path / name, name=name)
    full = room_here()._replace(free=0.0)
    monkeypatch.setattr("vcsoup.engine.bench.room_here", lambda: full)
    benches = Benches(workspace)
    first = weakref.ref(benches.bench("one", "filtered").soup)
    benches.bench("other", "filtered")
    assert first() is None


def test_every_judge_of_a_project_of_many_values_is_kept(tmp_path: Path) -> None:
    """Ten judges for ten values: asked in turn, each would else be loaded again each time."""
    workspace, values = Workspace(tmp_path / "workspace"), tuple(f"v{k}" for k in range(10))
    models = {v: tiny_classifier(tmp_path / v, seed=k) for k, v in enumerate(values)}
    rewards = {value: RewardSpec(model=str(model)) for value, model in models.items()}
    config = ProjectConfig(name="many", values=values, base="nothing", rewards=rewards)
    project, benches = workspace.create_project(config), Benches(workspace)
    loaded = [benches._judge(project, value)._model for value in values]
    assert [benches._judge(project, value)._model for value in values] == loaded


def kept_tasks() -> list[object]:
    """What anybody holds of tastings and tables, those of other tests among them."""
    gc.collect()
    return [thing for thing in gc.get_objects() if isinstance(thing, AnswerTable | Tasting)]


def test_a_full_engine_answers_429(workspace: Workspace) -> None:
    before = kept_tasks()
    owner = Owner(most_tasks=0)
    http = TestClient(
        create_app(workspace, owner, token="t"), headers={"Authorization": "Bearer t"}
    )
    asked = {"model": "base", "messages": [{"role": "user", "content": "Hi"}]}
    refused = http.post("/v1/chat/completions", json=asked)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "2"
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    weights = {"helpful": 0.5, "harmless": 0.5}
    tasting = {"project": "demo", "weights": weights, "prompt": "Hi"}
    refused = http.post("/tastings", json=tasting)
    assert refused.status_code == 429
    assert "try again in a moment" in refused.json()["error"]
    table = {"project": "demo", "prompts": ["Hi"], "soups": [{"weights": weights}]}
    assert http.post("/tables", json=table).status_code == 429
    assert len(kept_tasks()) == len(before), "nobody can ask for what was refused"
    owner.close()


@pytest.fixture
def http(workspace: Workspace, owner: Owner) -> TestClient:
    app = create_app(workspace, owner, token="t")
    return TestClient(app, headers={"Authorization": "Bearer t"}, raise_server_exceptions=False)


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"type": "image_url", "image_url": {"url": "a.png"}}, "'image_url'"),
        ({"type": "text", "text": 5}, "'text'"),
        ("a text that is no part", "'a text"),
    ],
)
def test_what_is_no_text_is_refused_not_left_out(http: TestClient, part: object, said: str) -> None:
    content = [{"type": "text", "text": "What is on it?"}, part]
    asked = {"model": "base", "messages": [{"role": "user", "content": content}], "max_tokens": 4}
    refused = http.post("/v1/chat/completions", json=asked)
    assert refused.status_code == 400
    assert said in refused.json()["error"]["message"]
    assert "soups read text alone" in refused.json()["error"]["message"]
    asked["messages"] = [{"role": "user", "content": content[:1]}]
    assert http.post("/v1/chat/completions", json=asked).status_code == 200


def test_a_seed_that_no_record_can_hold_is_refused_before_anything_is_sampled(
    http: TestClient,
) -> None:
    asked = {"project": "demo", "weights": {"helpful": 1}, "prompt": "Hi", "seed": 2**63}
    refused = http.post("/tastings", json=asked)
    assert refused.status_code == 422
    assert "seed" in refused.json()["error"]


def test_what_nobody_expected_is_answered_in_one_line_too(
    http: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(name: str, workspace: Workspace) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("vcsoup.engine.openai.parse_model", broken)
    failed = http.get("/v1/models/base")
    assert failed.status_code == 500
    assert failed.json()["error"]["type"] == "server_error"
    assert "Input/output error" in failed.json()["error"]["message"]


def test_identity_is_believed_only_while_the_lock_is_held(tmp_path: Path) -> None:
    me = Identity(pid=1, created=2.0, port=3, token="secret")
    assert not is_alive(tmp_path)
    with sole_engine(tmp_path):
        assert is_alive(tmp_path)
        assert read_identity(tmp_path) is None
        write_identity(tmp_path, me)
        assert read_identity(tmp_path) == me
        assert (tmp_path / "engine.json").stat().st_mode & 0o777 == 0o600
        with (
            pytest.raises(EngineError, match=r"already at http://127\.0\.0\.1:3"),
            sole_engine(tmp_path),
        ):
            pass
        assert read_identity(tmp_path) == me
    assert not (tmp_path / "engine.json").exists()
    write_identity(tmp_path, me)  # as a killed engine leaves it
    assert read_identity(tmp_path) is None


def test_a_look_at_the_lock_does_not_keep_an_engine_from_starting(tmp_path: Path) -> None:
    with (tmp_path / "engine.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        threading.Timer(0.05, lambda: fcntl.flock(file, fcntl.LOCK_UN)).start()
        with sole_engine(tmp_path):
            assert is_alive(tmp_path)

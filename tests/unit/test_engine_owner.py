"""The engine's owner: whose turn it is, what a broken or cancelled task does to others."""

import threading
import time

import numpy as np
import pytest

from tests.tiny_models import random_adapter, tiny_causal
from vcsoup.engine import batch
from vcsoup.engine.owner import Owner, Rows, Steps
from vcsoup.errors import (
    EngineBusyError,
)
from vcsoup.soup.decoding import Sampler
from vcsoup.soup.model import SoupModel
from vcsoup.soup.prompts import draw_uniforms, encode_prompt
from vcsoup.soup.sampling import sample


class Asking:
    """A task that asks for some prompts, twice, and notes when it was through."""

    def __init__(self, soup: SoupModel, prompts: list[str], length: int) -> None:
        self.soup, self.prompts, self.length = soup, prompts, length
        self.cancelled, self.ended = False, threading.Event()
        self.rounds: list[list[str]] = []
        self.error: str | None = None
        self.heard = 0

    def steps(self) -> Steps:
        for seed in (1, 2):
            tokens = yield Rows(
                self.soup,
                [encode_prompt(self.soup, prompt) for prompt in self.prompts],
                np.tile([0.5, 0.5], (len(self.prompts), 1)),
                draw_uniforms(self.prompts, self.length, seed=seed),
                Sampler(self.length),
                self.hear,
            )
            decode = self.soup.tokenizer.decode
            self.rounds.append([decode(row, skip_special_tokens=True).strip() for row in tokens])
        self.ended.set()

    def hear(self, row: int, token: int) -> None:
        assert 0 <= row < len(self.prompts)
        self.heard += 1

    def fail(self, error: str) -> None:
        self.error = error
        self.ended.set()


@pytest.fixture(scope="module")
def soup(tmp_path_factory: pytest.TempPathFactory) -> SoupModel:
    folder = tmp_path_factory.mktemp("owner")
    base = tiny_causal("llama", folder / "base")
    paths = [random_adapter(base, folder / f"v{k}", seed=k) for k in range(2)]
    return SoupModel.load(base, paths, device="cpu")


@pytest.fixture
def owner() -> Owner:
    owner = Owner()
    yield owner
    owner.close()


def test_tasks_get_what_sample_gives_however_they_mix(soup: SoupModel, owner: Owner) -> None:
    tasks = [
        Asking(soup, ["one", "two"], 12),
        Asking(soup, ["three"], 12),
        Asking(soup, ["four", "two"], 30),
    ]
    for task in tasks:
        owner.submit(task)
    assert all(task.ended.wait(60) for task in tasks)
    for task in tasks:
        assert task.error is None
        half = np.tile([0.5, 0.5], (len(task.prompts), 1))
        for seed, replies in zip((1, 2), task.rounds, strict=True):
            length = task.length
            assert replies == sample(soup, task.prompts, half, seed=seed, max_new_tokens=length)


def test_a_short_task_overtakes_a_long_one(soup: SoupModel, owner: Owner) -> None:
    long, short = Asking(soup, ["long"] * 4, 200), Asking(soup, ["short"], 5)
    owner.submit(long)
    while long.heard < 8:
        time.sleep(0.001)
    owner.submit(short)
    assert short.ended.wait(60)
    assert not long.ended.is_set()
    long.cancelled = True


def test_a_cancelled_task_ends_soon_and_a_broken_one_harms_nobody(
    soup: SoupModel, owner: Owner
) -> None:
    long, broken, good = Asking(soup, ["x"], 200), Asking(soup, ["y"], 10), Asking(soup, ["z"], 10)
    broken.hear = lambda row, token: 1 / 0
    too_long = Asking(soup, ["word " * 400], 10)
    for task in (long, too_long):
        owner.submit(task)
    assert too_long.ended.wait(60)
    assert "context of 256" in too_long.error
    long.cancelled = True
    owner.submit(broken)
    assert broken.ended.wait(60)
    assert "ZeroDivisionError" in broken.error
    owner.submit(good)
    assert good.ended.wait(60)
    assert good.error is None
    assert long.heard < 400
    deadline = time.monotonic() + 10
    while owner.busy and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not owner.busy


@pytest.mark.parametrize("weight", [1e38, 1e300], ids=["numbers overflow", "more than fits"])
def test_absurd_weights_end_their_own_task_and_no_other(
    soup: SoupModel, owner: Owner, weight: float
) -> None:
    """The others of the batch say what they say without them."""

    class Absurd(Asking):
        def steps(self) -> Steps:
            prompts = [encode_prompt(self.soup, prompt) for prompt in self.prompts]
            uniforms = draw_uniforms(self.prompts, 10, seed=1)
            weights = np.tile([weight, -weight], (len(prompts), 1))
            yield Rows(self.soup, prompts, weights, uniforms, Sampler(10), self.hear)
            self.ended.set()

    good, absurd = Asking(soup, ["good"], 200), Absurd(soup, ["bad", "worse"], 10)
    owner.submit(good)
    while not good.heard:
        time.sleep(0.001)
    owner.submit(absurd)
    assert absurd.ended.wait(60)
    assert good.ended.wait(60)
    assert good.error is None
    assert "weights" in absurd.error
    assert "smaller" in absurd.error
    half = np.array([[0.5, 0.5]])
    assert good.rounds[0] == sample(soup, ["good"], half, seed=1, max_new_tokens=200)


class Watched(Asking):
    """A task whose only reply somebody reads while it grows; notes when it first heard."""

    def steps(self) -> Steps:
        tokens = [encode_prompt(self.soup, prompt) for prompt in self.prompts]
        weights = np.tile([0.5, 0.5], (len(tokens), 1))
        uniforms = draw_uniforms(self.prompts, self.length, seed=1)
        sampler = Sampler(self.length)
        yield Rows(self.soup, tokens, weights, uniforms, sampler, self.hear, urgent=1)
        self.ended.set()


def test_urgent_rows_go_before_all_that_wait(
    soup: SoupModel, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two places, 40 rows before it: the urgent one is through when most have not begun."""
    monkeypatch.setattr(batch, "ROWS", 2)
    crowd = Asking(soup, [f"number {i}" for i in range(40)], 30)
    owner.submit(crowd)
    while not crowd.heard:
        time.sleep(0.001)
    urgent = Watched(soup, ["quick"], 5)
    owner.submit(urgent)
    assert urgent.ended.wait(60)
    assert not crowd.rounds
    assert crowd.heard < 10 * 30
    crowd.cancelled = True


def test_a_pause_lets_others_work(soup: SoupModel, owner: Owner) -> None:
    done = threading.Event()

    class Pausing(Asking):
        def steps(self) -> Steps:
            while not done.is_set():
                yield None
            self.ended.set()

    pausing, other = Pausing(soup, [], 1), Watched(soup, ["now"], 5)
    owner.submit(pausing)
    owner.submit(other)
    assert other.ended.wait(60)
    done.set()
    assert pausing.ended.wait(60)


def test_a_full_owner_refuses(soup: SoupModel) -> None:
    owner = Owner(most_tasks=1)
    first = Asking(soup, ["x"], 200)
    owner.submit(first)
    with pytest.raises(EngineBusyError, match="1 requests already; try again"):
        owner.submit(Asking(soup, ["y"], 5))
    first.cancelled = True
    while owner.busy:
        time.sleep(0.001)
    again = Asking(soup, ["y"], 5)
    owner.submit(again)
    assert again.ended.wait(60)
    owner.close()

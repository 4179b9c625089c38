"""Measuring: shapes, order, shared batches, early stop, and scores by a judge known by hand."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.tiny_models import random_adapter, tiny_causal, tiny_classifier
from vcsoup.errors import GapShapeError, WeightsError
from vcsoup.evaluation import measure as module
from vcsoup.evaluation.measure import measure
from vcsoup.monitor import StopRequested
from vcsoup.soup.decoding import Reply
from vcsoup.soup.model import SoupModel
from vcsoup.soup.sampling import sample

PROMPTS = [f"Question {i}?" for i in range(5)]
SOUPS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, 0.5], [0.5, 0.5]])


class CountE:
    """A judge whose reward is the number of letters "e", times `sign`."""

    def __init__(self, sign: int = 1) -> None:
        self.sign, self.asked = sign, 0

    def score(self, prompts: Sequence[Any], replies: Sequence[str]) -> np.ndarray:
        self.asked += len(replies)
        assert all(prompt[0]["content"].startswith("Question") for prompt in prompts)
        return np.array([self.sign * reply.count("e") for reply in replies], dtype=np.float32)


class Impatient:
    """A monitor that wants to stop after some soups; signs of life are heard once."""

    def __init__(self, soups: int) -> None:
        self.left, self.heard = soups, []

    @property
    def stop_requested(self) -> bool:
        return self.left <= 0

    def report(self, stage: str, done: int, total: int, **figures: object) -> None:
        if (report := (stage, done, total)) not in self.heard:
            self.left -= done > 0
            self.heard.append(report)


@pytest.fixture(scope="module")
def soup(tmp_path_factory: pytest.TempPathFactory) -> SoupModel:
    folder = tmp_path_factory.mktemp("measure")
    base = tiny_causal("llama", folder / "base")
    paths = [random_adapter(base, folder / f"v{k}", seed=k) for k in range(2)]
    return SoupModel.load(base, paths, device="cpu")


@pytest.mark.parametrize("rows", [256, 7, 3])
def test_rewards_are_those_of_each_soups_own_replies(
    soup: SoupModel, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    """Seven and three rows at a time cut through soups; replies and rewards stay the same."""
    monkeypatch.setattr(module, "ROWS", rows)
    monkeypatch.setattr(module, "_TOGETHER", 1 + rows % 2)
    done: list[int] = []
    measured = measure(
        soup,
        [CountE(), CountE(-1)],
        PROMPTS,
        SOUPS,
        seed=2,
        max_new_tokens=12,
        on_point=lambda index, rewards: done.append((index, rewards.shape)),
    )
    assert done == [(i, (5, 2)) for i in range(4)]
    assert measured.rewards.shape == (4, 5, 2)
    for index, weights in enumerate(SOUPS):
        expected = sample(soup, PROMPTS, np.tile(weights, (5, 1)), seed=2, max_new_tokens=12)
        assert measured.replies[index] == expected
        assert measured.rewards[index, :, 0].tolist() == [reply.count("e") for reply in expected]
    assert (measured.rewards[..., 1] == -measured.rewards[..., 0]).all()


def test_equal_replies_are_scored_once(soup: SoupModel) -> None:
    judge = CountE()
    measure(soup, [judge, judge], PROMPTS, SOUPS, max_new_tokens=12)
    assert judge.asked == 2 * 15  # soups 3 and 4 are equal: 15 replies instead of 20, two judges


def test_a_stop_keeps_finished_soups(soup: SoupModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROWS", 5)
    monkeypatch.setattr(module, "_TOGETHER", 1)
    monitor = Impatient(2)
    measured = measure(
        soup, [CountE(), CountE()], PROMPTS, SOUPS, max_new_tokens=4, monitor=monitor
    )
    assert monitor.heard == [("measuring", done, 20) for done in (0, 5, 10)]
    assert measured.rewards.shape == (2, 5, 2)
    assert (measured.weights == SOUPS[:2]).all()
    with pytest.raises(StopRequested):
        measure(soup, [CountE()] * 2, PROMPTS, SOUPS, monitor=Impatient(0))


def test_a_reply_that_broke_off_gives_no_point_before_its_error_arrives(
    soup: SoupModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Streams run ahead of the scoring: soup 1 broke off, and news of others come first."""

    def ahead(soup: SoupModel, replies: list[Reply], **options: object) -> Iterator[list[object]]:
        for reply in replies:
            reply.finished, reply.broken = True, reply.weights[0] > 1
        yield []
        replies[5].check_whole()

    monkeypatch.setattr(module, "decode", ahead)
    monkeypatch.setattr(module, "_TOGETHER", 1)
    told: list[int] = []
    with pytest.raises(WeightsError, match="no finite numbers"):
        measure(
            soup,
            [CountE()] * 2,
            PROMPTS,
            [[0.5, 0.5], [1e30, 1e30], [0.2, 0.8]],
            on_point=lambda index, rewards: told.append(index),
        )
    assert told == [0]


def test_bad_input(soup: SoupModel) -> None:
    class Broken(CountE):
        def score(self, prompts: Sequence[Any], replies: Sequence[str]) -> np.ndarray:
            return np.full(len(replies), np.nan, dtype=np.float32)

    with pytest.raises(GapShapeError, match="reward model 2 gave a reward that is not finite"):
        measure(soup, [CountE(), Broken()], PROMPTS, SOUPS, max_new_tokens=2)
    with pytest.raises(GapShapeError, match="at least one held-out prompt"):
        measure(soup, [CountE()] * 2, [], SOUPS)
    with pytest.raises(WeightsError, match=r"shape \(m, 2\)"):
        measure(soup, [CountE()] * 2, PROMPTS, [0.5, 0.5])


def test_real_reward_models(soup: SoupModel, tmp_path: Path) -> None:
    from vcsoup.rewards.model import RewardModel
    from vcsoup.rewards.spec import RewardSpec

    judges = [
        RewardModel.load(RewardSpec(model=str(tiny_classifier(tmp_path / f"r{k}", seed=k))), "cpu")
        for k in range(2)
    ]
    measured = measure(soup, judges, PROMPTS, SOUPS[:2], max_new_tokens=8)
    for k, judge in enumerate(judges):
        expected = judge.score(PROMPTS, measured.replies[1])
        np.testing.assert_allclose(measured.rewards[1, :, k], expected, atol=1e-4)
    assert measured.rewards.std() > 0

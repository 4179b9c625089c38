"""Results of unusual studies: nothing to compare, one seed alone, a grid without even mixes."""

from dataclasses import replace

import numpy as np
import pytest

from tests.study_text import parse_study
from vcsoup.soup.weights import simplex_grid
from vcsoup.study.bootstrap import prompt_shares
from vcsoup.study.measures import measures
from vcsoup.study.published import load_published, save_results
from vcsoup.study.report import page
from vcsoup.study.results import make_results
from vcsoup.study.samples import ArmSamples, SettingSamples
from vcsoup.study.scoring import yardstick

ONE_SEED = "arms: [{arms}]\nworlds: {{noise: [0.2], conflict: [null]}}\nseeds: {{reporting: [1]}}"


def arm(name, kind, vectors):
    """One seed, eight prompts, two values."""
    rewards = np.random.default_rng(len(name)).normal(size=(1, len(vectors), 8, 2))
    cost = {"trainings": 1, "cpu_seconds": 1.0, "tokens": 1}
    return ArmSamples(
        name, kind, None, (1,), rewards, None, kl=np.zeros(1), figures=[{}], cost=[cost]
    )


def told(folder, *kinds):
    """The report of a study of some arms."""
    study = parse_study(ONE_SEED.format(arms=", ".join(kinds)))
    vectors = np.array(study.vectors(2))
    names = {kind: f"{kind}-0.3" if kind == "filtered" else kind for kind in ("base", *kinds)}
    arms = {name: arm(name, kind, vectors) for kind, name in names.items()}
    base = arms["base"].rewards[:, 0]
    found = make_results([SettingSamples(study.worlds.centre, vectors, (1,), base, None, arms)])
    cost = {"total": {"units": 1, "cpu_seconds": 1.0, "tokens": 1}}
    save_results(study, found, folder, cost=cost)
    return page(load_published(folder), file="study.yaml")


def test_a_study_without_comparisons_has_a_report(tmp_path):
    page = told(tmp_path, "weighted")
    assert "by hypervolume: not compared; by the worst value's gain: not compared." in page
    assert "0 comparisons are listed" in page
    assert "other world" not in page
    assert "| weighted |" in page


def test_one_seed_is_not_said_to_have_intervals(tmp_path):
    page = told(tmp_path, "unfiltered", "filtered")
    assert "Figures of one training seed, which has no interval and so shows no differ" in page
    assert "Means over 1" not in page


@pytest.mark.parametrize(("steps", "sag"), [(2, 0.20711), (3, None), (4, 0.20711), (1, None)])
def test_the_sag_of_half_half_mixes_is_told_where_the_grid_has_them(steps, sag):
    """Gains are the roots of the weights: halfway .70711 against .5, in deviations of the base."""
    grid = simplex_grid(2, steps)
    own = arm("unfiltered", "unfiltered", np.eye(2))
    base = own.rewards[:, 0]
    unit = base.std(axis=1, ddof=1)[0]
    soups = base[:, None] + (np.sqrt(grid) * unit)[None, :, None]
    setting = parse_study(ONE_SEED.format(arms="unfiltered")).worlds.centre
    found = SettingSamples(setting, np.eye(2), (1,), base, None, {})
    stick = yardstick(base, None, [soups])
    own = replace(own, grid=grid, grid_rewards=soups)
    made = measures(own, found, stick, prompt_shares(8, np.random.default_rng(0), draws=2))
    if sag is None:
        assert "sag" not in made
    else:
        assert made["sag"] == pytest.approx(sag, abs=1e-5)

"""The study file: levels, seeds, weights, and messages that name the line."""

import pytest

from tests.study_text import parse_study
from vcsoup.errors import NotFoundError
from vcsoup.study.settings import Setting, StudyError
from vcsoup.study.study_file import StudyFile, load_study


def test_an_empty_file_is_a_study_with_everything_asked_for():
    study = parse_study("")
    assert study == StudyFile()
    assert len(study.seeds.reporting) >= 5
    assert len(study.thresholds) >= 3
    assert {len(study.worlds.noise), len(study.worlds.conflict)} == {3}
    assert len(study.vectors(3)) >= 5


def test_a_star_varies_one_level_at_a_time_and_begins_with_the_centre():
    """3 levels of noise and 3 of conflict share their centre: 3 + 3 - 1 = 5 worlds."""
    worlds = parse_study("worlds: {noise: [0.1, 0.2, 0.3], conflict: [0.3, 0.45, 0.6]}").worlds
    settings = worlds.settings()
    assert len(settings) == 5
    assert (settings[0].noise, settings[0].conflict) == (0.2, 0.45)
    assert all(s.noise == 0.2 or s.conflict == 0.45 for s in settings)


def test_a_grid_has_every_combination():
    told = "worlds: {noise: [0.1, 0.2], conflict: [null, 0.5], pairs: [64, 128], design: grid}"
    assert len({setting.name for setting in parse_study(told).worlds.settings()}) == 8


def test_seeds_of_tuning_are_not_reported():
    with pytest.raises(StudyError, match=r"study.yaml, line 1.*must all differ"):
        parse_study("seeds: {tuning: [1, 2], reporting: [2, 3]}")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: x\nthreshold: [0.3]", "line 2: threshold"),
        ("worlds:\n  noise: [0.7]", r"line 2: worlds.noise.0 = 0.7"),
        ("worlds: {noise: [0.1, 0.1]}", "noise needs one or more different levels"),
        ("train: {seed: 4}", "seed comes from seeds"),
        ("train: {stepz: 4}", "stepz"),
        ("thresholds: []", "need thresholds"),
        ("arms: [magic]", "line 1: arms.0 = 'magic'"),
    ],
)
def test_mistakes_are_named_with_their_line(text, told):
    with pytest.raises(StudyError, match=told):
        parse_study(text)


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(NotFoundError, match="cannot be read"):
        load_study(tmp_path / "no.yaml")


def test_usual_weights_are_corners_and_leaning_mixes():
    vectors = StudyFile().vectors(3)
    assert vectors[:3] == [(1, 0, 0), (0, 1, 0), (0, 0, 1)]
    assert vectors[3:] == [(0.5, 0.25, 0.25), (0.25, 0.5, 0.25), (0.25, 0.25, 0.5)]


def test_two_values_have_one_even_mix_and_not_the_same_one_twice():
    assert StudyFile().vectors(2) == [(1, 0), (0, 1), (0.5, 0.5)]


@pytest.mark.parametrize("vector", ["[1, 0]", "[0.7, 0.7, -0.4]", "[0.5, 0.2, 0.2]"])
def test_weights_off_the_simplex_are_refused(vector):
    with pytest.raises(StudyError, match="expected 3 numbers"):
        parse_study(f"weights: [{vector}]").vectors(3)


def test_the_training_is_the_same_for_all_but_the_seed():
    study = parse_study("train: {steps: 7}")
    one, other = study.config(1), study.config(2)
    assert (one.steps, one.seed, one.init_seed) == (7, 1, 1)
    assert one.model_copy(update={"seed": 2, "init_seed": 2}) == other


def test_a_setting_is_told_in_words():
    assert Setting(noise=0.2).title == "20 % wrong labels"
    names = {Setting(noise=n, conflict=c).name for n in (0.1, 0.2) for c in (None, 0.0, 0.5)}
    assert len(names) == 6

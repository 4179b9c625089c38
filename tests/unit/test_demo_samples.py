"""The bundle's rewards, prompt by prompt: taken from one project, put into another, once."""

import numpy as np
import pytest

from tests.app.fixture_project import full_project
from tests.measured_samples import put_samples
from vcsoup.comparing import compare_project
from vcsoup.demo.samples import FILE, add_samples, take_samples
from vcsoup.workspace import Workspace


@pytest.fixture
def measured(tmp_path):
    project = full_project(Workspace(tmp_path / "one"), n=20, prompts=2)
    put_samples(project, {"filtered": 1.0, "unfiltered": 0.4})
    return project


def test_they_travel_whole(measured, tmp_path):
    """Two sets of the base and six soups: 14; the other project compares alike."""
    assert take_samples(measured, tmp_path / "bundle") == 14
    other = full_project(Workspace(tmp_path / "two"), n=20, prompts=2)
    add_samples(other, tmp_path / "bundle", other.adapter_sets())
    one, two = (compare_project(p, "filtered", "unfiltered") for p in (measured, other))
    assert two.hypervolume == one.hypervolume
    assert two.n_prompts == 16


def test_what_was_measured_since_stays(measured, tmp_path):
    take_samples(measured, tmp_path / "bundle")
    key = measured.set_key(measured.adapter_sets()["filtered"])
    base = next(s for s in measured.samples.load(key) if not s.weights.any())
    measured.samples.save(
        key, {}, seed=base.seed, prompts=base.prompts, rewards=np.full_like(base.rewards, 9.0)
    )
    add_samples(measured, tmp_path / "bundle", measured.adapter_sets())
    again = next(s for s in measured.samples.load(key) if not s.weights.any())
    assert (again.rewards == 9.0).all()


def test_a_bundle_without_them_opens(tmp_path):
    project = full_project(Workspace(tmp_path / "w"), n=20, prompts=2)
    add_samples(project, tmp_path, project.adapter_sets())
    assert not (tmp_path / FILE).exists()
    assert take_samples(project, tmp_path) == 0

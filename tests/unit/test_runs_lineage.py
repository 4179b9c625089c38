"""An adapter is stale when what it was trained on, or with, is no longer what the project has."""

import json
from dataclasses import replace

import pytest

from tests.app.fixture_project import add_adapter, full_project, store_gaps
from vcsoup.base_models.settings import BaseLoading
from vcsoup.filtering import PairFilter
from vcsoup.fingerprint import model_fingerprint
from vcsoup.ui.runs_lineage import adapters_by_job, lineage, stale_reasons
from vcsoup.workspace import Workspace


@pytest.fixture
def project(tmp_path):
    return full_project(Workspace(tmp_path), n=60)


def trained(project, value="helpful", group="filtered"):
    """An adapter whose manifest says what training writes today."""
    add_adapter(project, value, group, recorded=False, seed=1)
    info = next(found for found in project.adapters() if not found.recorded)
    kept = project.filters()[value] if group == "filtered" else None
    told = {
        "job": "job-1",
        "data_hash": project.datasets()[value].hash,
        "filter": kept.model_dump() if kept else None,
        "threshold": kept.threshold if kept else None,
        "scale": project.config.scale,
        "reward_stamp": project.rewards_stamp(value) if kept else None,
        "base": project.config.base,
        "base_fingerprint": model_fingerprint(project.config.base),
    }
    path = info.path / "manifest.json"
    path.write_text(json.dumps({**info.manifest, **told}))
    return next(found for found in project.adapters() if not found.recorded)


def test_a_fresh_adapter_is_up_to_date_and_found_by_its_job(project):
    info = trained(project)
    assert stale_reasons(info, project) == []
    names = [one.name for one in lineage(info, project)]
    assert names == ["Pairs", "Filter", "Scale", "Rewards", "Seed", "Base"]
    assert adapters_by_job(project.adapters()) == {"job-1": [info]}


def test_the_pairs_say_how_many_were_held_out(project):
    info = trained(project)
    told = {**info.manifest, "n_pairs": 54, "n_pairs_all": 159, "n_heldout": 3}
    pairs = lineage(replace(info, manifest=told), project)[0]
    assert pairs.was.startswith("54 of 159 pairs, 3 of them held out to watch the run, dataset ")


def test_another_threshold_makes_it_stale(project):
    info = trained(project)
    project.set_threshold("helpful", 0.6)
    assert stale_reasons(info, project) == ["Filter: the saved filter is threshold 0.60 now"]


def test_other_pairs_make_it_stale(project):
    import numpy as np

    info = trained(project)
    store_gaps(project, "helpful", np.random.default_rng(5).normal(size=(40, 3)))
    told = " / ".join(stale_reasons(info, project))
    assert "Pairs: the dataset is another one now" in told
    assert "40 pairs" in told
    assert "Rewards: the pairs were scored again" in told


def test_an_unfiltered_adapter_does_not_mind_the_filter(project):
    info = trained(project, group="unfiltered")
    project.set_threshold("helpful", 0.6)
    assert stale_reasons(info, project) == []


def test_an_older_manifest_with_a_bare_threshold_is_read(project):
    info = next(found for found in project.adapters() if found.group == "filtered")
    assert "Filter" in [one.name for one in lineage(info, project)]
    project.set_threshold(info.value, 0.7)
    assert stale_reasons(info, project) == ["Filter: the saved filter is threshold 0.70 now"]
    assert PairFilter(threshold=0.7) == project.filters()[info.value]


def test_a_base_that_is_loaded_otherwise_makes_it_stale(project):
    """Another number format does; where the base lies does not."""
    info = trained(project)
    for loading, told in (
        (BaseLoading(device_map="auto"), []),
        (
            BaseLoading(dtype="bfloat16"),
            ["Base: the project loads its base otherwise now (bfloat16)"],
        ),
    ):
        project.config = project.config.model_copy(update={"loading": loading})
        assert stale_reasons(info, project) == told


def test_a_large_base_that_nobody_read_is_compared_by_name(project, monkeypatch, tmp_path):
    """A screen reads no large file: what it cannot know it does not claim."""
    info = trained(project)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("vcsoup.fingerprint._LARGE", 1)
    large = tmp_path / "large"
    large.mkdir()
    (large / "model.safetensors").write_bytes(b"weights")
    project.config = project.config.model_copy(update={"base": str(large)})
    assert stale_reasons(info, project) == [f"Base: the project's base is {large} now"]
    same_name = replace(info, manifest={**info.manifest, "base": str(large)})
    assert stale_reasons(same_name, project) == []
    now = model_fingerprint(str(large))  # what a job does
    expected = [f"Base: the project's base is another model now ({now[:8]})"]
    assert stale_reasons(same_name, project) == expected

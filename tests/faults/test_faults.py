"""A small share of `make faults`, and that its eyes are open: what is broken is seen as broken."""

import numpy as np

from tests.faults.inspection import Treasure, broken, losses
from tests.faults.kills import kill_trainings
from tests.faults.ledger import Row, table
from tests.faults.scene import ENVIRONMENT, VALUE, End, Scene
from vcsoup.jobs import folder as files


def test_killed_trainings_lose_nothing_and_end_as_the_uninterrupted_one(tmp_path, monkeypatch):
    for name, text in ENVIRONMENT.items():
        monkeypatch.setenv(name, text)
    scene = Scene(tmp_path, steps=12)
    try:
        reference = scene.end_of(scene.finish(scene.begin("reference")))
        rows = kill_trainings(scene, reference, kills=2, seed=0, lanes=1)
    finally:
        scene.close()
    assert sum(row.injected for row in rows) == 2
    assert all(row.clean for row in rows), table(rows)


def test_the_table_counts_and_names_what_went_wrong():
    rows = [
        Row("kill", injected=3, runs=["a", "b"]),
        Row("full disk", 1, lost=["adapter a"], runs=["b"]),
    ]
    text = table(rows)
    assert text.splitlines()[3].split() == ["all", "4", "0", "1", "0", "2", "0", "0", "0.0e+00"]
    assert text.splitlines()[4] == "full disk: lost: adapter a"
    assert [row.clean for row in rows] == [True, False]


def test_what_is_not_whole_is_seen(tmp_path, monkeypatch):
    """A marked checkpoint without its files, and a run whose one loss differs by 0.5."""
    for name, text in ENVIRONMENT.items():
        monkeypatch.setenv(name, text)
    scene = Scene(tmp_path, steps=1)
    path = files.new_folder(scene.jobs.root, "train")
    spec = {"args": [], "kind": "train", "title": "helpful", "created": files.utc_now()}
    files.write(path / files.SPEC, spec)
    folder = path / "checkpoints" / VALUE / "checkpoint-2"
    folder.mkdir(parents=True)
    files.write(folder / "complete.json", {"step": 2, "run": {}})
    job = scene.jobs.get(path.name)
    assert [line.split(":")[0] for line in broken(scene, job)] == ["helpful checkpoint-2"]
    before = Treasure(frozenset({"helpful-1"}), frozenset({job.id}), {job.id: 4})
    assert losses(scene, before) == ["adapter helpful-1", "checkpoint 4 of helpful"]
    weights = np.zeros(3)
    end = End({1: 0.5, 2: 0.25}, 0.2, weights)
    assert end.distance(End({1: 0.5, 2: 0.75}, 0.2, weights)) == 0.5
    assert end.distance(End({1: 0.5}, 0.2, weights)) == float("inf")

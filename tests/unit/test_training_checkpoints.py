"""Which checkpoints count: whole ones, the newest two, those of this run."""

from pathlib import Path

import pytest

from vcsoup.errors import TrainingError
from vcsoup.training.checkpoints import (
    discard,
    mark_whole,
    newest_checkpoint,
    sweep,
    whole_checkpoints,
)

RUN = {"pairs": "abc", "beta": 0.1, "targets": ("q", "v")}


def add(folder: Path, step: int, *, whole: bool = True) -> Path:
    path = folder / f"checkpoint-{step}"
    path.mkdir(parents=True)
    (path / "optimizer.pt").write_bytes(b"x")
    if whole:
        mark_whole(path, RUN)
    return path


def steps(folder: Path) -> list[int]:
    return [one.step for one in whole_checkpoints(folder)]


def test_only_whole_ones_are_listed_newest_first(tmp_path):
    for step, whole in ((9, True), (10, True), (100, False)):
        add(tmp_path, step, whole=whole)
    add(tmp_path, 50).joinpath("complete.json").write_text("{half")
    assert steps(tmp_path) == [10, 9]
    assert steps(tmp_path / "missing") == []


def test_the_sweep_keeps_two_and_removes_what_is_half_written(tmp_path):
    for step in (1, 2, 3):
        add(tmp_path, step)
    add(tmp_path, 4, whole=False)
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-2", "checkpoint-3"]


@pytest.mark.parametrize("remove", [sweep, discard])
def test_a_kill_while_one_is_removed_leaves_none_that_looks_whole(tmp_path, monkeypatch, remove):
    """The removal of the files dies; the marks are gone already."""
    for step in (1, 2, 3):
        add(tmp_path, step)

    def die(*_args: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("vcsoup.training.checkpoints.shutil.rmtree", die)
    with pytest.raises(KeyboardInterrupt):
        remove(tmp_path)
    monkeypatch.undo()
    for one in whole_checkpoints(tmp_path):
        assert (one.path / "optimizer.pt").exists()
    assert len(steps(tmp_path)) == 2


def test_discard_leaves_nothing(tmp_path):
    add(tmp_path / "kind", 1)
    discard(tmp_path / "kind")
    discard(tmp_path / "kind")
    assert list(tmp_path.iterdir()) == []


def test_a_run_finds_its_own_and_is_told_what_differs(tmp_path):
    add(tmp_path, 3)
    assert newest_checkpoint(tmp_path, RUN).step == 3
    assert newest_checkpoint(tmp_path / "missing", RUN) is None
    with pytest.raises(TrainingError, match=r"beta was 0.1, now 0.2 and 1 more; start a new run"):
        newest_checkpoint(tmp_path, {**RUN, "beta": 0.2, "targets": ("q",)})


def test_only_checkpoint_folders_are_marked(tmp_path):
    with pytest.raises(TrainingError, match="expected checkpoint-N"):
        mark_whole(tmp_path, RUN)

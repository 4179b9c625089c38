"""The rewards of one pair, read from its row group alone, and ties by reward model."""

import numpy as np
import pyarrow as pa
import pytest

from vcsoup.errors import NotFoundError
from vcsoup.preferences.pairs import make_pairs
from vcsoup.workspace import Workspace, project_config
from vcsoup.workspace.tables import reward_columns

VALUES = ("helpful", "harmless")


@pytest.fixture
def project(tmp_path):
    config = project_config(name="raw", values=VALUES, base="org/base")
    made = Workspace(tmp_path / "w").create_project(config)
    pairs = make_pairs(map(str, range(7)), ["yes"] * 7, ["no"] * 7)
    made.save_pairs("helpful", pairs, source="test")
    return made


def test_every_row_of_a_table_in_parts_is_found(project):
    """Seven pairs in parts of 3, 3 and 1; row i holds 10 i + 0..3 in the order of the columns."""
    figures = (np.arange(7)[:, None] * 10 + np.arange(4)).astype(np.float32)
    ids = project.pairs("helpful")["id"].tolist()
    names = reward_columns(VALUES)
    parts = [
        pa.table({"id": ids[a:b], **{n: figures[a:b, k] for k, n in enumerate(names)}})
        for a, b in ((0, 3), (3, 6), (6, 7))
    ]
    project.save_rewards("helpful", parts)
    for row in range(7):
        expected = [[row * 10, row * 10 + 1], [row * 10 + 2, row * 10 + 3]]
        assert project.pair_rewards("helpful", row).tolist() == expected
    assert project.was_scored("helpful")


def test_ties_are_counted_exactly_and_by_model(project):
    """Three equal rewards by helpful's model; a difference of one step of float32 is no tie."""
    one = np.ones(7, dtype=np.float32)
    near = np.nextafter(one, 2, dtype=np.float32)
    chosen = np.where(np.arange(7) < 3, one, near)
    sides = [chosen, np.arange(7, dtype=np.float32), one, -one]
    ids = project.pairs("helpful")["id"].tolist()
    table = pa.table({"id": ids, **dict(zip(reward_columns(VALUES), sides, strict=True))})
    project.save_rewards("helpful", [table])
    assert project.equal_rewards("helpful") == {"helpful": 3, "harmless": 0}


def test_without_rewards_there_is_nothing_to_tell(project):
    assert project.pair_rewards("helpful", 0) is None
    assert not project.was_scored("helpful")
    with pytest.raises(NotFoundError, match="no current rewards"):
        project.equal_rewards("helpful")

"""What may be replaced: files, also through a link; never a device, a pipe or the link itself."""

import os
import stat
from pathlib import Path

import pytest

from vcsoup.errors import WorkspaceError
from vcsoup.workspace.files import replacing


def test_a_pipe_is_refused_and_stays_one(tmp_path: Path) -> None:
    """As /dev/null and the terminal, which root could rename a file over."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(WorkspaceError, match="pipe is no ordinary file"), replacing(pipe) as aside:
        aside.write_text("new")
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert list(tmp_path.iterdir()) == [pipe]


def test_a_pipe_without_a_name_is_refused_behind_a_link() -> None:
    """As /dev/stdout in `... --out /dev/stdout | less`: the link leads to no path at all."""
    read, write = os.pipe()
    link = Path(f"/proc/self/fd/{write}")
    with pytest.raises(WorkspaceError, match=f"{write} is no ordinary file"), replacing(link):
        pass
    os.close(read)
    os.close(write)


def test_a_link_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    """As /dev/stdout, a link to what the shell sends the output to."""
    file, link = tmp_path / "there" / "file", tmp_path / "link"
    file.parent.mkdir()
    file.write_text("old")
    link.symlink_to(file)
    with replacing(link) as aside:
        aside.write_text("new")
    assert (link.is_symlink(), file.read_text()) == (True, "new")

"""Paths that people write with "~" for a home folder, also that of a user whom nobody knows."""

from pathlib import Path

from vcsoup.errors import WorkspaceError
from vcsoup.preferences.rows import readable


def from_home(name: Path | str) -> Path:
    """A path to read, with the home folder for "~".

    Of a user who does not exist it stays as written, as in a shell: then there is no such file.

    Example:
        >>> from_home("~/base") == Path.home() / "base", str(from_home("~no such user/base"))
        (True, '~no such user/base')
    """
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)


def from_known_home(name: Path | str) -> Path:
    """The same where a folder called "~user" is never meant, such as for a place to write to.

    Raises:
        WorkspaceError: the home folder of a user who does not exist.
    """
    try:
        return Path(name).expanduser()
    except RuntimeError as error:
        raise WorkspaceError(
            f"{readable(str(name))[:80]} begins with the home folder of a user whom this machine "
            "does not know; write the path in full"
        ) from error

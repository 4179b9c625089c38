"""Names, checked once, before they are stored: those that become part of a path, and titles."""

import re
import unicodedata

from vcsoup.errors import WorkspaceError

SLUG_PATTERN = r"[a-z0-9][a-z0-9-]{0,39}"


def check_slug(name: str, what: str) -> str:
    """Return `name` when it can be part of a path.

    Args:
        name: 1 to 40 of a-z, 0-9 and hyphen, not starting with a hyphen.
        what: What the name is of, for the message ("project", "value", "adapter").

    Raises:
        WorkspaceError: any other name.

    Example:
        >>> check_slug("helpful-filtered-3", "adapter")
        'helpful-filtered-3'
    """
    if not isinstance(name, str) or not re.fullmatch(SLUG_PATTERN, name):
        raise WorkspaceError(
            f"{what} name {name!r} cannot be used: take 1 to 40 of a-z, 0-9 and '-', "
            "starting with a letter or digit"
        )
    return name


def slug_of(title: str) -> str:
    """Make a short name from a title; empty when no letter or digit of it can stay.

    Example:
        >>> slug_of("Kind & short (caf\u00e9)"), slug_of("\u4f60\u597d")
        ('kind-short-cafe', '')
    """
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]+", "-", plain).strip("-")[:40].rstrip("-")


def check_title(title: str, what: str) -> str:
    """Return a title without spaces around it; titles are data and never part of a path.

    Args:
        title: 1 to 60 characters on one line, of any script.
        what: What the title is of, for the message ("data set", "filter").

    Raises:
        WorkspaceError: any other title.

    Example:
        >>> check_title(" Strict & short ", "filter")
        'Strict & short'
    """
    plain = title.strip()
    if not plain:
        raise WorkspaceError(f"give the {what} a name of 1 to 60 characters on one line")
    if not 1 <= len(plain) <= 60 or not plain.isprintable():
        raise WorkspaceError(
            f"{what} name {title[:80]!r} cannot be used: take 1 to 60 characters on one line"
        )
    return plain

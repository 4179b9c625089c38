"""Names that may become part of a path: checked here, once, before they touch the disk."""

import re

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

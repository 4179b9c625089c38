"""Why a file is refused, in one line that says what was expected, what came and what to do."""

from collections.abc import Iterable

from vcsoup.preferences.pair_format import PairFormat
from vcsoup.preferences.rows import FileRows, readable

_SHOWN_COLUMNS = 12
_NO_PAIRS = (
    (
        {"transcript", "rating"},
        "holds single dialogues with a rating, as the red-team attempts of hh-rlhf, so there is no "
        "second answer to prefer; take its helpful or harmless folders",
    ),
    (
        {"messages"},
        "holds single dialogues (messages), so there is no second answer to prefer; take a "
        "preference split of it",
    ),
)


def not_preferences(name: str, file: FileRows, *, mapped: bool) -> str:
    """Say why no row of a file can be a pair.

    Args:
        name: What people call the file.
        file: Its rows.
        mapped: Whether a person named the columns.
    """
    columns = set(file.columns)
    if mapped:
        return (
            f"{name} has no row with text or messages in both answers by these columns; it has "
            f"{_columns(file)}; name others"
        )
    if {"chosen", "rejected"} <= columns:
        return (
            f"{name} has the columns chosen and rejected, but no row with text or messages in "
            "both; fill them, or export the pairs again"
        )
    if why := why_no_pairs(columns):
        return f"{name} holds no preference pairs: it {why}"
    return (
        f"{name} holds no preference pairs in a known format: expected the columns chosen and "
        f"rejected (and prompt, unless both sides repeat it), found: {_columns(file)}; name them, "
        "as in `--columns prompt=question,chosen=good,rejected=bad`"
    )


def why_no_pairs(columns: Iterable[str]) -> str:
    """Say what a table of known columns holds instead of pairs; empty when that is not known.

    Example:
        >>> why_no_pairs(["messages", "id"])[:32]
        'holds single dialogues (messages'
    """
    found = set(columns)
    return next((why for telling, why in _NO_PAIRS if telling <= found), "")


def wrong_aspect(name: str, form: PairFormat, wanted: str) -> str:
    """Say which preferences a file holds, when none or another one was named."""
    if not form.aspects:
        return f"{name} ({form.name}) holds one preference and no aspect {wanted!r}; leave it out"
    known = ", ".join(map(readable, form.aspects))
    came = f"not {readable(wanted)[:40]!r}" if wanted else "and none was named"
    return (
        f"{name} ({form.name}) holds several preferences: {known}, {came}; choose one, as in "
        f"`--aspect {readable(form.aspects[0])}`"
    )


def _columns(file: FileRows) -> str:
    names = (" ".join(readable(str(column)).split())[:30] for column in file.columns)
    shown = [name for name, _ in zip(names, range(_SHOWN_COLUMNS), strict=False)]
    return ", ".join(shown) or "none"

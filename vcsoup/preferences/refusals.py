"""Why a file is refused, in one line that says what was expected, what came and what to do."""

from collections.abc import Mapping

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
    (
        {"completion", "label"},
        "holds single answers with a label each, as KTO takes them, so no answer is preferred to "
        "another; pair a good and a bad answer to the same prompt",
    ),
    (
        {"prompt", "completion"},
        "holds one answer to each prompt, so there is no second one to prefer; take a preference "
        "split of it",
    ),
)


def not_preferences(name: str, file: FileRows, *, mapped: bool) -> str:
    """Say why no row of a file can be a pair.

    Args:
        name: What people call the file.
        file: Its rows.
        mapped: Whether a person named the columns.
    """
    if why := _unreadable(file) if mapped else why_no_pairs(file):
        return f"{name} {why}"
    if mapped:
        return (
            f"{name} has no row with text or messages in both answers by these columns; it has "
            f"{_columns(file)}; name others"
        )
    return (
        f"{name} holds no preference pairs in a known format: expected the columns chosen and "
        f"rejected (and prompt, unless both sides repeat it), found: {_columns(file)}; name them, "
        "as in `--columns prompt=question,chosen=good,rejected=bad`"
    )


def no_such_columns(name: str, file: FileRows, missing: Mapping[str, str]) -> str:
    """Say which named columns a file has not, role by role, and which it has."""
    named = ", ".join(f"{role}={readable(column)}" for role, column in missing.items())
    return f"{name} has no row with {named}; it has {_columns(file)}; name others"


def why_no_pairs(file: FileRows) -> str:
    """Say what a file in no known format holds instead of pairs; empty when that is not known.

    Example:
        >>> why_no_pairs(FileRows(("messages", "id"), []))[:32]
        'holds single dialogues (messages'
    """
    if why := _unreadable(file):
        return why
    found = set(file.columns)
    if {"chosen", "rejected"} <= found:
        return (
            "has the columns chosen and rejected, but no row with text or messages in both; fill "
            "them, or export the pairs again"
        )
    known = next((why for telling, why in _NO_PAIRS if telling <= found), "")
    return known or _rows_inside(file)


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


def _unreadable(file: FileRows) -> str:
    """What is wrong with the first row of a file in which every row has a fault."""
    if not file.rows or not all(row.fault for row in file.rows):
        return ""
    first = file.rows[0]
    where = ", column ".join(filter(None, (file.named(first.number), first.column)))
    return f"has no readable row; the first: {where}, {first.fault}; mend the file"


def _rows_inside(file: FileRows) -> str:
    """Which lists of objects the only row of a file holds, with how long they are."""
    cells = file.rows[0].cells if len(file.rows) == 1 else {}
    lists = [
        f"{_short(column)} ({len(rows):,})"
        for column, rows in cells.items()
        if isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows)
    ]
    shown = ", ".join(lists[:_SHOWN_COLUMNS])
    why = f"holds its rows inside others: {shown}; save one of these lists as a file of its own"
    return why if lists else ""


def _columns(file: FileRows) -> str:
    return ", ".join(map(_short, file.columns[:_SHOWN_COLUMNS])) or "none"


def _short(column: object) -> str:
    return " ".join(readable(str(column)).split())[:30]

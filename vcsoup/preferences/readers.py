"""Read a preference file: the canonical pairs, and a report of every row that is not one.

Nothing is dropped silently: rows read = pairs kept + rows reported, each with its number, column
and reason. A file that holds no pair at all is refused, so that it can never replace good data.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from vcsoup.errors import PreferenceFormatError
from vcsoup.monitor import SILENT, Monitor, StopRequested
from vcsoup.preferences.files import read_rows
from vcsoup.preferences.formats import Pair, PairFormat, detect_format
from vcsoup.preferences.pairs import make_pairs, pair_id
from vcsoup.preferences.rows import FileRows, NumberedRow, readable
from vcsoup.preferences.turns import RowFault

KINDS = {
    "unreadable": "not an object, damaged, or turns that make no sense",
    "one-sided": "a side is missing or is not text",
    "empty": "an answer without text",
    "prompt": "no prompt, or another prompt on each side",
    "identical": "both answers are the same",
    "duplicate": "the same pair as an earlier row",
}

_REPORT_EVERY = 2_000


@dataclass(frozen=True)
class RowProblem:
    """One row that is not kept.

    Attributes:
        row: Its number in the file, from 1 (a line, element or data row).
        column: Where the problem is; empty when it is the whole row.
        kind: One of `KINDS`.
        reason: What is wrong, in words.
    """

    row: int
    column: str
    kind: str
    reason: str


@dataclass(frozen=True)
class ReadReport:
    """What became of a file's rows: rows == kept + len(problems)."""

    source: str
    format: str
    rows: int
    kept: int
    problems: tuple[RowProblem, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Rows reported, by kind; every kind of `KINDS` is there, zero or not."""
        found = Counter(problem.kind for problem in self.problems)
        return {kind: found[kind] for kind in KINDS}

    @property
    def summary(self) -> str:
        """One line for people: "300 rows read as TRL explicit, 298 kept, 2 reported (2 empty)"."""
        line = f"{self.rows:,} rows read as {self.format}, {self.kept:,} kept"
        if not self.problems:
            return line
        parts = [f"{count:,} {kind}" for kind, count in self.counts.items() if count]
        return f"{line}, {len(self.problems):,} reported ({', '.join(parts)})"

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data for JSON: every figure and every problem."""
        return {
            "source": self.source,
            "format": self.format,
            "rows": self.rows,
            "kept": self.kept,
            "counts": self.counts,
            "problems": [dict(vars(problem)) for problem in self.problems],
        }


@dataclass(frozen=True)
class ReadResult:
    """The pairs of a file and the report on its rows."""

    pairs: pd.DataFrame
    report: ReadReport


def read_preferences(path: Path, *, name: str = "", monitor: Monitor = SILENT) -> ReadResult:
    """The preference pairs of a JSON, JSON Lines, CSV or parquet file.

    Formats: TRL explicit and implicit (text and messages), hh-rlhf dialogues, this project's own
    pair tables; told from columns and types, never from the file's name.

    Args:
        path: The file.
        name: What people call it, for messages; the file's own name by default.
        monitor: Hears "reading rows"; a stop request raises `StopRequested`.

    Returns:
        Pairs in the file's order, ids distinct, with the report.

    Raises:
        NotFoundError: no such file.
        PreferenceFormatError: no preference file, or one without a single usable pair.
    """
    path = Path(path)
    name = readable(name or path.name)
    file = read_rows(path, name=name)
    form = detect_format(file)
    if form is None:
        raise PreferenceFormatError(_not_preferences(name, file))
    pairs, problems = _sort_out(file.rows, form, monitor)
    if not pairs:
        first = problems[0]
        raise PreferenceFormatError(
            f"{name} ({form.name}) has no usable pair in {len(file.rows)} rows; the first: "
            f"row {first.row}, column {first.column or 'all'}, {first.reason}; mend the file"
        )
    report = ReadReport(name, form.name, len(file.rows), len(pairs), tuple(problems))
    return ReadResult(make_pairs(*zip(*pairs, strict=True)), report)


def _sort_out(
    rows: list[NumberedRow], form: PairFormat, monitor: Monitor
) -> tuple[list[Pair], list[RowProblem]]:
    pairs: list[Pair] = []
    problems: list[RowProblem] = []
    first_row: dict[str, int] = {}
    for done, row in enumerate(rows):
        if done % _REPORT_EVERY == 0:
            monitor.report("reading rows", done, len(rows))
            if monitor.stop_requested:
                raise StopRequested(f"reading was stopped at row {done:,} of {len(rows):,}")
        try:
            pair = _sound_pair(row, form)
            known = first_row.setdefault(pair_id(*pair), row.number)
            if known != row.number:
                raise RowFault("duplicate", "", f"the same pair as row {known}")
            pairs.append(pair)
        except RowFault as fault:
            problems.append(RowProblem(row.number, fault.column, fault.kind, fault.reason))
    return pairs, problems


def _sound_pair(row: NumberedRow, form: PairFormat) -> Pair:
    if row.fault:
        raise RowFault("unreadable", row.column, row.fault)
    pair = form.read(row.cells)
    for column in ("chosen", "rejected"):
        if not getattr(pair, column).strip():
            raise RowFault("empty", column, "no text")
    if pair.chosen == pair.rejected:
        raise RowFault("identical", "rejected", "the same text as chosen")
    return pair


def _not_preferences(name: str, file: FileRows) -> str:
    columns = (" ".join(readable(str(column)).split())[:30] for column in file.columns[:12])
    found = ", ".join(columns) or "none"
    if {"chosen", "rejected"} <= set(file.columns):
        return (
            f"{name} has the columns chosen and rejected, but no row with text or messages in "
            "both; fill them, or export the pairs again"
        )
    return (
        f"{name} holds no preference pairs: expected the columns chosen and rejected "
        f"(and prompt, unless both sides repeat it), found: {found}; rename or export them so"
    )

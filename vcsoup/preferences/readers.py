"""Read a preference file: the canonical pairs, and a report of every row that is not one.

Nothing is dropped silently: rows read = rows kept + rows reported, each with its number, column
and reason. A file that holds no pair at all is refused, so that it can never replace good data.
Scores that a file holds beside its pairs are kept beside them, so that they can be rewards without
a model.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from vcsoup.errors import PreferenceFormatError
from vcsoup.monitor import SILENT, Monitor, StopRequested
from vcsoup.numbers import plural
from vcsoup.preferences.arrow_rows import is_saved
from vcsoup.preferences.column_map import ColumnMap, mapped_format
from vcsoup.preferences.detection import detect_format, is_used
from vcsoup.preferences.files import data_files, read_rows
from vcsoup.preferences.lengths import WORDS, LengthUnit
from vcsoup.preferences.pair_format import Joined, Pair, PairFormat
from vcsoup.preferences.pair_notes import notes_of, scores_of
from vcsoup.preferences.pairs import make_pairs, pair_id
from vcsoup.preferences.read_report import ReadReport, RowProblem
from vcsoup.preferences.refusals import no_such_columns, not_preferences, wrong_aspect
from vcsoup.preferences.rows import FileRows, readable
from vcsoup.preferences.shards import shard_files
from vcsoup.preferences.turns import RowFault

_REPORT_EVERY = 2_000


@dataclass(frozen=True)
class Reading:
    """How a file is to be read; the usual way needs none of it.

    Attributes:
        aspect: Which preference, where one file holds several (`PairFormat.aspects`).
        columns: Which columns hold what, where no format fits.
        longest: Report pairs whose prompt and longer answer are longer than this; 0 keeps all.
        unit: What lengths are counted in.
    """

    aspect: str = ""
    columns: ColumnMap | None = None
    longest: int = 0
    unit: LengthUnit = WORDS

    @property
    def limit(self) -> str:
        """The limit on lengths, for people; empty for none."""
        return f"{self.longest:,} {self.unit.title}" if self.longest else ""


USUAL = Reading()


@dataclass(frozen=True)
class ReadResult:
    """The pairs of a file, the report on its rows, and the scores that came with them.

    Attributes:
        pairs: The canonical table, n rows.
        report: What became of the rows.
        scores: n rows: `id`, then `<name>_chosen` and `<name>_rejected` per score as the file has
            it (larger is better); NaN where a pair has none. Only `id` when there are none.
    """

    pairs: pd.DataFrame
    report: ReadReport
    scores: pd.DataFrame


def read_preferences(
    path: Path, how: Reading = USUAL, *, name: str = "", monitor: Monitor = SILENT
) -> ReadResult:
    """The preference pairs of a file, of a folder of files, or of a saved folder of `datasets`.

    Formats are told from columns and types (`vcsoup.preferences.detection`), never from the file's
    name; kinds of files are those of `vcsoup.preferences.files`.

    Args:
        path: The file.
        how: Which preference of the file, by which columns, how long at most.
        name: What people call it, for messages; the file's own name by default.
        monitor: Hears "reading rows"; a stop request raises `StopRequested`.

    Returns:
        Pairs in the file's order, ids distinct, with the report and the scores beside them.

    Raises:
        NotFoundError: no such file.
        PreferenceFormatError: no preference file, one without a single usable pair, or one that
            holds several preferences when `how` names none of them.
    """
    path = Path(path)
    name = readable(name or path.name)
    file = rows_for(path, how, name)
    form, aspect = form_of(file, how, name)
    pairs, faults = _sort_out(file, _Sieve(form, aspect, how), monitor)
    faults.sort(key=lambda numbered: numbered[0])
    if not pairs:
        number, first = faults[0]
        raise PreferenceFormatError(
            f"{name} ({form.name}) has no usable pair in {plural(len(file.rows), 'row')}; the "
            f"first: {file.named(number)}, column {first.column or 'all'}, {first.reason}; mend "
            "the file"
        )
    report = ReadReport(
        name,
        form.name,
        len(file.rows),
        len(pairs),
        tuple(_problem(file, *numbered) for numbered in faults),
        aspect,
        form.rows_per_pair,
        notes_of(pairs),
        how.limit,
        *_files(path, name),
    )
    table = make_pairs(*zip(*(pair[:3] for pair in pairs), strict=True))
    return ReadResult(table, report, scores_of(table["id"], pairs))


def rows_for(path: Path, how: Reading, name: str) -> FileRows:
    """All rows of a file, with the columns that this reading takes.

    Raises:
        PreferenceFormatError: as `vcsoup.preferences.files.read_rows`.
    """
    return read_rows(path, name=name, wanted=how.columns.reads if how.columns else is_used)


def form_of(file: FileRows, how: Reading, name: str) -> tuple[PairFormat, str]:
    """The format and the preference by which rows are read.

    Args:
        file: Rows, of a whole file or of its beginning.
        how: Which preference, by which columns.
        name: What people call the file, for messages.

    Raises:
        PreferenceFormatError: columns or a preference that the rows do not have, or no format fits.
    """
    if how.columns and (missing := how.columns.missing(file.columns)):
        raise PreferenceFormatError(no_such_columns(name, file, missing))
    form = find_format(file, how.columns)
    if form is None:
        raise PreferenceFormatError(not_preferences(name, file, mapped=how.columns is not None))
    return form, _aspect(name, form, how.aspect)


def find_format(file: FileRows, columns: ColumnMap | None = None) -> PairFormat | None:
    """The format of a file's rows: by the columns that someone named, else by what they are."""
    return mapped_format(file, columns) if columns else detect_format(file)


def read_rows_as_pairs(
    file: FileRows, how: Reading = USUAL
) -> Iterator[tuple[Joined, Pair | RowFault]] | None:
    """Each row (or rows that belong together) with its pair, or with why it is none.

    Args:
        file: Rows, of a whole file or of its beginning.
        how: How to read them; where a file holds several preferences, the first by default.

    Returns:
        None when no format fits.
    """
    form = find_format(file, how.columns)
    if form is None:
        return None
    aspect = how.aspect or next(iter(form.aspects), "")
    sieve = _Sieve(form, aspect, how)
    return ((unit, sieve.outcome(unit)) for unit in form.units(file.rows, aspect))


@dataclass(frozen=True)
class _Sieve:
    """Keeps sound pairs and says why another row is none."""

    form: PairFormat
    aspect: str
    how: Reading

    def outcome(self, unit: Joined) -> Pair | RowFault:
        try:
            return self.pair(unit)
        except RowFault as fault:
            return fault

    def pair(self, unit: Joined) -> Pair:
        row = unit.row
        if row.fault:
            raise RowFault("unreadable", row.column, row.fault)
        pair = self.form.pair(row.cells, self.aspect)
        for column in ("chosen", "rejected"):
            if not getattr(pair, column).strip():
                raise RowFault("empty", column, "no text")
        if pair.chosen == pair.rejected:
            raise RowFault("identical", "rejected", "the same text as chosen")
        if self.how.longest and (length := self.how.unit.of(pair)) > self.how.longest:
            said = f"{length:,} {self.how.unit.name}, more than {self.how.longest:,}"
            raise RowFault("long", "", said)
        return pair


def _aspect(name: str, form: PairFormat, wanted: str) -> str:
    if wanted in form.aspects or (not wanted and not form.aspects):
        return wanted
    if not wanted and len(form.aspects) == 1:
        return form.aspects[0]
    raise PreferenceFormatError(wrong_aspect(name, form, wanted))


def _sort_out(
    file: FileRows, sieve: _Sieve, monitor: Monitor
) -> tuple[list[Pair], list[tuple[int, RowFault]]]:
    """The sound pairs, and the number of every other row with its fault."""
    units = sieve.form.units(file.rows, sieve.aspect)
    pairs: list[Pair] = []
    faults: list[tuple[int, RowFault]] = []
    first_row: dict[str, int] = {}
    for done, unit in enumerate(units):
        if done % _REPORT_EVERY == 0:
            monitor.report("reading rows", done, len(units))
            if monitor.stop_requested:
                raise StopRequested(f"reading was stopped at row {done:,} of {len(units):,}")
        try:
            pair = sieve.pair(unit)
            known = first_row.setdefault(pair_id(*pair[:3]), unit.numbers[0])
            if known != unit.numbers[0]:
                raise RowFault("duplicate", "", f"the same pair as {file.named(known)}")
            pairs.append(pair)
        except RowFault as fault:
            faults += ((number, fault) for number in unit.numbers)
    return pairs, faults


def _problem(file: FileRows, number: int, fault: RowFault) -> RowProblem:
    name, row = file.place(number)
    return RowProblem(row, fault.column, fault.kind, fault.reason, name)


def _files(path: Path, name: str) -> tuple[int, tuple[str, ...]]:
    """How many data files were read, and which files of a folder are none."""
    others: list[Path] = []
    if path.is_dir() and not is_saved(path):
        others = shard_files(path, name)[1]
    return len(data_files(path, name)), tuple(
        readable(str(other.relative_to(path))) for other in others
    )

"""What became of a file's rows, in figures and in words; made by `vcsoup.preferences.readers`.

Every row is in a pair or has its problem here, with its number, column and reason.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vcsoup.numbers import plural

KINDS = {
    "unreadable": "not an object, damaged, or turns that make no sense",
    "one-sided": "a side is missing or is not text",
    "empty": "an answer without text",
    "prompt": "no prompt, or another prompt on each side",
    "identical": "both answers are the same",
    "duplicate": "the same pair as an earlier row",
    "tie": "neither answer is preferred",
    "unpaired": "no other answer to the same prompt to compare with",
    "long": "longer than the limit that was given",
}


@dataclass(frozen=True)
class RowProblem:
    """One row that is not kept.

    Attributes:
        row: Its number in the file, from 1 (a line, element or data row).
        column: Where the problem is; empty when it is the whole row.
        kind: One of `KINDS`.
        reason: What is wrong, in words.
        file: Which file of a folder; empty when it is a single file.
    """

    row: int
    column: str
    kind: str
    reason: str
    file: str = ""


@dataclass(frozen=True)
class ReadReport:
    """What became of a file's rows: rows == kept * rows_per_pair + len(problems).

    Attributes:
        source: What people call the file.
        format: The format's name.
        rows: Rows of the file.
        kept: Pairs.
        problems: Rows that are in no pair.
        aspect: Which of the file's preferences; empty where there is one.
        rows_per_pair: 2 where every row is one answer.
        notes: Pairs, all kept, by what is worth knowing of them: multi-turn and long.
        longest: The limit that was given, with its unit; empty for none.
        files: Data files that were read.
        left_out: Files of a folder that are no tables.
    """

    source: str
    format: str
    rows: int
    kept: int
    problems: tuple[RowProblem, ...]
    aspect: str = ""
    rows_per_pair: int = 1
    notes: Mapping[str, int] = field(default_factory=dict)
    longest: str = ""
    files: int = 1
    left_out: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Rows reported, by kind; every kind of `KINDS` is there, zero or not."""
        found = Counter(problem.kind for problem in self.problems)
        return {kind: found[kind] for kind in KINDS}

    @property
    def summary(self) -> str:
        """One line for people: "300 rows read as TRL explicit, 298 kept, 2 reported (2 empty)"."""
        about = f" ({self.aspect})" if self.aspect else ""
        of = f" of {self.files:,} files" if self.files > 1 else ""
        line = f"{plural(self.rows, 'row')}{of} read as {self.format}{about}, {self._kept_in_words}"
        if self.problems:
            parts = [f"{count:,} {kind}" for kind, count in self.counts.items() if count]
            line += f", {len(self.problems):,} reported ({', '.join(parts)})"
        if self.longest:
            line += f"; at most {self.longest}"
        noted = [f"{count:,} {note}" for note, count in self.notes.items() if count]
        return f"{line}; of those kept {' and '.join(noted)}" if noted else line

    @property
    def _kept_in_words(self) -> str:
        if self.rows_per_pair == 1:
            return f"{self.kept:,} kept"
        return f"{self.kept * self.rows_per_pair:,} kept as {plural(self.kept, 'pair')}"

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data for JSON: every figure and every problem."""
        return {
            "source": self.source,
            "format": self.format,
            "rows": self.rows,
            "kept": self.kept,
            "counts": self.counts,
            "aspect": self.aspect,
            "rows_per_pair": self.rows_per_pair,
            "notes": dict(self.notes),
            "longest": self.longest,
            "files": self.files,
            "left_out": list(self.left_out),
            "problems": [dict(vars(problem)) for problem in self.problems],
        }

"""A table that no format fits -> pairs, by columns that a person names.

Either two columns hold the better and the worse answer, or two hold the answers and a third says
which is better. What the named cells hold (text, messages, dialogues) is told as in any other file.
Pure: cells in, cells out.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

from vcsoup.errors import PreferenceFormatError
from vcsoup.preferences.column_paths import cell_at, plain, written
from vcsoup.preferences.formats import detect_sides
from vcsoup.preferences.pair_format import Cells, Pair, PairFormat
from vcsoup.preferences.rows import FileRows, NumberedRow
from vcsoup.preferences.turns import RowFault

_SIDES = ("chosen", "rejected")
_LABELLED = ("first", "second", "label", "first_if", "second_if")
_CELLS = ("prompt", "chosen", "rejected", "score_chosen", "score_rejected")


@dataclass(frozen=True)
class ColumnMap:
    """Which columns hold what.

    A column inside another is written with dots ("info.post", "answers.0.text"), two that make one
    prompt with a plus ("instruction+input").

    Attributes:
        prompt: The prompt; empty when both answers begin with it.
        chosen: The better answer.
        rejected: The worse answer.
        first: Instead: one answer,
        second: the other,
        label: and the column that says which is better:
        first_if: the first, when it holds this,
        second_if: the second, when it holds this; anything else is a tie.
        score_chosen: A ready-made score of the better answer.
        score_rejected: And of the worse one.

    Example:
        >>> ColumnMap(prompt="q", first="a", second="b", label="win", first_if="1",
        ...           second_if="2").cells({"q": "Sky?", "a": "Green.", "b": "Blue.", "win": 2})
        {'prompt': 'Sky?', 'chosen': 'Blue.', 'rejected': 'Green.'}
    """

    prompt: str = ""
    chosen: str = ""
    rejected: str = ""
    first: str = ""
    second: str = ""
    label: str = ""
    first_if: str = ""
    second_if: str = ""
    score_chosen: str = ""
    score_rejected: str = ""

    def __post_init__(self) -> None:
        sides = [bool(getattr(self, name)) for name in _SIDES]
        labelled = [bool(getattr(self, name)) for name in _LABELLED]
        if (all(sides) and not any(labelled)) or (all(labelled) and not any(sides)):
            if self.label and plain(self.first_if) == plain(self.second_if):
                raise PreferenceFormatError(
                    f"{self.first_if!r} cannot mean both that the first answer is better and that "
                    "the second is; choose another content for the second"
                )
            return
        named = ", ".join(f.name for f in fields(self) if getattr(self, f.name)) or "none"
        raise PreferenceFormatError(
            "name either the columns chosen and rejected, or first, second and label with two "
            f"contents of it, first_if and second_if; got {named}"
        )

    @classmethod
    def parse(cls, text: str) -> "ColumnMap":
        """Read "prompt=question,chosen=a,rejected=b", or the same as a JSON object.

        Raises:
            PreferenceFormatError: something else, or roles that do not make pairs.

        Example:
            >>> ColumnMap.parse("prompt=question,chosen=good,rejected=bad").prompt
            'question'
        """
        roles = _roles(text)
        known = [field.name for field in fields(cls)]
        unknown = [name for name in roles if name not in known]
        if unknown or not all(isinstance(column, str) for column in roles.values()):
            raise PreferenceFormatError(
                f"columns are named as role=column with the roles {', '.join(known)}, got "
                f"{text[:80]!r}; write for example prompt=question,chosen=good,rejected=bad"
            )
        return cls(**roles)

    def written(self) -> str:
        """The map as text that `parse` reads."""
        roles = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name)}
        plain = not any(
            set(column) & set(',="{') or column != column.strip() for column in roles.values()
        )
        if plain:
            return ",".join(f"{role}={column}" for role, column in roles.items())
        return json.dumps(roles)

    def reads(self, column: str) -> bool:
        """Whether a column of the file is needed."""
        paths = [
            path
            for name in (*_CELLS, "first", "second", "label")
            for path in (getattr(self, name), *getattr(self, name).split("+"))
        ]
        return any(path == column or path.startswith(f"{column}.") for path in paths)

    def missing(self, columns: Collection[str]) -> dict[str, str]:
        """Return the roles whose column is none of a file's, with what was named.

        Example:
            >>> ColumnMap(prompt="q", chosen="a.text", rejected="b").missing(["a", "b"])
            {'prompt': 'q'}
        """

        def is_there(path: str) -> bool:
            return any(path == column or path.startswith(f"{column}.") for column in columns)

        roles = {name: getattr(self, name) for name in (*_CELLS, "first", "second", "label")}
        return {
            role: named
            for role, named in roles.items()
            if named and not is_there(named) and not all(map(is_there, named.split("+")))
        }

    def cells(self, row: Cells) -> dict[str, Any]:
        """The named cells of a row, under the names of TRL's columns.

        Raises:
            RowFault: the label names neither answer.
        """
        columns = {name: getattr(self, name) for name in _CELLS if getattr(self, name)}
        if self.label:
            columns |= dict(zip(_SIDES, self._ordered(row), strict=True))
        return {name: cell_at(row, path) for name, path in columns.items()}

    def _ordered(self, row: Cells) -> tuple[str, str]:
        cell = cell_at(row, self.label)
        if plain(cell) == plain(self.first_if):
            return self.first, self.second
        if plain(cell) == plain(self.second_if):
            return self.second, self.first
        wanted = f"neither {self.first_if!r} nor {self.second_if!r}"
        raise RowFault("tie", self.label, f"holds {written(cell)[:40]!r}, {wanted}")


def mapped_format(file: FileRows, columns: ColumnMap) -> PairFormat | None:
    """The format of rows whose columns a person named; None when no row has both answers."""
    found = detect_sides(_mapped(file, columns))
    if found is None:
        return None
    return PairFormat(f"named columns, {found.name}", partial(_read, form=found, columns=columns))


def _read(row: Cells, *, form: PairFormat, columns: ColumnMap) -> Pair:
    return form.pair(columns.cells(row), "")


def _mapped(file: FileRows, columns: ColumnMap) -> FileRows:
    rows = []
    for row in file.rows:
        try:
            rows.append(NumberedRow(row.number, columns.cells(row.cells)))
        except RowFault:
            continue
    names = dict.fromkeys(name for row in rows for name in row.cells)
    return FileRows(tuple(names), rows)


def _roles(text: str) -> dict[str, Any]:
    if text.lstrip().startswith("{"):
        try:
            found = json.loads(text)
        except ValueError as error:
            raise PreferenceFormatError(
                f"the columns are not valid JSON ({error}); write role=column pairs"
            ) from error
        return dict(found)
    parts = [part.partition("=") for part in text.split(",")]
    return {role.strip(): column.strip() for role, _, column in parts}

"""Places in a row by their path: a column, one inside it ("info.post"), or joined ones ("a+b").

What a person can name in `vcsoup.preferences.column_map`, and what is found there. Pure.
"""

from collections.abc import Mapping
from typing import Any

from vcsoup.preferences.rows import FileRows

_MOST_ITEMS, _MOST_PATHS, _DEEPEST = 4, 200, 4


def column_paths(file: FileRows) -> list[str]:
    """What can be named: every column, and what lies inside those that hold objects or lists.

    Example:
        >>> from vcsoup.preferences.rows import NumberedRow
        >>> cells = {"q": "Sky?", "answers": [{"text": "Blue."}, {"text": "Green."}]}
        >>> column_paths(FileRows(("q", "answers"), [NumberedRow(1, cells)]))
        ['q', 'answers', 'answers.0.text', 'answers.1.text']
    """
    paths: dict[str, None] = {}
    for column in file.columns:
        inside = _paths_inside(file.first_cell(column), column, _DEEPEST)
        paths |= dict.fromkeys([column, *inside])
    return list(paths)[:_MOST_PATHS]


def label_contents(file: FileRows, label: str) -> list[str]:
    """What a column holds in the first rows, as the file has it, each label once.

    Example:
        >>> from vcsoup.preferences.rows import NumberedRow
        >>> cells = ["Model_A", 1.0, True, "1", "model_a"]
        >>> rows = [NumberedRow(i, {"win": cell}) for i, cell in enumerate(cells, start=1)]
        >>> label_contents(FileRows(("win",), rows), "win")
        ['Model_A', '1', 'true']
    """
    found: dict[str, str] = {}
    for row in file.rows:
        if (cell := cell_at(row.cells, label)) is not None:
            found.setdefault(plain(cell), written(cell))
    return list(found.values())[:_MOST_PATHS]


def cell_at(row: Mapping[str, Any], path: str) -> Any:
    """The cell at a path: a column, one inside it, or several joined by line breaks."""
    if path in row or "+" not in path:
        return _inside(row, path)
    parts = [_inside(row, part) for part in path.split("+")]
    said = [part for part in parts if part is not None and part != ""]
    return "\n".join(said) if all(isinstance(part, str) for part in said) else said


def plain(cell: object) -> str:
    """A label to compare: 1, 1.0 and "1" are one, and so are True, "true" and "TRUE"."""
    return written(cell).casefold()


def written(cell: object) -> str:
    """A label as a file would write it: 1 for 1.0, and true for True."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return str(cell).strip()


def _inside(row: Mapping[str, Any], path: str) -> Any:
    if path in row:
        return row[path]
    here: Any = row
    for step in path.split("."):
        if isinstance(here, Mapping):
            here = here.get(step)
        elif isinstance(here, list) and step.isdecimal() and int(step[:9]) < len(here):
            here = here[int(step)]
        else:
            return None
    return here


def _paths_inside(cell: object, path: str, deepest: int) -> list[str]:
    """The texts and numbers inside a cell; messages are taken as a whole."""
    if not deepest:
        return []
    if isinstance(cell, Mapping):
        inside = [(str(key), inner) for key, inner in cell.items()]
    elif isinstance(cell, list) and not any(_is_message(inner) for inner in cell):
        inside = [(str(place), inner) for place, inner in enumerate(cell[:_MOST_ITEMS])]
    else:
        return []
    paths = []
    for step, inner in inside:
        here = f"{path}.{step}"
        plain_cell = isinstance(inner, str | int | float)
        paths += [here] if plain_cell else _paths_inside(inner, here, deepest - 1)
    return paths


def _is_message(cell: object) -> bool:
    return isinstance(cell, Mapping) and ("role" in cell or "from" in cell)

"""Cells that Arrow keeps as JSON text (`arrow.json`) -> what they hold.

`datasets` stores a column of mixed types so, inside lists and structs too. Read as plain text, an
answer would come with quotes around it.
"""

import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa

Decode = Callable[[Any], Any]


def json_decoder(kind: pa.DataType) -> Decode | None:
    """How to decode the cells of a column; None where none of them holds JSON.

    Example:
        >>> json_decoder(pa.list_(pa.json_()))(['"a"', '[1]', None])
        ['a', [1], None]
        >>> json_decoder(pa.string()) is None
        True
    """
    if isinstance(kind, pa.JsonType):
        return _decoded
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        inner = json_decoder(kind.value_type)
        return inner and (lambda cell: cell if cell is None else [inner(one) for one in cell])
    if pa.types.is_struct(kind):
        found = {field.name: json_decoder(field.type) for field in kind}
        decoders = {name: decode for name, decode in found.items() if decode}
        return _in_fields(decoders) if decoders else None
    return None


def _in_fields(decoders: dict[str, Decode]) -> Decode:
    def decode(cell: Any) -> Any:
        if cell is None:
            return None
        return {
            name: decoders[name](inner) if name in decoders else inner
            for name, inner in cell.items()
        }

    return decode


def _decoded(cell: Any) -> Any:
    """What a JSON text holds; a damaged one stays as it is."""
    if not isinstance(cell, str):
        return cell
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell

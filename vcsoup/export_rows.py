"""The rows of an export: TRL's explicit format, other tools', or with what decided about each pair.

Arrow tables in and out, a part at a time; which pairs are wanted and where they are written to is
decided in `vcsoup.pair_export`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from vcsoup.export_layouts import Layout, lay_out
from vcsoup.gap_shapes import BoolArray, FloatArray
from vcsoup.preferences.pair_format import Pair, Scores
from vcsoup.preferences.pairs import PAIR_SCHEMA
from vcsoup.preferences.text_rows import is_csv_row
from vcsoup.preferences.turns import RowFault
from vcsoup.reasons import keep_reason

_MESSAGES = PAIR_SCHEMA.field("prompt").type


class AnswerScores(NamedTuple):
    """What both answers of n pairs were given.

    Attributes:
        names: Of the m scores.
        sides: Shape (2, n, m), chosen and rejected; NaN where a pair has none.
    """

    names: Sequence[str]
    sides: FloatArray

    def of(self, row: int, *, exchange: bool) -> Scores:
        """The scores of one pair, of the answers as they are exported."""
        sides = self.sides[::-1, row] if exchange else self.sides[:, row]
        both = zip(self.names, sides.T.tolist(), strict=True)
        return {name: (a, b) for name, (a, b) in both if not (isnan(a) or isnan(b))}


@dataclass(frozen=True)
class Judged:
    """The n pairs of a data set with all that decides about them, row by row.

    `scores` are those that a layout writes.
    """

    values: tuple[str, ...]
    gaps: FloatArray
    consistency: FloatArray
    kept: BoolArray
    flipped: BoolArray
    wanted: BoolArray
    min_norm: float
    scores: AnswerScores


@dataclass(frozen=True)
class Part:
    """Some pairs, and where they stand among the judged ones."""

    pairs: pa.Table
    judged: Judged
    rows: npt.NDArray[np.intp]


def kept_rows(part: Part) -> pa.Table:
    """Lay pairs out in TRL's explicit format; flips with their answers exchanged.

    Returns:
        Columns prompt, chosen and rejected, each a list of messages; rows as in `part`.
    """
    exchange = pa.array(part.judged.flipped[part.rows])
    chosen, rejected = part.pairs.column("chosen"), part.pairs.column("rejected")
    return pa.table(
        {
            "prompt": part.pairs.column("prompt"),
            "chosen": _as_messages(pc.if_else(exchange, rejected, chosen)),
            "rejected": _as_messages(pc.if_else(exchange, chosen, rejected)),
        }
    )


def laid_out_rows(
    part: Part, wanted: Layout, unsaid: Counter[str], *, as_csv: bool = False
) -> pa.Table:
    """Lay pairs out for another tool; flips with their answers exchanged.

    Args:
        part: The pairs.
        wanted: The layout.
        unsaid: Where the pairs that it cannot say are counted, by reason.
        as_csv: For CSV, which does not give every text back.

    Returns:
        The layout's columns, for the pairs that it can say.
    """
    rows, judged = [], part.judged
    for pair, place in zip(part.pairs.to_pylist(), part.rows.tolist(), strict=True):
        exchange = bool(judged.flipped[place])
        sides = ("rejected", "chosen") if exchange else ("chosen", "rejected")
        scores = judged.scores.of(place, exchange=exchange)
        chosen, rejected = (pair[side] for side in sides)
        try:
            said = lay_out(Pair(pair["prompt"], chosen, rejected, scores), wanted)
            if as_csv and not all(map(is_csv_row, said)):
                raise RowFault("layout", "", "a text that CSV does not give back as it is")
        except RowFault as fault:
            unsaid[f"{fault.column}: {fault.reason}" if fault.column else fault.reason] += 1
        else:
            rows += said
    return pa.Table.from_pylist(rows, schema=wanted.schema(judged.scores.names))


def explained_rows(part: Part) -> pa.Table:
    """Lay pairs out as they were labelled, with what decided about them.

    Returns:
        The columns of `kept_rows`, then id, side (kept, flipped or dropped), consistency,
        `gap_<value>` per value in sigmas, and the reason in words.
    """
    judged, rows = part.judged, part.rows
    gaps = judged.gaps[rows]
    kept = judged.kept[rows]
    sides = np.where(kept, "kept", np.where(judged.flipped[rows], "flipped", "dropped"))
    reasons = [
        keep_reason(
            dict(zip(judged.values, gap, strict=True)), kept=bool(keep), min_norm=judged.min_norm
        )
        for gap, keep in zip(gaps.tolist(), kept, strict=True)
    ]
    columns = {
        "prompt": part.pairs.column("prompt"),
        "chosen": _as_messages(part.pairs.column("chosen")),
        "rejected": _as_messages(part.pairs.column("rejected")),
        "id": part.pairs.column("id"),
        "side": pa.array(sides.tolist(), type=pa.string()),
        "consistency": pa.array(judged.consistency[rows]),
        **{f"gap_{value}": pa.array(gaps[:, k]) for k, value in enumerate(judged.values)},
        "reason": pa.array(reasons, type=pa.string()),
    }
    return pa.table(columns)


def _as_messages(answers: pa.ChunkedArray) -> pa.ListArray:
    """Each answer as a list of one assistant message."""
    content = pa.concat_arrays(answers.chunks) if answers.num_chunks else pa.array([], pa.string())
    role = pa.array(["assistant"] * len(content), type=pa.string())
    turns = pa.StructArray.from_arrays([role, content], fields=list(_MESSAGES.value_type))
    return pa.ListArray.from_arrays(pa.array(range(len(content) + 1), pa.int32()), turns, _MESSAGES)

"""Answers with ratings of several aspects -> one data set of pairs per aspect.

| format | columns | a pair |
|---|---|---|
| UltraFeedback | instruction, completions[{response, annotations{aspect{Rating}}, ...}] | a row |
| HelpSteer | prompt, response and its five attributes from 0 to 4 | rows of a prompt |
| Nectar | prompt, answers[{answer, rank}], the first rank is the best | a row |

Of an aspect, the best rated answer is chosen and the worst rated one rejected, the first of equals;
where both have the same rating, there is a tie. HelpSteer keeps one answer a row: rows that follow
each other with the same prompt belong together (in our own exports those with the same `pair_id`),
and those between best and worst are reported. All ratings of both answers come along as scores.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import groupby, islice

from vcsoup.preferences.pair_format import Cells, Joined, Pair, PairFormat, Scores
from vcsoup.preferences.rows import NumberedRow
from vcsoup.preferences.turns import (
    RowFault,
    read_marked_prompt,
    read_number,
    read_prompt,
    read_text,
)

ATTRIBUTES = ("helpfulness", "correctness", "coherence", "complexity", "verbosity")
OVERALL = ("overall_score", "fine-grained_score")
_RANKED = {"answer", "rank"}
_ENOUGH_ROWS = 2_000
Ratings = Mapping[str, float]


def ultrafeedback(rows: Iterable[Cells]) -> PairFormat | None:
    """UltraFeedback as it was published; None when no completion has a rating."""
    aspects: dict[str, None] = {}
    for row in islice(rows, _ENOUGH_ROWS):
        for completion in _objects(row.get("completions")):
            aspects |= dict.fromkeys(_ratings(completion))
    return replace(ULTRAFEEDBACK, aspects=tuple(aspects)) if aspects else None


def helpsteer(columns: Iterable[str]) -> PairFormat:
    """HelpSteer and HelpSteer2: the aspects are the attributes that are there."""
    return replace(HELPSTEER, aspects=tuple(name for name in ATTRIBUTES if name in set(columns)))


def nectar(rows: Iterable[Cells]) -> PairFormat | None:
    """Nectar, or None when no answer has a rank."""
    early = islice(rows, _ENOUGH_ROWS)
    answers = (entry for row in early for entry in _objects(row.get("answers")))
    return NECTAR if any(entry.keys() >= _RANKED for entry in answers) else None


def _objects(cell: object) -> list[Cells]:
    return [entry for entry in cell if isinstance(entry, dict)] if isinstance(cell, list) else []


def _ratings(completion: Cells) -> Ratings:
    """The ratings of a completion by aspect; "N/A" and the like are none."""
    found: dict[str, object] = {}
    annotations = completion.get("annotations")
    if isinstance(annotations, dict):
        rated = {name: entry for name, entry in annotations.items() if isinstance(entry, dict)}
        found |= {name: entry.get("Rating") for name, entry in rated.items()}
    found |= {name: completion.get(name) for name in OVERALL}
    ratings = {}
    for name in found:
        with suppress(RowFault):
            ratings[name] = read_number(found, name)
    return ratings


def _completed(row: Cells, aspect: str) -> Pair:
    prompt = read_prompt(row, "instruction")
    rated = [(_ratings(completion), completion) for completion in _objects(row.get("completions"))]
    rated = [entry for entry in rated if aspect in entry[0]]
    if len(rated) < 2:
        raise RowFault("one-sided", "completions", f"{len(rated)} of 2 answers rated for {aspect}")
    best = max(rated, key=lambda entry: entry[0][aspect])
    worst = min(rated, key=lambda entry: entry[0][aspect])
    if best[0][aspect] == worst[0][aspect]:
        raise RowFault("tie", "completions", f"every answer has the {aspect} {best[0][aspect]:g}")
    sides = (read_text(entry[1], "response", at="completions") for entry in (best, worst))
    chosen, rejected = (side.strip() for side in sides)
    return Pair(prompt, chosen, rejected, _both(best[0], worst[0]))


def _ranked(row: Cells) -> Pair:
    prompt = read_prompt(row)
    answers = _objects(row.get("answers"))
    if len(answers) < 2:
        raise RowFault("one-sided", "answers", f"{len(answers)} of 2 answers with a rank")
    ranks = [read_number({"answers": entry.get("rank")}, "answers") for entry in answers]
    best, worst = (ranks.index(rank) for rank in (min(ranks), max(ranks)))
    if best == worst:
        raise RowFault("tie", "answers", f"every answer has the rank {ranks[0]:g}")
    sides = (read_text(answers[place], "answer", at="answers") for place in (best, worst))
    chosen, rejected = (side.strip() for side in sides)
    return Pair(prompt, chosen, rejected)


def _both(better: Ratings, worse: Ratings) -> Scores:
    return {name: (better[name], worse[name]) for name in better if name in worse}


def _same_prompt(rows: Sequence[NumberedRow], aspect: str) -> list[Joined]:
    """Rows of one prompt, the best and the worst of them together."""
    sound = [row for row in rows if not row.fault and _fault(row, aspect) is None]
    alone = [row for row in rows if row.fault]
    alone += [fault for row in rows if not row.fault and (fault := _fault(row, aspect))]
    units = [Joined((row.number,), row) for row in alone]
    for _, same in groupby(sound, key=_prompt_key):
        units += _best_and_worst(list(same), aspect)
    return sorted(units, key=lambda unit: unit.numbers)


def _prompt_key(row: NumberedRow) -> str:
    """What the rows of one prompt share; nothing when the cell is nested beyond all measure."""
    try:
        return repr((row.cells.get("prompt"), row.cells.get("pair_id")))
    except RecursionError:
        return str(row.number)


def _fault(row: NumberedRow, aspect: str) -> NumberedRow | None:
    """The row with what is wrong about its rating or answer; None when nothing is."""
    try:
        read_number(row.cells, aspect)
        read_text(row.cells, "response")
    except RowFault as fault:
        return NumberedRow(row.number, {}, fault.reason, fault.column)
    return None


def _best_and_worst(rows: Sequence[NumberedRow], aspect: str) -> list[Joined]:
    if len(rows) == 1:
        return [_unpaired(rows[0], "no other answer to this prompt beside it")]
    best = max(rows, key=lambda row: read_number(row.cells, aspect))
    worst = min(rows, key=lambda row: read_number(row.cells, aspect))
    if worst is best:  # all are equal
        worst = rows[1]
    cells = {"better": best.cells, "worse": worst.cells}
    taken = sorted((best.number, worst.number))
    pair = Joined(tuple(taken), NumberedRow(taken[0], cells))
    why = f"neither the highest nor the lowest {aspect} of {len(rows)} answers"
    return [pair, *(_unpaired(row, why) for row in rows if row.number not in taken)]


def _unpaired(row: NumberedRow, why: str) -> Joined:
    return Joined((row.number,), NumberedRow(row.number, {"unpaired": why}))


def _answered(unit: Cells, aspect: str) -> Pair:
    if "unpaired" in unit:
        raise RowFault("unpaired", "", unit["unpaired"])
    better, worse = unit["better"], unit["worse"]
    prompt = read_marked_prompt(better)
    rating = read_number(better, aspect)
    if rating == read_number(worse, aspect):
        raise RowFault("tie", aspect, f"both answers have the {aspect} {rating:g}")
    chosen, rejected = (read_text(row, "response").strip() for row in (better, worse))
    return Pair(prompt, chosen, rejected, _both(_attributes(better), _attributes(worse)))


def _attributes(row: Cells) -> Ratings:
    found = {}
    for name in ATTRIBUTES:
        with suppress(RowFault):
            found[name] = read_number(row, name)
    return found


ULTRAFEEDBACK = PairFormat("UltraFeedback", _completed, aspects=OVERALL)
HELPSTEER = PairFormat(
    "HelpSteer", _answered, aspects=ATTRIBUTES, join=_same_prompt, rows_per_pair=2
)
NECTAR = PairFormat("Nectar", _ranked)

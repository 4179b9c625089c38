"""Why a pair is kept or dropped, in words: for the pages and for exports of dropped pairs.

Pure: gaps in, a phrase out. What keeps a pair is decided in `vcsoup.filtering`.
"""

import math
from collections.abc import Mapping

from vcsoup.numbers import SIGMA, plain, signed

_QUIET = 0.05  # gaps closer to zero than this speak for neither answer


def keep_reason(gaps: Mapping[str, float], *, kept: bool, min_norm: float = 0.0) -> str:
    """Say in one phrase which values carried the decision about a pair.

    Args:
        gaps: Gap per value in standard deviations; positive prefers the chosen answer.
        kept: Whether the filter keeps the pair.
        min_norm: The filter's least length of the gap vector; a dropped pair below it is weak
            evidence, whatever its values say.

    Returns:
        A phrase without a full stop.

    Example:
        >>> phrase = keep_reason({"helpful": 2.1, "harmless": -1.8}, kept=False)
        >>> phrase.encode("ascii", "replace").decode()
        'harmless ?1.80 ? against helpful +2.10 ?'
        >>> keep_reason({"helpful": 0.9, "harmless": 1.2}, kept=True)
        'both values agree'
        >>> keep_reason({"helpful": 0.2, "harmless": 0.1}, kept=False, min_norm=0.5)
        'weak evidence: norm 0.22 below 0.50'
    """
    if not kept and (norm := math.sqrt(sum(gap * gap for gap in gaps.values()))) < min_norm:
        return _weak(norm, min_norm)
    against = {value: gap for value, gap in gaps.items() if gap < -_QUIET}
    in_favour = {value: gap for value, gap in gaps.items() if gap > _QUIET}
    everyone = "both values" if len(gaps) == 2 else f"all {len(gaps)} values"
    if not against and not in_favour:
        return "no value prefers either answer"
    if not in_favour:
        who = everyone if len(against) == len(gaps) else _named(against)
        return f"{who} prefer{_s(against)} the rejected answer: the label may be flipped"
    if not against:
        return _agreement(gaps, in_favour, everyone, kept=kept)
    return _conflict(in_favour, against, kept=kept)


def _weak(norm: float, least: float) -> str:
    decimals = next((d for d in range(2, 7) if plain(norm, d) != plain(least, d)), 7)
    return f"weak evidence: norm {plain(norm, decimals)} below {plain(least, decimals)}"


def _agreement(
    gaps: Mapping[str, float], in_favour: Mapping[str, float], everyone: str, *, kept: bool
) -> str:
    strongest = max(in_favour, key=lambda value: in_favour[value])
    if not kept:
        weakest = min(gaps, key=lambda value: gaps[value])
        return f"lopsided: {_gap(strongest, gaps)}, {_gap(weakest, gaps)}"
    if len(in_favour) == len(gaps):
        return f"{everyone} agree"
    return f"{_named(in_favour)} agree{_s(in_favour)}, nothing against"


def _conflict(in_favour: Mapping[str, float], against: Mapping[str, float], *, kept: bool) -> str:
    up = max(in_favour, key=lambda value: in_favour[value])
    down = min(against, key=lambda value: against[value])
    if not kept:
        return f"{_gap(down, against)} against {_gap(up, in_favour)}"
    outweighed = sum(in_favour.values()) > -sum(against.values())
    if outweighed and in_favour[up] > -against[down]:
        return f"{_gap(up, in_favour)} outweighs {_gap(down, against)}"
    if outweighed and len(in_favour) > 1:
        return f"{_named(in_favour)} together outweigh {_gap(down, against)}"
    return f"{_gap(up, in_favour)} against {_gap(down, against)}"


def _gap(value: str, gaps: Mapping[str, float]) -> str:
    gap = gaps[value]
    return f"{value} {signed(gap) if abs(gap) > _QUIET else plain(abs(gap))} {SIGMA}"


def _named(values: Mapping[str, float]) -> str:
    return " and ".join(values)


def _s(values: Mapping[str, float]) -> str:
    return "s" if len(values) == 1 else ""

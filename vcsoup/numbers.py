"""How numbers read on the screens and in exports: one format per kind, so that columns line up."""

import math
from collections.abc import Sequence

THIN = "\N{NARROW NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"
SIGMA = "\N{GREEK SMALL LETTER SIGMA}"


def count(number: int) -> str:
    """A whole number with thousands separated.

    Example:
        >>> count(12000)
        '12,000'
    """
    return f"{number:,}".replace("-", MINUS)


def rough(number: float) -> str:
    """An estimated whole number: two leading digits, thousands separated.

    Example:
        >>> rough(19031)
        '19,000'
    """
    return count(int(float(f"{number:.2g}")))


def money(amount: float, digits: int = 2) -> str:
    """An amount of money to a few leading digits, never with an exponent.

    Example:
        >>> money(0.00247), money(153.4), money(1234.5, digits=4)
        ('0.0025', '150', '1,234')
    """
    rounded = float(f"{amount:.{digits}g}")
    if rounded >= 10 ** (digits - 1):
        return count(int(rounded))
    return f"{rounded:.12f}".rstrip("0").rstrip(".")


def share(part: float, decimals: int = 1) -> str:
    """A share as a percentage.

    Example:
        >>> share(0.642).replace(THIN, " ")
        '64.2 %'
    """
    return f"{part * 100:.{decimals}f}{THIN}%"


def signed(number: float, decimals: int = 2) -> str:
    """A number that always shows its sign; an en dash when there is none to show.

    Example:
        >>> signed(0.5), signed(float("nan")) == DASH
        ('+0.50', True)
    """
    if math.isnan(number):
        return DASH
    return f"{round(number, decimals) + 0.0:+.{decimals}f}".replace("-", MINUS)


def decimals_of(width: float) -> int:
    """How many decimals a figure needs whose interval is that wide: 2 to 4.

    Example:
        >>> [decimals_of(width) for width in (3.0, 0.2, 0.04, 0.002, 0.0)]
        [2, 2, 3, 4, 4]
    """
    return min(4, max(2, math.ceil(-math.log10(width)) + 1)) if width > 0 else 4


def plain(number: float, decimals: int = 2) -> str:
    """A number with fixed decimals and a true minus sign.

    Example:
        >>> plain(0.3)
        '0.30'
    """
    if math.isnan(number):
        return DASH
    return f"{round(number, decimals) + 0.0:.{decimals}f}".replace("-", MINUS)


def duration(seconds: float) -> str:
    """A time span as people say it.

    Example:
        >>> duration(8.2), duration(95), duration(7300)
        ('8 s', '1 min 35 s', '2 h 1 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def minute(moment: str) -> str:
    """A stored moment, to the minute.

    Example:
        >>> minute("2026-11-23T09:05:59.000+00:00")
        '2026-11-23 09:05 UTC'
    """
    return f"{moment[:16].replace('T', ' ')} UTC"


def plural(number: int, noun: str) -> str:
    """A count with its noun.

    Example:
        >>> plural(1, "pair"), plural(2, "pair")
        ('1 pair', '2 pairs')
    """
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def listed(names: Sequence[str]) -> str:
    """Join one or more names in a sentence.

    Example:
        >>> listed(["helpful", "harmless", "humorous"]), listed(["helpful"])
        ('helpful, harmless and humorous', 'helpful')
    """
    first, last = ", ".join(names[:-1]), names[-1]
    return f"{first} and {last}" if first else last


def memory(size: float) -> str:
    """Bytes as people say them.

    Example:
        >>> memory(13.5 * 2**30), memory(3 * 2**20), memory(300)
        ('13.5 GiB', '3 MiB', '1 KiB')
    """
    if size >= 2**30:
        return f"{size / 2**30:,.1f} GiB"
    unit, name = (2**20, "MiB") if size >= 2**20 else (2**10, "KiB")
    return f"{math.ceil(size / unit):,} {name}"

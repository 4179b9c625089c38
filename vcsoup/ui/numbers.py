"""The number formats of `vcsoup.numbers`, as the screens import them."""

from vcsoup.numbers import DASH, MINUS, SIGMA, THIN, count, duration, plain, plural, share, signed

__all__ = [
    "DASH",
    "MINUS",
    "SIGMA",
    "THIN",
    "count",
    "duration",
    "plain",
    "plural",
    "share",
    "signed",
]

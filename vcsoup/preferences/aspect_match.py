"""Which of a file's preferences is likely about which value, told from their names. Pure."""

from collections.abc import Sequence
from difflib import get_close_matches

_SAME = {"better": "helpful", "safer": "harmless", "helpfulness": "helpful", "honesty": "honest"}


def matches(aspects: Sequence[str], values: Sequence[str]) -> dict[str, str]:
    """Guess which preference is about which value; values without a likely one are left out.

    Upper and lower case count alike; a preference with the value's own name comes first.

    Example:
        >>> matches(("better", "safer"), ("helpful", "harmless", "brief"))
        {'helpful': 'better', 'harmless': 'safer'}
        >>> matches(("Helpfulness", "verbosity"), ("helpful", "concise"))
        {'helpful': 'Helpfulness'}
        >>> matches(("better", "Helpful"), ("helpful",))
        {'helpful': 'Helpful'}
    """
    plain = {aspect: aspect.casefold() for aspect in aspects}
    found: dict[str, str] = {}
    for value in values:
        own = [aspect for aspect in aspects if plain[aspect] == value]
        known = own or [aspect for aspect in aspects if _SAME.get(plain[aspect]) == value]
        close = get_close_matches(value, plain.values(), n=1, cutoff=0.7)
        near = known or [aspect for aspect in aspects if plain[aspect] in close]
        if near and near[0] not in found.values():
            found[value] = near[0]
    return found

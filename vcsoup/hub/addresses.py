"""Addresses of the hub's pages, which people paste where an id is asked for."""

import re

_PAGE = (
    r"https?://(?:huggingface\.co|hf\.co)/{}([^?#]+?)"
    r"(?:/viewer(?:/[^?#]*)?|/tree/main)?/?(?:[?#].*)?"
)
_MODEL = re.compile(_PAGE.format(r"(?!datasets/|spaces/|docs/)"))
_DATA = re.compile(_PAGE.format("datasets/"))


def model_named(typed: str) -> str:
    """The id in the address of a model's page; any other text as it stands.

    A page of one file or of another revision means more than an id, so it stays as it is too.

    Example:
        >>> model_named("https://huggingface.co/org/judge/tree/main"), model_named("org/judge")
        ('org/judge', 'org/judge')
    """
    return _named(_MODEL, typed)


def data_named(typed: str) -> str:
    """The same for a data set.

    Example:
        >>> data_named("https://huggingface.co/datasets/org/pairs/viewer?p=2")
        'org/pairs'
    """
    return _named(_DATA, typed)


def _named(page: re.Pattern[str], typed: str) -> str:
    found = page.fullmatch(typed)
    return found[1] if found and found[1].count("/") < 2 else typed

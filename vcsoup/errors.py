"""Every error that a user can cause, as a one-line message.

A message says what was expected, what came and where, and what to do about it. The command line
prints it and exits with status 2; the pages show it in a message box (`vcsoup.ui.shell`). Anything
that is not a `VcsoupError` is a fault of ours and stays loud.

Each class also inherits the builtin that fits, so library users can catch `ValueError` as usual.
"""

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from vcsoup.numbers import plural

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from pydantic import ValidationError

# Entries that may hold a secret by mistake; messages never repeat what came there.
_SECRET = re.compile(r"(?:^|[._-])(?:key|key_env|token|secret|password|authorization|url)$", re.I)


# By these pydantic tells the kinds apart that one entry may be of, last in a fault's place.
_KIND = re.compile(r"(?:constrained-)?(?:int|float|str|bool)|literal\[.*\]")

_EXPECTED: Mapping[str, str] = {
    "finite_number": "a finite number",
    "float_type": "a number",
    "float_parsing": "a number",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "path_type": "a path",
    "json_invalid": "JSON",
}
"""What pydantic wants, by its name for the fault."""
_BOUNDS: Mapping[str, tuple[str, str]] = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}
"""How a bound is said, and where pydantic tells it."""


class Fault(NamedTuple):
    """What is wrong with one entry of a record: its place ("" for the whole), what came, why."""

    where: str
    came: Any
    reason: str


def first_fault(error: "ValidationError") -> Fault:
    """Return the first thing that pydantic found wrong.

    Of an entry that may be one of several kinds, what each of them expects.
    """
    faults = error.errors()
    first, place = faults[0], faults[0]["loc"]
    reasons = [reason_of(first)]
    if len(place) > 1 and _KIND.fullmatch(str(place[-1])):
        place = place[:-1]
        beside = [fault for fault in faults[1:] if fault["loc"][:-1] == place]
        reasons += [reason_of(fault).removeprefix("expected ") for fault in beside]
    where = ".".join(str(part) for part in place)
    came = "(not shown)" if _SECRET.search(where) else first.get("input")
    return Fault(where, came, " or ".join(reasons))


def reason_of(fault: Mapping[str, Any]) -> str:
    """What was expected, in our words, of one entry of `ValidationError.errors()`.

    Example:
        >>> reason_of({"type": "greater_than_equal", "ctx": {"ge": 1}, "msg": "Input should be.."})
        'expected at least 1'
    """
    kind, about = fault["type"], fault.get("ctx", {})
    if kind in _EXPECTED:
        return f"expected {_EXPECTED[kind]}"
    if kind in _BOUNDS:
        word, bound = _BOUNDS[kind]
        nan = isinstance(fault.get("input"), float) and math.isnan(fault["input"])
        limit = about[bound]
        told = str(limit) if isinstance(limit, int) else f"{limit:g}"
        return f"expected {'a number, ' if nan else ''}{word} {told}"
    if kind in ("literal_error", "enum"):
        return f"expected {about['expected']}"
    if kind == "extra_forbidden":
        return "there is no such entry"
    if kind == "missing":
        return "it is missing"
    if kind == "too_short":
        return (
            f"expected at least {plural(about['min_length'], 'item')}, got {about['actual_length']}"
        )
    if kind == "too_long":
        return (
            f"expected at most {plural(about['max_length'], 'item')}, got {about['actual_length']}"
        )
    if kind == "string_too_short":
        return f"expected text of at least {plural(about['min_length'], 'character')}"
    if kind == "string_too_long":
        return f"expected text of at most {plural(about['max_length'], 'character')}"
    if kind in ("tuple_type", "list_type"):
        return "expected a list, such as [a, b]"
    if kind in ("dict_type", "mapping_type", "model_type"):
        return "expected `name: value` entries"
    if kind == "string_pattern_mismatch" and "[a-z0-9-]" in about["pattern"]:
        return "use a-z, 0-9 and '-' only, a letter or digit first, at most 40 characters"
    return str(fault["msg"]).removeprefix("Value error, ")


class VcsoupError(Exception):
    """A problem that the user can mend; its message is fit to be shown as it is."""


class GapShapeError(VcsoupError, ValueError):
    """Rewards or gaps of a wrong shape, or with an entry that is not a finite number."""


class EqualRewardsError(GapShapeError):
    """A judge that gives all answers of some pairs the same reward.

    Attributes:
        judge: The value that it judges, or that value's place.
    """

    def __init__(self, message: str, judge: str) -> None:
        super().__init__(message)
        self.judge = judge


class FilterError(VcsoupError, ValueError):
    """A filter of pairs that is out of range or contradicts itself."""


class UnknownValueError(VcsoupError, ValueError):
    """A value name that the project does not have."""


class WeightsError(VcsoupError, ValueError):
    """Soup weights that are off the simplex, of the wrong length or not finite."""


class PreferenceFormatError(VcsoupError, ValueError):
    """A file that holds no preference pairs, or rows that cannot be read as pairs."""


class RewardModelError(VcsoupError, ValueError):
    """A reward model that cannot be loaded or does not fit its specification."""


class UnscoredRepliesError(RewardModelError):
    """Replies that a judge gave no usable score; the others' scores come along.

    Attributes:
        rewards: Of all replies, nan where there is none.
    """

    def __init__(self, message: str, rewards: "npt.NDArray[np.float32]") -> None:
        super().__init__(message)
        self.rewards = rewards


class BaseModelError(VcsoupError, ValueError):
    """A base model that cannot be found, loaded or used, or settings that do not fit it."""


class ChatTemplateError(VcsoupError, ValueError):
    """A conversation that a model's chat template refuses."""


class AdapterError(VcsoupError, ValueError):
    """An adapter that cannot be merged exactly, or that belongs to another base model."""


class TrainingError(VcsoupError, ValueError):
    """A training configuration or data set that cannot be trained on."""


class WorkspaceError(VcsoupError, ValueError):
    """A name or record that the workspace cannot accept."""


class ProjectFileError(VcsoupError, ValueError):
    """A project file that is no YAML, or that asks for something that cannot be."""


class NotFoundError(VcsoupError, FileNotFoundError):
    """Something that was asked for by name and does not exist."""


class HubError(VcsoupError, OSError):
    """The hub refused: gated, private, missing, or not in a form that can be read."""


class HubUnreachableError(HubError):
    """The hub did not answer at all; a copy on this machine may do."""


class JobError(VcsoupError, RuntimeError):
    """A job that cannot be started or stopped."""


class EngineError(VcsoupError, RuntimeError):
    """The engine is not reachable or refused a request."""


class EngineGoneError(EngineError):
    """The engine does not answer at all: it died, or is not up yet. Starting it anew may help."""


class EngineBusyError(EngineError):
    """The engine has as much work as it takes; later it will take more."""


class PortBusyError(VcsoupError, OSError):
    """A port that another program listens on."""

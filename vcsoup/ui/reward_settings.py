"""How a judge is asked, as widgets made from the fields of `RewardSpec`.

The help of every widget is the field's own description. The widgets show the entries of a record to
start from; another record shows in new widgets (`key`), so that no earlier entry lingers.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

import streamlit as st

from vcsoup.preferences.rows import readable
from vcsoup.rewards.spec import RewardSpec

Known = Mapping[str, Sequence[str]]

FIRST = ("label", "sign", "template")
MORE = ("max_length", "pad_side", "special_tokens", "loader", "output", "trust_remote_code")
_IN_A_ROW = 3
_PLACES = {"criterion": 2}  # of a row, where a field takes more than one
_LABELS = {
    "label": "Label (which output)",
    "sign": "Sign",
    "template": "Template",
    "max_length": "Max length in tokens",
    "pad_side": "Pad short rows on the",
    "special_tokens": "Special tokens",
    "loader": "Where the head lies",
    "output": "Field of the output",
    "trust_remote_code": "Run the model's own code",
    "unit": "Counted in",
    "column": "Scores in the data",
    "pattern": "Regular expression",
    "url": "Address",
    "model": "Model",
    "key_env": "Environment variable of the key",
    "criterion": "What is scored, in words",
    "input_price": "Price of a million tokens sent",
    "output_price": "Price of a million tokens answered",
    "most_cost": "Most that a run may cost",
    "requests_per_minute": "Most requests in a minute",
    "at_once": "Requests at once",
    "timeout": "Seconds to wait for an answer",
    "answer_tokens": "Longest answer in tokens",
}
_HELP = {
    "model": "The name that the server knows the model by.",
    "unit": "Whether words or characters of the reply are counted.",
}
_EXAMPLES = {
    "url": "https://api.openai.com/v1",
    "model": "gpt-4.1-mini",
    "key_env": "OPENAI_API_KEY",
    "criterion": "how friendly the reply is, without flattering",
    "pattern": r"\b(sorry|please)\b",
    "input_price": "unknown",
    "output_price": "unknown",
    "most_cost": "no limit",
    "requests_per_minute": "no limit",
}
"""What an empty field shows."""
_WORDS: Mapping[str, Mapping[Any, str]] = {
    "sign": {1: "larger is better", -1: "larger is worse"},
    "template": {
        "chat": "the model's chat template",
        "pair": "question, answer",
        "reply_pair": "answer, question",
        "hh": "hh-rlhf dialogue",
        "beaver": "beaver conversation",
        "response": "the reply alone",
        "reversed": "reply first, then prompt",
    },
    "special_tokens": {
        "auto": "written once",
        "add": "always added",
        "none": "never added",
    },
    "loader": {"classifier": "sequence classifier", "score_head": "safe-rlhf score head"},
}


def settings(
    start: RewardSpec, names: Iterable[str], *, key: str, known: Known | None = None
) -> dict[str, Any]:
    """Show some fields of a record for editing.

    Args:
        start: What the widgets show first.
        names: Which fields, in order.
        key: Prefix of the widgets' keys; belongs to `start` alone.
        known: Entries to choose from, by field: the model's "label" names, the "column" names of
            scores that the data bring. Others can be typed.

    Returns:
        The fields as they stand on the screen.
    """
    found = {}
    for row in _rows(names):
        places = [_PLACES.get(name, 1) for name in row]
        free = [1] * (_IN_A_ROW - sum(places))
        for column, name in zip(st.columns([*places, *free]), row, strict=False):
            with column:
                among = (known or {}).get(name, ())
                if name == "label":
                    found[name] = _output(start, key, among)
                elif among:
                    found[name] = _one_of(name, start, key, among)
                else:
                    found[name] = _field(name, start, key)
    return found


def _rows(names: Iterable[str]) -> list[list[str]]:
    """Put fields into rows, as many as have room."""
    rows: list[list[str]] = []
    free = 0
    for name in names:
        taken = _PLACES.get(name, 1)
        if taken > free:
            rows.append([])
            free = _IN_A_ROW
        rows[-1].append(name)
        free -= taken
    return rows


def label_of(name: str) -> str:
    """Write a field's name for people.

    Example:
        >>> label_of("pad_side"), label_of("max_length")
        ('Pad short rows on the', 'Max length in tokens')
    """
    return _LABELS.get(name, name.replace("_", " ").capitalize())


def words_of(name: str, entry: Any) -> str:
    """Write an entry of a field for people.

    Example:
        >>> words_of("sign", -1), words_of("pad_side", "left")
        ('larger is worse', 'left')
    """
    return _WORDS.get(name, {}).get(entry, str(entry))


def _field(name: str, start: RewardSpec, key: str) -> Any:
    field, usual = RewardSpec.model_fields[name], getattr(start, name)
    common: dict[str, Any] = {
        "label": label_of(name),
        "key": f"{key}_{name}",
        "help": _help(name),
        "persist_state": "session",
    }
    example = _EXAMPLES.get(name)
    if get_origin(field.annotation) is Literal:
        options = list(get_args(field.annotation))
        shown: dict[str, Any] = {"options": options, "index": options.index(usual)}
        return st.selectbox(**common, **shown, format_func=lambda entry: words_of(name, entry))
    if isinstance(usual, bool):
        return st.checkbox(**common, value=usual)
    numbers = {int, float} & {type(usual), *get_args(field.annotation)}
    if numbers:
        kind: dict[str, Any] = {"step": 1} if int in numbers else {"format": "%g"}
        return st.number_input(**common, placeholder=example, value=usual, **kind)
    return st.text_input(**common, placeholder=example, value=usual or "").strip() or field.default


def _help(name: str) -> str:
    """A field's description, without the kind that it belongs to."""
    told = _HELP.get(name) or RewardSpec.model_fields[name].description or ""
    told = re.sub(r"^kind '\w+': ", "", told)
    return told[:1].upper() + told[1:]


def _one_of(name: str, start: RewardSpec, key: str, among: Sequence[str]) -> str:
    """Choose one of the known entries, or type another."""
    usual = getattr(start, name)
    options = list(dict.fromkeys([*among, *([usual] if usual else [])]))
    chosen: str | None = st.selectbox(
        label_of(name),
        options,
        index=options.index(usual) if usual else None,
        key=f"{key}_{name}",
        help=_help(name),
        placeholder="choose",
        format_func=readable,
        accept_new_options=True,
        persist_state="session",
    )
    return (chosen or "").strip()


def _output(start: RewardSpec, key: str, labels: Sequence[str]) -> int | str:
    """Choose a model's output by name, or the difference of two; others are typed as a number."""
    places: list[int | str] = list(range(max(1, len(labels))))
    places += ["diff"] if len(labels) in (0, 2) or start.label == "diff" else []
    places += [start.label] if start.label not in places else []
    words = {str(place): _output_words(place, labels) for place in places}
    chosen: str | None = st.selectbox(
        label_of("label"),
        list(words),
        index=places.index(start.label),
        key=f"{key}_label",
        help=f"{_help('label')} Another number may be typed.",
        format_func=lambda option: words.get(option, option),
        accept_new_options=True,
        persist_state="session",
    )
    said = (chosen or str(start.label)).strip()
    return int(said) if said.isdecimal() else said


def _output_words(place: int | str, labels: Sequence[str]) -> str:
    if place == "diff":
        one, other = labels if len(labels) == 2 else ("output 0", "output 1")
        return f"{other} minus {one}"
    named = labels[int(place)] if int(place) < len(labels) else ""
    return f"{place}: {named}" if named else f"output {place}"

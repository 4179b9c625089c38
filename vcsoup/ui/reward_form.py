"""The form that says what judges a value: a reward model and how it is asked, or a plain rule.

A known model brings its settings; any other one is asked as its configuration suggests. The same
form serves the Data page and the project wizard; it stores nothing but a consent.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

import streamlit as st

from vcsoup.errors import RewardModelError
from vcsoup.rewards.model_files import full_name, why_no_model
from vcsoup.rewards.presets import PRESETS, preset_spec
from vcsoup.rewards.spec import Kind, RewardSpec, reward_spec
from vcsoup.rewards.suggest import Suggestion
from vcsoup.ui import reward_consent
from vcsoup.ui.base_form import ask_revision
from vcsoup.ui.literal import literal, message
from vcsoup.ui.reward_settings import FIRST, MORE, label_of, settings
from vcsoup.ui.reward_suggestion import suggestion_for
from vcsoup.ui.shell import slot
from vcsoup.workspace import Workspace

Heard = Callable[[Mapping[str, Any]], None]

KINDS: Mapping[str, tuple[str, str]] = {
    "model": ("a reward model", "A sequence classifier reads prompt and reply and gives a number."),
    "column": (
        "scores in the data",
        "The pairs bring scores of both answers; soups need another judge, for they answer anew.",
    ),
    "length": ("length of the reply", "Words or characters; useful beside a learned judge."),
    "readability": ("reading ease", "Flesch reading ease of the reply; for English."),
    "pattern": ("a regular expression", "How often the reply matches."),
    "refusal": ("refusal", "1 when the reply begins by refusing, else 0."),
    "endpoint": (
        "a judge behind an endpoint",
        "A language model on an OpenAI-compatible server scores replies by a criterion in words.",
    ),
}
"""Every kind of judge: its name for people, and one sentence about it."""
_RULE_FIELDS = {"length": ("unit",), "pattern": ("pattern",), "column": ("column",)}
_ASKED = ("url", "model", "key_env", "criterion", "sign")
_LIMITS = ("input_price", "output_price", "most_cost", "requests_per_minute", "at_once")
_KNOWN, _OWN = "a known model", "a folder or hub id"
_UNNAMED = {
    _KNOWN: f"Choose one whose way of asking is known; of any other one, name {_OWN}.",
    _OWN: "Name a folder that holds a model, or a model of the hub such as org/model.",
}


def reward_form(
    key: str,
    workspace: Workspace,
    *,
    value: str,
    start: RewardSpec | None,
    columns: Sequence[str] = (),
    heard: Heard = lambda _: None,
) -> RewardSpec | None:
    """Draw the form for one value.

    Args:
        key: Prefix of the widgets' keys; take another one when `start` becomes another.
        workspace: Keeps the consents to run models' own code.
        value: The value to be judged.
        start: What the form shows first; None for a new judge.
        columns: Names of the scores that the data bring, to choose from.
        heard: Called with what is filled in, fields of `RewardSpec`, where it makes no judge yet.

    Returns:
        The judge as it stands on the screen; None while something is missing or wrong, which the
        form says.
    """
    kinds = [kind for kind in get_args(Kind) if kind in KINDS]
    kind = st.selectbox(
        f"What judges {literal(value)}",
        kinds,
        index=kinds.index(start.kind) if start else 0,
        key=f"{key}_kind",
        help="Larger rewards mean more of the value. Models judge best; rules cost nothing.",
        format_func=lambda option: KINDS[option][0],
        persist_state="session",
    )
    st.caption(KINDS[kind][1])
    same = start if start is not None and start.kind == kind else None
    heard({"kind": kind})
    try:
        if kind == "model":
            return _model(key, workspace, same, heard)
        if kind == "endpoint":
            return _endpoint(key, workspace, same, heard)
        return _rule(key, kind, same, columns)
    except RewardModelError as error:
        st.warning(message(str(error)), icon=":material/warning:")
        return None


def _rule(
    key: str, kind: Kind, start: RewardSpec | None, columns: Sequence[str]
) -> RewardSpec | None:
    """A judge without a model."""
    names = _RULE_FIELDS.get(kind, ())
    blank = RewardSpec.model_construct(kind=kind)
    known = {"column": columns}
    found = settings(start or blank, (*names, "sign"), key=f"{key}_{kind}", known=known)
    if missing := [name for name in names if not found[name]]:
        st.caption(f"Fill in the {missing[0]} to go on.")
        return None
    return reward_spec(kind=kind, **found)


def _endpoint(
    key: str, workspace: Workspace, start: RewardSpec | None, heard: Heard
) -> RewardSpec | None:
    """A judge behind an OpenAI-compatible endpoint."""
    base = start or RewardSpec.model_construct(kind="endpoint")
    found = settings(base, _ASKED, key=f"{key}_endpoint")
    with st.expander("Cost and pace", icon=":material/payments:"):
        found |= settings(base, (*_LIMITS, "timeout", "answer_tokens"), key=f"{key}_endpoint")
    heard({name: entry for name, entry in found.items() if entry not in (None, "")})
    if missing := [label_of(name) for name in ("url", "model", "criterion") if not found[name]]:
        st.caption(f"Fill in to go on: {', '.join(missing)}.")
        return None
    spec = reward_spec(kind="endpoint", **found)
    reward_consent.ask(workspace, spec, key=key)
    return spec


def _model(
    key: str, workspace: Workspace, start: RewardSpec | None, heard: Heard
) -> RewardSpec | None:
    way = st.segmented_control(
        "Which model",
        [_KNOWN, _OWN],
        default=_KNOWN if start is None or start.model in PRESETS else _OWN,
        required=True,
        key=f"{key}_way",
        help="Known models are asked as their authors do; of any other one, its files suggest how.",
        persist_state="session",
    )
    left, right = st.columns([3, 2])
    with left:
        model = _named(key, way, start)
    with right:
        revision = ask_revision(key, start.revision if start else None)
    if not model:
        st.caption(_UNNAMED[way])
        return None
    named = (model, revision.strip() or None)
    saved = start if start and (start.model, start.revision) == named else None
    if saved is not None:  # its files may take long to be read, or be out of reach
        heard(saved.model_dump(mode="json"))
    spec = _asked(key, *named, saved)
    if spec is not None:
        reward_consent.ask(workspace, spec, key=key)
    return spec


def _named(key: str, way: str, start: RewardSpec | None) -> str:
    if way == _KNOWN:
        known = list(PRESETS)
        chosen = st.selectbox(
            "Known model",
            known,
            index=known.index(start.model) if start and start.model in known else None,
            key=f"{key}_known",
            placeholder="choose one",
            help="Downloaded from the hub when it is first used; of a copy, name the folder.",
            persist_state="session",
        )
        return chosen or ""
    typed = st.text_input(
        "Folder or hub id",
        start.model if start and start.model not in PRESETS else "",
        key=f"{key}_own",
        placeholder="/models/judge or org/model",
        help="A sequence classifier of transformers, or safe-rlhf's models with a score head.",
        persist_state="session",
    )
    return full_name(typed) if typed.strip() else ""


def _asked(
    key: str, model: str, revision: str | None, saved: RewardSpec | None
) -> RewardSpec | None:
    """How a model is asked: from a record of it, or from what its files suggest."""
    if why := why_no_model(model):
        raise RewardModelError(why)
    notes = slot()
    with notes:
        told = suggestion_for(model, revision, key=f"{key}_told")
    if told is None:
        return None
    if not told.usable:
        raise RewardModelError(told.trouble)
    if told.trouble:
        said = f"{told.trouble}. Until then, say below how it is asked."
        notes.info(message(said), icon=":material/info:")
    form = f"{key}_{model}_{revision}"
    if saved and not st.session_state.get(f"{form}_anew"):
        base = saved
        if told.suggestion:
            notes.button(
                "Suggest from its configuration",
                key=f"{key}_suggest",
                icon=":material/auto_fix_high:",
                type="tertiary",
                on_click=lambda: st.session_state.update({f"{form}_anew": True}),
            )
    else:
        with notes:
            base = _suggested(form, told.suggestion) or preset_spec(model, revision=revision)
        form += "_suggested"
    labels = told.suggestion.labels if told.suggestion else ()
    return _settled(form, base, labels, several=len(getattr(told.suggestion, "heads", ())) > 1)


def _suggested(form: str, suggestion: Suggestion | None) -> RewardSpec | None:
    """The suggested record; of several heads, the one that is chosen."""
    if suggestion is None:
        return None
    why = "; ".join(suggestion.reasons)
    st.caption(f":material/auto_fix_high: Suggested: {literal(why, most=600)}.")
    if len(suggestion.heads) == 1:
        return suggestion.spec
    head = st.selectbox(
        "Which of its heads",
        list(suggestion.heads),
        key=f"{form}_head",
        help="A model with several heads can judge several values in one pass.",
        persist_state="session",
    )
    return suggestion.heads[head]


def _settled(form: str, base: RewardSpec, labels: Sequence[str], *, several: bool) -> RewardSpec:
    """The record with its settings as they stand on the screen."""
    form = f"{form}_{base.label}"
    first = [name for name in FIRST if not (several and name == "label")]
    rest = ["label", *MORE] if several else list(MORE)
    found = settings(base, first, key=form, known={"label": labels})
    with st.expander("More settings", icon=":material/tune:"):
        found |= settings(base, rest, key=form, known={"label": labels})
    return reward_spec(**{"model": base.model, "revision": base.revision, **found})

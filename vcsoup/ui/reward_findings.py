"""What the clinic found, on the screen: each finding with its level, what to do, a click for it.

A finding about a judge that was changed since says so, and one whose remedy was applied counts as
mended until the next check.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import streamlit as st

from vcsoup.numbers import plural
from vcsoup.rewards.findings import Finding, Level
from vcsoup.rewards.spec import RewardSpec, changed_spec
from vcsoup.ui import data_reading, reward_changes
from vcsoup.ui.literal import literal
from vcsoup.ui.runs_words import Colour
from vcsoup.ui.shell import shown_errors
from vcsoup.workspace import Project
from vcsoup.workspace.checkups import Checkup

Standing = Level | Literal["mended", "changed"]

_SETTINGS = {"label", "sign", "pad_side", "special_tokens"}  # what remedies set
_CHIPS: Mapping[Standing, tuple[Colour, str]] = {
    "fault": ("red", ":material/error:"),
    "warning": ("orange", ":material/warning:"),
    "note": ("blue", ":material/info:"),
    "ok": ("green", ":material/check_circle:"),
    "mended": ("green", ":material/build_circle:"),
    "changed": ("gray", ":material/update:"),
}


class Seen(NamedTuple):
    """A finding as it stands now."""

    finding: Finding
    standing: Standing


def seen_now(checkup: Checkup, project: Project) -> list[Seen]:
    """Return the findings of the last check with what they are worth now, the worst first."""
    judges = project.config.rewards
    changed = checkup.changed(judges, project.datasets())
    return [
        Seen(one, standing(one, checkup.judges, judges))
        if changed.intersection(_about(one))
        else Seen(one, one.level)
        for one in checkup.findings
    ]


def standing(
    finding: Finding, checked: Mapping[str, RewardSpec], present: Mapping[str, RewardSpec]
) -> Standing:
    """Say what a finding is worth after a change: a remedy may be applied, or still to be applied.

    Args:
        finding: What was found about a value that was changed since.
        checked: The judges that were looked at, by value.
        present: The judges now.

    Example:
        >>> found = Finding("fault", "sign", "kind", "orders 3%", fix={"sign": 1})
        >>> right = RewardSpec(model="org/rm")
        >>> wrong = right.model_copy(update={"sign": -1, "pad_side": "left"})
        >>> standing(found, {"kind": wrong}, {"kind": right})
        'mended'
        >>> standing(found, {"kind": wrong}, {"kind": wrong.model_copy(update={"label": 1})})
        'changed'
        >>> half = wrong.model_copy(update={"pad_side": "right"})
        >>> standing(found, {"kind": wrong}, {"kind": half})
        'fault'
    """
    then, now = checked.get(finding.value), present.get(finding.value)
    if then is None or now is None or not finding.fix:
        return "changed"
    if all(getattr(now, name) == entry for name, entry in finding.fix.items()):
        return "mended"
    differ = {name for name in RewardSpec.model_fields if getattr(then, name) != getattr(now, name)}
    touched = {"label", "sign"} if {"label", "sign"} & set(finding.fix) else set(finding.fix)
    apart = differ and differ <= _SETTINGS and not differ & touched
    return finding.level if apart else "changed"


def chip_of(project: Project, checkup: Checkup | None, value: str) -> tuple[str, Colour, str]:
    """Say in a word how a value's judge came out of the last check: text, colour, icon."""
    if checkup is None or value not in checkup.judges:
        return ("not checked", "gray", ":material/help:")
    if value in checkup.changed(project.config.rewards, project.datasets()):
        return ("changed since checked", *_CHIPS["changed"])
    seen = seen_now(checkup, project)
    about = [one.standing for one in seen if value in _about(one.finding)]
    for level in ("fault", "warning"):
        if level in about:
            return (plural(about.count(level), level), *_CHIPS[level])
    return ("sound", *_CHIPS["ok"])


def agreement_words(project: Project, checkup: Checkup | None, value: str) -> str:
    """Say how well a judge agrees with the labels of its own pairs; empty when not known."""
    if checkup is None or value in checkup.changed(project.config.rewards, project.datasets()):
        return ""
    for finding in checkup.findings:
        if finding.value == value and "agreement" in finding.figures:
            agreement, pairs = finding.figures["agreement"], finding.figures["pairs"]
            return f"Orders {agreement:.0%} of {plural(pairs, 'pair')} of its own as labelled."
    return ""


def show(project: Project, seen: Sequence[Seen]) -> None:
    """Show findings: those that ask for something first, the others folded."""
    open_ones = [one for one in seen if one.finding.level != "ok"]
    for place, one in enumerate(open_ones):
        _row(project, one, f"finding_{place}")
    passed = [one for one in seen if one.finding.level == "ok"]
    if passed:
        label = f"{plural(len(passed), 'check')} passed"
        with st.expander(label, icon=":material/check_circle:"):
            for place, one in enumerate(passed):
                _row(project, one, f"passed_{place}")


def fix_words(fix: Mapping[str, Any]) -> str:
    """Write what a click does.

    Example:
        >>> fix_words({"sign": -1}), fix_words({"label": "diff", "sign": 1})
        ('Turn the sign', 'Use output 1 minus 0, turn the sign')
    """
    told = ", ".join(_change_words(name, entry) for name, entry in fix.items())
    return told[:1].upper() + told[1:]


def _change_words(name: str, entry: object) -> str:
    match name, entry:
        case "sign", _:
            return "turn the sign"
        case "label", "diff":
            return "use output 1 minus 0"
        case "label", _:
            return f"use output {entry}"
        case "pad_side", _:
            return f"pad on the {entry}"
        case "special_tokens", "add":
            return "let the tokenizer write start tokens"
        case "special_tokens", _:
            return "write the start token once"
    return f"set {name} to {entry}"


def _about(finding: Finding) -> list[str]:
    return finding.value.split(" and ")


def _row(project: Project, one: Seen, key: str) -> None:
    finding, now = one
    colour, icon = _CHIPS[now]
    with st.container(border=now in ("fault", "warning"), gap="xsmall", key=key):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.badge(now, color=colour, icon=icon)
            st.markdown(f"**{literal(finding.value)}**, {finding.check}", width="stretch")
            if finding.fix and now == finding.level:
                _fix_button(project, finding, key)
        st.markdown(_sentence(finding.says))
        if now == "changed":
            st.caption("The judge or the pairs were changed since; check again.")
        elif now == "mended":
            st.caption("Its remedy was applied; check again to be sure.")
        elif finding.remedy:
            st.caption(f"What to do: {_sentence(finding.remedy, capital=False)}")
        _outliers(project, finding, key)


def _sentence(text: str, *, capital: bool = True) -> str:
    """A finding's words as a sentence, in Markdown; an address stays as it is."""
    capital = capital and not text.startswith("http")
    begun = text[:1].upper() + text[1:] if capital else text
    ended = begun.rstrip("'\"").endswith((".", "!", "?"))
    return literal(begun if ended else f"{begun}.", most=900)


def _fix_button(project: Project, finding: Finding, key: str) -> None:
    label = fix_words(finding.fix)
    if st.button(label, key=f"{key}_fix", icon=":material/build:"):
        with shown_errors():
            judge = changed_spec(project.config.rewards[finding.value], **finding.fix)
            told = f"Done for **{literal(finding.value)}**: {literal(label.lower())}."
            reward_changes.change(project, finding.value, judge, told=told)
            st.rerun()


def _outliers(project: Project, finding: Finding, key: str) -> None:
    named = finding.figures.get("farthest", [])
    if not named:
        return
    with st.container(horizontal=True, gap="small"):
        for place, answer in enumerate(named):
            if st.button(
                f"Read: {answer['side']}, {answer['reward']:.3g}",
                key=f"{key}_pair_{place}",
                icon=":material/article:",
                type="tertiary",
                help=f"The pair {answer['pair']} of {answer['value']}",
                disabled=answer["value"] not in project.datasets(),
            ):
                data_reading.open_pair(answer["value"], answer["pair"])
                st.rerun()

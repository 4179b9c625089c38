"""A file that does not say all: which of its preferences to take, or which columns hold what.

Shown between choosing a file and its preview. Where columns are named, the first rows show as they
are; every complete choice shows them as the pairs they would become.
"""

import json
from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st

from vcsoup.errors import PreferenceFormatError
from vcsoup.numbers import plural
from vcsoup.preferences.aspect_match import matches
from vcsoup.preferences.column_map import ColumnMap
from vcsoup.preferences.column_paths import column_paths, label_contents, written
from vcsoup.preferences.look import FileLook, FirstRow, first_rows
from vcsoup.preferences.pairs import prompt_text
from vcsoup.preferences.readers import Reading
from vcsoup.preferences.refusals import why_no_pairs
from vcsoup.preferences.rows import readable
from vcsoup.ui.literal import literal
from vcsoup.ui.shell import trying

_CUT, _FEW, _MOST_COLUMNS = 300, 3, 50
_SIDES = "Two columns hold the better and the worse answer"
_LABEL = "A column says which of two answers is better"
_NO_PROMPT = "(both answers begin with it)"
ROLES = {
    _SIDES: ("prompt", "chosen", "rejected"),
    _LABEL: ("prompt", "first", "second", "label", "first_if", "second_if"),
}
"""What is asked for, by how the answers are told apart."""


def key_of(project: str, value: str) -> str:
    """Return the prefix of the widgets' keys for a value of a project."""
    return f"choice_{project}_{value}"


def can_choose(look: FileLook) -> bool:
    """Tell whether a file that no format settles has something to choose from."""
    rows = [row for row in look.file.rows if row.cells]
    return len(look.aspects) > 1 or (not look.format and len(look.columns) > 1 and bool(rows))


def show(look: FileLook, project: str, value: str, *, source: str) -> Reading | None:
    """Ask what a file does not say, with its first rows as they would be read.

    Args:
        look: The beginning of the file.
        project: Name of the project.
        value: Whose pairs these become; a preference of its name is offered first.
        source: Where it comes from, for people.

    Returns:
        What was chosen; None while something is missing or no row would become a pair.
    """
    key, by_hand = key_of(project, value), True
    if look.aspects:
        st.markdown(
            f"**{literal(source, most=200)}**, read as {literal(look.format)}, holds "
            f"{len(look.aspects)} preferences. Each is a data set of its own."
        )
        by_hand = st.checkbox("Name the columns instead", key=f"{key}_by_hand")
        how = _choose_columns(look, key) if by_hand else _choose_aspect(look, value, key)
    else:
        st.markdown(
            f"**{literal(source, most=200)}** is in no format that is known here. Which columns "
            "hold what?"
        )
        if why := why_no_pairs(look.file):
            st.info(f"It seems that this file {literal(why)}.", icon=":material/info:")
        how = _choose_columns(look, key)
    if by_hand:
        _raw_rows(look, key)
    if how is None:
        return None
    if by_hand:
        st.caption("The same rows as the pairs they would become")
    shown = first_rows(look, how)
    preview(shown, key=key)
    return how if any(row.pair is not None for row in first_rows(look, how, most=200)) else None


def decided(how: Reading | None, *, key: str, discard: Callable[[], None]) -> Reading | None:
    """Offer to go on with what was chosen, or to discard the file.

    Args:
        how: What was chosen; None while something is missing.
        key: Ends the widgets' keys.
        discard: Forgets the file.

    Returns:
        What was chosen when it is time to go on; None before.
    """
    with st.container(horizontal=True, gap="small"):
        go = st.button(
            "Look through",
            type="primary",
            icon=":material/search:",
            key=f"settle_{key}",
            disabled=how is None,
        )
        st.button(
            "Discard",
            icon=":material/close:",
            key=f"unsettle_{key}",
            on_click=trying,
            args=(discard,),
        )
    return how if go else None


def _choose_aspect(look: FileLook, value: str, key: str) -> Reading:
    likely = matches(look.aspects, [value]).get(value, look.aspects[0])
    aspect = st.segmented_control(
        "Preference",
        list(look.aspects),
        default=likely,
        required=True,
        key=f"{key}_aspect",
        format_func=literal,
    )
    return Reading(aspect=aspect or likely)


def _choose_columns(look: FileLook, key: str) -> Reading | None:
    paths = column_paths(look.file)
    way = st.radio("How the answers are told apart", [_SIDES, _LABEL], key=f"{key}_way")
    if way == _SIDES:
        asked, better, worse = st.columns(3)
        prompt = _column(asked, "Prompt", [_NO_PROMPT, *paths], f"{key}_prompt")
        roles = {
            "chosen": _column(better, "Better answer", paths, f"{key}_chosen"),
            "rejected": _column(worse, "Worse answer", paths, f"{key}_rejected"),
        }
    else:
        prompt, roles = _choose_label(look, paths, key)
    if prompt is None or not all(roles.values()):
        return None
    named = {role: str(column) for role, column in roles.items()}
    try:
        asked_in = "" if prompt == _NO_PROMPT else prompt
        return Reading(columns=ColumnMap(prompt=asked_in, **named))
    except PreferenceFormatError as error:
        st.warning(literal(str(error)), icon=":material/warning:")
        return None


def _choose_label(
    look: FileLook, paths: Sequence[str], key: str
) -> tuple[str | None, dict[str, str | None]]:
    asked, one, other = st.columns(3)
    prompt = _column(asked, "Prompt", [_NO_PROMPT, *paths], f"{key}_prompt")
    roles = {
        "first": _column(one, "First answer", paths, f"{key}_first"),
        "second": _column(other, "Second answer", paths, f"{key}_second"),
    }
    says, when_first, when_second = st.columns(3)
    label = _column(says, "Says which is better", paths, f"{key}_label")
    contents = label_contents(look.file, label) if label else []
    roles |= {
        "label": label,
        "first_if": _column(when_first, "First is better at", contents, f"{key}_first_if"),
        "second_if": _column(when_second, "Second is better at", contents, f"{key}_second_if"),
    }
    return prompt, roles


def _column(
    place: st.delta_generator.DeltaGenerator, label: str, options: Sequence[str], key: str
) -> str | None:
    chosen: str | None = place.selectbox(
        label,
        list(options),
        index=None,
        key=key,
        placeholder="choose",
        format_func=readable,
    )
    return chosen


def _raw_rows(look: FileLook, key: str) -> None:
    """Show what the first rows hold, as text in a table."""
    rows = [row.cells for row in look.file.rows if row.cells][:_FEW]
    columns = look.file.columns[:_MOST_COLUMNS]
    rest = len(look.file.columns) - len(columns)
    more = f"; {plural(rest, 'more column')} not shown" if rest else ""
    st.caption(f"The first rows of the file as they are, cut{more}")
    st.dataframe(
        pd.DataFrame(
            {readable(name): [_as_text(row.get(name)) for row in rows] for name in columns}
        ),
        key=f"{key}_raw",
        hide_index=True,
        alt=f"{len(rows)} first rows of the file",
    )


def _as_text(cell: object) -> str:
    """A cell as the file would write it, on one line and cut."""
    if cell is None:
        return ""
    nested = isinstance(cell, dict | list)
    text = json.dumps(cell, ensure_ascii=False, default=str) if nested else written(cell)
    return " ".join(readable(text[:_CUT]).split())


def preview(rows: Sequence[FirstRow], *, key: str) -> None:
    """Show first rows as the pairs they would become.

    Args:
        rows: The rows.
        key: Prefix of the widget's key.
    """
    if not rows:
        st.warning("No row has text or messages in both answers.", icon=":material/warning:")
        return
    shown = pd.DataFrame(
        [_cells(row) for row in rows], columns=["row", "prompt", "chosen", "rejected", "problem"]
    )
    if not shown["problem"].any():
        shown = shown.drop(columns="problem")
    st.dataframe(
        shown,
        key=f"{key}_preview",
        hide_index=True,
        column_config={
            "row": st.column_config.NumberColumn("row", width=60),
            "prompt": st.column_config.TextColumn("prompt", width=230),
            "chosen": st.column_config.TextColumn("chosen answer", width=230),
            "rejected": st.column_config.TextColumn("rejected answer", width=230),
            "problem": st.column_config.TextColumn("why it is no pair", width=230),
        },
        alt=f"{len(rows)} first rows as they would be read",
    )


def _cells(row: FirstRow) -> list[object]:
    if row.pair is None:
        return [row.row, "", "", "", row.problem]
    pair = row.pair
    texts = (prompt_text(pair["prompt"]), pair["chosen"], pair["rejected"])
    return [row.row, *(" ".join(text[:_CUT].split()) for text in texts), ""]

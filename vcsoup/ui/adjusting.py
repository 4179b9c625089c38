"""The controls around the cockpit that set thresholds by rule: scale, norm, shares, sizes, undo.

Each is a step of the draft (`vcsoup.ui.drafting`) and can be undone. Nothing here is saved.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import streamlit as st

from vcsoup.gap_shapes import FloatArray
from vcsoup.sweep import threshold_for_share
from vcsoup.ui import drafting
from vcsoup.ui.address import MOST_NORM, Asked
from vcsoup.ui.drafting import Desk
from vcsoup.workspace import Project

_SCALES = {"dataset": "per dataset", "shared": "shared"}
_NORM_STEP = 0.05


def show_measure(project: Project, desk: Desk) -> None:
    """Show how gaps are measured: their scale and the least norm; and undo, redo, reset."""
    st.session_state["scale_choice"] = desk.scale
    st.session_state["norm_choice"] = min(desk.draft.min_norm, _norm_reach(desk))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        st.segmented_control(
            "Scale of the gaps",
            list(_SCALES),
            key="scale_choice",
            required=True,
            format_func=_SCALES.__getitem__,
            on_change=_take_scale,
            disabled=len(desk.scored) < len(project.values),
            help="Rewards are divided by their standard deviation over each dataset, or over all "
            "datasets together (then thresholds compare across datasets).",
        )
        st.slider(
            "Minimum norm of the gaps, in standard deviations",
            0.0,
            _norm_reach(desk),
            step=_NORM_STEP,
            key="norm_choice",
            on_change=_take_norm,
            width=330,
            help="Consistency ignores how strong the evidence is. Pairs whose gap vector is "
            "shorter than this are dropped as weak evidence, in every dataset.",
        )
        st.space("stretch")
        _steps(project, desk)


def show_rules(desk: Desk) -> None:
    """Show what sets thresholds by rule: a share, an exact number, a copy, equal sizes."""
    several = len(desk.scored) > 1
    with st.popover("Set", icon=":material/tune:", key="set_popover"):
        st.number_input(
            f"Keep the top share of {desk.focus}, in %",
            min_value=0.1,
            max_value=100.0,
            value=50.0,
            step=5.0,
            format="%.1f",
            key="share_wanted",
        )
        st.button("Keep this share", key="keep_share", on_click=_keep_share)
        st.button(
            "Keep this share everywhere",
            key="keep_share_all",
            on_click=_keep_share,
            args=(True,),
            disabled=not several,
        )
        st.session_state["exact_threshold"] = desk.draft.thresholds[desk.focus]
        st.number_input(
            f"Exact threshold of {desk.focus}",
            min_value=-1.0,
            max_value=1.0,
            step=0.001,
            format="%.6f",
            key="exact_threshold",
            on_change=_take_exact,
        )
    st.button(
        "Copy to all",
        icon=":material/content_copy:",
        key="copy_to_all",
        on_click=_copy,
        disabled=not several,
        help=f"Give every dataset the threshold of {desk.focus}.",
    )
    st.button(
        "Equal sizes",
        icon=":material/balance:",
        key="equal_sizes",
        on_click=_equalise,
        disabled=not several,
        help="Raise thresholds until every dataset keeps as many pairs as the one that keeps "
        "fewest now, for fair comparisons.",
    )


def threshold_for_count(consistency: npt.ArrayLike, wanted: int) -> float:
    """The largest threshold that keeps at least so many pairs; ties with the last are kept too.

    Args:
        consistency: Of the pairs that are strong enough, shape (n,).
        wanted: How many to keep, from 1 to n.

    Returns:
        A consistency of one of the pairs, in [-1, 1].

    Example:
        >>> threshold_for_count([0.1, 0.9, 0.5, 0.4], 2)
        0.5
    """
    agreement = np.asarray(consistency)
    return threshold_for_share(agreement, wanted / len(agreement))


def _steps(project: Project, desk: Desk) -> None:
    saved = drafting.saved_draft(project, desk.scored)
    offers: list[tuple[str, str, bool, Callable[..., None]]] = [
        ("undo", "Ctrl+Z on a handle", not desk.history.past, _undo),
        ("redo", "Ctrl+Shift+Z on a handle", not desk.history.future, _redo),
        ("reset", "Back to the saved filters", desk.draft == saved, _reset),
    ]
    icons = {"undo": "undo", "redo": "redo", "reset": "settings_backup_restore"}
    with st.container(horizontal=True, gap="xsmall", width="content"):
        for name, told, useless, act in offers:
            args = (project,) if name == "reset" else ()
            st.button(
                name.capitalize(),
                icon=f":material/{icons[name]}:",
                key=f"step_{name}",
                help=told,
                disabled=useless,
                on_click=act,
                args=args,
            )


def _norm_reach(desk: Desk) -> float:
    """The slider's end: enough for any data, further when the draft already is."""
    return float(min(MOST_NORM, max(6.0, math.ceil(desk.draft.min_norm))))


def _take_scale() -> None:
    asked = Asked(scale=st.session_state["scale_choice"], pair=drafting.desk().pair)
    drafting.put(drafting.adopt(drafting.desk(), asked))


def _take_norm() -> None:
    least = round(float(st.session_state["norm_choice"]), 2)
    drafting.draw_up(lambda draft: replace(draft, min_norm=least))


def _take_exact() -> None:
    tau = float(st.session_state["exact_threshold"])
    focus = drafting.desk().focus
    drafting.draw_up(lambda draft: draft.moved({focus: tau}))


def _copy() -> None:
    desk = drafting.desk()
    tau = desk.draft.thresholds[desk.focus]
    drafting.draw_up(lambda draft: draft.moved(dict.fromkeys(desk.scored, tau)))


def _keep_share(everywhere: bool = False) -> None:
    desk = drafting.desk()
    wanted = float(st.session_state["share_wanted"]) / 100
    values = desk.scored if everywhere else (desk.focus,)
    found = {}
    for value in values:
        strong = _strong(desk, value)
        pairs = math.ceil(round(wanted * desk.look.sizes[value], 6))
        if len(strong):
            found[value] = threshold_for_count(strong, min(max(pairs, 1), len(strong)))
    drafting.draw_up(lambda draft: draft.moved(found))


def _equalise() -> None:
    desk = drafting.desk()
    kept = {
        value: desk.look.figures(value, desk.draft.filter_of(value)).kept for value in desk.scored
    }
    fewest = max(1, min(kept.values()))
    found = {
        value: threshold_for_count(strong, fewest)
        for value, now in kept.items()
        if now > fewest and len(strong := _strong(desk, value))
    }
    drafting.draw_up(lambda draft: draft.moved(found))


def _strong(desk: Desk, value: str) -> FloatArray:
    measures = desk.look.measures(value)
    found: FloatArray = measures.consistency[measures.norms >= desk.draft.min_norm]
    return found


def _undo() -> None:
    desk = drafting.desk()
    drafting.put(replace(desk, history=desk.history.undo()))


def _redo() -> None:
    desk = drafting.desk()
    drafting.put(replace(desk, history=desk.history.redo()))


def _reset(project: Project) -> None:
    desk = drafting.desk()
    saved = drafting.saved_draft(project, desk.scored)
    drafting.draw_up(lambda _: saved)

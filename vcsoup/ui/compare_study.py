"""The Compare page's last part: what the study found, over seeds, against every baseline.

Shows the workspace's newest study, else the one that ships. World and threshold are picked; every
figure is read from the published tables, nothing is computed here.
"""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import streamlit as st

from vcsoup.errors import NotFoundError
from vcsoup.numbers import share, signed
from vcsoup.plots.canvas import CONFIG
from vcsoup.plots.study import arm_chart
from vcsoup.study.published import Published, load_published, newest_study
from vcsoup.ui import state, theme
from vcsoup.ui.compare import VERDICTS

_MEASURES = {
    "hypervolume": ("Hypervolume", "hypervolume (the base alone has 1)", 1.0),
    "balanced": ("Worst value", "worst value's gain of the best balanced point", 0.0),
    "utility": ("Gain asked for", "gain by the weights that were asked for", 0.0),
    "truth_utility": ("Gain by the truth", "gain by the hidden truth", 0.0),
}
_ALWAYS = ("filtered", "random")  # kinds of arm that have a threshold


def show() -> None:
    """Show the study's charts with a picker for threshold, noise and conflict."""
    folder = newest_study(state.workspace().root)
    if folder is None:
        return
    try:
        known = _published(str(folder), (folder / "about.json").stat().st_mtime_ns)
    except NotFoundError:
        return
    st.space("small")
    st.subheader("What the study found", anchor=False)
    st.caption(
        "About the embedded world, not about this project's data: trained again and again with "
        "other seeds, against every baseline; every DPO policy takes equally many steps. "
        f"Study {known.study.name}, made by `python -m vcsoup study`."
    )
    setting, threshold = _choose(known)
    rows = known.rows[known.rows["setting"] == setting]
    rows = rows[~rows["kind"].isin(_ALWAYS) | (rows["threshold"] == threshold)]
    rows = rows[rows["kind"] != "averaged"]
    measure = _measure(rows)
    _, axis, zero = _MEASURES[measure]
    shown = rows[rows["measure"] == measure]
    figure = arm_chart(shown, x_name=axis, colours=theme.colours(), zero=zero)
    st.plotly_chart(figure, key="study", config=CONFIG, alt=f"{axis} of {len(shown)} arms")
    _differences(known, setting, set(shown["arm"]))


def _choose(known: Published) -> tuple[str, float]:
    """Pick a world and a threshold; levels that no world has together are not offered."""
    worlds = known.rows.drop_duplicates("setting")
    centre = known.study.worlds.centre
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        noise = _pick("Wrong labels", worlds, "noise", centre.noise)
        worlds = worlds[worlds["noise"] == noise]
        conflict = _pick("In conflict", worlds, "conflict", centre.conflict)
        worlds = worlds[worlds["conflict"].eq(conflict) | worlds["conflict"].isna()]
        setting = str(worlds["setting"].iloc[0])
        own = known.rows[known.rows["setting"] == setting]
        middle = own["threshold"].dropna().quantile(interpolation="nearest")
        threshold = _pick("Threshold", own, "threshold", middle, told="{:g}".format)
    return setting, float(threshold or 0.0)


def _pick(
    label: str,
    rows: pd.DataFrame,
    level: str,
    usual: float | None,
    told: Callable[[float], str] = lambda level: share(level, 0),
) -> float | None:
    """Pick one of the levels that there are; None when there are none."""
    levels = sorted(rows[level].dropna().unique())
    if not levels:
        return None
    if st.session_state.get(f"study_{level}") not in levels:  # of another world
        st.session_state.pop(f"study_{level}", None)
    picked: float = st.segmented_control(
        label,
        levels,
        default=usual if usual in levels else levels[0],
        required=True,
        format_func=told,
        key=f"study_{level}",
    )
    return picked


def _measure(rows: pd.DataFrame) -> str:
    known = [name for name in _MEASURES if (rows["measure"] == name).any()]
    return str(
        st.segmented_control(
            "Measure",
            known,
            default=known[0],
            required=True,
            format_func=lambda name: _MEASURES[name][0],
            key="study_measure",
        )
    )


def _differences(known: Published, setting: str, arms: set[str]) -> None:
    """List every paired difference between the arms that are shown."""
    table = known.comparisons
    table = table[table["setting"].eq(setting)]
    table = table[table["first"].isin(arms) & table["second"].isin(arms)]
    rows = [
        {
            "difference": f"{row.first} minus {row.second}",
            "measure": _MEASURES[row.measure][0],
            "mean": signed(row.mean),
            "95 % interval": f"{signed(row.low)} to {signed(row.high)}",
            "the first is": VERDICTS[row.verdict],
            "n": f"{row.n_seeds} seeds, {row.n_prompts} prompts",
        }
        for row in table.itertuples()
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        key="study_differences",
        alt="Differences between the shown arms of the study, with their intervals",
    )
    st.caption(
        f"{len(rows)} of the {len(known.comparisons)} comparisons of the study. Intervals over "
        "seeds and prompts; one base model and one set of judges stand behind all of them."
    )


@st.cache_data(max_entries=4, show_spinner=False)
def _published(folder: str, stamp: int) -> Published:
    return load_published(Path(folder))

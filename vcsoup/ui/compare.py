"""The Compare page's parts: which sets, the answer in a sentence, fronts, differences, provenance.

Figures are `vcsoup.comparing`'s, read once per set of measurements; everything follows the address
(`?first=`, `?second=`, `?x=`, `?y=`).
"""

import numpy as np
import pandas as pd
import streamlit as st

from vcsoup.comparing import compare_project
from vcsoup.comparison_report import comparison_report, interval_told, provenance
from vcsoup.errors import NotFoundError
from vcsoup.evaluation.comparison import Comparison, detail, headline, named_differences
from vcsoup.evaluation.front import approximation
from vcsoup.front_rows import front_rows
from vcsoup.numbers import plain, signed
from vcsoup.plots.canvas import CONFIG
from vcsoup.plots.fronts import two_fronts
from vcsoup.ui import compare_jobs, soup_link, state, theme
from vcsoup.workspace import Project
from vcsoup.workspace.points import one_per_soup, weights_key

VERDICTS = {
    "higher": "better",
    "lower": "worse",
    "unclear": "no clear difference",
    "too few prompts": "too few prompts to tell",
}


def choose_sets(project: Project) -> tuple[str, str]:
    """Let the user choose two adapter sets; `?first=` and `?second=` carry them."""
    sets = list(project.adapter_sets())
    first = _remembered("first", sets, sets[0])
    second = _remembered("second", sets, next((s for s in sets if s != first), first))
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        for name, chosen, label in (("first", first, "Compare"), ("second", second, "with")):
            st.session_state[name] = chosen
            st.selectbox(
                label,
                sets,
                key=name,
                width=260,
                on_change=_remember,
                args=(name,),
                help="Sets of adapters that are complete: one adapter for every value.",
            )
    return first, second


def choose_axes(project: Project) -> tuple[str, str]:
    """Let the user choose the chart's two values; `?x=` and `?y=` carry them."""
    values = list(project.values)
    x = _remembered("x", values, values[0])
    y = _remembered("y", values, values[1])
    if len(values) > 2:
        with st.container(horizontal=True, gap="medium"):
            for name, chosen, label in (("x", x, "Across"), ("y", y, "Up")):
                st.session_state[f"compare_{name}"] = chosen
                st.segmented_control(
                    label,
                    values,
                    key=f"compare_{name}",
                    required=True,
                    on_change=_remember,
                    args=(name, f"compare_{name}"),
                    wrap=True,
                )
    return x, y


def found_or_none(project: Project, first: str, second: str) -> Comparison | None:
    """The comparison of two sets; None while too little is measured of them."""
    keys = [state.set_key(project, group) for group in (first, second)]
    stamps = tuple(f"{key} {project.samples.stamp(key)}" for key in keys)
    return _compared(str(project.root), (first, second), stamps, _project=project)


def is_recorded(project: Project, found: Comparison) -> bool:
    """Tell whether the bases of both sets, which every measuring measures anew, came recorded."""
    base = weights_key({}, found.values)
    stored = [state.stored_points(project, group) for group in found.groups]
    best = [one_per_soup(points, found.values) for points in stored]
    recorded = [points[base].recorded for points in best if base in points]
    return bool(recorded) and all(recorded)


def answer(
    project: Project,
    found: Comparison | None,
    groups: tuple[str, str],
    *,
    recorded: bool,
    active: bool,
) -> None:
    """Say what the intervals allow, or offer to measure what is missing.

    Args:
        project: The project.
        found: The comparison of both sets, where enough is measured.
        groups: Both adapter sets.
        recorded: What `is_recorded` says of the comparison.
        active: What `compare_jobs.at_work` said before `found` was looked for.
    """
    if found is None:
        compare_jobs.offer_sets(project, *groups, active=active)
        return
    st.subheader(headline(found), anchor=False)
    st.text(detail(found))
    compare_jobs.again(project, *groups, recorded=recorded, active=active)


def fronts(
    project: Project,
    groups: tuple[str, str],
    axes: tuple[str, str],
    found: Comparison | None,
) -> None:
    """Draw both fronts, measured and recorded points told apart."""
    first, second = groups
    tables = [
        front_rows(project, group, axes, ringed=found.balanced_weights(group) if found else None)
        for group in groups
    ]
    if not any(len(table) for table in tables):
        st.caption("No soup of these adapters is measured yet.")
        return
    figure = two_fronts(tables, names=(first, second), axes=axes, colours=theme.colours())
    counts = f"{len(tables[0])} and {len(tables[1])} measured soups"
    st.plotly_chart(figure, key="fronts", config=CONFIG, alt=f"{counts} on {axes[0]} and {axes[1]}")
    recorded = sum(int(table["recorded"].sum()) for table in tables)
    told = f"{recorded} of these points came recorded (open marks). " if recorded else ""
    unit = ", in standard deviations of the base's rewards" if found else ""
    st.caption(
        f"{told}Right and up is better; dotted lines are the base. Rings: the soup of each set "
        f"whose smallest gain over the base{unit}{',' if unit else ''} is largest."
    )


def differences(found: Comparison, *, recorded: bool) -> None:
    """Show the figures of both sets and every paired difference with its interval."""
    first, second = found.groups
    columns = st.container(key="volumes").columns(3)
    volumes = [found.summary["sets"][group]["hypervolume"] for group in found.groups]
    rough = approximation(len(found.values), max(found.n_soups))
    for column, group, volume in zip(columns, found.groups, volumes, strict=False):
        column.metric(
            f"Hypervolume, {group}",
            plain(volume["mean"]),
            delta=f"{plain(volume['low'])} to {plain(volume['high'])}",
            delta_color="off",
            delta_arrow="off",
            help="What the front covers above the worst mean of each value among the soups of both "
            "sets and the base, in standard deviations of the base's rewards"
            f"{', ' * bool(rough)}{rough}.",
        )
    columns[2].metric(
        f"Best balanced, {first} minus {second}",
        signed(found.balanced.mean),
        delta=f"{signed(found.balanced.low)} to {signed(found.balanced.high)}",
        delta_color="off",
        delta_arrow="off",
    )
    rows = [
        {
            "of": name,
            f"{first} minus {second}": signed(d.mean),
            "95 % interval": f"{signed(d.low)} to {signed(d.high)}",
            f"{first} is": VERDICTS[d.verdict],
        }
        for name, d in named_differences(found)
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        key="differences",
        alt=f"Differences, {first} minus {second}, with their intervals",
    )
    origin = "Recorded when the bundle was built. " if recorded else ""
    st.caption(
        f"{origin}n = {found.n_prompts} prompts, the same for every soup, with the same random "
        "numbers; "
        f"{found.n_same} soups of equal weights in each set. "
        "Unit: standard deviations of the base's rewards. Paired bootstrap over prompts of one "
        "training seed: another training run would move the points too."
    )


def balanced(found: Comparison) -> None:
    """Show the best balanced soup of each set with its gains."""
    rows = []
    for group in found.groups:
        best = found.summary["sets"][group]["balanced"]
        mix = ", ".join(f"{v} {plain(w)}" for v, w in best["weights"].items() if w)
        gains = {f"gain, {v}": interval_told(best["gains"][v]) for v in found.values}
        rows.append({"set": group, "weights": mix, "worst": signed(best["worst_gain"]), **gains})
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        key="balanced",
        alt="The best balanced soup of each set, its weights and gains",
    )


def made_from(project: Project, first: str, second: str) -> None:
    """Show which adapters were compared and what they were trained on."""
    groups = dict.fromkeys((first, second))
    rows = [row for group in groups for row in provenance(project, group)]
    table = pd.DataFrame(rows)
    st.dataframe(
        table.where(table.notna(), None),
        hide_index=True,
        key="provenance",
        alt="What each adapter was trained on",
    )


def report(project: Project, found: Comparison) -> None:
    """Offer the whole page as one HTML file."""
    name = "-".join((project.name, *found.groups))
    st.download_button(
        "Download the report",
        data=lambda: comparison_report(project, found),
        file_name=f"{name}.html",
        mime="text/html",
        icon=":material/description:",
        on_click="ignore",
        key="report",
        help="One HTML file with live charts, tables and provenance; it needs no network.",
    )


def address(first: str, second: str, axes: tuple[str, str]) -> None:
    """Write what the page shows into the address."""
    soup_link.write({"first": first, "second": second, "x": axes[0], "y": axes[1]})


def _remembered(name: str, known: list[str], usual: str) -> str:
    # The choice lives outside the widget, which forgets when another page is open.
    asked = soup_link.followed(name) or st.session_state.get(f"chosen_{name}")
    chosen = asked if asked in known else usual
    st.session_state[f"chosen_{name}"] = chosen
    return str(chosen)


def _remember(name: str, key: str | None = None) -> None:
    st.session_state[f"chosen_{name}"] = st.session_state[key or name]


@st.cache_data(max_entries=16, show_spinner="Comparing")
def _compared(
    root: str, groups: tuple[str, str], stamps: tuple[str, ...], *, _project: Project
) -> Comparison | None:
    try:
        with np.errstate(all="ignore"):
            return compare_project(_project, *groups)
    except NotFoundError:
        return None

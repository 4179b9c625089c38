"""The presenter's five steps: data, cone, adapters, soup, front; each on the project's own data.

A step is a title, one sentence with exact numbers, and one live chart or action. What is not there
yet is said in place of the chart.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from vcsoup.evaluation.comparison import Comparison, detail, headline
from vcsoup.front_rows import front_rows
from vcsoup.numbers import SIGMA, count, listed, share
from vcsoup.plots.canvas import CONFIG
from vcsoup.plots.fronts import two_fronts
from vcsoup.plots.palette import value_colours
from vcsoup.plots.presenting import adapter_gains, enlarged, kept_cloud, pair_gaps
from vcsoup.preferences.pairs import prompt_text
from vcsoup.ui import (
    answer,
    bench,
    compare,
    compare_jobs,
    mixer,
    presenter_figures,
    sliders,
    state,
    theme,
)
from vcsoup.ui.literal import literal
from vcsoup.ui.pipeline import main_group
from vcsoup.workspace import Project

CLOUD = 3000
"""Pairs drawn on the stage; the counts are those of all."""
_CHART_HEIGHT = 240
_NOT_YET = "Not there yet: {}"


@dataclass(frozen=True)
class Step:
    """One page of the story."""

    name: str
    title: Callable[[Project], str]
    sentence: Callable[[Project], str]
    show: Callable[[Project], None]


def _data_sentence(project: Project) -> str:
    found = presenter_figures.conflicts(project)
    if found is None:
        return _NOT_YET.format("the pairs are not scored.")
    pairs, conflicting = found
    return (
        f"{count(pairs)} preference pairs, one judge each for {listed(project.values)}: on "
        f"**{share(conflicting / pairs)}** of the pairs some value prefers the *rejected* answer."
    )


def _data(project: Project) -> None:
    scored = presenter_figures.scored(project)
    if not scored:
        return
    value = scored[0]
    measures = state.measures(project, value)
    turn = int(st.session_state.get("stage_pair", 0))
    row = presenter_figures.telling_pair(measures, value, turn)
    pair = state.pair_rows(project, value, [row]).iloc[0]
    left, right = st.columns([5, 6], gap="large")
    with left:
        st.markdown(f"**{literal(prompt_text(pair['prompt']))}**")
        for side in ("chosen", "rejected"):
            with st.container(border=True):
                st.caption(f"{side} for {value}")
                st.markdown(literal(str(pair[side])))
        st.button("Another pair", on_click=_another, icon=":material/casino:", key="stage_another")
    with right:
        colours = theme.colours()
        figure = pair_gaps(
            measures.gap_of(row),
            colour_of=value_colours(project.values, colours),
            colours=colours,
        )
        st.plotly_chart(figure, key="stage_gaps", config=CONFIG, alt="Reward gap of each value")


def _another() -> None:
    st.session_state["stage_pair"] = int(st.session_state.get("stage_pair", 0)) + 1


def _cone_sentence(project: Project) -> str:
    scored = presenter_figures.scored(project)
    if not scored:
        return _NOT_YET.format("the pairs are not scored.")
    tau = _threshold(project, scored[0])
    kept = state.retention(project, scored[0])
    n = int(kept.kept[round((tau + 1) * 100)])
    return (
        "Each pair is an arrow in the space of values. Those in a cone around the direction on "
        "which all agree stay: "
        f"**{count(n)} of {count(kept.n)}** {scored[0]} pairs at a consistency of {tau:.2f}."
    )


def _threshold(project: Project, value: str) -> float:
    saved = project.thresholds()[value]
    return round(float(st.session_state.get("stage_threshold", saved)), 2)


def _cone(project: Project) -> None:
    scored = presenter_figures.scored(project)
    if not scored:
        return
    value, names = scored[0], (project.values[0], project.values[1])
    measures = state.measures(project, value)
    st.slider(
        "Least consistency of a kept pair",
        -1.0,
        1.0,
        _threshold(project, value),
        0.01,
        key="stage_threshold",
    )
    tau = _threshold(project, value)
    rows = np.random.default_rng(0).permutation(measures.n)[:CLOUD]
    figure = kept_cloud(
        measures.gaps[:2, rows].T,
        measures.consistency[rows] >= tau,
        names=names,
        colours=theme.colours(),
        threshold=tau if len(project.values) == len(names) else None,
    )
    _picture(figure, "stage_cone", f"Pairs by gap in {names}")
    drawn = min(CLOUD, measures.n)
    st.caption(f"{count(drawn)} of {count(measures.n)} pairs are drawn; all values decide.")


def _picture(figure: go.Figure, key: str, alt: str) -> None:
    """Show a chart as tall as the screen leaves room for (stage.css)."""
    with st.container(key="stage_picture", height="stretch"):
        st.plotly_chart(figure, key=key, height="stretch", config=CONFIG, alt=alt)


def _adapters_sentence(project: Project) -> str:
    group = main_group(project.adapter_sets())
    if not group:
        return _NOT_YET.format("no value has an adapter.")
    infos = project.adapter_sets()[group]
    kept = [info.manifest.get("n_pairs") for info in infos.values()]
    pairs = ", ".join(
        f"{value} from {count(int(n))}" for value, n in zip(infos, kept, strict=True) if n
    )
    trained = f" ({pairs} pairs)" if pairs else ""
    return (
        f"One small adapter per value, trained by preference{trained}. "
        "This is what each alone gains and costs, judged on every value."
    )


def _adapters(project: Project) -> None:
    group = main_group(project.adapter_sets())
    rows = presenter_figures.corner_gains(project, group) if group else None
    if rows is None:
        st.caption("The adapters are not measured alone yet; the Soup page measures them.")
        return
    colours = theme.colours()
    figure = adapter_gains(
        rows,
        values=project.values,
        colour_of=value_colours(project.values, colours),
        unit="reward" if rows["low"].isna().any() else SIGMA,
        colours=colours,
    )
    _picture(figure, "stage_adapters", "Gain of each adapter alone")
    if rows["low"].isna().any():
        st.caption("Differences of recorded means; their intervals need rewards prompt by prompt.")
    else:
        st.caption("95 % intervals, paired with the base over the same held-out prompts.")


def _soup_sentence(project: Project) -> str:
    return (
        "Mix the adapters' weights like ingredients: move a slider, and the same model answers "
        "anew. Nothing is trained, merged or loaded in between."
    )


def _soup(project: Project) -> None:
    if not project.adapter_sets():
        st.caption("No adapters to mix yet.")
        return
    group = bench.group_in_use(project)
    mixer.begin(project, group)
    prompt = answer.prompt_in_use(project)
    weights = mixer.current()
    answer.start_wanted(project, group, weights, prompt, free=mixer.is_free())
    answer.warm_up(project)
    drawn = answer.mark()
    table = bench.soups(project, group)
    guess = bench.guess_of(project, table, weights)
    axes = presenter_figures.far_axes(project, list(project.adapter_sets()))
    left, right = st.columns([5, 6], gap="large")
    with left:
        sliders.show(project, table)
        answer.choose_prompt(project, prompt)
        bench.measured(project, group, table, weights, guess)
    with right:
        with st.container(key="stage_answer"):
            answer.show(drawn)
        bench.chart(project, group, table, guess, axes=axes, height=_CHART_HEIGHT)


def _front_title(project: Project) -> str:
    found = _compared(project)
    return headline(found) if found else "Every point is measured"


def _front_sentence(project: Project) -> str:
    found = _compared(project)
    if found:
        return detail(found)
    beaten = "nobody beats on these two values" if len(project.values) > 2 else "nobody beats"
    return f"What each mix is worth on held-out prompts; the line joins those that {beaten}."


def _front(project: Project) -> None:
    sets = list(project.adapter_sets())
    if not sets:
        st.caption("No adapters to compare yet.")
        return
    active = len(sets) > 1 and compare_jobs.at_work(project, sets[0], sets[1])
    x, y = presenter_figures.far_axes(project, sets)
    found = _compared(project)
    groups = (sets[0], sets[1]) if len(sets) > 1 else (sets[0], sets[0])
    tables = [
        front_rows(project, group, (x, y), ringed=found.balanced_weights(group) if found else None)
        for group in dict.fromkeys(groups)
    ]
    tables += [tables[0].iloc[:0]] * (2 - len(tables))
    names = groups if len(sets) > 1 else (sets[0], "")
    figure = two_fronts(tables, names=names, axes=(x, y), colours=theme.colours(), height=None)
    told = f"{len(tables[0])} and {len(tables[1])} measured soups"
    _picture(enlarged(figure), "stage_front", told)
    if found is None and len(sets) > 1:
        compare_jobs.offer_sets(project, *groups, active=active)


def _compared(project: Project) -> Comparison | None:
    sets = list(project.adapter_sets())
    return compare.found_or_none(project, sets[0], sets[1]) if len(sets) > 1 else None


STEPS = (
    Step("data", lambda project: "Values disagree", _data_sentence, _data),
    Step("cone", lambda project: "Keep what all values like", _cone_sentence, _cone),
    Step("adapters", lambda project: "One adapter per value", _adapters_sentence, _adapters),
    Step("soup", lambda project: "Mix them like a soup", _soup_sentence, _soup),
    Step("front", _front_title, _front_sentence, _front),
)

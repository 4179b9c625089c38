"""The parts of Home: project picker, pipeline cards, the way into the demo."""

from collections import Counter
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from vcsoup.numbers import listed, minute
from vcsoup.plots.canvas import CONFIG
from vcsoup.plots.front import FrontView, front_scatter
from vcsoup.ui import guide, presenter, project_menu, state
from vcsoup.ui.demo_offer import demo_button
from vcsoup.ui.literal import literal
from vcsoup.ui.navigation import page
from vcsoup.ui.pipeline import Stage, main_group
from vcsoup.ui.shell import trying
from vcsoup.ui.soups import balance, on_axes, uneven_told
from vcsoup.ui.theme import colours
from vcsoup.workspace import Project
from vcsoup.workspace.project_drafts import ProjectDraft

_MOST_DRAFTS = 5

_OWN = """python -m vcsoup project yaml demo > project.yaml   # an example to edit
python -m vcsoup run project.yaml --dry-run         # what it would do, and what that costs
python -m vcsoup run project.yaml"""


def welcome() -> None:
    """Offer the demo and other projects to someone who has chosen none."""
    project_menu.show_undo()
    if known := state.workspace().projects():
        _choice(known, None)
    with st.container(border=True, gap="medium"):
        st.subheader("Start with the demo project", anchor=False)
        st.markdown(
            "Three values, about 12,000 preference pairs, a small language model and its reward "
            "models, all on this machine. It opens with recorded adapters and a measured front; "
            "then train and mix your own. Nothing is downloaded."
        )
        demo_button("primary")
    _own_project()
    project_menu.show_bin()


def picker(project: Project) -> None:
    """Choose among the workspace's projects."""
    project_menu.show_undo()
    known = state.workspace().projects()
    if len(known) > 1:
        _choice(known, project.name)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**{literal(project.title)}** balances {listed(project.values)}.", width="content"
        )
        st.space("stretch")
        presenter.offer(project)
        st.page_link(page("new"), label="New project", icon=":material/add_circle:")
        project_menu.show(project)
    if project.config.description:
        st.caption(literal(project.config.description, most=2_000))


def cards(stages: Sequence[Stage]) -> None:
    """Show the pipeline; the first stage that is not done is marked as next."""
    following = next((stage for stage in stages if not stage.done), None)
    for number, (column, stage) in enumerate(zip(st.columns(5), stages, strict=True), start=1):
        with column, st.container(border=True, height="stretch", key=f"pipeline_{stage.name}"):
            _card(number, stage, following=stage is following)


def front(project: Project) -> None:
    """Show the measured soups at a glance, once there are some."""
    group = main_group(project.adapter_sets())
    table = state.points_of(project, group) if group else None
    if table is None or not len(table):
        return
    x, y = project.values[:2]
    best = balance(table, project.values)
    st.subheader("The front so far", anchor=False)
    st.caption(
        f"Mean reward of each measured soup on {x} and {y}; the ring marks the best balanced one. "
        f"A soup is beaten when another one is at least as good on {listed(project.values)}. "
        f"{_recorded_told(table)}{uneven_told(table)}"
    )
    figure = front_scatter(
        on_axes(table, project.values, x=x, y=y),
        view=FrontView(x=x, y=y, current=best.key if best else "", name="best balanced"),
        colours=colours(),
        height=380,
    )
    st.plotly_chart(figure, key="glance", config=CONFIG, alt=f"Measured soups on {x} and {y}")


def _recorded_told(table: pd.DataFrame) -> str:
    """Say which marks of the chart are recorded; "" where none is."""
    recorded = table.loc[table["role"] != "base", "recorded"].astype(bool)
    if not recorded.any():
        return ""
    return "All are recorded." if recorded.all() else "Open: recorded. Filled: measured here."


def more() -> None:
    """Offer the demo where it is not open yet, and the way to an own project."""
    names = [project.name for project in state.workspace().projects()]
    st.space("small")
    if "demo" not in names:
        demo_button("secondary")
    _own_project()
    project_menu.show_bin()


def _card(number: int, stage: Stage, *, following: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f":gray[{number}] **{stage.name.capitalize()}**", width="content")
        if stage.stale:
            st.badge("look again", color="orange", icon=":material/update:", help=stage.stale)
        elif following:
            st.badge("next", color="primary", icon=":material/flag:")
        elif stage.done:
            st.badge("ready", color="green", icon=":material/check:")
    st.metric(stage.name, stage.figure, label_visibility="collapsed")
    st.caption(stage.stale or stage.detail)
    st.page_link(page(stage.page), label=stage.step, icon=":material/arrow_forward:")


def _choice(known: Sequence[Project], current: str | None) -> None:
    often = Counter(project.title for project in known)
    titles = {
        project.name: project.title
        if often[project.title] == 1
        else f"{project.title} ({project.name})"
        for project in known
    }

    def switch() -> None:
        if chosen := st.session_state.get("project_choice"):
            state.choose(chosen)

    st.session_state["project_choice"] = current
    st.selectbox(
        "Project",
        list(titles),
        key="project_choice",
        format_func=lambda name: titles[name],
        on_change=switch,
        placeholder="Choose a project",
        width=320,
        help="Every project lives in the workspace folder of this machine.",
    )


def _own_project() -> None:
    """The ways to a project of one's own: the wizard, what was begun there, and a file."""
    with st.container(border=True, gap="small", key="own_project"):
        st.markdown("**Bring your own values, models and data**")
        st.markdown(
            "A project needs a base model, and one preference dataset and one reward model per "
            "value. Folders of this machine and models of the Hugging Face hub both work."
        )
        with st.container(horizontal=True, gap="small"):
            if st.button("New project", icon=":material/add_circle:", key="new_project"):
                st.switch_page(page("new"))
            guide.offer("home_guide")
        for draft in state.workspace().drafts.list()[:_MOST_DRAFTS]:
            _draft(draft)
        with st.expander("Without a browser", icon=":material/terminal:", type="compact"):
            st.caption("The whole project as one file; the guide goes through its keys.")
            st.code(_OWN, language="bash")


def _draft(draft: ProjectDraft) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        name = literal(draft.title or draft.name or ", ".join(draft.values) or "untitled", most=60)
        st.page_link(
            page("new"),
            label=f"Go on with {name}",
            icon=":material/edit_note:",
            query_params={"draft": draft.id, "step": "base" if draft.base else "values"},
        )
        st.caption(f"begun, saved {minute(draft.saved)}", width="content")
        st.button(
            "Discard",
            key=f"discard_{draft.id}",
            type="tertiary",
            icon=":material/close:",
            on_click=trying,
            args=(state.workspace().drafts.delete, draft.id),
        )

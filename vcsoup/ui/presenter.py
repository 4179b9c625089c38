"""Presenter mode, `?present=1`: a story in steps for a stage; large type, no menu, no network.

The step is in the address (`&step=cone`), so any step can be opened by a link and "back" works.
Arrow keys, page keys and space turn pages, Escape leaves. The steps are `presenter_steps`'.
"""

import streamlit as st

from vcsoup.demo.open_demo import open_demo
from vcsoup.ui import state
from vcsoup.ui.components import stage_keys
from vcsoup.ui.presenter_steps import STEPS
from vcsoup.ui.shell import THEME, shown_errors
from vcsoup.workspace import Project

_NAMES = [step.name for step in STEPS]
_STYLE = THEME / "stage.css"


def asked() -> bool:
    """Say whether the address asks for presenter mode."""
    return st.query_params.get("present") == "1"


def offer(project: Project) -> None:
    """Offer to present a project."""
    if st.button(
        "Present",
        icon=":material/slideshow:",
        type="tertiary",
        key="present",
        help="A story in five steps for a stage: large type, arrow keys, no network.",
    ):
        st.query_params.update({"present": "1", "project": project.name, "step": STEPS[0].name})
        st.rerun()


def run() -> None:
    """Show the step that the address names; what is wrong with it leaves the ways out of it."""
    st.html(_STYLE)
    place = current_place()
    step = STEPS[place]
    stage_keys.listen(_NAMES, place, go, leave)
    with shown_errors():
        project = _project()
        st.title(step.title(project), anchor=False)
        with st.container(key="stage_say"):
            st.markdown(step.sentence(project))
        step.show(project)
    _bar(place)


def current_place() -> int:
    """Return the place of the step that the address names; the first one for a strange name."""
    wanted = st.query_params.get("step")
    return _NAMES.index(wanted) if wanted in _NAMES else 0


def go(step: str) -> None:
    """Open a step: the address names it."""
    st.query_params["step"] = step


def _turn(by: int) -> None:
    """Go on or back from the step that the address names.

    The title comes before the bar below it, so a press can meet the bar of the step before.
    """
    go(_NAMES[min(max(current_place() + by, 0), len(_NAMES) - 1)])


def leave() -> None:
    """Back to the app."""
    for name in ("present", "step"):
        st.query_params.pop(name, None)


def _project() -> Project:
    """The project of this visit; the demo, opened first, where the workspace has none."""
    project = state.chosen_project()
    if project is None:
        with st.spinner("Opening the demo project"):
            project = open_demo(state.workspace())
        state.choose(project.name)
    return project


def _bar(place: int) -> None:
    with st.container(key="stage_bar", horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Previous",
            icon=":material/arrow_back:",
            on_click=_turn,
            args=(-1,),
            disabled=place == 0,
            key="stage_previous",
        )
        st.button(
            "Next",
            icon=":material/arrow_forward:",
            type="primary",
            on_click=_turn,
            args=(1,),
            disabled=place == len(STEPS) - 1,
            key="stage_next",
        )
        told = [f"**{name}**" if i == place else f":gray[{name}]" for i, name in enumerate(_NAMES)]
        st.markdown(f"{place + 1} of {len(STEPS)}: {', '.join(told)}", width="stretch")
        st.button("Leave (Esc)", type="tertiary", on_click=leave, key="stage_leave")

"""The project wizard: six steps, of which the first two make a draft and the others a project.

The address says where one is: `?step=`, with `?draft=` until the project is created and `?project=`
from then on. What was entered lies on disk, so a refreshed page goes on where it was. Each step is
a room of its own; here are the steps' order, the way between them, and the file to download.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from vcsoup.project_file import ProjectFile
from vcsoup.project_writing import project_text, unplaced_data
from vcsoup.project_yaml import dump_project_file
from vcsoup.ui import (
    data_reading,
    guide,
    reward_clinic,
    state,
    wizard_pairs,
    wizard_score,
    wizard_start,
)
from vcsoup.ui.literal import literal
from vcsoup.ui.navigation import page
from vcsoup.ui.shell import shown_errors, slot
from vcsoup.workspace import Project
from vcsoup.workspace.project_drafts import ProjectDraft

STEPS: Mapping[str, tuple[str, str]] = {
    "values": ("Values", "What is the project called, and which values should it balance?"),
    "base": ("Base model", "Which language model is taught these values?"),
    "data": ("Data", "Which answers are better? One set of preference pairs per value."),
    "rewards": ("Reward models", "What judges each value?"),
    "check": ("Check", "Do the reward models judge as they should? Optional, and worth a minute."),
    "score": ("Score", "What does scoring cost, and shall it start?"),
}
_DRAFTED = ("values", "base")


@dataclass(frozen=True)
class Place:
    """Where a visit is.

    Attributes:
        step: A key of `STEPS`.
        draft: What was entered so far; of a created project its own figures.
        project: The project, once it is created.
    """

    step: str
    draft: ProjectDraft
    project: Project | None


def show() -> None:
    """Show the step that the address names."""
    with shown_errors():
        place = _place()
        _steps(place)
        gone = slot()
        name, question = STEPS[place.step]
        st.subheader(f"{name}: {question}", anchor=False)
        _step(place)
        if _is_gone(place):
            gone.info(
                "What was begun at this address is a project by now, or was discarded. Home shows "
                "all projects; what you enter here begins another one.",
                icon=":material/info:",
            )


def _place() -> Place:
    asked, workspace = st.query_params.to_dict(), state.workspace()
    name = asked.get("project")
    if name and "draft" not in asked:
        project = workspace.project(name)
        state.choose(name)
        step = asked.get("step", "")
        return Place(step if step in STEPS else "data", wizard_start.draft_of(project), project)
    draft = workspace.drafts.load(asked.get("draft", "")) or wizard_start.draft_of_visit()
    step = asked.get("step", "values")
    ready = not wizard_start.missing(draft)
    return Place(step if ready and step in _DRAFTED else "values", draft, None)


def _is_gone(place: Place) -> bool:
    """Tell whether the address names a draft that is kept no more."""
    asked = st.query_params.get("draft", place.draft.id)
    return place.project is None and asked != place.draft.id


def _steps(place: Place) -> None:
    """The six steps; those that can be opened are buttons."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="steps"):
        for number, (step, (name, _)) in enumerate(STEPS.items(), start=1):
            done = _is_done(place, step)
            st.button(
                f"{number} {name}",
                key=f"step_{step}",
                type="primary" if step == place.step else "tertiary",
                icon=":material/check:" if done and step != place.step else None,
                disabled=not _can_open(place, step),
                on_click=go,
                args=(step,),
            )
        st.space("stretch")
        with st.container(horizontal=True, gap="small", width="content"):
            guide.offer("wizard_guide")
            _download(place)


def _step(place: Place) -> None:
    match place.step:
        case "values":
            draft = wizard_start.values_step(place.draft, created=place.project is not None)
            trouble = "" if place.project else wizard_start.missing(draft)
            _ways(place, "base", trouble=trouble)
        case "base":
            wizard_start.base_step(place.draft, place.project, lambda: _back(place))
        case "data":
            wizard_pairs.data_step(_made(place))
            _ways(place, "rewards", trouble=wizard_pairs.without_pairs(_made(place)), must=False)
        case "rewards":
            wizard_pairs.rewards_step(_made(place))
            _ways(place, "check", trouble=wizard_pairs.not_ready(_made(place)), must=False)
        case "check":
            if data_reading.is_asked():  # by the clinic; pairs are read in the data step
                go("data")
                st.rerun()
            reward_clinic.show(_made(place))
            _ways(place, "score", trouble=wizard_pairs.unchecked(_made(place)), must=False)
        case "score":
            wizard_score.score_step(_made(place), lambda: _back(place))


def _made(place: Place) -> Project:
    assert place.project is not None  # `_place` shows these steps of a created project alone
    return place.project


def _can_open(place: Place, step: str) -> bool:
    if place.project is not None or step == "values":
        return True
    return step == "base" and not wizard_start.missing(place.draft)


def _is_done(place: Place, step: str) -> bool:
    project = place.project
    if project is None:
        return step == "values" and not wizard_start.missing(place.draft)
    match step:
        case "data":
            return not wizard_pairs.without_pairs(project)
        case "rewards":
            return not wizard_pairs.not_ready(project)
        case "check":
            return project.checkup() is not None
        case "score":
            pairs = project.datasets()
            return bool(pairs) and pairs.keys() == project.rewards_stamps().keys()
    return True


def _ways(place: Place, following: str, *, trouble: str = "", must: bool = True) -> None:
    """Back, and on to the next step.

    Args:
        place: Where one is.
        following: The next step.
        trouble: What is missing, for people.
        must: Whether what is missing keeps one here.
    """
    st.space("small")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _back(place)
        st.button(
            f"Next: {STEPS[following][0].lower()}",
            key="wizard_next",
            type="secondary" if trouble else "primary",
            icon=":material/arrow_forward:",
            icon_position="right",
            disabled=bool(trouble) and must,
            on_click=go,
            args=(following,),
        )
        if trouble:
            st.caption(trouble, width="content")


def _back(place: Place) -> None:
    names = list(STEPS)
    here = names.index(place.step)
    if here:
        st.button(
            "Back",
            key="wizard_back",
            icon=":material/arrow_back:",
            on_click=go,
            args=(names[here - 1],),
        )
    else:
        st.page_link(page("home"), label="Leave; it is kept", icon=":material/home:")


def go(step: str) -> None:
    """Open a step: the address names it from now on, and nothing of the step before."""
    asked = st.query_params.to_dict()
    kept: dict[str, str] = {name: asked[name] for name in ("draft", "project") if name in asked}
    st.query_params.from_dict({**kept, "step": step})


def _download(place: Place) -> None:
    project, draft = place.project, place.draft
    with st.popover("YAML", icon=":material/description:", key="wizard_file"):
        st.caption(_file_told(draft, project))
        st.download_button(
            "Download as YAML",
            data=(lambda: project_text(project)) if project else (lambda: draft_text(draft)),
            file_name=f"{draft.name or 'project'}.yaml",
            mime="application/yaml",
            icon=":material/download:",
            on_click="ignore",
            disabled=project is None and bool(wizard_start.missing(draft)),
            key="wizard_download",
        )


def _file_told(draft: ProjectDraft, project: Project | None) -> str:
    """Say what the file is good for, and which pairs it lacks to be run in another workspace."""
    there = project.datasets() if project else {}
    without = [value for value in draft.values if value not in there]
    alone = unplaced_data(project) if project else []
    told = "All that is entered so far as a project file"
    makes = "makes it without a browser, and trains, measures and exports too"
    if not without and not alone:
        return f"{told}: `python -m vcsoup run project.yaml` {makes}."
    told += f". `python -m vcsoup run project.yaml` {makes}, once it has all pairs."
    if without:
        told += f" No pairs yet: {literal(', '.join(without))}; `data: FILE_OR_HUB_ID` names them."
    if alone:
        told += (
            f" Pairs that lie in this workspace alone: {literal(', '.join(alone))}; "
            f"`python -m vcsoup project yaml {draft.name} --out project.yaml` writes the file with "
            "these pairs beside it."
        )
    return told


def draft_text(draft: ProjectDraft) -> str:
    """Return the project file of a draft that has a name and values."""
    base = {"model": draft.base, **draft.loading.model_dump()} if draft.base else None
    values: dict[str, dict[str, Any]] = {value: {} for value in draft.values}
    file = ProjectFile(project=draft.name, title=draft.title, values=values, base=base)
    return dump_project_file(file)

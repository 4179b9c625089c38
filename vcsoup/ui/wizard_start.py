"""The wizard's first two steps: name and values, then the base model; they make a draft.

The project is created at the end of the second. After that its values stand; another set of values
is another project.
"""

from collections.abc import Callable, Sequence

import streamlit as st

from vcsoup.errors import VcsoupError
from vcsoup.ui import echoes, soup_link, state
from vcsoup.ui.base_form import BaseChoice, base_form
from vcsoup.ui.literal import literal
from vcsoup.ui.shell import shown_errors, slot
from vcsoup.workspace import Project, project_config
from vcsoup.workspace.config import LONGEST_TITLE
from vcsoup.workspace.names import check_slug, slug_of
from vcsoup.workspace.project_drafts import ProjectDraft

USUAL_VALUES = ("helpful", "harmless", "humorous", "honest", "concise", "polite")
_DRAFT = "wizard_draft"


def draft_of_visit() -> ProjectDraft:
    """Return the draft of this visit, as it was saved last; another visit begins a new one.

    The address names a draft once something of it is saved, but what a person enters meanwhile
    still comes with the address before.
    """
    visit = soup_link.visit()
    if st.session_state.get(_DRAFT, (None,))[0] != visit:
        st.session_state[_DRAFT] = (visit, ProjectDraft())
    kept: ProjectDraft = st.session_state[_DRAFT][1]
    return state.workspace().drafts.load(kept.id) or kept


def draft_of(project: Project) -> ProjectDraft:
    """Return what a created project answers to the questions of the first two steps."""
    config = project.config
    return ProjectDraft(
        title=config.title,
        name=config.name,
        values=config.values,
        base=config.base,
        loading=config.loading,
    )


def missing(draft: ProjectDraft) -> str:
    """Say what a draft lacks to be given a base model; empty when nothing."""
    try:
        if not draft.name:
            return "Give the project a name."
        check_slug(draft.name, "project")
        if len(draft.values) < 2:
            return "Name at least two values."
        for value in draft.values:
            check_slug(value, "value")
    except VcsoupError as error:
        return str(error)
    taken = {project.name for project in state.workspace().projects()}
    if draft.name in taken:
        return f"There is a project {draft.name} already; choose another short name."
    return ""


def values_step(draft: ProjectDraft, *, created: bool) -> ProjectDraft:
    """Ask for name and values, and keep what is entered.

    Args:
        draft: What was entered so far.
        created: Whether the project exists; then its values are shown.

    Returns:
        The draft as it is now.
    """
    if created:
        st.markdown(
            f"**{literal(draft.title or draft.name)}** balances {literal(', '.join(draft.values))}."
        )
        st.caption(
            "The project is created, so name and values stand. Other values make another project: "
            "start a new one on Home."
        )
        return draft
    key = f"wizard_{draft.id}"
    _seed(draft, key)
    entries = st.container(key="wizard_entries")  # app.css keeps room for them
    left, right = entries.columns([3, 2])
    title = left.text_input(
        "Name of the project",
        key=f"{key}_title",
        max_chars=LONGEST_TITLE,
        placeholder="Kind and short",
        help="As people read it.",
    )
    name = right.text_input(
        "Short name",
        echoes.shown(f"{key}_name", _short_name(key)),
        key=f"{key}_name",
        max_chars=40,
        help="For commands and folders: a-z, 0-9 and '-'.",
        on_change=_choose_name,
        args=(key,),
    )
    chosen = entries.multiselect(
        "Values",
        list(dict.fromkeys([*USUAL_VALUES, *draft.values])),
        key=f"{key}_values",
        accept_new_options=True,
        placeholder="Choose, or type your own and press Enter",
        help="Two or more. Each has its own preference pairs and its own reward model; the soup "
        "balances them.",
    )
    values = tuple(dict.fromkeys(filter(None, map(slug_of, chosen))))
    with slot():
        if told := renamed(chosen):
            st.caption(f":material/info: {literal(told)}")
    st.caption(
        "A value is anything that one answer can have more of than another. The pairs of one value "
        "say which answer is better in its sense alone."
    )
    return _kept(draft, title=title.strip(), name=(name or "").strip(), values=values)


def renamed(typed: Sequence[str]) -> str:
    """Say what values are called in the project whose typed name cannot stay; empty for none.

    Example:
        >>> renamed(["polite", "Quite Brief!", "???"])
        'Quite Brief! will be quite-brief; ??? is left out, type it with a-z or 0-9.'
    """
    told = []
    for name in typed:
        short = slug_of(name)
        if not short:
            told.append(f"{name} is left out, type it with a-z or 0-9")
        elif short != name:
            told.append(f"{name} will be {short}")
    return "; ".join(told) + "." if told else ""


def base_step(draft: ProjectDraft, project: Project | None, back: Callable[[], None]) -> None:
    """Ask for the base model; create the project, or change the base of the one that is there.

    Args:
        draft: What was entered so far.
        project: The project, once it is created.
        back: Draws the way back.
    """
    start = BaseChoice(draft.base, draft.loading) if draft.base else None
    key = f"wizard_base_{project.name if project else draft.id}"
    values = max(2, len(draft.values))
    choice = base_form(key, state.workspace(), start=start, values=values)
    if choice is not None and project is None:
        draft = _kept(draft, base=choice.base, loading=choice.loading)
    st.space("small")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        back()
        clicked = st.button(
            "Save and go on" if project else "Create the project",
            key="wizard_next",
            type="primary",
            icon=":material/arrow_forward:",
            icon_position="right",
            disabled=choice is None or bool(choice.trouble),
        )
        if choice is not None and choice.trouble:
            st.caption(choice.trouble)
    if clicked and choice is not None:
        with shown_errors():
            name = _create(draft) if project is None else project.name
            if project is not None:
                project.set_base(choice.base, choice.loading)
            st.query_params.from_dict({"project": name, "step": "data"})
            st.rerun()


def _seed(draft: ProjectDraft, key: str) -> None:
    """Fill the widgets from the draft when this visit has not met them yet."""
    st.session_state.setdefault(f"{key}_title", draft.title)
    own = draft.name if draft.name != slug_of(draft.title) else ""
    st.session_state.setdefault(f"{key}_own", own)
    st.session_state.setdefault(f"{key}_values", list(draft.values))


def _short_name(key: str) -> str:
    """The short name follows the name until someone writes it."""
    return str(st.session_state[f"{key}_own"] or slug_of(st.session_state[f"{key}_title"]))


def _choose_name(key: str) -> None:
    if not echoes.is_echo(f"{key}_name", _short_name(key)):
        st.session_state[f"{key}_own"] = st.session_state[f"{key}_name"]


def _kept(draft: ProjectDraft, **entries: object) -> ProjectDraft:
    """Save a draft that has changed, and let the address name it."""
    changed = draft.model_copy(update=entries)
    if changed == draft:
        return draft
    saved = state.workspace().drafts.save(changed)
    st.session_state[_DRAFT] = (soup_link.visit(), saved)
    if st.query_params.get("draft") != saved.id:
        st.query_params["draft"] = saved.id
    return saved


def _create(draft: ProjectDraft) -> str:
    workspace = state.workspace()
    config = project_config(
        name=draft.name,
        title=draft.title,
        values=draft.values,
        base=draft.base,
        loading=draft.loading,
    )
    workspace.create_project(config)
    workspace.drafts.delete(draft.id)
    st.session_state.pop(_DRAFT, None)
    return config.name

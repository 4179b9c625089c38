"""The draft of this visit: where the Consistency page keeps what is on the screen.

The session holds the history of drafts, the dataset in focus, the scale, the open view and the pair
that is read. The address is read when a visit begins or when the browser brings another one; it is
written by the cockpit in the browser, in place, so that "back" leaves the page. A move that comes
before the address of the one before was written brings an older one of ours, which nobody wishes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from vcsoup.ui.address import Asked, own_part, read_address, write_address
from vcsoup.ui.draft import Draft, draft_of
from vcsoup.ui.history import History
from vcsoup.ui.look import Look, look_at
from vcsoup.workspace import Project, Scale

_KEY, _SEEN, _WRITTEN = "filter_desk", "filter_address", "filter_addresses_written"
_MOST_WRITTEN = 20


@dataclass(frozen=True)
class Desk:
    """What is on the screen.

    Attributes:
        project: Name of the project it belongs to.
        look: The scored datasets as they are now, at the scale on the screen.
        history: The draft and its past.
        focus: The dataset that the views show.
        view: The open view, one of `address.VIEWS`.
        pair: Id of the pair that is read; None before one is picked.
        seq: Number of the browser's last move that has arrived.
        notes: What the address asked for in vain.
    """

    project: str
    look: Look
    history: History[Draft]
    focus: str
    view: str = "gaps"
    pair: str | None = None
    seq: int = 0
    notes: tuple[str, ...] = ()

    @property
    def scored(self) -> tuple[str, ...]:
        """The values with scored pairs, at least one."""
        return tuple(self.look.keys)

    @property
    def scale(self) -> Scale:
        """How gaps are scaled."""
        return self.look.scale

    @property
    def draft(self) -> Draft:
        """The filters under the hand."""
        return self.history.present

    @property
    def address(self) -> list[tuple[str, str]]:
        """Entries of the address that show this screen."""
        return write_address(
            Asked(
                value=self.focus,
                thresholds=self.draft.thresholds,
                min_norm=self.draft.min_norm,
                flips=self.draft.flips,
                scale=self.scale,
                view=self.view,
                pair=self.pair,
            )
        )


def begin(project: Project, scored: Sequence[str]) -> Desk:
    """Return the desk of this visit, made from the saved filters and the address.

    Args:
        project: The project.
        scored: Its values with scored pairs, at least one.
    """
    asked = own_part(st.query_params.to_dict())
    found = st.session_state.get(_KEY)
    if found is None or (found.project, found.scored) != (project.name, tuple(scored)):
        found = _new(project, scored)
        st.session_state[_SEEN], st.session_state[_WRITTEN] = None, []
    else:
        found = replace(found, look=look_at(project, scored, found.scale))
    written = st.session_state[_WRITTEN]
    if asked and asked not in (st.session_state[_SEEN], *written):
        found = adopt(found, read_address(asked, scored))
    st.session_state[_SEEN] = asked
    st.session_state[_WRITTEN] = [*written, dict(found.address)][-_MOST_WRITTEN:]
    put(found)
    return found


def desk() -> Desk:
    """Return the desk of this visit; `begin` has been called."""
    found: Desk = st.session_state[_KEY]
    return found


def put(changed: Desk) -> None:
    """Lay a changed desk down."""
    st.session_state[_KEY] = changed


def draw_up(change: Callable[[Draft], Draft]) -> None:
    """Change the draft, as a step that can be undone."""
    now = desk()
    put(replace(now, history=now.history.push(change(now.draft))))


def adopt(now: Desk, asked: Asked) -> Desk:
    """Return the desk that an address asks for; what it does not name stays."""
    draft = now.draft.moved(asked.thresholds)
    if asked.min_norm is not None:
        draft = replace(draft, min_norm=asked.min_norm)
    if asked.flips is not None:
        draft = replace(draft, flips=asked.flips)
    look = now.look
    if asked.scale not in (None, look.scale):
        look = look_at(look.project, now.scored, asked.scale)
    return replace(
        now,
        look=look,
        history=now.history.push(draft),
        focus=asked.value or now.focus,
        view=asked.view or now.view,
        pair=asked.pair,
        notes=asked.notes,
    )


def saved_draft(project: Project, scored: Sequence[str]) -> Draft:
    """Return the draft of the project's saved filters."""
    filters = project.filters()
    return draft_of({value: filters[value] for value in scored})


def _new(project: Project, scored: Sequence[str]) -> Desk:
    return Desk(
        project=project.name,
        look=look_at(project, scored),
        history=History(saved_draft(project, scored)),
        focus=scored[0],
    )

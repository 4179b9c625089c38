"""An address that the browser reports late is nobody's wish; a link and "back" are."""

import pytest

from vcsoup.ui import soup_link


class Address(dict):
    """What Streamlit's query parameters are to this page."""

    def to_dict(self):
        return dict(self)

    def from_dict(self, entries):
        self.clear()
        self.update(entries)


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("vcsoup.ui.soup_link.time.monotonic", lambda: now[0])
    return now


@pytest.fixture
def address(monkeypatch, clock):
    """Return the address after a whole run that showed the answer, some time ago."""
    address = Address(view="answer")
    monkeypatch.setattr("vcsoup.ui.soup_link.st.session_state", {})
    monkeypatch.setattr("vcsoup.ui.soup_link.st.query_params", address)
    soup_link.run_began("soup")
    soup_link.write({"view": "answer"})
    soup_link.run_ended()
    clock[0] += 60
    return address


def shown(address, view: str) -> None:
    """Run the page up to its writing, after somebody chose a view."""
    soup_link.run_began("soup")
    assert soup_link.followed("view") is None
    soup_link.write({"view": view})
    assert address["view"] == view


def stepped_back(address, clock) -> None:
    """Choose a view, go back a minute later, and see that followed."""
    shown(address, "export")
    soup_link.run_ended()
    clock[0] += 60
    address["view"] = "answer"
    soup_link.run_began("soup")
    assert soup_link.followed("view") == "answer"


def test_a_link_and_a_step_back_are_followed(address, clock):
    stepped_back(address, clock)


def test_a_click_that_ends_the_writing_run_brings_the_former_address(address, clock):
    """However long that run took after its writing: three seconds here."""
    shown(address, "export")
    clock[0] += 3
    address["view"] = "answer"  # what the browser showed at the click
    soup_link.run_began("soup")
    assert soup_link.followed("view") is None


def test_a_click_just_after_the_run_whose_deed_takes_long(address, clock):
    shown(address, "export")
    soup_link.run_ended()
    clock[0] += 0.2
    address["view"] = "answer"
    with soup_link.clicked():
        clock[0] += 3  # such as the start of a process
    soup_link.run_began("soup")
    assert soup_link.followed("view") is None


def test_the_time_of_a_click_is_that_of_its_own_run_alone(address, clock):
    """A click in a fragment begins no run of the page, and a later one of the page is another's."""
    shown(address, "export")
    soup_link.run_ended()
    with soup_link.clicked():
        clock[0] += 0.1
    clock[0] += 60
    address["view"] = "answer"
    soup_link.run_began("soup")
    assert soup_link.followed("view") == "answer"


def test_a_link_to_another_page_is_followed_at_once(address, clock):
    shown(address, "export")
    address["view"] = "curves"
    soup_link.run_began("train")
    assert soup_link.followed("view") == "curves"


def test_the_first_address_of_a_visit_is_followed(monkeypatch, clock):
    monkeypatch.setattr("vcsoup.ui.soup_link.st.session_state", {})
    monkeypatch.setattr("vcsoup.ui.soup_link.st.query_params", Address(view="export"))
    soup_link.run_began("soup")
    assert soup_link.followed("view") == "export"
    assert soup_link.followed("weights") is None


def test_a_click_before_the_first_writing_is_not_undone_by_the_address(monkeypatch, clock):
    """The first run is ended by a click, the click's run by another one: nothing was written."""
    monkeypatch.setattr("vcsoup.ui.soup_link.st.session_state", {})
    address = Address(view="export")
    monkeypatch.setattr("vcsoup.ui.soup_link.st.query_params", address)
    soup_link.run_began("soup")
    assert soup_link.followed("view") == "export"
    assert soup_link.followed("view") == "export"  # the same run may ask twice
    for _ in range(2):
        clock[0] += 5
        soup_link.run_began("soup")
        assert soup_link.followed("view") is None
    soup_link.write({"view": "vote"})
    soup_link.run_ended()
    clock[0] += 60
    address["view"] = "export"  # a step back
    soup_link.run_began("soup")
    assert soup_link.followed("view") == "export"


def test_a_step_back_that_a_click_ends_is_followed_once(address, clock):
    stepped_back(address, clock)
    clock[0] += 5
    soup_link.run_began("soup")
    assert soup_link.followed("view") is None


def test_a_click_after_a_step_back_is_not_undone(address, clock):
    """What was followed is on the screen and is written; so the next run finds its own address."""
    stepped_back(address, clock)
    soup_link.write({"view": "answer"})
    soup_link.run_ended()
    clock[0] += 60
    shown(address, "vote")


def test_two_quick_steps_back_are_both_followed(address, clock):
    shown(address, "vote")
    soup_link.run_ended()
    clock[0] += 60
    stepped_back(address, clock)
    soup_link.write({"view": "answer"})
    soup_link.run_ended()
    clock[0] += 0.2
    address["view"] = "vote"
    soup_link.run_began("soup")
    assert soup_link.followed("view") == "vote"


def test_an_address_that_is_the_page_s_by_chance_is_no_wish_that_was_followed(address, clock):
    """A quick click back to what the browser still shows: what is on its way stays the page's."""
    shown(address, "export")
    soup_link.run_ended()
    clock[0] += 0.2
    address["view"] = "answer"  # the browser knows nothing of "export" yet
    shown(address, "answer")
    soup_link.run_ended()
    clock[0] += 60
    address["view"] = "export"
    soup_link.run_began("soup")
    assert soup_link.followed("view") is None

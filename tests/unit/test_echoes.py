"""What the browser repeats for a moment is no move of a person."""

import pytest

from vcsoup.ui import echoes


@pytest.fixture
def session(monkeypatch):
    session: dict = {}
    monkeypatch.setattr("vcsoup.ui.echoes.st.session_state", session)
    return session


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("vcsoup.ui.echoes.time.monotonic", lambda: now[0])
    return now


def test_a_value_that_the_page_replaced_is_an_echo_for_a_moment(session, clock):
    """The slider showed 1.0, an undo set it to 0.3; 1.0 comes in once more, later by hand."""
    session["slider"] = 1.0
    echoes.put("slider", 0.3)
    assert session["slider"] == 0.3
    session["slider"] = 1.0
    assert echoes.is_echo("slider", 0.3)
    clock[0] += echoes.SETTLING_SECONDS + 0.1
    assert not echoes.is_echo("slider", 0.3)


def test_what_it_shows_already_is_an_echo(session, clock):
    echoes.put("slider", 0.3)
    assert echoes.is_echo("slider", 0.3)


def test_there_and_back_by_hand_is_two_moves(session, clock):
    """A person moves 0.31 to 0.32 and back at once; the page only confirms what they did."""
    echoes.put("slider", 0.31)
    for asked, present in ((0.32, 0.31), (0.31, 0.32)):
        session["slider"] = asked
        assert not echoes.is_echo("slider", present)
        echoes.put("slider", asked)


def test_widgets_do_not_share_echoes(session, clock):
    session["one"] = 1.0
    echoes.put("one", 0.0)
    session["two"] = 1.0
    assert not echoes.is_echo("two", 0.5)


def test_a_widget_starts_with_what_it_should_show(session, clock):
    """Nothing is put, so a browser that loads the widget late finds the right default."""
    assert echoes.shown("slider", 0.3) == 0.3
    assert "slider" not in session
    session["slider"] = 0.3  # what Streamlit makes of the default
    assert echoes.shown("slider", 0.3) == 0.3


def test_what_a_cut_off_run_put_is_put_again_until_a_run_ends(session, clock):
    """Put once, the browser may not have got it: the run was ended before it was sent."""
    session["slider"] = 0.3
    for _ in range(2):
        assert echoes.shown("slider", 0.5) is None
        assert session["slider"] == 0.5
    echoes.run_ended()
    assert echoes.shown("slider", 0.5) == 0.5


def test_a_widget_that_a_person_moves_is_not_put_again(session, clock):
    session["slider"] = 0.3
    assert echoes.shown("slider", 0.5) is None
    session["slider"] = 0.6
    assert not echoes.is_echo("slider", 0.5)
    assert echoes.shown("slider", 0.6) == 0.6

"""Callbacks that Streamlit does not cut in half."""

import pytest
from streamlit.runtime.state import SafeSessionState
from streamlit.testing.v1 import AppTest

from vcsoup.ui.whole_callbacks import run_callbacks_whole


def page() -> None:
    import streamlit as st
    from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx

    def act() -> None:
        st.session_state["begun"] = True
        get_script_run_ctx().script_requests.request_rerun(RerunData())  # as a second click does
        st.session_state["done"] = True
        st.query_params["place"] = "here"
        st.toast("done")
        st.session_state["told"] = True

    st.button("act", on_click=act)
    st.text(" ".join(name for name in ("begun", "done", "told") if name in st.session_state))


def other_page() -> None:
    import streamlit as st

    def act() -> None:
        st.session_state["begun"] = True
        st.rerun()
        st.session_state["done"] = True

    st.button("act", on_click=act)
    st.text(" ".join(name for name in ("begun", "done") if name in st.session_state))


@pytest.fixture(autouse=True)
def streamlit_is_itself_afterwards(monkeypatch: pytest.MonkeyPatch):
    own = SafeSessionState.on_script_will_rerun
    monkeypatch.setattr(SafeSessionState, "on_script_will_rerun", own)


def clicked(script) -> str:
    app = AppTest.from_function(script).run()
    app.button[0].click().run()
    assert not app.exception
    return app.text[0].value


def test_a_callback_is_run_to_its_end_when_the_next_run_is_asked_for():
    assert clicked(page) == "begun"  # Streamlit's own way, for which this is there
    run_callbacks_whole()
    assert clicked(page) == "begun done told"


def test_a_rerun_that_a_callback_asks_for_still_ends_it():
    run_callbacks_whole()
    assert clicked(other_page) == "begun"

"""Callbacks that Streamlit does not cut in half, and whose refusals are shown."""

from streamlit.runtime.state import SafeSessionState
from streamlit.testing.v1 import AppTest


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


def refusing_page() -> None:
    import streamlit as st

    from vcsoup.errors import NotFoundError
    from vcsoup.ui.shell import shown_errors

    def act() -> None:
        raise NotFoundError("Project $x$ is gone.")

    st.button("act", on_click=act)
    with shown_errors():
        st.text("drawn")


def clicked(script) -> AppTest:
    app = AppTest.from_function(script).run()
    app.button[0].click().run()
    assert not app.exception
    return app


def test_a_callback_is_run_to_its_end_when_the_next_run_is_asked_for(monkeypatch):
    assert clicked(page).text[0].value == "begun done told"
    own = SafeSessionState.on_script_will_rerun.__wrapped__
    monkeypatch.setattr(SafeSessionState, "on_script_will_rerun", own)
    assert clicked(page).text[0].value == "begun"  # Streamlit's own way, for which ours is there


def test_a_rerun_that_a_callback_asks_for_still_ends_it():
    assert clicked(other_page).text[0].value == "begun"


def test_a_refused_callback_says_why_and_the_page_is_drawn():
    app = clicked(refusing_page)
    assert [error.value for error in app.error] == [r"Project \$x\$ is gone."]
    assert app.text[0].value == "drawn"
    assert not app.run().error  # once

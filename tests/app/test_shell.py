"""The frame of every screen: what a callback does counts, and a refusal is said once."""

from streamlit.testing.v1 import AppTest


def _page() -> None:
    import streamlit as st

    from vcsoup.errors import JobError
    from vcsoup.ui.shell import header, shown_errors, trying

    def stop() -> None:
        st.session_state["stopped"] = True

    def refuse() -> None:
        raise JobError("it has *ended*; look again")

    header("What?", "A page.")
    with shown_errors():
        if st.session_state.pop("changed", False):
            st.rerun()  # as a page does that sees a job end
        st.button("Stop", key="stop", on_click=trying, args=(stop,))
        st.button("Start", key="start", on_click=trying, args=(refuse,))


def test_a_click_counts_though_the_page_begins_anew_before_the_button():
    app = AppTest.from_function(_page, default_timeout=30).run()
    app.session_state["changed"] = True
    app.button(key="stop").click().run()
    assert app.session_state["stopped"]
    assert not app.error


def test_a_refusal_is_said_once_and_as_it_is():
    app = AppTest.from_function(_page, default_timeout=30).run()
    app.button(key="start").click().run()
    assert [error.value for error in app.error] == ["it has \\*ended\\*; look again"]
    app.run()
    assert not app.error


def _values() -> None:
    import streamlit as st

    from vcsoup.ui.shell import beside_each_other

    for count in (2, 4, 5, 6, 8):
        with st.container(key=f"k{count}"):
            for column, value in beside_each_other("abcdefgh"[:count]):
                column.text(value)


def test_values_stand_in_rows_of_one_length():
    """At most four a row; six in rows of four and two would leave half of the second empty."""
    app = AppTest.from_function(_values, default_timeout=30).run()
    shares = [round(1 / column.weight) for column in app.columns]
    assert shares == [2] * 2 + [4] * 4 + [3] * 6 + [3] * 6 + [4] * 8
    assert "".join(text.value for text in app.text) == "".join(
        "abcdefgh"[:count] for count in (2, 4, 5, 6, 8)
    )

"""The form for a base model: what it returns, and what a look at the base shows."""

import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.looking import after_looking
from tests.tiny_models import tiny_causal, tiny_classifier
from vcsoup.base_models.settings import BaseLoading
from vcsoup.cli import main
from vcsoup.jobs import Jobs
from vcsoup.ui.base_form import BaseChoice, look_args
from vcsoup.workspace import Workspace


def page() -> None:
    import streamlit as st

    from vcsoup.ui import state
    from vcsoup.ui.base_form import base_form

    st.session_state["choice"] = base_form("base", state.workspace())


@pytest.fixture
def form(workspace: Workspace) -> AppTest:  # looks that begin there end with the test
    app = AppTest.from_function(page, default_timeout=30).run()
    assert not app.exception, app.exception
    return app


def entered(app: AppTest, model: str | Path) -> AppTest:
    return app.text_input(key="base_base").set_value(str(model)).run()


def looked(app: AppTest, workspace) -> AppTest:
    """Wait for the look, which begins by itself."""
    assert app.session_state["choice"].looking
    return after_looking(app, workspace)


@pytest.fixture
def look_here(workspace, monkeypatch):
    """Return a function that does the form's look at a base in this process, as a job."""

    def look(base: str | Path) -> None:
        args = look_args(str(base), BaseLoading(), workspace)
        monkeypatch.setattr(sys, "argv", ["vcsoup", *args])
        with pytest.raises(SystemExit):
            main()

    return look


def test_nothing_is_chosen_before_a_base_is_named(form):
    assert form.session_state["choice"] is None
    assert "Name a folder" in form.caption[-1].value
    entered(form, "org/base")
    assert form.session_state["choice"] == BaseChoice("org/base", BaseLoading(), looking=True)


def test_a_look_that_failed_keeps_nobody_from_going_on(form, look_here):
    """Without a network a hub's model may still be right; it can be looked at again."""
    look_here("org/base")
    entered(form, "org/base")
    choice = form.session_state["choice"]
    assert (choice.look, choice.looking, choice.trouble) == (None, False, "")
    assert "org/base" in form.error[0].value
    form.button(key="base_look").click().run()
    assert form.session_state["choice"].looking


def test_a_folder_that_is_not_there_is_no_choice(form, tmp_path):
    entered(form, tmp_path)
    assert form.session_state["choice"] is None
    assert "has no config.json; give a folder or hub id" in form.warning[0].value
    (tmp_path / "config.json").write_text("{}")
    entered(form.run(), tmp_path)
    assert form.session_state["choice"].base == str(tmp_path)
    entered(form, tmp_path / "gone")
    assert form.session_state["choice"] is None
    assert form.warning[0].value.startswith("There is no folder /")
    assert "/gone; give one with config.json" in form.warning[0].value


def test_a_look_can_be_stopped_and_begun_again(form, workspace, tmp_path):
    base = tiny_causal("gpt2", tmp_path / "base")
    entered(form, base)
    form.button(key="base_stop").click().run()
    assert form.session_state["choice"] == BaseChoice(str(base), BaseLoading())
    assert "Nobody has looked at it" in form.caption[-1].value
    after_looking(form, workspace)
    assert form.session_state["choice"].look is None  # it does not begin again by itself
    form.button(key="base_look").click().run()
    assert looked(form, workspace).session_state["choice"].look["usable"]


def test_the_settings_are_part_of_the_choice_and_of_the_command(form, workspace):
    entered(form, "org/base")
    form.text_input(key="base_revision").set_value("v1").run()
    form.selectbox(key="base_quantization").set_value("4bit").run()
    form.checkbox(key="base_gradient_checkpointing").check().run()
    loading = BaseLoading(revision="v1", quantization="4bit", gradient_checkpointing=True)
    assert form.session_state["choice"] == BaseChoice("org/base", loading, looking=True)
    looks = Jobs(workspace.jobs_root).list(kind="look")
    current = [job.args for job in looks if job.state not in ("stopping", "stopped")]
    assert current == [look_args("org/base", loading, workspace)]
    assert look_args("--strange", loading, workspace) == [
        *("base", "look", "--revision=v1", "--quantization=4bit", "--gradient-checkpointing"),
        *("--workspace", str(workspace.root), "--", "--strange"),
    ]
    assert "--values=3" in look_args("org/base", loading, workspace, values=3)


def test_a_look_shows_what_the_base_is_and_stays_after_a_refresh(form, workspace, tmp_path):
    base = tiny_causal("gpt_neox", tmp_path / "base", chat=False)
    looked(entered(form, base), workspace)
    choice = form.session_state["choice"]
    assert choice.look["usable"]
    assert not choice.trouble
    assert "**GPTNeoXForCausalLM**, 34,272 parameters, 2 layers" in form.markdown[-1].value
    assert "Its tokenizer has no chat template" in form.info[0].value
    shown = form.dataframe[0].value
    assert list(shown["for"]) == ["training, float32", "serving, float32"]
    assert list(shown["weights"]) == ["134 KiB", "134 KiB"]
    assert set(shown["on this machine"]) == {"fits"}
    assert "query\\_key\\_value" in form.caption[-1].value
    again = entered(AppTest.from_function(page, default_timeout=30).run(), base)
    assert again.session_state["choice"] == choice


def test_a_base_that_cannot_be_used_is_said_with_a_remedy(form, look_here, tmp_path):
    judge = tiny_classifier(tmp_path / "judge")
    look_here(judge)
    entered(form, judge)
    assert "cannot be used as it is" in form.session_state["choice"].trouble
    assert "not a causal language model. Choose a model for text generation" in form.error[0].value
    assert not form.dataframe

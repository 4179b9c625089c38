"""The form of a judge: known models, folders, heads by name, rules, endpoints, what is wrong."""

import json
import time

import pytest
from streamlit.testing.v1 import AppTest

from vcsoup.rewards.spec import RewardSpec, reward_spec
from vcsoup.ui import reward_suggestion
from vcsoup.ui.reward_suggestion import Told
from vcsoup.workspace import Workspace, default_workspace

URM = "LxzGordon/URM-LLaMa-3.1-8B"
COMMIT = "a" * 40


def _page() -> None:
    import streamlit as st

    from vcsoup.ui.reward_form import reward_form
    from vcsoup.workspace import Workspace, default_workspace

    start, columns = st.session_state["start"], st.session_state["columns"]
    here = Workspace(default_workspace())
    st.session_state["made"] = reward_form("f", here, value="calm", start=start, columns=columns)


def form(start: RewardSpec | None = None, columns: tuple[str, ...] = ()) -> AppTest:
    app = AppTest.from_function(_page, default_timeout=30)
    app.session_state["start"], app.session_state["columns"] = start, columns
    return app.run()


def made(app: AppTest) -> RewardSpec | None:
    assert not app.exception, app.exception
    return app.session_state["made"]


def field(app: AppTest, name: str):
    """The widget of a record's field; its key ends with the field's name."""
    shown = [*app.selectbox, *app.text_input, *app.number_input, *app.checkbox]
    [one] = [widget for widget in shown if widget.key.endswith(f"_{name}")]
    return one


def captions(app: AppTest) -> str:
    return " | ".join(caption.value for caption in app.caption)


def folder(path, **config):
    """A model's folder as far as the form reads it."""
    path.mkdir()
    (path / "config.json").write_text(json.dumps({"model_type": "llama", **config}))
    return path


def test_nothing_is_made_until_a_model_is_named_and_known_ones_bring_their_settings():
    app = form()
    assert made(app) is None
    assert "Choose one whose way of asking is known" in captions(app)
    app.segmented_control(key="f_way").select("a folder or hub id").run()
    assert "Name a folder that holds a model" in captions(app)
    app.segmented_control(key="f_way").select("a known model").run()
    app.selectbox(key="f_known").select("PKU-Alignment/beaver-7b-v1.0-cost").run()
    spec = made(app)
    assert (spec.template, spec.loader, spec.sign) == ("beaver", "score_head", -1)
    field(app, "sign").select(1).run()
    assert made(app).sign == 1


def test_heads_are_chosen_by_name_and_own_code_waits_for_a_consent():
    app = form()
    app.selectbox(key="f_known").select(URM).run()
    assert "give the full commit" in app.warning[0].value
    app.text_input(key="f_revision").input(COMMIT).run()
    assert not app.warning
    field(app, "head").select("verbosity").run()
    assert (made(app).label, made(app).revision, made(app).trust_remote_code) == (4, COMMIT, True)
    assert [button.label for button in app.button] == ["Read the risk"]
    Workspace(default_workspace()).consents.give(URM, COMMIT)
    assert [button.label for button in app.run().button] == ["Take the consent back"]
    app.button[0].click().run()
    assert Workspace(default_workspace()).consents.load() == []


def test_the_risk_is_read_before_anyone_agrees():
    app = form(reward_spec(model=URM, revision=COMMIT, trust_remote_code=True))
    app.button(key="f_consent").click().run()
    assert "with all of your rights" in app.warning[0].value
    assert app.button(key="f_agree").disabled
    assert Workspace(default_workspace()).consents.load() == []


def test_a_folder_is_asked_as_its_configuration_suggests(tmp_path):
    """Labels safe and unsafe: their difference, turned; two-label names are offered by name."""
    judge = folder(tmp_path / "judge", id2label={"0": "safe", "1": "unsafe"})
    app = form()
    app.segmented_control(key="f_way").select("a folder or hub id").run()
    app.text_input(key="f_own").input(str(judge)).run()
    spec = made(app)
    assert (spec.template, spec.label, spec.sign) == ("response", "diff", -1)
    assert "turned because the second is the worse one" in captions(app)
    assert field(app, "label").options == ["0: safe", "1: unsafe", "unsafe minus safe"]
    field(app, "label").select("0").run()
    field(app, "sign").select(1).run()
    field(app, "pad_side").select("left").run()
    spec = made(app)
    assert (spec.model, spec.label, spec.sign, spec.pad_side) == (str(judge), 0, 1, "left")


def test_outputs_and_scores_are_offered_by_their_names(tmp_path):
    """The entries of a list are no Markdown: an underscore stays one."""
    judge = folder(tmp_path / "judge", id2label={"0": "LABEL_0", "1": "LABEL_1"})
    app = form(reward_spec(model=str(judge)))
    assert field(app, "label").options == ["0: LABEL_0", "1: LABEL_1", "LABEL_1 minus LABEL_0"]
    app = form(reward_spec(kind="column", column="fine_grained"), columns=("overall_score",))
    assert "soups need another judge, for they answer anew." in captions(app)
    assert field(app, "column").options == ["overall_score", "fine_grained"]


def test_a_saved_judge_shows_as_it_was_until_a_suggestion_is_asked_for(tmp_path):
    judge = folder(tmp_path / "judge", id2label={"0": "reward"}, max_position_embeddings=256)
    saved = reward_spec(model=str(judge), template="hh", sign=-1, max_length=99, label="diff")
    app = form(saved)
    assert made(app) == saved
    app.button(key="f_suggest").click().run()
    spec = made(app)
    assert (spec.template, spec.sign, spec.max_length, spec.label) == ("pair", 1, 256, 0)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"architectures": ["LlamaForCausalLM"]}, "not a sequence classifier"),
        (None, "has no config.json"),
    ],
)
def test_a_folder_that_is_no_judge_is_refused(tmp_path, config, message):
    judge = folder(tmp_path / "judge", **(config or {}))
    if config is None:
        (judge / "config.json").unlink()
    app = form(reward_spec(model=str(judge)))
    assert made(app) is None
    assert message in app.warning[0].value
    app.text_input(key="f_own").input("/no/such/folder").run()
    assert made(app) is None
    assert "there is no folder /no/such/folder" in app.warning[0].value


def test_the_hub_is_asked_aside_and_without_it_settings_are_made_by_hand(monkeypatch):
    """The page draws while the hub is silent; once it fails, the settings can be made by hand."""
    silent = True

    def slow(model: str, revision: str | None) -> Told:
        while silent:
            time.sleep(0.01)
        return Told(None, f"{model} cannot be reached")

    monkeypatch.setattr(reward_suggestion, "ask", slow)
    app = form(reward_spec(model="org/judge", max_length=77))
    assert made(app) is None
    assert "Reading the configuration of org/judge" in captions(app)
    silent = False
    deadline = time.monotonic() + 20
    while made(app) is None and time.monotonic() < deadline:
        time.sleep(0.05)
        app.run()
    assert "cannot be reached. Until then, say below" in app.info[0].value
    field(app, "template").select("hh").run()
    assert made(app) == reward_spec(model="org/judge", template="hh", max_length=77)


def test_rules_need_what_they_say():
    app = form(columns=("honesty", "score"))
    app.selectbox(key="f_kind").select("length").run()
    assert made(app) == reward_spec(kind="length")
    field(app, "sign").select(-1).run()
    assert made(app) == reward_spec(kind="length", sign=-1)
    app.selectbox(key="f_kind").select("pattern").run()
    assert made(app) is None
    assert "Fill in the pattern" in captions(app)
    field(app, "pattern").input("(").run()
    assert made(app) is None
    assert "cannot be read" in app.warning[0].value
    field(app, "pattern").input("sorry|regret").run()
    assert made(app).pattern == "sorry|regret"
    app.selectbox(key="f_kind").select("column").run()
    assert field(app, "column").options == ["honesty", "score"]
    field(app, "column").select("honesty").run()
    assert made(app) == reward_spec(kind="column", column="honesty")


def test_an_endpoint_needs_address_model_and_criterion_and_a_consent_when_it_is_elsewhere():
    app = form()
    app.selectbox(key="f_kind").select("endpoint").run()
    assert made(app) is None
    assert "Fill in to go on: Address, Model, What is scored, in words." in captions(app)
    field(app, "url").input("http://127.0.0.1:9/v1").run()
    field(app, "model").input("judge-1").run()
    field(app, "criterion").input("how calm the reply is").run()
    spec = made(app)
    assert (spec.host, spec.model, spec.criterion) == (
        "127.0.0.1",
        "judge-1",
        "how calm the reply is",
    )
    assert not app.button
    field(app, "requests_per_minute").set_value(30).run()
    field(app, "timeout").set_value(2.5).run()
    assert (made(app).requests_per_minute, made(app).timeout) == (30, 2.5)
    field(app, "url").input("https://judge.example/v1").run()
    assert [button.label for button in app.button] == ["Read the risk"]
    field(app, "key_env").input("sk-live-0123456789abcdefghij").run()
    assert made(app) is None
    assert "sk-live" not in app.warning[0].value


def test_every_field_has_a_sentence_of_help():
    app = form()
    app.selectbox(key="f_known").select("Ray2333/gpt2-large-helpful-reward_model").run()
    for kind in app.selectbox(key="f_kind").options:
        place = app.selectbox(key="f_kind").options.index(kind)
        app.selectbox(key="f_kind").select_index(place).run()
        shown = [*app.selectbox, *app.text_input, *app.number_input, *app.checkbox]
        assert [widget.key for widget in shown if len(widget.help or "") < 20] == []

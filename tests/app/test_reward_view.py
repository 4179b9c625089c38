"""The view "Reward models": judges per value, what the clinic found, one click to mend, undo."""

import json
import threading
import time
from dataclasses import replace

import pytest

from tests.app.fixture_project import HAND_GAPS, full_project, hand_project, store_gaps
from vcsoup.jobs import Jobs
from vcsoup.rewards.findings import Finding
from vcsoup.rewards.spec import RewardSpec, changed_spec
from vcsoup.ui import reward_suggestion
from vcsoup.ui.reward_suggestion import Told
from vcsoup.workspace import Project, ProjectConfig
from vcsoup.workspace.checkups import Checkup

TURNED = Finding(
    "fault",
    "sign",
    "helpful",
    "orders 5% of 64 pairs",
    "set sign=1",
    figures={"agreement": 0.05, "pairs": 64},
    fix={"sign": 1},
)
PADDED = Finding(
    "fault", "padding", "helpful", "padding matters", "set pad_side=left", fix={"pad_side": "left"}
)
ALIKE = Finding("ok", "relation", "helpful and harmless", "gaps correlate at -0.21")


@pytest.fixture
def project(workspace) -> Project:
    """Three values; the sign of helpful's judge is turned, and the clinic has seen it."""
    project = full_project(workspace)
    wrong = changed_spec(project.config.rewards["helpful"], sign=-1)
    project.set_reward("helpful", wrong)
    sound = [Finding("ok", "start token", value, "written once") for value in project.values]
    project.save_checkup(
        Checkup(
            checked="2026-01-02T03:04:05.678901+00:00",
            findings=(TURNED, PADDED, *sound, ALIKE),
            pairs=dict.fromkeys(project.values, 64),
            correlations=[[1.0, -0.21, 0.5], [-0.21, 1.0, None], [0.5, None, 1.0]],
            judges=project.config.rewards,
            data={value: info.hash for value, info in project.datasets().items()},
        )
    )
    return project


def texts(app) -> str:
    return " | ".join(element.value for element in [*app.markdown, *app.caption])


def test_a_new_project_is_led_to_its_first_judge(workspace, visit):
    config = ProjectConfig(name="raw", values=("calm", "kind"), base="org/base")
    workspace.create_project(config)
    app = visit("data", view="judges")
    assert texts(app).count("Nothing judges this value yet.") == 2
    assert "Name a judge per value first" in texts(app)
    app.button(key="judge_kind").click().run()
    assert app.button(key="judge_save").disabled
    [kind] = [box for box in app.selectbox if box.label == "What judges kind"]
    kind.select("refusal").run()
    app.button(key="judge_save").click().run()
    assert workspace.project("raw").config.rewards == {"kind": RewardSpec(kind="refusal")}
    assert "is judged by refusal now" in texts(app)
    assert not [button for button in app.button if button.key == "judge_save"]


def entry(app, name: str):
    """The widget of an endpoint's field in the open form."""
    [one] = [widget for widget in app.text_input if widget.key.endswith(f"_endpoint_{name}")]
    return one


def test_a_half_filled_form_survives_a_refresh(workspace, visit):
    """Each refresh is another visit; a key in the place of its name reaches no disk."""
    secret = "sk-live-0123456789abcdefghij"
    project = workspace.create_project(
        ProjectConfig(name="raw", values=("calm", "kind"), base="org/base")
    )
    app = visit("data", view="judges")
    app.button(key="judge_kind").click().run()
    [kind] = [box for box in app.selectbox if box.label == "What judges kind"]
    kind.select("endpoint").run()
    entry(app, "url").input("http://127.0.0.1:9/v1").run()
    entry(app, "criterion").input("how kind the reply is").run()
    entry(app, "key_env").input(secret).run()
    app = visit("data", view="judges")
    assert entry(app, "url").value == "http://127.0.0.1:9/v1"
    assert entry(app, "criterion").value == "how kind the reply is"
    assert entry(app, "key_env").value == ""
    files = [path for path in workspace.root.rglob("*") if path.is_file()]
    assert not [path for path in files if secret.encode() in path.read_bytes()]
    assert not app.warning
    entry(app, "model").input("judge-1").run()
    app = visit("data", view="judges")
    app.button(key="judge_save").click().run()
    made = workspace.project("raw").config.rewards
    assert (list(made), made["kind"].criterion) == (["kind"], "how kind the reply is")
    app = visit("data", view="judges")
    assert not [button for button in app.button if button.key == "judge_save"]
    assert project.draft("judge") == {}


def test_settings_of_a_judge_survive_refreshes_while_its_files_are_out_of_reach(
    workspace, visit, monkeypatch
):
    """The hub answers, then is silent: the second refresh finds what the first one found."""
    reached = threading.Event()

    def ask(*_: object) -> Told:
        reached.wait(10)
        return Told(None, "the hub cannot be reached")

    monkeypatch.setattr(reward_suggestion, "ask", ask)
    project = workspace.create_project(
        ProjectConfig(name="raw", values=("calm", "kind"), base="org/base")
    )
    filled = RewardSpec(model="org/judge", template="hh", max_length=333)
    entries = filled.model_dump(mode="json")
    project.keep_draft("judge", {"value": "kind", "of": "new", "entries": entries})
    for _ in range(2):
        visit("data", view="judges")
    reached.set()
    app = visit("data", view="judges")
    for _ in range(20):
        if not app.number_input:
            time.sleep(0.05)
            app.run()
    assert [box.value for box in app.number_input] == [333]
    app.button(key="judge_save").click().run()
    assert workspace.project("raw").config.rewards == {"kind": filled}


def test_a_judge_that_is_looked_at_leaves_no_draft(workspace, visit, monkeypatch):
    """Its form is open, nothing is changed: the next visit has no reason to open it."""
    monkeypatch.setattr(reward_suggestion, "ask", lambda *_: Told(None, "no", usable=False))
    project = workspace.create_project(
        ProjectConfig(name="raw", values=("calm", "kind"), base="org/base")
    )
    project.set_reward("kind", RewardSpec(model="org/judge"))
    app = visit("data", view="judges")
    app.button(key="judge_kind").click().run()
    assert [box.value for box in app.text_input if box.label == "Folder or hub id"] == ["org/judge"]
    assert not project.draft("judge")


def test_what_the_clinic_found_is_shown_with_its_figures(project, visit):
    app = visit("data", view="judges")
    shown = texts(app)
    assert "error: 2 faults" in shown
    assert shown.count("check_circle: sound") == 2
    assert "Orders 5% of 64 pairs." in shown
    assert "Orders 5% of 64 pairs of its own as labelled." in shown
    assert "Checked 2026-01-02 03:04 UTC on 64 pairs of helpful" in shown
    assert [e.label for e in app.expander if "passed" in e.label] == ["4 checks passed"]
    [chart] = app.get("plotly_chart")
    [map_] = json.loads(chart.proto.spec)["data"]
    assert map_["text"][0] == ["+1.00", "\N{MINUS SIGN}0.21", "+0.50"]
    assert map_["text"][1][2] == "unknown"
    assert "as they were" not in shown


def test_a_click_turns_the_sign_and_another_one_takes_it_back(project, workspace, visit):
    """The padding is still to be mended, for a turned sign does not touch it; rewards are stale."""
    app = visit("data", view="judges")
    [click] = [button for button in app.button if button.label == "Turn the sign"]
    click.click().run()
    assert workspace.project("demo").config.rewards["helpful"].sign == 1
    shown = texts(app)
    assert "mended" in shown
    assert "Changed since: helpful." in shown
    assert "as they were: helpful was changed since; check again" in shown  # the correlations
    assert shown.count("update: changed since checked") == 1
    assert [b.label for b in app.button if b.label in ("Turn the sign", "Pad on the left")] == [
        "Pad on the left"
    ]
    assert app.button(key="start_check").label == "Check again"
    app.button(key="undo_judge").click().run()
    assert workspace.project("demo").config.rewards["helpful"].sign == -1
    assert "error: 2 faults" in texts(app)


def test_a_removed_judge_makes_the_rewards_stale_and_comes_back(project, workspace, visit):
    project.set_reward("helpful", changed_spec(project.config.rewards["helpful"], sign=1))
    app = visit("data", view="judges")
    assert texts(app).count("check_circle: scored") == 3
    app.button(key="unjudge_harmless").click().run()
    shown = texts(app)
    assert "Nothing judges **harmless** now." in shown
    assert "Soups measured so far were judged by the former one" in shown
    assert "No reward model for harmless." in shown
    assert shown.count("update: stale") == 3
    app.button(key="undo_judge").click().run()
    assert texts(app).count("check_circle: scored") == 3


def test_scoring_again_is_asked_for_only_while_a_former_judge_s_rewards_lie_there(workspace, visit):
    """A first judge has no former one; a second one makes rewards stale till scored anew."""
    project = hand_project(workspace)
    for value in project.values:
        project.set_reward(value, RewardSpec(kind="length"))
        store_gaps(project, value, HAND_GAPS)
    project.set_reward("helpful", None)
    app = visit("data", project="hand", view="judges")
    choose_rule(app, "helpful", "refusal")
    assert "is judged by refusal now" in texts(app)
    assert "former judge" not in texts(app)
    choose_rule(app, "helpful", "readability")
    assert "count no more; score again" in texts(app)
    for value in project.values:
        store_gaps(workspace.project("hand"), value, HAND_GAPS)
    app.run()
    assert "is judged by reading ease now" in texts(app)
    assert "All pairs have current rewards." in texts(app)
    assert "former judge" not in texts(app)


def choose_rule(app, value, kind):
    app.button(key=f"judge_{value}").click().run()
    [kinds] = [box for box in app.selectbox if box.label == f"What judges {value}"]
    kinds.select(kind).run()
    app.button(key="judge_save").click().run()


def test_a_changed_judge_is_saved_and_the_form_begins_anew(project, workspace, visit):
    app = visit("data", view="judges")
    app.button(key="judge_helpful").click().run()
    [own] = [field for field in app.text_input if field.label == "Folder or hub id"]
    assert own.value == "org/reward-helpful"
    [kind] = [box for box in app.selectbox if box.label == "What judges helpful"]
    kind.select("length").run()
    app.button(key="judge_save").click().run()
    assert workspace.project("demo").config.rewards["helpful"] == RewardSpec(kind="length")
    app.button(key="judge_helpful").click().run()
    [kind] = [box for box in app.selectbox if box.label == "What judges helpful"]
    assert kind.value == "length"


def test_a_double_click_starts_one_check(project, visit, monkeypatch):
    started = []
    monkeypatch.setattr(Jobs, "start", lambda self, args, **about: started.append((args, about)))
    app = visit("data", view="judges")
    app.button(key="start_check").click().run()
    [(args, about)] = started
    assert args[:4] == ["reward", "check", "--project", "demo"]
    assert about["kind"] == "check"


@pytest.mark.parametrize("place", [("data", {"view": "judges"}), ("new", {"step": "check"})])
def test_an_outlier_opens_in_the_reader(project, workspace, visit, place):
    """On the Data page, and in the wizard, whose data step reads pairs."""
    pair = project.pairs("harmless")["id"][40]
    far = {"side": "rejected", "pair": pair, "value": "harmless", "reward": 99.5}
    note = Finding("note", "outliers", "helpful", "1 reward is far", figures={"farthest": [far]})
    project.save_checkup(project.checkup().model_copy(update={"findings": (note,)}))
    app = visit(place[0], project="demo", **place[1])
    [read] = [button for button in app.button if button.label == "Read: rejected, 99.5"]
    read.click().run()
    assert "**Pair 41**" in texts(app)
    if place[0] == "data":
        assert (app.query_params["value"], app.query_params["pair"]) == ("harmless", pair)


def test_a_finding_of_replaced_pairs_is_told_to_be_old(project, visit):
    checkup = project.checkup()
    data = {**checkup.data, "helpful": "0" * 16}
    old = (replace(TURNED, says="*bold* <b>x</b>", fix={}),)
    project.save_checkup(checkup.model_copy(update={"data": data, "findings": old}))
    shown = texts(visit("data", view="judges"))
    assert "The judge or the pairs were changed since; check again." in shown
    assert r"\*bold\* \<b\>x\</b\>" in shown

"""The wizard without a browser: which steps are open, what is missing, kept, and given out."""

import json

import pytest

from tests.app.fixture_project import hand_project
from tests.app.looking import after_looking
from tests.job_processes import wait_until
from vcsoup.intake import preview_file, store_pairs
from vcsoup.jobs import Job, Jobs, job_worker
from vcsoup.project_yaml import parse_project_file
from vcsoup.rewards.spec import RewardSpec
from vcsoup.ui.wizard import draft_text
from vcsoup.ui.wizard_score import estimate_args
from vcsoup.workspace import project_config
from vcsoup.workspace.project_drafts import ProjectDraft

STEPS = ("values", "base", "data", "rewards", "check", "score")
DRAFT = ProjectDraft(title="Kind & short", name="kind-short", values=("kind", "short"))


def steps_open(app) -> list[str]:
    return [step for step in STEPS if not app.button(key=f"step_{step}").disabled]


def captions(app) -> str:
    return " ".join(element.value for element in app.caption)


def test_a_fresh_visit_can_only_name_the_project(workspace, visit):
    app = visit("new")
    assert steps_open(app) == ["values"]
    assert app.button(key="wizard_next").disabled
    assert "Give the project a name." in captions(app)
    assert workspace.drafts.list() == []


def test_a_name_makes_a_draft_and_the_short_name_follows(workspace, visit):
    app = visit("new")
    app.text_input[0].set_value("Kind & Short").run()
    assert app.text_input[1].value == "kind-short"
    (draft,) = workspace.drafts.list()
    assert (draft.title, draft.name) == ("Kind & Short", "kind-short")
    assert draft.id in app.query_params["draft"]
    assert "Name at least two values." in captions(app)
    app.text_input[1].set_value("mine").run()
    app.text_input[0].set_value("Other").run()
    assert app.text_input[1].value == "mine"  # someone wrote it: it follows no more


def test_a_value_that_gets_another_name_says_so(workspace, visit):
    app = visit("new")
    app.text_input[0].set_value("Short").run()
    app.multiselect[0].set_value(["polite", "Très Brief!", "简"]).run()
    assert "Très Brief! will be tres-brief; 简 is left out" in captions(app)
    (draft,) = workspace.drafts.list()
    assert draft.values == ("polite", "tres-brief")
    app.multiselect[0].set_value(["polite", "brief"]).run()
    assert "will be" not in captions(app)


def test_what_is_entered_before_the_address_names_the_draft_is_kept(workspace, visit):
    """The browser's next message still brings the address and the short name from before."""
    app = visit("new")
    app.text_input[0].set_value("Kind & Short").run()
    del app.query_params["draft"]
    app.text_input[1].set_value("")
    app.multiselect[0].set_value(["helpful", "polite"]).run()
    assert [field.value for field in app.text_input[:2]] == ["Kind & Short", "kind-short"]
    assert app.multiselect[0].value == ["helpful", "polite"]
    (draft,) = workspace.drafts.list()
    assert draft.values == ("helpful", "polite")


def test_another_visit_begins_another_draft(workspace, visit):
    app = visit("new")
    app.text_input[0].set_value("Kind & Short").run()
    app.query_params.clear()
    app.switch_page("../../pages/home.py").run()
    app.switch_page("../../pages/new.py").run()
    assert app.text_input[0].value == ""


def test_a_draft_in_the_address_goes_on(workspace, visit):
    saved = workspace.drafts.save(DRAFT)
    app = visit("new", draft=saved.id, step="base")
    assert steps_open(app) == ["values", "base"]
    assert app.button(key="wizard_next").label == "Create the project"
    assert app.button(key="wizard_next").disabled
    first = visit("new", draft=saved.id, step="score")  # not yet
    assert [field.value for field in first.text_input[:2]] == ["Kind & short", "kind-short"]
    assert first.multiselect[0].value == ["kind", "short"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"name": "Not A Slug"}, "project name 'Not A Slug' cannot be used"),
        ({"values": ("kind",)}, "Name at least two values."),
        ({"name": "taken"}, "There is a project taken already"),
    ],
)
def test_what_keeps_a_draft_is_told(change, told, workspace, visit):
    workspace.create_project(project_config(name="taken", values=("a", "b"), base="org/base"))
    saved = workspace.drafts.save(DRAFT.model_copy(update=change))
    app = visit("new", draft=saved.id)
    assert app.button(key="wizard_next").disabled
    assert told in captions(app)


def test_creating_makes_a_project_and_forgets_the_draft(workspace, visit):
    saved = workspace.drafts.save(DRAFT.model_copy(update={"base": "org/base"}))
    app = after_looking(visit("new", draft=saved.id, step="base"), workspace)
    app.button(key="wizard_next").click().run()
    project = workspace.project("kind-short")
    assert (project.values, project.config.base) == (("kind", "short"), "org/base")
    assert workspace.drafts.list() == []
    assert "kind-short" in app.query_params["project"]
    assert steps_open(app) == list(STEPS)
    assert "No pairs yet for kind, short." in captions(app)


def test_the_address_of_a_draft_that_is_gone_says_so_until_something_is_entered(workspace, visit):
    """As after "back" from the project that was made of it."""
    assert not visit("new").info
    saved = workspace.drafts.save(DRAFT)
    workspace.drafts.delete(saved.id)
    app = visit("new", draft=saved.id, step="base")
    assert "is a project by now, or was discarded" in app.info[0].value
    app.text_input[0].set_value("Another").run()
    assert not app.info
    assert [draft.title for draft in workspace.drafts.list()] == ["Another"]


def test_a_created_project_keeps_its_values_and_may_change_its_base(workspace, visit):
    workspace.create_project(project_config(name="mine", values=("a", "b"), base="org/base"))
    app = visit("new", project="mine", step="values")
    assert not app.text_input
    assert "name and values stand" in captions(app)
    base = visit("new", project="mine", step="base")
    base.text_input[0].set_value("org/other").run()
    assert base.button(key="wizard_next").disabled
    assert "the base is looked at first" in captions(base)
    after_looking(base, workspace).button(key="wizard_next").click().run()
    assert workspace.project("mine").config.base == "org/other"


def test_pairs_that_are_there_are_read_and_others_asked_for(workspace, visit):
    project = hand_project(workspace)
    app = visit("new", project=project.name, step="data")
    assert "Search prompts and answers" in [field.label for field in app.text_input]
    project.remove_dataset(project.values[1])
    app.run()
    assert app.segmented_control(key="wizard_value").value == project.values[0]
    app = visit("new", project=project.name, step="data")
    assert app.segmented_control(key="wizard_value").value == project.values[1]
    assert "File or folder on this machine" in [field.label for field in app.text_input]


def test_the_form_of_a_judge_opens_by_itself_once_and_stays_closed(workspace, visit):
    """Closing keeps it closed; naming a judge opens the form of the next value without one."""
    project = workspace.create_project(
        project_config(name="mine", values=("a", "b"), base="org/base")
    )
    app = visit("new", project="mine", step="rewards")
    assert forms_open(app) == ["What judges a"]
    app.button(key="judge_close").click().run()
    assert forms_open(app) == []
    assert forms_open(app.run()) == []
    app.button(key="judge_a").click().run()
    [kind] = [box for box in app.selectbox if box.label == "What judges a"]
    kind.select("length").run()
    app.button(key="judge_save").click().run()
    assert workspace.project("mine").config.rewards == {"a": RewardSpec(kind="length")}
    assert forms_open(app) == ["What judges b"]
    app.button(key="judge_close").click().run()
    assert forms_open(app) == []
    project.set_reward("b", RewardSpec(kind="refusal"))
    assert forms_open(app.run()) == []


def forms_open(app) -> list[str]:
    return [box.label for box in app.selectbox if box.label.startswith("What judges")]


def test_the_check_says_what_is_not_checked(workspace, visit):
    project = workspace.create_project(
        project_config(name="mine", values=("a", "b"), base="org/base")
    )
    assert "Nothing judges a, b yet." in captions(visit("new", project="mine", step="check"))
    for value in project.values:
        project.set_reward(value, RewardSpec(kind="length"))
    app = visit("new", project="mine", step="check")
    assert "The judges are not checked yet." in captions(app)
    assert not app.button(key="wizard_next").disabled


def test_scoring_waits_for_judges_and_pairs(workspace, visit):
    workspace.create_project(project_config(name="mine", values=("a", "b"), base="org/base"))
    app = visit("new", project="mine", step="score")
    assert app.button(key="wizard_score").disabled
    assert app.info[0].value == "Nothing judges a, b yet. No pairs yet for a, b."
    workspace.project("mine").set_reward("a", RewardSpec(kind="length"))
    assert "Nothing judges b yet." in visit("new", project="mine", step="score").info[0].value


def test_scoring_ends_the_timing_and_goes_to_the_data_page(workspace, visit, monkeypatch):
    """The timing of this test is a job that stays at work: two would hold a model each."""
    project = hand_project(workspace)
    for value in project.values:
        project.set_reward(value, RewardSpec(kind="length"))
    started, stopped = [], []
    with job_worker(
        kind="estimate",
        title="Timing",
        project=project.name,
        args=[],
        jobs_root=workspace.jobs_root,
    ) as worker:
        monkeypatch.setattr(Job, "stop", lambda job: stopped.append(job.id))
        monkeypatch.setattr(Jobs, "start", lambda jobs, args, **_: keep(started, args, jobs))
        app = visit("new", project=project.name, step="score")
        assert (started[0][-1], stopped) == ("--estimate", [worker.path.name])
        app.button(key="wizard_score").click().run()
        assert not app.exception
    assert [args[0] for args in started] == ["score", "score"]
    assert "--estimate" not in started[1]
    assert stopped == [worker.path.name] * 2
    assert app.title[0].value == "Which pairs do I have, are they sound?"


def test_an_endpoint_is_asked_for_requests_and_its_price_is_shown(workspace, visit):
    """Nobody listens on the address: what it costs is told without asking."""
    project = hand_project(workspace)
    asked = {"url": "http://127.0.0.1:9/v1", "model": "m", "criterion": "wit"}
    prices = {"input_price": 1.0, "output_price": 10.0, "most_cost": 1e-6}
    project.set_reward("helpful", RewardSpec(kind="endpoint", **asked, **prices))
    project.set_reward("harmless", RewardSpec(kind="length"))
    answers = 2 * sum(info.n for info in project.datasets().values())
    app = visit("new", project=project.name, step="score")
    assert f"At most {answers} requests: {answers} answers, each judged by 1 endpoint." in said(app)
    [job] = Jobs(workspace.jobs_root).list(kind="estimate")
    wait_until(lambda: not Jobs(workspace.jobs_root).get(job.id).active)
    app.run()
    table = app.dataframe[0].value.set_index("value")
    judged = Jobs(workspace.jobs_root).get(job.id).result["judges"][0]
    assert table.loc["helpful", "takes"] == f"{judged['requests']} requests"
    assert table.loc["helpful", "money, at most"] == f"{judged['money']:.2g}"
    assert table.loc["harmless", "takes"] == "a rule, no forward pass"
    assert f"Together: {judged['requests']} requests" in said(app)
    assert "An endpoint is not timed" in captions(app)
    assert r"most\_cost = 1e-06 is less than that: a run ends before it costs more" in captions(app)
    with job_worker(
        kind="score", title="", project=project.name, args=[], jobs_root=workspace.jobs_root
    ):
        pass  # a run that ends may have left answers, which need not be paid for again
    app.run()
    again = Jobs(workspace.jobs_root).list(kind="estimate")[0]
    assert again.id != job.id
    wait_until(lambda: not Jobs(workspace.jobs_root).get(again.id).active)


def said(app) -> str:
    return " ".join(element.value for element in app.markdown)


def keep(started: list, args: list[str], jobs: Jobs) -> Job:
    started.append(args)
    return jobs.list()[0]


def test_a_scored_project_has_nothing_to_score(workspace, visit):
    project = hand_project(workspace)
    app = visit("new", project=project.name, step="score")
    assert app.success[0].value == "All pairs are scored already."
    args = estimate_args(project, ["helpful"])
    assert args[:5] == ["score", "--project", project.name, "--value", "helpful"]
    assert args[-1] == "--estimate"


def test_an_unknown_project_is_an_error_not_a_traceback(workspace, visit):
    app = visit("new", project="nowhere")
    assert "has no project 'nowhere'" in app.error[0].value


def test_home_leads_to_a_draft_and_can_discard_it(workspace, visit):
    saved = workspace.drafts.save(DRAFT)
    app = visit("home")
    assert app.button(key="new_project").label == "New project"
    app.button(key=f"discard_{saved.id}").click().run()
    assert workspace.drafts.list() == []


def test_the_file_on_offer_says_which_pairs_it_lacks(workspace, visit, tmp_path):
    """Nothing of a draft has pairs; of a project one value's file may lie where it was read."""
    draft = workspace.drafts.save(DRAFT)
    told = captions(visit("new", draft=draft.id))
    assert "once it has all pairs. No pairs yet: kind, short;" in told
    project = hand_project(workspace)
    file = tmp_path / "pairs.jsonl"
    rows = [{"prompt": f"{i}?", "chosen": "So.", "rejected": "No."} for i in range(3)]
    file.write_text("\n".join(map(json.dumps, rows)))
    store_pairs(project, "helpful", preview_file("helpful", file))
    told = captions(visit("new", project="hand"))
    assert "in this workspace alone: harmless; `python -m vcsoup project yaml hand --out" in told
    assert "No pairs yet" not in told
    store_pairs(project, "harmless", preview_file("harmless", file))
    told = captions(visit("new", project="hand"))
    assert "project.yaml` makes it without a browser, and trains, measures and exports too." in told
    assert "alone" not in told


def test_a_draft_is_a_project_file():
    draft = DRAFT.model_copy(update={"base": "org/base"})
    file = parse_project_file(draft_text(draft))
    assert (list(file.values), file.base.model, file.title) == (
        ["kind", "short"],
        "org/base",
        "Kind & short",
    )
    assert parse_project_file(draft_text(DRAFT)).base is None

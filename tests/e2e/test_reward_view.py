"""What judges a value, in the browser: named by form, examined, mended by a click."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.entering import choose
from tests.tiny_judges import fitted_judge
from tests.tiny_pairs import tiny_pairs
from vcsoup.rewards.spec import RewardSpec
from vcsoup.workspace import Project, ProjectConfig, Workspace

OWN_CODE = "LxzGordon/URM-LLaMa-3.1-8B"
COMMIT = "c" * 40


@pytest.fixture(scope="module")
def judge(tmp_path_factory) -> Path:
    """A GPT-2 with labels RUDE and KIND, the second of which prefers kind answers."""
    folder = fitted_judge("gpt2", tmp_path_factory.mktemp("judge") / "rm", labels=2, label=1)
    config = folder / "config.json"
    named = config.read_text().replace('"LABEL_0"', '"RUDE"').replace('"LABEL_1"', '"KIND"')
    if '"KIND"' not in named:
        named = named.replace("{", '{"id2label": {"0": "RUDE", "1": "KIND"},', 1)
    config.write_text(named)
    return folder


@pytest.fixture(scope="module", autouse=True)
def project(workspace: Workspace) -> Project:
    """Pairs of one value, no judge of it yet; the other value's judge is a rule."""
    config = ProjectConfig(
        name="mine", values=("kind", "brief"), base="org/base", rewards={"brief": BRIEF}
    )
    made = workspace.create_project(config)
    made.save_pairs("kind", tiny_pairs(80), source="hand")
    return made


BRIEF = RewardSpec(kind="length", sign=-1)


def now(workspace: Workspace) -> dict[str, RewardSpec]:
    return workspace.project("mine").config.rewards


def test_a_turned_sign_is_seen_and_mended_by_one_click(
    page: Page, app_url: str, workspace: Workspace, judge: Path
):
    """Named by form with the sign the wrong way round; the clinic sees it; one click; gone."""
    page.goto(f"{app_url}/data?view=judges")
    page.get_by_role("button", name="Choose a judge").click()
    page.get_by_text("a folder or hub id", exact=True).click()
    own = page.get_by_placeholder("/models/judge or org/model")
    own.fill(str(judge))
    own.press("Enter")
    expect(page.get_by_text("it has a chat template")).to_be_visible()
    choose(page, "Label (which output)", "1: KIND")
    choose(page, "Sign", "larger is worse")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("is judged by rm now")).to_be_visible()
    spec = now(workspace)["kind"]
    assert (spec.model, spec.label, spec.sign, spec.template) == (str(judge), 1, -1, "chat")

    page.get_by_role("button", name="Check the judges").click()
    expect(
        page.get_by_text(re.compile("of 64 pairs as their labels do; with sign=1"))
    ).to_be_visible(timeout=180_000)
    badges = page.locator(".stMarkdownBadge")
    expect(badges.filter(has_text="1 fault")).to_be_visible()
    page.get_by_role("button", name="Turn the sign").first.click()
    expect(badges.filter(has_text="mended").first).to_be_visible()
    assert now(workspace)["kind"].sign == 1

    page.reload()
    expect(badges.filter(has_text="changed since checked")).to_be_visible()
    page.get_by_role("button", name="Check again").click()
    expect(badges.filter(has_text="changed since checked")).to_have_count(0, timeout=180_000)
    expect(badges.filter(has_text="fault")).to_have_count(0)
    expect(badges.filter(has_text="sound")).to_have_count(2)


def test_own_code_runs_only_after_somebody_read_the_risk(
    page: Page, app_url: str, workspace: Workspace
):
    page.goto(f"{app_url}/data?view=judges")
    page.locator(".st-key-judge_brief").get_by_role("button").click()
    choose(page, "What judges brief", "a reward model")
    choose(page, "Known model", OWN_CODE, typed="URM")
    expect(page.get_by_text("give the full commit")).to_be_visible()
    revision = page.get_by_role("textbox", name="Revision")
    revision.fill(COMMIT)
    revision.press("Enter")
    risk = page.get_by_role("button", name="Read the risk")
    expect(risk).to_be_visible()
    choose(page, "Which of its heads", "verbosity")
    risk.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("with all of your rights")).to_be_visible()
    expect(dialog.get_by_text(COMMIT)).to_be_visible()
    expect(dialog.get_by_role("button", name="Agree", exact=True)).to_be_disabled()
    assert workspace.consents.load() == []
    dialog.get_by_text("I have read this and agree").click()
    dialog.get_by_role("button", name="Agree", exact=True).click()
    expect(page.get_by_text("you agreed to its risk")).to_be_visible()
    assert [(given.model, given.revision) for given in workspace.consents.load()] == [
        (OWN_CODE, COMMIT)
    ]
    page.get_by_role("button", name="Take the consent back").click()
    expect(page.get_by_text("needs your consent")).to_be_visible()
    assert workspace.consents.load() == []
    page.get_by_role("button", name="Close").click()
    assert now(workspace)["brief"] == BRIEF

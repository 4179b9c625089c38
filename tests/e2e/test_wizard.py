"""The project wizard in a real browser: from nothing to scored pairs, and on by its file."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import served
from tests.e2e.entering import choice, fill, pick
from tests.tiny_judges import fitted_judge
from tests.tiny_models import tiny_causal
from tests.tiny_pairs import KIND, tiny_pairs
from vcsoup.project_yaml import load_project_file
from vcsoup.running import run
from vcsoup.workspace import Project, Workspace

PAIRS = 40


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    """A folder with a base, two judges, and one file that holds two preferences (PKU's format)."""
    folder = tmp_path_factory.mktemp("brought")
    tiny_causal("qwen2", folder / "base")
    fitted_judge("gpt2", folder / "judge-helpful")
    fitted_judge("llama", folder / "judge-harmless")
    rows = [
        {
            "prompt": pair.prompt[0]["content"],
            "response_0": pair.chosen,
            "response_1": pair.rejected,
            "better_response_id": 0,
            "safer_response_id": int(place % 4 == 0),
            "is_response_0_safe": True,
            "is_response_1_safe": False,
        }
        for place, pair in enumerate(tiny_pairs(PAIRS).itertuples())
    ]
    (folder / "both.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder


@pytest.fixture(scope="module")
def app_url(workspace: Workspace, models: Path):
    with served(workspace, "--no-demo", VCSOUP_DATA_ROOT=str(models)) as url:
        yield url


def test_from_nothing_to_scored_and_on_by_the_file(
    page: Page, app_url: str, workspace: Workspace, models: Path, tmp_path: Path
):
    """Name, refresh, base, one file for both values, judges, cost, score; then `run` the YAML."""
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.goto(app_url)
    page.get_by_role("button", name="New project").click()
    _name_it(page)
    _a_draft_survives(page, app_url, workspace)
    _choose_base(page, models)
    _bring_one_file(page)
    _choose_judges(page, models)
    _see_the_cost(page)
    file = _download(page, tmp_path)
    page.get_by_role("button", name="Start scoring").click()
    expect(page.get_by_role("heading", name="Which pairs do I have")).to_be_visible()
    expect(page.get_by_text("All pairs have current rewards.")).to_be_visible(timeout=120_000)
    project = workspace.project("kind-and-safe")
    _is_scored(project)
    assert failures == []
    _runs_on(file, project, tmp_path)


def _name_it(page: Page) -> None:
    expect(page.get_by_role("heading", name="What should your model balance?")).to_be_visible()
    expect(_next(page, "base model")).to_be_disabled()
    fill(page.get_by_role("textbox", name="Name of the project"), "Kind and safe")
    expect(page.get_by_role("textbox", name="Short name")).to_have_value("kind-and-safe")
    pick(page, "Values", ("helpful", "harmless"))
    expect(_next(page, "base model")).to_be_enabled()


def _a_draft_survives(page: Page, app_url: str, workspace: Workspace) -> None:
    """A refresh keeps what was typed, and Home leads back to it."""
    (draft,) = workspace.drafts.list()
    assert draft.values == ("helpful", "harmless")
    page.reload()
    expect(page.get_by_role("textbox", name="Name of the project")).to_have_value("Kind and safe")
    page.goto(app_url)
    page.get_by_role("link", name="Go on with Kind and safe").click()
    expect(page).to_have_url(re.compile(f"draft={draft.id}"))
    _next(page, "base model").click()


def _choose_base(page: Page, models: Path) -> None:
    fill(page.get_by_role("textbox", name="Folder or hub id"), str(models / "base"))
    page.get_by_role("button", name="Create the project").click()
    expect(page.get_by_text("One set of preference pairs per value")).to_be_visible()
    expect(page).to_have_url(re.compile("project=kind-and-safe.*step=data"))


def _bring_one_file(page: Page) -> None:
    choice(page, "One file for several values").click()
    expect(page.get_by_text("Each becomes the pairs of one value.")).to_be_visible()
    page.get_by_role("tab", name="This machine").click()
    fill(page.get_by_role("textbox", name="File or folder on this machine"), "both.jsonl")
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_text("read as PKU-SafeRLHF")).to_be_visible()
    page.get_by_role("button", name="Store 2 datasets").click()
    expect(page.get_by_text("Pairs stored: helpful 40, harmless 40")).to_be_visible()
    _next(page, "reward models").click()


def _choose_judges(page: Page, models: Path) -> None:
    """The form of the first value without a judge is open by itself, then the next one's."""
    for value in ("helpful", "harmless"):
        expect(page.get_by_text(f"What judges {value}")).to_be_visible()
        choice(page, "a folder or hub id").click()
        fill(page.get_by_role("textbox", name="Folder or hub id"), str(models / f"judge-{value}"))
        expect(page.get_by_text("Suggested:")).to_be_visible()
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text(f"{value} is judged by judge-{value} now.")).to_be_visible()
    _next(page, "check").click()
    expect(page.get_by_role("button", name="Check the judges")).to_be_visible()
    _next(page, "score").click()


def _see_the_cost(page: Page) -> None:
    """Forty prompts with two answers each, which both files share: 80 passes for each judge."""
    expect(page.get_by_text("What it costs")).to_be_visible()
    told = page.get_by_text(re.compile(r"Together: 160 forward passes, about [\d,]+ tokens"))
    expect(told).to_be_visible(timeout=120_000)
    expect(told).to_contain_text("of memory")


def _download(page: Page, folder: Path) -> Path:
    page.get_by_role("button", name="YAML").click()
    with page.expect_download() as started:
        page.get_by_role("button", name="Download as YAML").click()
    path = folder / started.value.suggested_filename
    started.value.save_as(path)
    page.keyboard.press("Escape")
    return path


def _is_scored(project: Project) -> None:
    kind = [set(text.split()) <= set(KIND) for text in project.pairs("harmless")["chosen"]]
    assert kind.count(False) == PAIRS / 4
    gaps = project.gaps("harmless")
    assert ((gaps > 0).all(axis=1) == kind).mean() > 0.8


def _runs_on(file: Path, project: Project, folder: Path) -> None:
    """The downloaded file makes the same pairs and rewards, and goes on to a front."""
    assert file.name == "kind-and-safe.yaml"
    few = "{preset: demo, steps: 2, batch_size: 2, rank: 2, max_length: 64, sample_tokens: 0}"
    text = re.sub(r"(?ms)^training:\n(  .*\n)+", f"training: {few}\n", file.read_text())
    file.write_text(f"{text}\nmeasuring: {{grid: 1, prompts: 2}}\n")
    other = Workspace(folder / "other")
    reports = run(other, load_project_file(file), until="measure")
    assert {report.state for report in reports} == {"made"}
    made = other.project("kind-and-safe")
    for value in project.values:
        assert made.datasets()[value].hash == project.datasets()[value].hash
        # Texts that are read beside others are the same but for rounding.
        pd.testing.assert_frame_equal(
            made.rewards(value), project.rewards(value), rtol=0, atol=1e-5
        )
    assert len(made.points()) == 3


def _next(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=f"Next: {name}")

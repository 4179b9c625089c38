"""Every kind of base with every kind of judge, in the browser, from "New project" to a merged soup.

The covering design of `tests.yaml_project`. Each project's judges are first asked wrongly: one by
a turned sign, the wrong pad side and a start token too many, the other by the wrong label. The
clinic must see each and mend it by a click, so that over the design every kind of judge meets every
plant. `make matrix` drives the five projects; a run of the suite leaves them out, for their time:
each of the journey's parts has its own test there.
"""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import served
from tests.e2e.entering import choice, choose, fill, pick
from tests.plain_peft import same_in_plain_peft
from tests.tiny_pairs import KIND
from tests.yaml_project import COVERING, PAIRS, write_project
from vcsoup.workspace import Project, Workspace

SLOW_MS = 180_000
WANTED = bool(os.environ.get("VCSOUP_MATRIX"))
STEPS = 2
WRONG = {"sign": -1, "pad_side": "left", "special_tokens": "add"}
RIGHT = {"sign": 1, "pad_side": "right", "special_tokens": "auto"}
REMEDIES = {
    "helpful, sign": "Turn the sign",
    "helpful, padding": "Pad on the right",
    "helpful, start token": "Write the start token once",
    "harmless, label": "Use output 1",
}
"""What the clinic must find, and the click that mends it."""


@pytest.fixture(scope="module")
def brought(tmp_path_factory) -> Path:
    """Where each base's folder lies, with its judges and pairs."""
    return tmp_path_factory.mktemp("brought")


@pytest.fixture(scope="module")
def app_url(workspace: Workspace, brought: Path):
    with served(workspace, "--no-demo", VCSOUP_DATA_ROOT=str(brought)) as url:
        yield url


@pytest.mark.skipif(not WANTED, reason="`make matrix` drives them")
@pytest.mark.parametrize(
    ("base", "judges"), COVERING, ids=[f"{base}-by-{a}-and-{b}" for base, (a, b) in COVERING]
)
def test_from_new_project_to_a_merged_soup(
    base: str,
    judges: tuple[str, str],
    page: Page,
    app_url: str,
    workspace: Workspace,
    brought: Path,
):
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    folder = brought / base
    folder.mkdir()
    write_project(folder, base, judges, noise=0.0)
    page.goto(f"{app_url}/new")
    _name_it(page, f"Upon {base}", folder / "base")
    _bring_pairs(page, base)
    _judge_wrongly(page, folder)
    project = workspace.project(f"upon-{base.replace('_', '-')}")
    _mend(page, workspace, project, positions_count=judges[0] not in ("llama", "qwen2"))
    project = workspace.project(project.name)
    _score(page, project)
    _train(page, app_url, project)
    _measure_and_merge(page, app_url, project)
    assert failures == []


def _name_it(page: Page, title: str, base: Path) -> None:
    fill(page.get_by_role("textbox", name="Name of the project"), title)
    pick(page, "Values", ("helpful", "harmless"))
    _next(page, "base model").click()
    fill(page.get_by_role("textbox", name="Folder or hub id"), str(base))
    create = page.get_by_role("button", name="Create the project")
    expect(create).to_be_enabled(timeout=SLOW_MS)  # the look at the base has ended
    create.click()
    expect(page.get_by_text("One set of preference pairs per value")).to_be_visible()


def _bring_pairs(page: Page, folder: str) -> None:
    """A file of a known format, then one whose columns nobody knows; the second is asked for."""
    _look_through(page, f"{folder}/helpful.jsonl")
    _store(page)
    expect(page.get_by_text("No pairs yet for harmless.")).to_be_visible()
    _look_through(page, f"{folder}/harmless.csv")
    for label, column in (("Prompt", "asked"), ("Better answer", "good"), ("Worse answer", "bad")):
        choose(page, label, column)
    page.get_by_role("button", name="Look through").click()
    _store(page)
    expect(page.get_by_text("No pairs yet")).to_have_count(0)
    _next(page, "reward models").click()


def _look_through(page: Page, path: str) -> None:
    page.get_by_role("tab", name="This machine").click()
    page.get_by_role("textbox", name="File or folder on this machine").fill(path)
    page.get_by_role("button", name="Look through").click()


def _store(page: Page) -> None:
    page.get_by_role("button", name=f"Store {PAIRS} pairs").click()


def _judge_wrongly(page: Page, folder: Path) -> None:
    _name_judge(page, "helpful", folder)
    choose(page, "Sign", "larger is worse")
    page.get_by_text("More settings").click()
    choose(page, "Pad short rows on the", "left")
    choose(page, "Special tokens", "always added")
    _save(page, "helpful")
    _name_judge(page, "harmless", folder)
    choose(page, "Label (which output)", "0: LABEL_0")
    _save(page, "harmless")
    _next(page, "check").click()


def _name_judge(page: Page, value: str, folder: Path) -> None:
    expect(page.get_by_text(f"What judges {value}")).to_be_visible()
    choice(page, "a folder or hub id").click()
    fill(page.get_by_role("textbox", name="Folder or hub id"), str(folder / f"judge-{value}"))
    expect(page.get_by_text("it has a chat template")).to_be_visible()


def _save(page: Page, value: str) -> None:
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text(f"{value} is judged by judge-{value} now.")).to_be_visible()


def _mend(page: Page, workspace: Workspace, project: Project, *, positions_count: bool) -> None:
    """Each plant is seen and mended by its click; then all is sound.

    Where the padding turns rewards into noise, the sign shows once that is mended. A Llama and a
    Qwen2 turn by distance and mask their padding: there the pad side is a note.
    """
    judges = project.config.rewards
    assert {name: getattr(judges["helpful"], name) for name in WRONG} == WRONG
    assert judges["harmless"].label == 0
    seen: dict[str, str] = {}
    while len(seen) < len(REMEDIES):
        _check(page, project)
        new = {title: remedy for title, remedy in REMEDIES.items() if title not in seen}
        shown = {title: _finding(page, title) for title in new if _finding(page, title).count()}
        assert shown, f"{set(new)} not seen"
        for title, finding in shown.items():
            seen[title] = _badge(finding).inner_text()
            finding.get_by_role("button", name=new[title]).click()
            expect(_badge(finding)).to_contain_text("mended")
    assert ("fault" in seen.pop("helpful, padding")) == positions_count
    assert all("fault" in level for level in seen.values()), seen
    judges = workspace.project(project.name).config.rewards
    assert {name: getattr(judges["helpful"], name) for name in RIGHT} == RIGHT
    assert judges["harmless"].label == 1
    _check(page, project)
    page.get_by_role("button", name="Reward models").click()
    expect(page.locator(".stMarkdownBadge", has_text="sound")).to_have_count(2)


def _check(page: Page, project: Project) -> None:
    """Let the clinic look, and wait until the page shows what it found."""
    former = project.checkup()
    page.get_by_role("button", name="Check the judges" if former is None else "Check again").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    expect(page.get_by_role("progressbar")).to_have_count(0, timeout=SLOW_MS)
    passed = page.get_by_text(re.compile(r"\d+ checks? passed"))
    expect(passed).to_be_visible(timeout=SLOW_MS)
    assert project.checkup() != former


def _finding(page: Page, title: str) -> Locator:
    """The row of the clinic that is about a value and a check."""
    return page.locator("[class*='st-key-finding_']").filter(has_text=title)


def _badge(finding: Locator) -> Locator:
    return finding.locator(".stMarkdownBadge").first


def _score(page: Page, project: Project) -> None:
    page.get_by_role("button", name="6 Score").click()
    page.get_by_role("button", name="Start scoring").click()
    expect(page.get_by_text("All pairs have current rewards.")).to_be_visible(timeout=SLOW_MS)
    for value in project.values:
        kind = [set(text.split()) <= set(KIND) for text in project.pairs(value)["chosen"]]
        agreed = (project.gaps(value) > 0) == np.array(kind)[:, None]
        assert (agreed.mean(axis=0) > 0.85).all(), agreed.mean(axis=0)


def _train(page: Page, app_url: str, project: Project) -> None:
    page.goto(f"{app_url}/train?project={project.name}")
    choice(page, "unfiltered").click()
    fill(page.get_by_role("spinbutton", name="Steps"), str(STEPS))
    page.get_by_role("button", name="Start 2 runs").click()
    for value in project.values:
        run = page.get_by_role("row", name=re.compile(f"^{value}, filtered"))
        expect(run).to_contain_text(f"{STEPS} steps in", timeout=SLOW_MS)
    assert {info.manifest["steps_done"] for info in project.adapters()} == {STEPS}


def _measure_and_merge(page: Page, app_url: str, project: Project) -> None:
    """The even soup: its point in the chart, its adapter with nothing of ours."""
    page.goto(f"{app_url}/soup?project={project.name}")
    page.get_by_role("button", name="Taste this soup").click()
    expect(page.get_by_text("Answered and measured")).to_be_visible(timeout=SLOW_MS)
    (point,) = project.points()
    told = f"Measured here on {point.n_prompts} held-out prompts"
    expect(page.get_by_text(told)).to_be_visible()
    choice(page, "Take it with you").click()
    page.get_by_role("button", name="Merge this soup").click()
    expect(page.get_by_role("button", name="Download the adapter")).to_be_enabled(timeout=SLOW_MS)
    (merged,) = (project.root / "merged").iterdir()
    weights = [point.weights[value] for value in project.values]
    assert weights == [0.5, 0.5]
    adapters = [info.path for info in project.adapter_set("filtered").values()]
    same_in_plain_peft(Path(project.config.base), adapters, merged, weights)


def _next(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=f"Next: {name}")

"""The Data page as a person uses it: add a file, read it, score it, stop, remove, undo."""

import json
import os
import re
import signal
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.job_processes import wait_until
from tests.tiny_project import tiny_project
from vcsoup.jobs import Jobs
from vcsoup.jobs.folder import IDENTITY, read
from vcsoup.preferences.pairs import make_pairs
from vcsoup.workspace import Project, Workspace

HOSTILE = (
    "<img src=x onerror=\"window.ran='image'\"><script>window.ran='script'</script>"
    "<b>bold</b> ![p](http://127.0.0.1:9/p.png) $$x^2$$ :material/delete:"
)
OVERRIDE = "\N{RIGHT-TO-LEFT OVERRIDE}"
ARABIC = "\u0645\u0631\u062d\u0628\u0627"


def row(prompt: str, chosen: str = "Yes.", rejected: str = "No.") -> str:
    return json.dumps({"prompt": prompt, "chosen": chosen, "rejected": rejected})


def upload_lines() -> bytes:
    """40 sound rows and four that cannot be pairs: an empty side, a repeat, no JSON, no UTF-8."""
    lines = [row(HOSTILE, f"{ARABIC} {HOSTILE}", f"a{OVERRIDE}b\x00c {HOSTILE}")]
    lines += [row(f"What about day {day}?", f"Plan it, {day}.") for day in range(39)]
    lines += [row("Nothing?", ""), lines[1], "{broken"]
    return "\n".join(lines).encode() + b'\n{"prompt": "x", "chosen": "\xff", "rejected": "y"}\n'


@pytest.fixture(scope="module", autouse=True)
def project(workspace: Workspace, tmp_path_factory) -> Project:
    """Made before the app starts, which would open the demo in an empty workspace."""
    return tiny_project(workspace, tmp_path_factory.mktemp("models"))


@pytest.fixture
def faults(page: Page) -> list[str]:
    """Errors that the browser reports; a test ends with none."""
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


def metric(page: Page, label: str):
    shown = page.get_by_test_id("stMetric").filter(has_text=label)
    return shown.get_by_test_id("stMetricValue")


def nothing_of_the_text_became_an_element(page: Page) -> None:
    """Locators look into shadow roots, so into the components too."""
    assert page.evaluate("window.ran") is None
    for selector in ("img[src='x']", "img[src*='p.png']", "script:text('window.ran')"):
        expect(page.locator(selector)).to_have_count(0)
    expect(page.locator("b", has_text="bold")).to_have_count(0)
    expect(page.locator(".katex")).to_have_count(0)


def test_from_file_to_scored_pairs_and_back(
    page: Page, app_url: str, project: Project, tmp_path: Path, faults: list[str]
):
    """44 rows read, 40 kept, 4 reported; stored, searched, read, scored, removed, restored."""
    file = tmp_path / "<b>bold ![p](p.png).jsonl"
    file.write_bytes(upload_lines())
    page.goto(f"{app_url}/data")
    expect(page.get_by_role("heading", name="Which pairs do I have")).to_be_visible()
    expect(metric(page, "Pairs about helpful")).to_have_text("0")
    page.locator("input[type=file]").set_input_files(file)
    expect(metric(page, "Rows read")).to_have_text("44")
    expect(metric(page, "Pairs kept")).to_have_text("40")
    expect(metric(page, "Rows reported")).to_have_text("4")
    expect(page.get_by_text("read as TRL explicit")).to_be_visible()
    assert project.datasets() == {}
    nothing_of_the_text_became_an_element(page)
    page.get_by_role("button", name="Store 40 pairs").click()
    expect(metric(page, "Pairs about helpful")).to_have_text("40")
    report = project.datasets()["helpful"].report
    assert [problem["row"] for problem in report["problems"]] == [41, 42, 43, 44]
    _search_and_read(page)
    _score(page, project)
    _remove_and_undo(page, project)
    assert faults == []


def _search_and_read(page: Page) -> None:
    search = page.get_by_label("Search prompts and answers")
    search.fill("plan it, 17")
    search.press("Enter")
    expect(page.get_by_text("1 pair found, searched 40 of 40")).to_be_visible()
    read = page.get_by_text("What about day 17?", exact=True).and_(page.locator("div"))
    expect(read).to_be_visible()  # the table above has it too, in a cell
    expect(page).to_have_url(re.compile(r"q=plan\+it|q=plan%20it"))
    search.fill("")
    search.press("Enter")
    expect(page.get_by_text("40 pairs, 25 a page")).to_be_visible()


def _score(page: Page, project: Project) -> None:
    page.get_by_role("button", name="Score the pairs").click()
    expect(page.get_by_text("All pairs have current rewards.")).to_be_visible(timeout=180_000)
    expect(page.locator(".stMarkdownBadge", has_text="scored").first).to_be_visible()
    assert len(project.gaps("helpful")) == 40
    expect(page.get_by_text("Value consistency")).to_be_visible()


def _remove_and_undo(page: Page, project: Project) -> None:
    page.get_by_role("button", name="More about helpful", exact=True).click()
    page.get_by_role("button", name="Remove").click()
    expect(metric(page, "Pairs about helpful")).to_have_text("0")
    assert project.datasets() == {}
    page.get_by_role("button", name="Undo").click()
    expect(metric(page, "Pairs about helpful")).to_have_text("40")
    assert len(project.gaps("helpful")) == 40


def test_hostile_text_is_shown_as_text(
    page: Page, app_url: str, project: Project, faults: list[str]
):
    """A deep link to the pair: its marks are visible as typed, nothing ran, bidi is contained."""
    (row_of,) = [i for i, text in enumerate(project.pairs("helpful")["chosen"]) if "bold" in text]
    pair = project.pair_rows("helpful", [row_of]).iloc[0]
    project.rename_dataset("helpful", "![p](http://127.0.0.1:9/p.png) <b>bold</b> $$x$$"[:60])
    page.goto(f"{app_url}/data?value=helpful&view=read&pair={pair['id']}")
    expect(page.get_by_text(f"Pair {row_of + 1}", exact=True)).to_be_visible()
    chosen = page.get_by_label("Chosen answer")
    expect(chosen.get_by_text("window.ran='script'")).to_be_visible()
    rejected = page.get_by_label("Rejected answer")
    expect(rejected.get_by_text("RLO", exact=True)).to_be_visible()
    expect(rejected.get_by_text("NUL", exact=True)).to_be_visible()
    assert OVERRIDE not in rejected.inner_text()
    assert ARABIC in chosen.inner_text()
    nothing_of_the_text_became_an_element(page)
    assert faults == []


def test_a_very_long_answer_is_cut_until_someone_asks(
    page: Page, app_url: str, project: Project, faults: list[str]
):
    """A megabyte: 20,000 characters are shown, 980,000 counted, all on request."""
    long = "word " * 200_000
    project.save_pairs("harmless", make_pairs(["Long?"], [long], ["Short."]), source="test")
    page.goto(f"{app_url}/data?value=harmless&view=read")
    chosen = page.get_by_label("Chosen answer")
    expect(chosen.get_by_text("980,000 more characters")).to_be_visible()
    page.get_by_text("Show all 1,000,000 characters").click()
    expect(chosen.get_by_text("more characters")).to_have_count(0)
    assert chosen.locator(".text").evaluate("e => e.textContent.length") == len(long)
    project.remove_dataset("harmless")
    assert faults == []


def test_a_bad_file_is_refused_and_good_pairs_stay(
    page: Page, app_url: str, project: Project, tmp_path: Path
):
    before = project.datasets()["helpful"]
    file = tmp_path / "notes.txt"
    file.write_text("just a line of prose")
    page.goto(f"{app_url}/data?value=helpful&view=add")
    page.locator("input[type=file]").set_input_files(file)
    expect(page.get_by_text("holds no preference pairs")).to_be_visible()
    expect(page.get_by_text("The pairs that are there stay as they are.")).to_be_visible()
    page.get_by_role("tab", name="This machine").click()
    page.get_by_placeholder("preferences/helpful.jsonl").fill("../../../etc/hosts")
    page.get_by_role("button", name="Look through").click()
    expect(page.get_by_text("files are read only below")).to_be_visible()
    assert project.datasets()["helpful"] == before


def test_a_large_file_is_read_by_a_job(
    page: Page, app_url: str, project: Project, tmp_path: Path, workspace: Workspace
):
    """6,000 rows, one of them a repeat: previewed by one job, stored by another."""
    file = tmp_path / "large.jsonl"
    lines = [row(f"Large day {day}?", f"Plan day {day} early.", "No. " * 20) for day in range(5999)]
    file.write_text("\n".join([*lines, lines[0]]))
    page.goto(f"{app_url}/data?value=harmless&view=add")
    page.locator("input[type=file]").set_input_files(file)
    expect(metric(page, "Rows read")).to_have_text("6,000", timeout=90_000)
    expect(metric(page, "Pairs kept")).to_have_text("5,999")
    assert "harmless" not in project.datasets()
    page.get_by_role("button", name="Store 5,999 pairs").click()
    expect(metric(page, "Pairs about harmless")).to_have_text("5,999", timeout=90_000)
    kinds = {job.kind for job in Jobs(workspace.jobs_root).list(project=project.name)}
    assert "data" in kinds
    wait_until(lambda: not list((workspace.root / "incoming").glob("upload-*")))


def test_scoring_can_be_stopped_killed_and_gone_on_with(
    page: Page, app_url: str, project: Project, workspace: Workspace
):
    """What was scored before the stop is known afterwards; a killed worker is seen as lost."""
    asked = [f"Long day {day}?" for day in range(6000)]
    answers = [f"Take {day} small steps and rest." for day in range(6000)]
    project.save_pairs("harmless", make_pairs(asked, answers, ["No."] * 6000), source="test")
    jobs = Jobs(workspace.jobs_root)
    page.goto(f"{app_url}/data?value=harmless")
    page.get_by_role("button", name="Score the pairs").click()
    expect(page.get_by_text(re.compile("Step 1 of 2.* answers"))).to_be_visible(timeout=120_000)
    expect(page.get_by_text(re.compile("Step 1 of 2.*left$"))).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(
        page.get_by_text(re.compile("rewards of the steps that had begun are kept"))
    ).to_be_visible(timeout=60_000)
    assert jobs.list(kind="score")[0].state == "stopped"
    page.get_by_role("button", name="Go on scoring").click()  # while the page is still drawn
    expect(page.get_by_text(re.compile("rewards were known already"))).to_be_visible(
        timeout=120_000
    )
    job = jobs.list(kind="score")[0]
    os.kill(read(job.path / IDENTITY)["pid"], signal.SIGKILL)
    expect(page.locator(".stMarkdownBadge", has_text="lost")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("button", name="Go on scoring")).to_be_visible()
    assert project.rewards("harmless") is None


def test_back_returns_what_was_on_the_screen(page: Page, app_url: str, project: Project):
    """Three pairs, a search, another view, another data set; then back, step by step."""
    for value in project.values:
        asked = [f"What of {value} on day {day}?" for day in range(60)]
        project.save_pairs(value, make_pairs(asked, asked, ["No."] * 60), source="test")
    ids = list(project.pairs("helpful")["id"])
    page.goto(f"{app_url}/")
    page.get_by_role("link", name="Data", exact=True).first.click()
    reader = page.get_by_text(re.compile(r"^Pair \d+$"))
    _came(page, reader, "Pair 1", pair=ids[0])
    page.get_by_role("button", name="Next", exact=True).last.click()
    _came(page, reader, "Pair 2", pair=ids[1])
    page.get_by_label("Search prompts and answers").fill("day 59")
    page.get_by_label("Search prompts and answers").press("Enter")
    _came(page, reader, "Pair 60", pair=ids[59])
    page.get_by_role("radio", name="Statistics").click()
    expect(reader).to_have_count(0)
    expect(page).to_have_url(re.compile("view=statistics"))
    page.get_by_role("radio", name="harmless", exact=True).click()
    expect(page).to_have_url(re.compile("value=harmless&view=statistics"))
    page.wait_for_timeout(2000)  # what the page wrote itself a moment ago is not followed
    for entry in ("value=helpful&view=statistics", f"pair={ids[59]}", f"pair={ids[1]}"):
        page.go_back()
        expect(page).to_have_url(re.compile(entry))
        page.wait_for_timeout(2000)
    expect(page.get_by_role("radio", name="helpful", exact=True)).to_be_checked()
    expect(reader).to_have_text("Pair 2")
    expect(page.get_by_label("Search prompts and answers")).to_have_value("")
    page.get_by_role("button", name="Next", exact=True).last.click()  # nothing is followed twice
    _came(page, reader, "Pair 3", pair=ids[2])
    page.get_by_role("radio", name="Statistics").click()
    expect(reader).to_have_count(0)
    expect(page).to_have_url(re.compile("view=statistics"))


def _came(page: Page, reader, title: str, *, pair: str) -> None:
    expect(reader).to_have_text(title)
    expect(page).to_have_url(re.compile(f"pair={pair}"))

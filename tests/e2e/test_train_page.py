"""The training room in a real browser, with real runs of a tiny base.

Start all, leave, come back, reorder the queue, stop, resume, compare.
"""

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.app.fixture_project import store_gaps
from tests.app.fixture_runs import finished
from tests.e2e.conftest import PATIENCE_MS
from tests.tiny_models import tiny_causal
from vcsoup.jobs import Job, Jobs
from vcsoup.workspace import AdapterInfo, Project, ProjectConfig

STEPS, FEW_STEPS = 300, 40
SLOW_MS = 180_000


@pytest.fixture(scope="module")
def project(workspace) -> Project:
    """Two values with scored pairs, and a base so small that a step takes a moment."""
    import numpy as np

    base = tiny_causal("llama", workspace.root / "base")
    made = workspace.create_project(
        ProjectConfig(name="demo", title="Tiny", values=("helpful", "harmless"), base=str(base))
    )
    rng = np.random.default_rng(0)
    for value in made.values:
        store_gaps(made, value, rng.normal(0.5, 1.0, (60, 2)))
    return made


@pytest.fixture
def jobs(workspace) -> Jobs:
    return Jobs(workspace.jobs_root)


def row(page: Page, title: str) -> Locator:
    return page.get_by_role("row", name=re.compile(f"^{title}"))


def step_of(page: Page, title: str) -> int:
    """The step that a run's row shows; 0 before the first."""
    found = re.search(r"step (\d+) of", row(page, title).inner_text())
    return int(found[1]) if found else 0


def wait_for_step(page: Page, title: str, least: int) -> int:
    page.wait_for_function(
        "([title, least]) => { const parts = [...document.querySelectorAll('*')];"
        "const roots = parts.map((part) => part.shadowRoot).filter(Boolean);"
        "const rows = roots.flatMap((root) => [...root.querySelectorAll('[role=row]')]);"
        "const row = rows.find((row) => row.ariaLabel?.startsWith(title));"
        "const found = row && /step (\\d+) of/.exec(row.textContent);"
        "return found && Number(found[1]) >= least; }",
        arg=[title, least],
        timeout=SLOW_MS,
    )
    return step_of(page, title)


def picture(page: Page) -> str:
    """What the panel of the loss shows at this moment."""
    return page.get_by_role("img", name=re.compile("^DPO loss")).evaluate("c => c.toDataURL()")


def opened(page: Page, app_url: str, query: str = "") -> Page:
    page.goto(f"{app_url}/train?project=demo{query}")
    expect(page.get_by_role("heading", name="How are my adapters doing?")).to_be_visible()
    return page


def failures_of(page: Page) -> list[str]:
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    return failures


def test_runs_go_on_without_a_browser_and_their_curves_with_them(
    browser: Browser, project: Project, app_url: str, jobs: Jobs
):
    """Start all, close the browser, come back: the same runs, further on; nothing flickers."""
    first = browser.new_context(viewport={"width": 1440, "height": 1000})
    page = first.new_page()
    page.set_default_timeout(PATIENCE_MS)
    failures = failures_of(opened(page, app_url))
    page.get_by_role("spinbutton", name="Steps").fill(str(STEPS))
    page.get_by_role("spinbutton", name="Steps").press("Enter")
    expect(page.get_by_text(re.compile(f"^{STEPS} steps of 16 pairs"))).to_be_visible()
    page.get_by_role("button", name="Start 4 runs").click()
    expect(page.get_by_role("row")).to_have_count(4)
    seen = wait_for_step(page, "helpful, filtered", 3)
    assert failures == []
    first.close()

    second = browser.new_context(viewport={"width": 1440, "height": 1000})
    page = second.new_page()
    page.set_default_timeout(PATIENCE_MS)
    failures = failures_of(opened(page, app_url))
    expect(row(page, "helpful, filtered")).to_contain_text("running")
    assert wait_for_step(page, "helpful, filtered", seen + 1) > seen
    canvas = page.get_by_role("img", name=re.compile("^DPO loss"))
    canvas.evaluate("c => { c.mine = true; }")
    before, now = picture(page), step_of(page, "helpful, filtered")
    wait_for_step(page, "helpful, filtered", now + 5)
    assert picture(page) != before
    assert canvas.evaluate("c => c.mine === true"), "the chart was built anew"
    _reorder_and_leave_the_queue(page, jobs)
    assert failures == []
    second.close()


def _reorder_and_leave_the_queue(page: Page, jobs: Jobs) -> None:
    """By keyboard and by button, among the three that wait."""
    last = row(page, "harmless, unfiltered")
    expect(last).to_contain_text("3rd in the queue")
    last.focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(last).to_contain_text("2nd in the queue")
    assert [job.title.split(", steps")[0] for job in jobs.queue()] == [
        "harmless, filtered",
        "harmless, unfiltered",
        "helpful, unfiltered",
    ]
    for title in ("harmless, filtered", "harmless, unfiltered", "helpful, unfiltered"):
        row(page, title).get_by_role("button", name="Take out of the queue").click()
        expect(row(page, title)).to_contain_text("stopped before it began")
    assert jobs.queue() == []
    run = row(page, "helpful, filtered")
    run.focus()
    page.keyboard.press("s")
    expect(run).to_contain_text(re.compile("stopped at step"), timeout=SLOW_MS)


def test_stop_keeps_the_adapter_and_resume_goes_to_the_end(
    page: Page, project: Project, app_url: str, jobs: Jobs
):
    """A duplicate of the run above, shorter: stopped after a few steps, resumed, at its end."""
    failures = failures_of(opened(page, app_url))
    row(page, "helpful, filtered").click()
    expect(page).to_have_url(re.compile("run="))
    page.get_by_role("button", name="Duplicate").click()
    # Straight from the field to the button: what was typed last counts.
    page.get_by_role("spinbutton", name="Steps").fill(str(FEW_STEPS))
    page.get_by_role("button", name="Train helpful, filtered").click()
    title = f"helpful, filtered, steps {FEW_STEPS}"
    run = row(page, title)
    wait_for_step(page, title, 5)
    run.get_by_role("button", name="Stop and keep the adapter").click()
    expect(run).to_contain_text(re.compile(rf"stopped at step \d+ of {FEW_STEPS}"), timeout=SLOW_MS)
    kept = _adapter(project, jobs, title)
    assert kept.manifest["stopped"] is True
    run.click()
    page.get_by_role("button", name="Resume", exact=True).click()
    expect(page.get_by_text(re.compile("attempt 2"))).to_be_visible(timeout=SLOW_MS)
    expect(run).to_contain_text(f"{FEW_STEPS} steps in", timeout=SLOW_MS)
    job = _job(jobs, title)
    assert (job.state, job.attempt) == ("done", 2)
    steps = [record["done"] for record in job.progress_since(0)[0] if "loss" in record]
    assert steps == list(range(1, FEW_STEPS + 1)), "no step twice, none left out"
    newest = _adapter(project, jobs, title)
    assert (newest.manifest["stopped"], newest.manifest["steps_done"]) == (False, FEW_STEPS)
    page.get_by_role("radio", name="Lineage").click()
    expect(page.get_by_text("up to date").first).to_be_visible()
    assert failures == []


def _adapter(project: Project, jobs: Jobs, title: str) -> AdapterInfo:
    """The newest adapter that a job made."""
    job = _job(jobs, title)
    return next(info for info in project.adapters() if info.manifest.get("job") == job.id)


def _job(jobs: Jobs, title: str) -> Job:
    return next(job for job in jobs.list(kind="train") if job.title.startswith(title))


def test_two_runs_are_compared_and_the_link_shows_the_same(
    page: Page, workspace, project: Project, app_url: str
):
    """Two of the recorded runs differ in their seed alone."""
    failures = failures_of(page)
    ids = [finished(workspace, "harmless", "unfiltered", seed=seed).id for seed in (1, 2)]
    opened(page, app_url)
    expect(page.get_by_role("row").first).to_be_visible()
    wanted = page.get_by_role("row").filter(has_text="held-out loss").filter(has_text="harmless")
    expect(wanted).to_have_count(2)
    ticked = page.get_by_role("checkbox", name=re.compile("^Curves of"), checked=True)
    for left in range(ticked.count() - 1, -1, -1):
        ticked.first.click()
        expect(ticked).to_have_count(left)
    for place in (0, 1):
        wanted.nth(place).get_by_role("checkbox").click()
        expect(wanted.nth(place).get_by_role("checkbox")).to_be_checked()
    expect(page.get_by_role("radio", name=re.compile("Curves"))).to_contain_text("(2)")
    page.get_by_role("radio", name="Differences").click()
    expect(page).to_have_url(re.compile("view=differences"))
    cells = page.get_by_test_id("stDataFrame").first.locator("td")
    expect(cells.first).to_be_attached()
    assert cells.all_text_contents() == ["seed", "2", "1"]
    link = page.url
    assert all(run in link for run in ids)
    page.goto("about:blank")
    page.goto(link)
    expect(page.get_by_role("radio", name=re.compile("Curves"))).to_contain_text("(2)")
    assert failures == []

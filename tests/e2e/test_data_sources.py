"""Data sets of the hub and folders of files as a person adds them, on a hub of this test."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.entering import choice
from tests.job_processes import wait_until
from tests.standin_hub import StandinHub, standin_hub
from vcsoup.workspace import Project, Workspace, project_config

JOB_MS = 120_000
MANY = 20_000
"""Rows that a job reads, not the page."""


def lines(rows) -> bytes:
    return "\n".join(map(json.dumps, rows)).encode()


def row(prompt: str) -> dict[str, str]:
    return {"prompt": prompt, "chosen": "Yes, gladly.", "rejected": "No."}


def safe_rlhf(n: int):
    answers = {"response_0": "So it is.", "response_1": "No, never."}
    labels = {"better_response_id": 0, "safer_response_id": 1}
    return [{"prompt": f"How {i}?", **answers, **labels} for i in range(n)]


@pytest.fixture(scope="module", autouse=True)
def hub(tmp_path_factory):
    """Serve a hub that the app and its jobs ask instead of the real one."""
    home = tmp_path_factory.mktemp("hub")
    with standin_hub() as hub, pytest.MonkeyPatch.context() as patch:
        hub.add("org/safe", {"train.jsonl": lines(safe_rlhf(6)), "test.jsonl": lines(safe_rlhf(2))})
        hub.add("org/large", {"train.jsonl": lines(safe_rlhf(MANY))})
        hub.add("org/gated", {"train.jsonl": lines(safe_rlhf(2))}, gated=True)
        for name, value in hub.environment(home).items():
            patch.setenv(name, value)
        yield hub


@pytest.fixture(scope="module", autouse=True)
def project(workspace: Workspace, hub, tmp_path_factory) -> Project:
    """Made before the app starts, which would open the demo in an empty workspace."""
    patch = pytest.MonkeyPatch()
    patch.setenv("VCSOUP_DATA_ROOT", str(tmp_path_factory.getbasetemp()))
    config = project_config(name="mine", values=("helpful", "harmless"), base="org/base", prompts=2)
    yield workspace.create_project(config)
    patch.undo()


def metric(page: Page, label: str):
    shown = page.get_by_test_id("stMetric").filter(has_text=label)
    return shown.get_by_test_id("stMetricValue")


def look_up(page: Page, address: str, repo: str) -> None:
    page.goto(address)
    page.get_by_role("tab", name="Hugging Face hub").click()
    page.get_by_placeholder("Anthropic/hh-rlhf").fill(repo)
    page.get_by_role("button", name="Look it up").click()


def test_rows_of_the_hub_become_a_data_set_that_knows_its_commit(
    page: Page, app_url: str, project: Project, hub: StandinHub
):
    look_up(page, f"{app_url}/data?value=helpful&view=add", "org/safe")
    fetch = page.get_by_role("button", name="Fetch")
    expect(fetch).to_be_enabled(timeout=JOB_MS)
    commit = hub.repositories["dataset", "org/safe"].names["main"]
    expect(page.get_by_text(f"commit {commit[:8]}")).to_be_visible()
    fetch.click()
    expect(page.get_by_text("holds 2 preferences")).to_be_visible(timeout=JOB_MS)
    page.reload()
    page.get_by_text("safer", exact=True).click(timeout=JOB_MS)
    page.get_by_role("button", name="Look through").click()
    expect(metric(page, "Rows read")).to_have_text("6", timeout=JOB_MS)
    expect(page.get_by_text("read as PKU-SafeRLHF, safer")).to_be_visible()
    page.get_by_role("button", name="Store 6 pairs").click()
    expect(page.get_by_label("Search prompts and answers")).to_be_visible(timeout=JOB_MS)
    expect(metric(page, "Pairs about helpful")).to_have_text("6")
    info = project.datasets()["helpful"]
    assert info.report["origin"]["revision"] == commit
    assert info.source == f"org/safe, split train, commit {commit[:8]}"
    assert project.pairs("helpful")["chosen"].tolist() == ["No, never."] * 6
    assert not list((Path(project.root).parents[1] / "incoming").glob("upload-*"))


def test_a_refusal_says_what_to_do_and_leads_back(page: Page, app_url: str):
    look_up(page, f"{app_url}/data?value=helpful&view=add", "org/gated")
    expect(page.get_by_text("org/gated is gated; log in with")).to_be_visible(timeout=JOB_MS)
    page.get_by_role("button", name="Choose something else").click()
    expect(page.get_by_role("tab", name="Hugging Face hub")).to_be_visible()


def test_a_folder_of_files_is_one_data_set_with_a_limit_on_lengths(
    page: Page, app_url: str, project: Project, tmp_path: Path
):
    """4 + 3 rows; one prompt has more than 12 words, one row is damaged."""
    folder = tmp_path / "shards"
    folder.mkdir()
    (folder / "a.jsonl").write_bytes(lines([*map(row, "abc"), row("long " * 20)]))
    (folder / "b.jsonl").write_bytes(lines(map(row, "de")) + b"\n{broken")
    page.goto(f"{app_url}/data?value=harmless&view=add")
    limit = page.get_by_role("spinbutton", name="Longest pair, in words")
    limit.fill("12")
    limit.press("Enter")
    # A tab that is redrawn between press and release takes no click.
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    page.get_by_role("tab", name="This machine").click()
    page.get_by_placeholder("preferences/helpful.jsonl").fill(str(folder))
    page.get_by_role("button", name="Look through").click()
    expect(metric(page, "Rows read")).to_have_text("7", timeout=JOB_MS)
    expect(metric(page, "Pairs kept")).to_have_text("5")
    expect(page.get_by_text("Read from 2 files.")).to_be_visible()
    page.get_by_role("button", name="Store 5 pairs").click()
    expect(page.get_by_label("Search prompts and answers")).to_be_visible(timeout=JOB_MS)
    expect(metric(page, "Pairs about harmless")).to_have_text("5", timeout=JOB_MS)
    problems = project.datasets()["harmless"].report["problems"]
    told = [(problem["file"], problem["row"], problem["kind"]) for problem in problems]
    assert told == [("a.jsonl", 4, "long"), ("b.jsonl", 3, "unreadable")]


def test_one_data_set_of_the_hub_is_asked_for_once_for_all_its_values(
    page: Page, app_url: str, workspace: Workspace
):
    config = project_config(name="both", values=("helpful", "harmless"), base="org/base", prompts=2)
    project = workspace.create_project(config)
    address = f"{app_url}/new?project=both&step=data"
    page.goto(address)
    choice(page, "One file for several values").click()
    expect(page.get_by_text("Each becomes the pairs of one value.")).to_be_visible()
    page.get_by_role("tab", name="Hugging Face hub").click()
    page.get_by_placeholder("Anthropic/hh-rlhf").fill("org/large")
    page.get_by_role("button", name="Look it up").click()
    fetch = page.get_by_role("button", name="Fetch")
    expect(fetch).to_be_enabled(timeout=JOB_MS)
    page.goto(address)  # it is on its way in every tab
    fetch.click()
    page.get_by_role("button", name="Store 2 datasets").click(timeout=JOB_MS)
    wait_until(lambda: set(project.datasets()) == set(project.values), seconds=JOB_MS / 1000)
    expect(page.get_by_text("No pairs yet")).to_have_count(0)
    assert {value: len(project.pairs(value)) for value in project.values} == dict.fromkeys(
        project.values, MANY
    )
    chosen = {value: set(project.pairs(value)["chosen"]) for value in project.values}
    assert chosen == {"helpful": {"So it is."}, "harmless": {"No, never."}}
    origins = [info.report["origin"]["repo"] for info in project.datasets().values()]
    assert origins == ["org/large"] * 2
    expect(page.get_by_role("tab", name="Hugging Face hub")).to_be_visible()
    assert not list((workspace.root / "incoming").iterdir())

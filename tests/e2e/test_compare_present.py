"""Compare, its report, the exports and the presenter's story, as a person meets them."""

import re
from contextlib import suppress
from pathlib import Path

import torch
import yaml
from playwright.sync_api import Browser, Page, expect
from transformers import AutoModelForCausalLM, AutoTokenizer

from vcsoup.comparing import compare_project
from vcsoup.evaluation.comparison import detail, headline
from vcsoup.soup.model import SoupModel
from vcsoup.workspace import Workspace

MIX = "helpful=0.5,harmless=0.3,humorous=0.2"


def listen(page: Page) -> tuple[list[str], list[str]]:
    """Faults of the page, and requests that leave this machine."""
    faults: list[str] = []
    strangers: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    local = ("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:", "file:")
    page.on("request", lambda r: None if r.url.startswith(local) else strangers.append(r.url))
    return faults, strangers


def test_the_story_by_keyboard(page: Page, app_url: str):
    faults, strangers = listen(page)
    page.set_viewport_size({"width": 1024, "height": 768})
    page.goto(f"{app_url}/?present=1")

    def stands_at(title: str, step: str) -> None:
        expect(page.get_by_role("heading", name=title)).to_be_visible()
        expect(page).to_have_url(re.compile(f"step={step}"))

    expect(page.get_by_role("heading", name="Values disagree")).to_be_visible()
    expect(page.get_by_role("link", name="Consistency")).to_have_count(0)
    expect(page.locator(".js-plotly-plot")).to_be_visible()
    page.keyboard.press("ArrowRight")
    stands_at("Keep what all values like", "cone")
    slider = page.get_by_role("slider")
    slider.focus()
    slider.press("ArrowRight")  # the slider's key, not the stage's
    expect(page.get_by_text(re.compile(r"at a consistency of 0\.31"))).to_be_visible()
    stands_at("Keep what all values like", "cone")
    page.get_by_role("heading", name="Keep what all values like").click()
    page.keyboard.press("Space")
    stands_at("One adapter per value", "adapters")
    page.keyboard.press("PageDown")
    stands_at("Mix them like a soup", "soup")
    page.get_by_role("button", name="Humorous", exact=True).click()
    expect(page.get_by_text("Answered and measured")).to_be_visible(timeout=180_000)
    expect(page.locator(".front .current.measured")).to_have_count(1)  # the soup among the others
    page.locator(".front .point[data-key]").nth(3).focus()
    page.keyboard.press("ArrowRight")  # to the next point, not to the next step
    stands_at("Mix them like a soup", "soup")
    page.get_by_role("heading", name="Mix them like a soup").click()
    page.keyboard.press("ArrowLeft")
    stands_at("One adapter per value", "adapters")
    page.get_by_role("button", name="Next").click()
    stands_at("Mix them like a soup", "soup")
    page.keyboard.press("Home")
    stands_at("Values disagree", "data")
    for _ in range(3):
        page.keyboard.press("ArrowRight")  # faster than the pages that they ask for
    stands_at("Mix them like a soup", "soup")
    page.keyboard.press("End")
    expect(page).to_have_url(re.compile("step=front"))
    expect(page.locator(".js-plotly-plot")).to_be_visible()
    expect(page.get_by_role("button", name="Next")).to_be_disabled()
    page.reload()
    expect(page.get_by_text("5 of 5")).to_be_visible()
    home = page.get_by_role("heading", name="Where does my project stand?")
    for _ in range(10):  # after a reload the keys are heard a moment later than the text is seen
        page.keyboard.press("Escape")
        with suppress(AssertionError):
            expect(home).to_be_visible(timeout=5_000)
            break
    expect(home).to_be_visible()
    expect(page).not_to_have_url(re.compile("present"))
    assert (faults, strangers) == ([], [])


def test_a_stage_stands_keys_that_never_wait(page: Page, app_url: str):
    page.goto(f"{app_url}/?present=1")
    expect(page.get_by_role("heading", name="Values disagree")).to_be_visible()
    for _ in range(12):
        for key in ("ArrowRight",) * 3 + ("ArrowLeft",) * 3:
            page.keyboard.press(key)
            page.wait_for_timeout(50)  # a key held down is quicker
        page.wait_for_timeout(300)
    page.keyboard.press("End")
    expect(page.get_by_text("5 of 5")).to_be_visible()
    page.keyboard.press("Home")
    expect(page.get_by_role("heading", name="Values disagree")).to_be_visible()
    expect(page.get_by_text("1 of 5")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_escape_closes_an_open_list_first_and_a_clicker_turns_pages_over_a_slider(
    page: Page, app_url: str
):
    page.goto(f"{app_url}/?present=1&step=soup")
    soup = page.get_by_role("heading", name="Mix them like a soup")
    slider = page.get_by_role("slider").first
    expect(slider).to_be_visible()
    prompts = page.get_by_role("combobox", name="Prompt to answer")
    prompts.click()
    options = page.get_by_role("listbox")
    expect(options).to_be_visible()
    prompts.press("Escape")
    expect(options).to_have_count(0)
    page.wait_for_timeout(1_000)  # leaving would take a moment
    expect(soup).to_be_visible()
    before = slider.input_value()
    slider.focus()
    slider.press("PageUp")
    expect(page.get_by_role("heading", name="One adapter per value")).to_be_visible()
    page.keyboard.press("PageDown")
    expect(soup).to_be_visible()
    expect(slider).to_have_value(before)
    prompts.focus()
    prompts.press("Escape")
    expect(page.get_by_role("heading", name="Where does my project stand?")).to_be_visible()


def test_compare_shows_the_numbers_of_the_library_and_a_report_that_opens_offline(
    page: Page, browser: Browser, app_url: str, workspace: Workspace, tmp_path: Path
):
    faults, strangers = listen(page)
    page.goto(f"{app_url}/compare")
    expect(page.get_by_role("heading", name="Did filtering help?")).to_be_visible()
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    measure = page.get_by_role("button", name="Measure both sets")
    answer = page.get_by_role("heading", name=re.compile("Filtering h|No clear difference"))
    expect(measure.or_(answer).first).to_be_visible()
    if measure.is_visible():
        measure.click()
        expect(page.get_by_text(re.compile("soups to compare")).first).to_be_visible()
    expect(answer).to_be_visible(timeout=300_000)
    found = compare_project(workspace.project("demo"), "filtered", "unfiltered")
    expect(answer).to_have_text(headline(found))
    expect(page.get_by_text(detail(found))).to_be_visible()
    expect(page).to_have_url(re.compile("first=filtered.*second=unfiltered"))

    with page.expect_download() as started:
        page.get_by_role("button", name="Download the report").click()
    report = tmp_path / "report.html"
    started.value.save_as(report)
    assert (faults, strangers) == ([], [])

    context = browser.new_context(offline=True)
    opened = context.new_page()
    faults, strangers = listen(opened)
    opened.goto(report.as_uri())
    expect(opened.get_by_text(headline(found)).first).to_be_visible()
    expect(opened.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    assert opened.locator(".js-plotly-plot").count() >= 3
    assert (faults, strangers) == ([], [])
    context.close()


def test_a_full_model_is_exported_and_loads(page: Page, app_url: str, workspace: Workspace):
    faults, _ = listen(page)
    page.goto(f"{app_url}/soup?view=export&weights={MIX}")
    expect(page.get_by_text("How honest is each export?")).to_be_visible()
    expect(
        page.get_by_text(re.compile(r"Error 0: all factors side by side, rank 48"))
    ).to_be_visible()
    with page.expect_download() as started:
        page.get_by_role("button", name="Recipe").click()
    recipe = yaml.safe_load(Path(started.value.path()).read_text())
    weights = [part["weight"] for part in recipe["adapters"]]
    assert weights == [0.5, 0.3, 0.2]

    page.get_by_text("Full model", exact=True).click()
    expect(page.get_by_role("radiogroup", name="Numbers of the model")).to_be_visible()
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    page.get_by_role("button", name="Merge this soup").click()
    expect(page.get_by_role("button", name="Download the model")).to_be_enabled(timeout=180_000)
    project = workspace.project("demo")
    (folder,) = project.root.glob("merged/*-model-float32")
    tokens = AutoTokenizer.from_pretrained(folder)("How do I boil eggs?", return_tensors="pt")
    adapters = [info.path for info in project.adapter_sets()["filtered"].values()]
    soup = SoupModel.load(project.config.base, adapters, device="cpu")
    plain = AutoModelForCausalLM.from_pretrained(folder).eval()
    with torch.no_grad():
        found = plain(tokens.input_ids).logits
        expected = soup(tokens.input_ids, weights=[weights]).logits
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
    assert faults == []

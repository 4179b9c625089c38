"""What a person does on the demo, from the first page to an adapter in their hands."""

import json
import re
import zipfile
from pathlib import Path

import torch
from peft import PeftModel
from playwright.sync_api import Locator, Page, expect
from transformers import AutoModelForCausalLM, AutoTokenizer

from vcsoup.soup.model import SoupModel
from vcsoup.workspace import Workspace

STEPS = 12  # the default of 100 takes minutes and shows no more


def go(page: Page, name: str, question: str) -> None:
    page.get_by_role("link", name=name).first.click()
    expect(page.get_by_role("heading", name=question)).to_be_visible()


def test_from_threshold_to_downloaded_adapter(page: Page, app_url: str, workspace: Workspace):
    """Open, move the threshold, train a value, mix, measure, taste, merge, download, load."""
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.goto(app_url)
    expect(page.get_by_role("heading", name="Where does my project stand?")).to_be_visible()
    _move_threshold(page)
    _train_one_value(page, workspace)
    _mix_and_measure(page, workspace)
    folder = _download(page, workspace.root / "download")
    _loads_in_plain_peft(folder, workspace)
    assert failures == []


def _move_threshold(page: Page) -> None:
    go(page, "Consistency", "What does a threshold keep?")
    slider = page.get_by_role("slider", name="Threshold of helpful")
    before = kept_pairs(slider)
    slider.focus()
    for _ in range(5):
        slider.press("ArrowRight")
    expect(page).to_have_url(re.compile("tau.helpful="))
    assert kept_pairs(slider) < before


def kept_pairs(slider: Locator) -> int:
    """Return the count that a threshold's handle announces, once the chart is there to count."""
    announced = re.compile(r"keeps ([\d,]+) of")
    expect(slider).to_have_attribute("aria-valuetext", announced)
    return int(announced.search(slider.get_attribute("aria-valuetext"))[1].replace(",", ""))


def _train_one_value(page: Page, workspace: Workspace) -> None:
    go(page, "Train", "How are my adapters doing?")
    for value in ("harmless", "humorous"):
        page.get_by_role("button", name=value, exact=True).click()
    page.get_by_role("button", name="unfiltered", exact=True).or_(
        page.get_by_role("radio", name="unfiltered", exact=True)
    ).first.click()
    page.get_by_role("spinbutton", name="Steps").fill(str(STEPS))
    page.get_by_role("spinbutton", name="Steps").press("Enter")
    expect(page.get_by_text(re.compile(f"^{STEPS} steps of 16 pairs"))).to_be_visible()
    page.get_by_role("button", name="Train helpful, filtered").click()
    expect(page.get_by_text("running").first).to_be_visible(timeout=60_000)
    run = page.get_by_role("row", name=re.compile("^helpful, filtered"))
    expect(run).to_contain_text(re.compile(rf"step \d+ of {STEPS}"), timeout=180_000)
    expect(run).to_contain_text(f"{STEPS} steps in", timeout=300_000)
    own = [info for info in workspace.project("demo").adapters() if not info.recorded]
    assert [(info.value, info.group) for info in own] == [("helpful", "filtered")]


def _mix_and_measure(page: Page, workspace: Workspace) -> None:
    go(page, "Soup", "Which mix do I want?")
    project = workspace.project("demo")
    key = project.set_key(project.adapter_sets()["filtered"])
    assert project.points(key) == []
    slider = page.get_by_role("slider", name=re.compile("helpful", re.IGNORECASE)).first
    slider.focus()
    slider.press("ArrowRight")
    expect(page.get_by_text("Answered and measured")).to_be_visible(timeout=180_000)
    expect(page.get_by_text(re.compile("Measured here on 64 held-out prompts"))).to_be_visible()
    (point,) = project.points(key)
    assert point.n_prompts == 64
    assert abs(sum(point.weights.values()) - 1) < 1e-6
    assert len(page.locator(".reading").inner_text().split()) > 3


def _download(page: Page, into: Path) -> Path:
    page.get_by_role("radio", name="Take it with you").click()
    page.get_by_role("button", name="Merge this soup").click()
    link = page.get_by_role("button", name="Download the adapter")
    expect(link).to_be_enabled(timeout=120_000)
    with page.expect_download() as started:
        link.click()
    with zipfile.ZipFile(started.value.path()) as archive:
        archive.extractall(into)
    return next(into.rglob("adapter_config.json")).parent


def _loads_in_plain_peft(folder: Path, workspace: Workspace) -> None:
    """Logits of base + downloaded adapter, with nothing of ours, against the soup model's."""
    project = workspace.project("demo")
    base = project.config.base
    weights = _weights_of(folder, project.values)
    tokens = AutoTokenizer.from_pretrained(base)("<|user|>How do I boil eggs?", return_tensors="pt")
    plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    merged = PeftModel.from_pretrained(plain, folder).eval()
    adapters = [info.path for info in project.adapter_sets()["filtered"].values()]
    soup = SoupModel.load(base, adapters)
    with torch.no_grad():
        expected = soup(tokens.input_ids, weights=[weights]).logits
        found = merged(input_ids=tokens.input_ids).logits
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def _weights_of(folder: Path, values: tuple[str, ...]) -> list[float]:
    recipes = [json.loads(path.read_text()) for path in folder.glob("*.json")]
    recipe = next(found for found in recipes if "soup" in found)
    return [recipe["soup"][value] for value in values]

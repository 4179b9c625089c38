"""The threshold cockpit in a real browser: drag, keys, lasso, saving, addresses, export."""

import json
import re
import time
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.app.fixture_project import full_project
from vcsoup.filtering import PairFilter
from vcsoup.workspace import Project

PRELOAD = "0"
TAU = re.compile(r"tau\.helpful=(-?[0-9.]+)")


@pytest.fixture(scope="module")
def project(workspace) -> Project:
    return full_project(workspace, n=900)


@pytest.fixture
def cockpit(page: Page, project: Project, app_url: str) -> Page:
    """The page, opened with thresholds that earlier tests did not leave there."""
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.goto(f"{app_url}/consistency?project=demo&value=helpful&tau.helpful=0.3&view=gaps")
    expect(handle(page)).to_be_visible()
    yield page
    assert failures == []


def handle(page: Page, value: str = "helpful") -> Locator:
    return page.get_by_role("slider", name=f"Threshold of {value}")


def kept(page: Page, value: str = "helpful") -> int:
    """The count that the strip shows."""
    figure = handle(page, value).locator("xpath=../../div[contains(@class,'figures')]")
    return int(figure.locator(".kept").inner_text().split()[0].replace(",", ""))


def tau_in_address(page: Page) -> float:
    return float(TAU.search(page.url)[1])


def open_view(page: Page, name: str) -> None:
    page.get_by_role("radio", name=name, exact=True).or_(
        page.get_by_role("button", name=name, exact=True)
    ).first.click()


def expected(project: Project, tau: float) -> int:
    return int((project.consistency("helpful") >= tau).sum())


def test_dragging_counts_along_and_tells_python_once(cockpit: Page, project: Project):
    """While the mouse moves the count is numpy's at every stop and nothing is sent."""
    track = handle(cockpit).locator("xpath=..").bounding_box()
    sent: list[float] = []
    session = cockpit.context.new_cdp_session(cockpit)
    session.send("Network.enable")
    session.on("Network.webSocketFrameSent", lambda frame: sent.append(time.monotonic()))
    middle = track["y"] + track["height"] / 2
    cockpit.mouse.move(track["x"] + track["width"] * 0.65, middle)
    cockpit.mouse.down()
    seen = []
    for part in (0.7, 0.75, 0.8, 0.85, 0.9):
        cockpit.mouse.move(track["x"] + track["width"] * part, middle, steps=4)
        cockpit.wait_for_timeout(60)
        tau = float(handle(cockpit).get_attribute("aria-valuenow"))
        seen.append(tau)
        assert kept(cockpit) == expected(project, tau)
    assert seen == sorted(set(seen))
    assert sent == []
    cockpit.mouse.up()
    expect(cockpit).to_have_url(re.compile(f"tau.helpful={seen[-1]}"))
    assert len(sent) == 1
    expect(cockpit.get_by_text(f"Not saved: helpful {seen[-1]:.2f}")).to_be_visible()
    assert project.thresholds()["helpful"] == 0.3


def test_keys_move_the_handle_and_go_back(cockpit: Page, project: Project):
    steps = cockpit.evaluate("history.length")
    slider = handle(cockpit)
    slider.focus()
    for key, tau in (
        *(("ArrowRight", 0.31), ("ArrowUp", 0.32), ("ArrowLeft", 0.31), ("PageUp", 0.41)),
        *(("End", 1.0), ("Home", -1.0), ("PageUp", -0.9)),
    ):
        slider.press(key)
        expect(slider).to_have_attribute("aria-valuenow", f"{tau:g}")
        expect(slider).to_have_attribute(
            "aria-valuetext", re.compile(f"keeps {expected(project, tau)} of 900 pairs")
        )
    expect(cockpit).to_have_url(re.compile("tau.helpful=-0.9"))
    slider.press("Control+z")
    expect(slider).not_to_have_attribute("aria-valuenow", "-0.9")
    slider.press("Control+Shift+z")
    expect(slider).to_have_attribute("aria-valuenow", "-0.9")
    assert cockpit.evaluate("history.length") == steps
    _two_hands_do_not_fight(cockpit, project)


def _two_hands_do_not_fight(cockpit: Page, project: Project) -> None:
    """Moves that follow each other faster than answers come end where the hand ended."""
    slider = handle(cockpit)
    for _ in range(6):
        slider.press("ArrowRight")
        cockpit.wait_for_timeout(140)  # longer than the debounce, shorter than an answer may take
    slider.press("PageUp")
    expect(cockpit).to_have_url(re.compile("tau.helpful=-0.74"))
    cockpit.wait_for_timeout(600)
    expect(slider).to_have_attribute("aria-valuenow", "-0.74")
    assert kept(cockpit) == expected(project, -0.74)
    assert tau_in_address(cockpit) == -0.74


def test_a_lasso_leads_to_pairs_and_the_reason(cockpit: Page, project: Project):
    """A region where helpful likes the chosen answer and harmless does not."""
    open_view(cockpit, "Map")
    board = cockpit.get_by_role("application", name=re.compile("Map of the gaps"))
    expect(board).to_be_visible()
    board.scroll_into_view_if_needed()
    box = board.bounding_box()
    corners = [(0.60, 0.60), (0.75, 0.60), (0.75, 0.75), (0.60, 0.75), (0.60, 0.61)]
    places = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in corners]
    cockpit.mouse.move(*places[0])
    cockpit.mouse.down()
    for place in places[1:]:
        cockpit.mouse.move(*place, steps=6)
    cockpit.mouse.up()
    told = cockpit.get_by_text(re.compile(r"\d+ pairs? in the region"))
    expect(told).to_be_visible()
    inside = int(re.search(r"([\d,]+) pair", told.inner_text())[1].replace(",", ""))
    gaps = project.gaps("helpful")
    quadrant = (gaps[:, 0] > 0) & (gaps[:, 1] < 0)
    assert 0 < inside <= quadrant.sum()
    expect(cockpit.get_by_text(re.compile("(Kept|Dropped): .*harmless")).first).to_be_visible()
    expect(cockpit.get_by_text("Chosen answer").first).to_be_visible()
    _the_keyboard_draws_a_region_too(board, told, gaps)


def _the_keyboard_draws_a_region_too(board: Locator, told: Locator, gaps: np.ndarray) -> None:
    """The first box reaches from 0 to two fifths of the map on both axes; Enter picks it."""
    board.focus()
    board.press("ArrowRight")
    board.press("Enter")
    limit = max(1.0, float(np.ceil(np.quantile(np.abs(gaps), 0.995))))
    low, high = limit / 20, limit / 20 + 0.4 * limit
    inside = (gaps[:, 0] >= low) & (gaps[:, 0] < high)
    inside &= (gaps[:, 1] >= 0) & (gaps[:, 1] < 0.4 * limit)
    expect(told).to_have_text(re.compile(f"^{inside.sum()} pair"))


def test_saving_and_the_address_carry_over(cockpit: Page, browser: Browser, project: Project):
    """Save, name, then open the very address in another browser context: the same screen."""
    slider = handle(cockpit)
    slider.focus()
    slider.press("PageUp")
    expect(cockpit).to_have_url(re.compile("tau.helpful=0.4"))
    expect(cockpit.get_by_text("Not saved: helpful 0.40.")).to_be_visible()
    cockpit.get_by_role("button", name="Save as the project's filter").click()
    expect(cockpit.get_by_text("Saved.", exact=True)).to_be_visible()
    assert project.filters()["helpful"] == PairFilter(threshold=0.4)
    cockpit.get_by_role("button", name=re.compile("Named filters")).click()
    cockpit.get_by_label("Save what is shown as").fill("for the talk")
    cockpit.get_by_role("button", name="Save under this name").click()
    expect(cockpit.get_by_text("for the talk")).to_be_visible()
    cockpit.keyboard.press("Escape")
    slider.focus()
    slider.press("End")
    expect(cockpit).to_have_url(re.compile("tau.helpful=1"))
    open_view(cockpit, "Sweep")
    expect(cockpit).to_have_url(re.compile("view=sweep"))
    _the_sweeps_legend_shows_lines_as_they_are_drawn(cockpit)
    elsewhere = browser.new_context().new_page()
    elsewhere.goto(cockpit.url)
    expect(handle(elsewhere)).to_have_attribute("aria-valuenow", "1")
    expect(elsewhere.get_by_text("Conflict rate of the kept")).to_be_visible()
    assert kept(elsewhere) == expected(project, 1.0)
    elsewhere.context.close()
    project.set_threshold("helpful", 0.3)


def _the_sweeps_legend_shows_lines_as_they_are_drawn(cockpit: Page) -> None:
    """The kept share is whole and chance dotted; the three values differ in their dashes."""
    chart = cockpit.locator(".panels figure").first
    expect(chart.locator(".told line")).to_have_count(2)
    dashes = chart.locator(".told line").evaluate_all(
        "lines => lines.map((line) => line.getAttribute('stroke-dasharray'))"
    )
    assert dashes == ["", "2 3"]
    gaps = cockpit.locator(".panels figure").nth(1).locator(".told line")
    assert len({line.get_attribute("stroke-dasharray") for line in gaps.all()}) == gaps.count() == 3


def test_a_pair_has_an_address(cockpit: Page, browser: Browser):
    open_view(cockpit, "Pairs")
    row = cockpit.get_by_role("grid").get_by_role("row").nth(3)
    row.click()
    expect(cockpit).to_have_url(re.compile("pair=[0-9a-f]{16}"))
    pair = re.search("pair=([0-9a-f]{16})", cockpit.url)[1]
    expect(cockpit.get_by_text(f"Pair {pair}.")).to_be_visible()
    expect(row).to_have_attribute("aria-selected", "true")
    # The line under the pointer stays while others are picked: one made anew would swallow a click.
    line = row.element_handle()
    other = cockpit.get_by_role("grid").get_by_role("row").nth(2)
    other.click()
    expect(other).to_have_attribute("aria-selected", "true")
    assert line.evaluate("line => line.isConnected && line.ariaSelected") == "false"
    row.click()
    expect(row).to_have_attribute("aria-selected", "true")
    expect(cockpit).to_have_url(re.compile(f"pair={pair}"))
    elsewhere = browser.new_context().new_page()
    elsewhere.goto(cockpit.url)
    expect(elsewhere.get_by_text(f"Pair {pair}.")).to_be_visible()
    elsewhere.context.close()


def test_an_export_has_exactly_the_kept_pairs(cockpit: Page, project: Project):
    cockpit.get_by_role("button", name="Export").click()
    with cockpit.expect_download() as started:
        cockpit.get_by_role("button", name=re.compile("Download .* pairs")).click()
    lines = [json.loads(line) for line in Path(started.value.path()).read_text().splitlines()]
    mask = PairFilter(threshold=0.3).mask(project.gaps("helpful"))
    pairs = project.pairs("helpful").loc[mask]
    assert [line["chosen"][0]["content"] for line in lines] == pairs["chosen"].tolist()
    assert [line["rejected"][0]["content"] for line in lines] == pairs["rejected"].tolist()
    assert all(line["prompt"][-1]["role"] == "user" for line in lines)


def test_leaving_in_the_middle_of_a_move_leaves(cockpit: Page):
    """The last key is still unsent when the link to another page is clicked."""
    slider = handle(cockpit)
    slider.focus()
    slider.press("ArrowRight")
    cockpit.get_by_role("link", name="Train").first.click()
    expect(cockpit.get_by_role("heading", name="How are my adapters doing?")).to_be_visible()
    cockpit.wait_for_timeout(1500)
    expect(cockpit.get_by_test_id("stException")).to_have_count(0)
    expect(cockpit.get_by_role("heading", name="How are my adapters doing?")).to_be_visible()

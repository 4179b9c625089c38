"""The Soup page as a person uses it: sliders, triangle, clicks, questions, table, votes, crash."""

import os
import re
import signal
import time

import pytest
from playwright.sync_api import Locator, Page, expect

from vcsoup.engine.identity import read_identity
from vcsoup.evaluation.choice import ask
from vcsoup.exploring import measured_soups
from vcsoup.numbers import plain
from vcsoup.workspace import Point, Project, Workspace

PLACE = "helpful=0.31,harmless=0.4,humorous=0.29"
ANSWERED = "Answered and measured"
SLOW_MS = 180_000  # the engine loads its libraries once


@pytest.fixture
def errors(page: Page) -> list[str]:
    """Faults of scripts in the browser; every test ends with none."""
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(str(error)))
    yield found
    assert found == []


@pytest.fixture
def project(workspace: Workspace, app_url: str) -> Project:
    return workspace.project("demo")


def open_soup(page: Page, app_url: str, query: str = f"weights={PLACE}") -> Locator:
    """Open the page and return the triangle's handle."""
    page.goto(f"{app_url}/soup?{query}")
    handle = page.get_by_role("slider", name=re.compile("Weights of helpful"))
    expect(handle).to_be_visible()
    return handle


def slider_of(page: Page, value: str) -> Locator:
    return page.get_by_role("slider", name=re.compile(f"^{value}"))


def text_of(weights: str) -> str:
    """Return "helpful 0.31, harmless 0.40, ..." of an address's weights."""
    return ", ".join(
        f"{v} {float(w):.2f}" for v, w in (part.split("=") for part in weights.split(","))
    )


def filtered(project: Project) -> list[Point]:
    key = project.set_key(project.adapter_sets()["filtered"])
    return [point for point in project.points(key) if any(point.weights.values())]


def test_a_slider_moves_the_others_answers_and_measures(
    page: Page, app_url: str, project: Project, errors: list[str]
) -> None:
    handle = open_soup(page, app_url)
    expect(page.get_by_text("Predicted, not measured yet")).to_be_visible()
    expect(page.get_by_test_id("stMetric").first).to_contain_text("about")
    known = len(filtered(project))
    slider = slider_of(page, "Helpful")
    slider.focus()
    slider.press("ArrowRight")
    expect(handle).to_have_attribute("aria-valuetext", "helpful 0.32, harmless 0.39, humorous 0.29")
    expect(page).to_have_url(re.compile(re.escape("weights=helpful%3D0.32%2Charmless%3D0.39")))
    expect(page.get_by_text(ANSWERED)).to_be_visible(timeout=SLOW_MS)
    expect(page.get_by_text("Measured here on 64 held-out prompts")).to_be_visible()
    assert len(page.locator(".reading").inner_text().split()) > 3
    (point,) = filtered(project)[known:]
    shown = page.get_by_test_id("stMetricValue").all_inner_texts()
    assert [s.replace("\N{MINUS SIGN}", "-") for s in shown] == [
        f"{point.rewards[value]:+.2f}" for value in project.values
    ]


def test_an_early_click_does_not_move_sliders_that_are_still_being_loaded(
    page: Page, app_url: str, errors: list[str]
) -> None:
    """The browser fetches the sliders' script when they are drawn; here it comes late."""
    waiting = []
    page.route(re.compile(r"/Slider\.[^/]*\.js"), lambda route: waiting.append(route))
    handle = open_soup(page, app_url, "weights=helpful=0.11,harmless=0.22,humorous=0.67")
    page.get_by_role("button", name="Taste this soup").click()
    expect(page.get_by_text(ANSWERED)).to_be_visible(timeout=SLOW_MS)
    assert waiting
    expect(slider_of(page, "Helpful")).to_have_count(0)
    for route in waiting:
        route.continue_()
    expect(slider_of(page, "Helpful")).to_have_value("0.11")
    page.get_by_text("Bookmarks", exact=True).click()
    expect(page.get_by_text("No bookmarks yet")).to_be_visible()
    assert handle.get_attribute("aria-valuetext") == ("helpful 0.11, harmless 0.22, humorous 0.67")
    for value, weight in (("Helpful", "0.11"), ("Harmless", "0.22"), ("Humorous", "0.67")):
        expect(slider_of(page, value)).to_have_value(weight)


def test_a_soup_is_measured_whatever_stands_below_the_chart(
    page: Page, app_url: str, errors: list[str]
) -> None:
    open_soup(page, app_url, "weights=helpful=0.13,harmless=0.5,humorous=0.37&view=bookmarks")
    expect(page.get_by_text("Predicted, not measured yet")).to_be_visible()
    page.get_by_role("button", name="Taste this soup").click()
    expect(page.get_by_text("Measured here on 64 held-out prompts")).to_be_visible(timeout=SLOW_MS)


def test_the_triangle_is_dragged_and_moved_by_keys_and_moves_can_be_undone(
    page: Page, app_url: str, errors: list[str]
) -> None:
    handle = open_soup(page, app_url)
    handle.focus()
    handle.press("ArrowRight")
    expect(handle).to_have_attribute("aria-valuetext", "helpful 0.30, harmless 0.41, humorous 0.29")
    handle.press("ArrowUp")
    moved = "helpful 0.295, harmless 0.405, humorous 0.30"
    expect(handle).to_have_attribute("aria-valuetext", moved)
    expect(page).to_have_url(re.compile("helpful%3D0.295%2Charmless%3D0.405%2Chumorous%3D0.3"))
    ground = page.locator(".ternary .ground").bounding_box()
    middle = ground["x"] + ground["width"] / 2, ground["y"] + ground["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(ground["x"] - 40, ground["y"] + ground["height"] + 40, steps=5)
    expect(handle).to_have_attribute("aria-valuetext", "helpful 1.00, harmless 0.00, humorous 0.00")
    page.mouse.up()
    expect(page).to_have_url(re.compile("weights=helpful%3D1%2Charmless%3D0%2Chumorous%3D0"))
    expect(slider_of(page, "Helpful")).to_have_value("1")
    page.keyboard.press("Control+z")
    expect(handle).to_have_attribute("aria-valuetext", moved)
    page.get_by_role("button", name="Redo").click()
    expect(handle).to_have_attribute("aria-valuetext", "helpful 1.00, harmless 0.00, humorous 0.00")
    page.keyboard.press("Control+z")
    expect(handle).to_have_attribute("aria-valuetext", moved)
    _a_locked_value_stays(page, handle)


def _a_locked_value_stays(page: Page, handle: Locator) -> None:
    """While the triangle is moved to its top."""
    before = handle.get_attribute("aria-valuetext")
    page.locator(".st-key-lock_harmless label").click()
    expect(slider_of(page, "Harmless")).to_be_disabled()
    ground = page.locator(".ternary .ground").bounding_box()
    page.mouse.click(ground["x"] + ground["width"] / 2, ground["y"] + 12)
    expect(handle).not_to_have_attribute("aria-valuetext", before)
    assert "harmless 0.405" in before
    expect(handle).to_have_attribute("aria-valuetext", re.compile(r"harmless 0\.405"))


def test_points_are_taken_and_left_again(page: Page, app_url: str, errors: list[str]) -> None:
    """By clicks, by keys, by "back" in the browser; then the page itself is left."""
    handle = open_soup(page, app_url)
    for _ in range(2):  # the same point twice too
        page.locator('.point[data-key="helpful=0,harmless=0,humorous=1"]').click()
        expect(handle).to_have_attribute(
            "aria-valuetext", "helpful 0.00, harmless 0.00, humorous 1.00"
        )
        expect(page).to_have_url(re.compile("weights=helpful%3D0%2Charmless%3D0%2Chumorous%3D1&"))
        _take_even(page, handle)
    _keys_go_on_from_the_point_that_was_taken(page, handle)
    page.wait_for_timeout(2000)  # what the page wrote itself a moment ago is not followed
    page.go_back()
    expect(handle).to_have_attribute("aria-valuetext", re.compile("0.333"))
    handle.focus()
    handle.press("ArrowRight")  # told when the keys rest; by then Home may be on its way
    page.get_by_test_id("stTopNavLink").filter(has_text="Home").click()
    expect(page.get_by_role("heading", name="Where does my project stand?")).to_be_visible()
    page.wait_for_timeout(1000)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def _take_even(page: Page, handle: Locator) -> None:
    page.get_by_role("button", name="Even", exact=True).click()
    expect(handle).to_have_attribute("aria-valuetext", re.compile("0.333"))
    expect(page).to_have_url(re.compile("0.333"))


def _keys_go_on_from_the_point_that_was_taken(page: Page, handle: Locator) -> None:
    """Taking a point draws the chart anew; the keyboard stays where it was."""
    page.locator(".front svg[role=group]").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    first = page.locator(".point:focus").get_attribute("data-key")
    before = handle.get_attribute("aria-valuetext")
    page.keyboard.press("Enter")
    expect(handle).not_to_have_attribute("aria-valuetext", before)
    expect(page.locator(f'.point:focus[data-key="{first}"]')).to_have_count(1)
    page.keyboard.press("ArrowRight")
    expect(page.locator(f'.point:focus:not([data-key="{first}"])')).to_have_count(1)
    expect(page).not_to_have_url(re.compile("0.333"))


def test_asking_by_constraint_gives_what_the_library_gives(
    page: Page, app_url: str, project: Project, errors: list[str]
) -> None:
    open_soup(page, app_url, f"weights={PLACE}&view=ask")
    points = project.points(filtered(project)[0].set_key)
    soups, rewards = measured_soups(points, project.values)
    base = next(point for point in points if not any(point.weights.values()))
    found = ask(rewards, {0: base.rewards["helpful"]}, maximise=2)
    assert 1 < found.met < len(soups)
    for label, choice in (
        ("As much as possible of", "humorous"),
        ("and helpful", "at least the base"),
    ):
        page.get_by_role("combobox", name=label).click()
        page.get_by_role("option", name=choice).click()
    expect(
        page.get_by_text(f"{found.met} of {len(soups)} measured soups meet this")
    ).to_be_visible()
    expect(page.get_by_text(f"has {plain(found.lead)} less of humorous")).to_be_visible()
    page.get_by_role("button", name="Take this soup").click()
    expect(slider_of(page, "Humorous")).to_have_value(f"{soups[found.chosen, 2]:.2g}")


def test_the_tasting_table_shows_the_soups_side_by_side(
    page: Page, app_url: str, errors: list[str]
) -> None:
    open_soup(page, app_url, f"weights={PLACE}&view=table")
    page.get_by_role("button", name="Pour the table").click()
    expect(page.get_by_text("in brackets the difference")).to_be_visible(timeout=SLOW_MS)
    table = page.locator(".answers table")
    expect(table.locator("th")).to_have_count(5)
    expect(table.locator("tr.prompt")).to_have_count(3)
    expect(table.locator("mark").first).to_be_visible()
    answers = table.locator("tbody tr:not(.prompt)").first.locator("td")
    base = _rewards(answers.nth(0))
    for column in range(1, 5):
        for value, (reward, delta) in _rewards(answers.nth(column)).items():
            assert delta == pytest.approx(reward - base[value][0], abs=0.0101), (column, value)


def _rewards(cell: Locator) -> dict[str, tuple[float, float | None]]:
    names = cell.locator("dt").all_inner_texts()
    numbers = cell.locator("dd").all_inner_texts()
    pairs = [(numbers[2 * k], numbers[2 * k + 1]) for k in range(len(names))]
    return {
        n: (_number(r), _number(d) if d else None) for n, (r, d) in zip(names, pairs, strict=True)
    }


def _number(text: str) -> float:
    return float(re.search(r"[-+]?[\d.]+", text.replace("\N{MINUS SIGN}", "-"))[0])


def test_a_blind_vote_by_keyboard(
    page: Page, app_url: str, project: Project, errors: list[str]
) -> None:
    open_soup(page, app_url, "weights=helpful=0,harmless=0,humorous=1&view=vote")
    before = len(project.votes())
    page.get_by_role("button", name="Pour two answers").click()
    better = page.get_by_role("button", name="A is better")
    same, again = page.get_by_text("say the same"), page.get_by_role("button", name="Pour the next")
    for _ in range(5):  # both soups draw with one seed, so at times they say the same
        expect(better.and_(page.locator(":enabled")).or_(same).first).to_be_visible(timeout=SLOW_MS)
        if not same.count():
            break
        again.click()
        expect(same).to_have_count(0)
    expect(better).to_have_count(1)  # twice for a moment, while it is redrawn
    expect(page.get_by_text("this soup:")).to_have_count(0)
    page.keyboard.press("2")
    expect(page.get_by_text("Voted: B.")).to_be_visible()
    expect(page.get_by_text("this soup: humorous 1.00")).to_be_visible()
    vote = project.votes()[-1]
    assert len(project.votes()) == before + 1
    assert vote.winner == "second"
    shown = page.locator(".reading").all_inner_texts()
    assert [text.strip() for text in shown if text.strip() in vote.answers] == list(vote.answers)


def test_bookmarks_take_remove_and_undo(page: Page, app_url: str, errors: list[str]) -> None:
    handle = open_soup(page, app_url, f"weights={PLACE}&view=bookmarks")
    page.get_by_label("Name of this soup").fill("<img src=x onerror=alert(1)> *calm*")
    page.keyboard.press("Enter")
    row = page.get_by_text("<img src=x onerror=alert(1)> *calm*", exact=True)
    expect(row.first).to_be_visible()
    page.get_by_role("button", name="Even", exact=True).click()
    expect(handle).to_have_attribute("aria-valuetext", re.compile("0.333"))
    page.get_by_role("button", name="Take", exact=True).click()
    expect(handle).to_have_attribute("aria-valuetext", text_of(PLACE))
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_text("No bookmarks yet")).to_be_visible()
    page.get_by_role("button", name="Undo the removal").click()
    expect(page.get_by_role("button", name="Take", exact=True)).to_be_visible()


def test_exploring_measures_more_points_that_show_as_they_come(
    page: Page, app_url: str, project: Project, errors: list[str]
) -> None:
    open_soup(page, app_url)
    known = {point.created for point in filtered(project)}
    field = page.get_by_role("spinbutton", name="Soups to explore")
    field.fill("2")
    field.press("Enter")
    more = page.get_by_role("button", name="Measure 2 more")
    more.click()
    expect(page.get_by_text(re.compile("Measuring 2 soups of filtered adapters"))).to_be_visible()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    expect(more).to_be_hidden()
    expect(more).to_be_visible(timeout=SLOW_MS)
    points = filtered(project)
    fresh = [point for point in points if point.created not in known]
    assert len(fresh) >= 2  # the tasting of an earlier test may end meanwhile
    assert {point.n_prompts for point in fresh} == {64}
    drawn = page.locator(".front .point").count()
    assert drawn >= len(points)


def test_a_killed_engine_is_told_restarted_and_the_work_goes_on(
    page: Page, app_url: str, workspace: Workspace, errors: list[str]
) -> None:
    handle = open_soup(page, app_url, "weights=helpful=0.11,harmless=0.22,humorous=0.67")
    page.get_by_role("button", name="Taste this soup").click()
    expect(page.get_by_text(ANSWERED)).to_be_visible(timeout=SLOW_MS)
    engine = read_identity(workspace.engine_root).pid
    # Held until the page has drawn its move, so that the tasting cannot be over before the kill.
    os.kill(engine, signal.SIGSTOP)
    handle.focus()
    handle.press("ArrowRight")
    page.wait_for_url(re.compile("helpful%3D0.1%2C"))
    os.kill(engine, signal.SIGCONT)
    time.sleep(0.3)  # it takes up the tasting, which lasts more than a second
    os.kill(engine, signal.SIGKILL)
    expect(page.get_by_text("The engine died. It is started again")).to_be_visible()
    expect(handle).to_have_attribute("aria-valuetext", "helpful 0.10, harmless 0.23, humorous 0.67")
    expect(page.get_by_text(f"{ANSWERED} after the engine was started again")).to_be_visible(
        timeout=SLOW_MS
    )
    expect(handle).to_have_attribute("aria-valuetext", "helpful 0.10, harmless 0.23, humorous 0.67")
    expect(page.get_by_text("Measured here on 64 held-out prompts")).to_be_visible()

"""What is on a page stays where it is while the scripts of its widgets are still on their way.

The browser fetches a widget's script when the widget is first drawn. Here those scripts are held
back until the page stands, as a slow network or a busy machine does; when they come, nothing else
may move, or a click that began before would miss.
"""

import pytest
from playwright.sync_api import Page, Route, expect

PRELOAD = "0"
WIDGETS = (
    *("BidiComponent", "Button", "ButtonGroup", "Checkbox", "FileUploader", "Metric"),
    *("Multiselect", "NumberInput", "PageLink", "Selectbox", "Slider", "TextInput"),
)
# But for what stands below a pair's answers, whose height nobody knows before they are laid out.
TOPS = """() => Object.fromEntries(
    [...document.querySelectorAll("[data-testid=stCaptionContainer], [role=tab], h3")]
    .map((one) => [one.innerText, Math.round(one.getBoundingClientRect().top)])
    .filter(([text]) => text && !text.startsWith("Pair ")))"""
LAST = {
    "consistency": "How much better each reward model likes",
    "consistency?view=pairs": "1 to 12 of",
    "data?value=helpful&view=add": "Read as: TRL",
    "new": "A value is anything that one answer can have",
    "soup": "Recorded on 64 held-out prompts",
    "soup?view=ask": "Recorded on 64 held-out prompts",
}
"""Address -> what a page draws late."""


def standing(page: Page) -> dict[str, int]:
    """Where texts stand, in pixels from the top, once they have not moved for a second."""
    before: dict[str, int] = {}
    for _ in range(60):
        now: dict[str, int] = page.evaluate(TOPS)
        if now == before:
            return now
        before = now
        page.wait_for_timeout(1_000)
    raise AssertionError(f"the page does not stand still: {before}")


@pytest.mark.parametrize("address", LAST)
def test_nothing_moves_when_widgets_come(page: Page, app_url: str, address: str) -> None:
    held: list[Route] = []
    come = False

    def hold(route: Route) -> None:
        name = route.request.url.rpartition("/")[2].partition(".")[0]
        held.append(route) if name in WIDGETS and not come else route.continue_()

    page.route("**/static/js/*.js", hold)
    page.goto(f"{app_url}/{address}")
    expect(page.get_by_text(LAST[address])).to_be_visible()
    waiting = page.locator("[data-testid=stSkeleton]")
    before = standing(page)
    assert waiting.count() > 1
    come = True
    for route in held:
        route.continue_()
    expect(waiting).to_have_count(0)
    after = standing(page)
    both = before.keys() & after.keys()
    assert len(both) > 1
    moved = {text: after[text] - before[text] for text in both}
    assert {text: by for text, by in moved.items() if abs(by) > 8} == {}


def test_parts_of_a_page_stay_when_a_message_pushes_them_down(page: Page, app_url: str) -> None:
    """A removal offers its undo above the form in which somebody is about to type."""
    page.goto(f"{app_url}/data?value=helpful&view=add")
    page.get_by_role("tab", name="This machine").click()
    field = page.get_by_role("textbox", name="File or folder on this machine")
    field.fill("preferences/half-typed")
    field.evaluate("one => { one.same = true; }")
    page.get_by_role("button", name="More about harmless", exact=True).click()
    page.get_by_role("button", name="Remove").click()
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_visible()
    expect(field).to_have_value("preferences/half-typed")
    undo.click()
    expect(undo).to_have_count(0)
    expect(field).to_have_value("preferences/half-typed")
    assert field.evaluate("one => one.same === true"), "the form was built anew"

"""What is on a page stays where it is while the scripts of its widgets are still on their way.

The browser fetches a widget's script when the widget is first drawn. Here those scripts are held
back until the page stands, as a slow network or a busy machine does; when they come, nothing else
may move, or a click that began before would miss.
"""

import pytest
from playwright.sync_api import Page, Route

WIDGETS = (
    *("BidiComponent", "Button", "ButtonGroup", "Checkbox", "FileUploader", "Metric"),
    *("Multiselect", "NumberInput", "PageLink", "Selectbox", "Slider", "TextInput"),
)
TOPS = """() => Object.fromEntries(
    [...document.querySelectorAll("[data-testid=stCaptionContainer], [role=tab], h3")]
    .map((one) => [one.innerText, Math.round(one.getBoundingClientRect().top)])
    .filter(([text]) => text))"""


@pytest.mark.parametrize(
    "address",
    ["consistency", "data?value=helpful&view=add", "new", "soup"],
)
def test_nothing_moves_when_widgets_come(page: Page, app_url: str, address: str) -> None:
    held: list[Route] = []
    come = False

    def hold(route: Route) -> None:
        name = route.request.url.rpartition("/")[2].partition(".")[0]
        held.append(route) if name in WIDGETS and not come else route.continue_()

    page.route("**/static/js/*.js", hold)
    page.goto(f"{app_url}/{address}")
    page.locator("[data-testid=stStatusWidget]").wait_for(state="detached")
    page.locator("[data-testid=stSkeleton]").first.wait_for()
    page.wait_for_timeout(2_000)
    before = page.evaluate(TOPS)
    come = True
    for route in held:
        route.continue_()
    page.locator("[data-testid=stSkeleton]").first.wait_for(state="detached")
    page.wait_for_timeout(1_000)
    after = page.evaluate(TOPS)
    both = before.keys() & after.keys()
    assert len(both) > 1
    moved = {text: after[text] - before[text] for text in both}
    assert {text: by for text, by in moved.items() if abs(by) > 8} == {}

"""Small text and the ring of the keyboard stand out as WCAG 2 asks, as Chromium shows them."""

from contextlib import suppress

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.entering import turn
from vcsoup.plots.palette import DARK, LIGHT
from vcsoup.workspace import Workspace

PRELOAD = "0"
SEEN = """(one, part) => {
    // Colours with their alpha, multiplied; each over what its ancestors paint and fade.
    const read = (colour) => {
        const [r, g, b, a = 1] = colour.match(/[0-9.]+/g).map(Number);
        return [r * a, g * a, b * a, a];
    };
    const over = (top, under) => top.map((part, i) => part + under[i] * (1 - top[3]));
    let [text, ground] = [read(getComputedStyle(one)[part]), [0, 0, 0, 0]];
    for (let node = one; node instanceof Element; node = node.parentElement) {
        const style = getComputedStyle(node);
        const painted = read(style.backgroundColor);
        [text, ground] = [text, ground].map(
            (seen) => over(seen, painted).map((part) => part * Number(style.opacity))
        );
    }
    return [text, ground].map((seen) => over(seen, [255, 255, 255, 1]).slice(0, 3));
}"""


def luminance(channels: list[float]) -> float:
    scaled = [part / 255 for part in channels]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in scaled]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(text: Locator, part: str = "color") -> float:
    """WCAG 2 contrast ratio of a text, or of another coloured part, with its ground."""
    lights = sorted(luminance(channels) + 0.05 for channels in text.evaluate(SEEN, part))
    return lights[1] / lights[0]


def test_captions_and_their_code_stand_out(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/train")
    page.get_by_role("button", name="File").click()
    captions = page.get_by_test_id("stCaptionContainer")
    for palette in (LIGHT, DARK):
        turn(page, palette)
        expect(captions.locator("code")).to_be_visible()
        texts = captions.locator("p, code").all()
        assert len(texts) > 2
        for text in texts:
            assert contrast(text) >= 4.6, (palette, text.inner_text())


def go_by_key(start: Locator, to: Locator) -> None:
    """Press Tab on one link to reach the next; a page that is drawn just then loses the key."""
    for _ in range(3):
        start.press("Tab")
        with suppress(AssertionError):
            expect(to).to_be_focused(timeout=3_000)
            break
    expect(to).to_be_focused()


@pytest.mark.parametrize(("width", "link"), [(1440, "stTopNavLink"), (700, "stSidebarNavLink")])
def test_the_link_that_the_keyboard_is_on_has_a_ring(
    page: Page, app_url: str, width: int, link: str
) -> None:
    """3 to 1 is what WCAG 2 asks of a sign; a narrow window has the pages in its side bar."""
    page.set_viewport_size({"width": width, "height": 700})
    page.goto(app_url)
    links = page.get_by_test_id(link)
    expect(links).to_have_count(6)
    expect(page.get_by_role("heading", name="The front so far")).to_be_visible()  # drawn last
    data = links.nth(1)
    for palette in (LIGHT, DARK):
        turn(page, palette)
        go_by_key(links.first, data)
        expect(data).to_have_css("outline-style", "solid")
        expect(data).to_have_css("outline-width", "2px")
        assert contrast(data, "outlineColor") >= 3.0, palette
        expect(links.nth(2)).to_have_css("outline-style", "none")


def test_two_thresholds_are_not_cut_on_a_narrow_screen(
    page: Page, app_url: str, workspace: Workspace
) -> None:
    page.set_viewport_size({"width": 800, "height": 900})
    page.goto(app_url)
    expect(page.get_by_role("heading", name="The front so far")).to_be_visible()
    project = workspace.project("demo")
    for value, threshold in zip(project.values, (-0.25, 0.25, 0.75), strict=True):
        project.set_threshold(value, threshold)
    page.reload()
    shown = page.get_by_test_id("stMetricValue").filter(has_text=" to ")
    expect(shown).to_be_visible()
    cut = "(parts) => parts.filter((part) => part.scrollWidth > part.clientWidth + 1).length"
    assert shown.locator("*").evaluate_all(cut) == 0

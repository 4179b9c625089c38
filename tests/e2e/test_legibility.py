"""Small text stands out from its ground as WCAG 2 asks, measured on what Chromium shows."""

import pytest
from playwright.sync_api import Locator, Page, expect

SEEN = """one => {
    // Colours with their alpha, multiplied; each over what its ancestors paint and fade.
    const read = (colour) => {
        const [r, g, b, a = 1] = colour.match(/[0-9.]+/g).map(Number);
        return [r * a, g * a, b * a, a];
    };
    const over = (top, under) => top.map((part, i) => part + under[i] * (1 - top[3]));
    let [text, ground] = [read(getComputedStyle(one).color), [0, 0, 0, 0]];
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


def contrast(text: Locator) -> float:
    """WCAG 2 contrast ratio of a text with the ground that it is seen on."""
    lights = sorted(luminance(channels) + 0.05 for channels in text.evaluate(SEEN))
    return lights[1] / lights[0]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_captions_and_their_code_stand_out(page: Page, app_url: str, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{app_url}/train")
    page.get_by_role("button", name="File").click()
    captions = page.get_by_test_id("stCaptionContainer")
    expect(captions.locator("code")).to_be_visible()
    texts = captions.locator("p, code").all()
    assert len(texts) > 2
    for text in texts:
        assert contrast(text) >= 4.6, text.inner_text()

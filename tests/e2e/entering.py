"""How a person enters things in the app, by keyboard and mouse: fields, choices, lists, themes."""

from collections.abc import Iterable

from playwright.sync_api import Locator, Page, TimeoutError, expect

from vcsoup.plots.palette import DARK, LIGHT, Palette


def fill(field: Locator, text: str) -> None:
    """Type into a field and leave it, which is when the app hears of it."""
    field.fill(text)
    field.press("Tab")


def choice(page: Page, name: str) -> Locator:
    """Find a choice of a segmented control, whose role differs between versions of Streamlit."""
    return page.get_by_role("radio", name=name).or_(page.get_by_role("button", name=name)).first


def pick(page: Page, label: str, options: Iterable[str]) -> None:
    """Pick several entries of a list that takes more than one."""
    box = page.get_by_role("combobox", name=label)
    for option in options:
        box.fill(option)
        box.press("Enter")
        expect(page.get_by_role("option", name=option)).to_have_count(0)
    box.press("Escape")


def choose(page: Page, label: str, option: str, *, typed: str = "") -> None:
    """Pick an entry of a list; a long list shows only what fits, so a part of it is typed.

    A drawing of the page closes an open list; then it is opened again, as a person would.
    """
    box = page.get_by_role("combobox", name=label)
    entry = page.get_by_role("option", name=option, exact=True)
    for patience in (3_000, 10_000, 30_000):
        box.click()
        box.press_sequentially(typed)
        try:
            entry.click(timeout=patience)
            return
        except TimeoutError:
            page.keyboard.press("Escape")
    raise AssertionError(f"{label} offers no {option}")


def turn(page: Page, palette: Palette) -> None:
    """Let the system turn light or dark, and wait until what Python draws is in that palette."""
    page.emulate_media(color_scheme={LIGHT: "light", DARK: "dark"}[palette])
    page.wait_for_function(
        "paper => getComputedStyle(document.documentElement)"
        ".getPropertyValue('--vcsoup-paper').trim() === paper",
        arg=palette.paper,
    )

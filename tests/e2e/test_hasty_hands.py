"""Random hands on every control of every page: whatever is clicked and when, no traceback comes.

`make hands` gives them ten minutes on a wide and on a narrow window each, and prints the seed of
what they do; `VCSOUP_HANDS_SEED` does the same again, as far as the clock allows.
"""

import os
import random
import sys
import time
from collections import deque
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Error, Locator, Page

SECONDS = float(os.environ.get("VCSOUP_HANDS", "0"))
SEED = int(os.environ.get("VCSOUP_HANDS_SEED", time.time()))
PAGES = ("", "data", "consistency", "train", "soup", "compare", "new", "?present=1")
PAUSES_MS = (0, 0, 50, 200, 500, 1000)
KEYS = ("ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Enter", "Escape", "Tab", "Home", "End")
TYPED = ("0.3", "-1", "", "kind", "1e9", "$x$ *y*", "7")
CONTROLS = {
    "button": "button:visible:enabled:not([data-testid='stBaseButton-header'])",
    "option": "label[data-baseweb='radio']:visible, label[data-baseweb='checkbox']:visible",
    "list": "[data-baseweb='select']:visible",
    "slider": "[role=slider]:visible",
    "field": ", ".join(f"{e}:visible:enabled" for e in ("input[type=text]", "input[type=number]")),
    "link": "a[href^='/']:visible, a[data-testid='stPageLink-NavLink']:visible",
}
FAULTS = "[data-testid='stException'], [data-testid='stModal']:has-text('error')"

pytestmark = [
    pytest.mark.skipif(not SECONDS, reason="`make hands` runs it"),
    pytest.mark.timeout(SECONDS + 300),
]


@pytest.fixture(params=[1440, 800])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": request.param, "height": 1000})
    opened = context.new_page()
    opened.set_default_timeout(5_000)
    yield opened
    context.close()


class Hands:
    """Two hands that do not wait, and what they did last."""

    def __init__(self, page: Page, url: str, chance: random.Random) -> None:
        self.page, self.url, self.chance = page, url, chance
        self.done: deque[str] = deque(maxlen=25)
        self.count = 0

    def act(self) -> None:
        """Do one thing to one control; what vanished before it was reached does not count."""
        roll = self.chance.random()
        if roll < 0.06:
            self._do("open", self.chance.choice(PAGES))
        elif roll < 0.10:
            self._do("back", "")
        elif roll < 0.12:
            self._do("reload", "")
        elif roll < 0.18:
            self._do("key", self.chance.choice(KEYS))
        else:
            kind = self.chance.choice(list(CONTROLS))
            found = self.page.locator(CONTROLS[kind])
            if n := found.count():
                self._touch(kind, found.nth(self.chance.randrange(n)))
        self.page.wait_for_timeout(self.chance.choice(PAUSES_MS))

    def _do(self, deed: str, what: str) -> None:
        self._note(f"{deed} {what}")
        if deed == "open":
            self.page.goto(f"{self.url}/{what}")
        elif deed == "back":
            self.page.go_back()
        elif deed == "reload":
            self.page.reload()
        else:
            self.page.keyboard.press(what)

    def _touch(self, kind: str, control: Locator) -> None:
        told = control.evaluate("e => (e.ariaLabel || e.innerText || e.name || '').slice(0, 50)")
        self._note(f"{kind} {told!r}")
        control.click(timeout=1_500, click_count=self.chance.choice((1, 1, 1, 2)))
        if kind == "list":
            options = self.page.locator("[role=option]:visible")
            options.nth(self.chance.randrange(max(1, options.count()))).click(timeout=1_500)
        elif kind == "slider":
            for _ in range(self.chance.randrange(1, 6)):
                self.page.keyboard.press(self.chance.choice(KEYS[:4]))
        elif kind == "field":
            control.fill(self.chance.choice(TYPED), timeout=1_500)
            self.page.keyboard.press("Enter")

    def _note(self, deed: str) -> None:
        self.done.append(f"{deed} at {self.page.url.removeprefix(self.url)}")
        self.count += 1


def test_random_hands_bring_no_traceback_and_no_lost_connection(page: Page, app_url: str, capsys):
    hands = Hands(page, app_url, random.Random(SEED))
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(app_url)
    page.get_by_role("heading").first.wait_for(timeout=60_000)
    ends = time.monotonic() + SECONDS
    while time.monotonic() < ends:
        try:
            hands.act()
        except Error:
            page.keyboard.press("Escape")  # it was covered, or gone before the hand came
        broken += page.locator(FAULTS).all_inner_texts()
        history = "\n".join(hands.done)
        assert not broken, f"seed {SEED}, after {hands.count} deeds:\n{history}\n{broken[0]}"
    with capsys.disabled():
        sys.stdout.write(f"\nseed {SEED}: {hands.count} deeds\n")

"""The first visit after a server start may be a deep link; the theme may change while it stays."""

import re
import sys

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import end, free_port, start
from tests.e2e.entering import turn
from vcsoup.plots.palette import DARK, LIGHT

PRELOAD = "0"


@pytest.mark.parametrize(
    ("address", "starter", "question"),
    [
        ("", "vcsoup app", "Where does my project stand?"),
        (
            "consistency?value=harmless&tau.harmless=0.5",
            "vcsoup app",
            "What does a threshold keep?",
        ),
        (
            "soup?weights=helpful=0.2,harmless=0.3,humorous=0.5",
            "streamlit run",
            "Which mix do I want?",
        ),
    ],
)
def test_first_visit_shows_the_whole_app(
    page: Page, workspace, app_url, address, starter, question
):
    """A fresh server, one visit: the page's question and the menu of all pages are there."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    if starter == "vcsoup app":
        command = ["-m", "vcsoup", "app", "--port", str(port)]
    else:
        command = ["-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    here = {"VCSOUP_WORKSPACE": str(workspace.root), "VCSOUP_PRELOAD": PRELOAD}
    process = start([sys.executable, *command], url, **here)
    try:
        page.goto(f"{url}/{address}")
        expect(page.get_by_role("heading", name=question)).to_be_visible()
        for name in ("Home", "Data", "Consistency", "Train", "Soup", "Compare"):
            expect(page.get_by_role("link", name=name).first).to_be_visible()
        expect(page.get_by_text("Page not found")).to_have_count(0)
        expect(page.get_by_test_id("stException")).to_have_count(0)
    finally:
        end(process)


def test_charts_follow_a_theme_that_changes_under_them(page: Page, app_url: str):
    """A system turns dark at dusk: what Python drew is drawn again, in the other palette."""
    page.goto(app_url)
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    for palette in (LIGHT, DARK, LIGHT):
        turn(page, palette)


def test_back_leaves_a_page_at_its_first_press(page: Page, app_url: str):
    """What pages wrote into their addresses on arrival is no step; a choice made there is one."""
    page.goto(app_url)
    asked = {
        "Soup": "Which mix do I want?",
        "Train": "How are my adapters doing?",
        "Data": "Which pairs do I have, are they sound?",
    }
    for name, question in asked.items():
        page.get_by_role("link", name=name, exact=True).first.click()
        expect(page.get_by_role("heading", name=question)).to_be_visible()
        page.wait_for_timeout(2000)  # until its address is written
    page.get_by_role("radio", name="Statistics").click()
    expect(page).to_have_url(re.compile("view=statistics"))
    page.wait_for_timeout(2000)  # what the page wrote itself a moment ago is not followed
    page.go_back()
    expect(page).to_have_url(re.compile("data.*view=read"))
    for question in list(asked.values())[-2::-1]:
        page.go_back()
        expect(page.get_by_role("heading", name=question)).to_be_visible()

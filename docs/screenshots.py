"""Take the pictures of the README and of a review: every page, light and dark, wide and narrow.

    .venv/bin/python docs/screenshots.py http://127.0.0.1:8501 FOLDER

Needs a running app with the demo project and an installed Chromium.
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

STEPS = ("data", "cone", "adapters", "soup", "front")
PAGES = {
    "home": "",
    "data": "data",
    "consistency": "consistency",
    "train": "train",
    "soup": "soup",
    "export": "soup?view=export",
    "compare": "compare",
    **{f"present-{step}": f"?present=1&step={step}" for step in STEPS},
}
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]


def main(address: str, folder: Path) -> None:
    """Take the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        sys.exit("no Chromium is installed here; `make chromium` installs one")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        for theme in ("light", "dark"):
            for width in (1440, 800):
                context = browser.new_context(
                    viewport={"width": width, "height": 900}, color_scheme=theme
                )
                for name, path in PAGES.items():
                    page = context.new_page()
                    page.goto(f"{address}/{path}")
                    page.get_by_role("heading").first.wait_for()
                    page.wait_for_timeout(4000)
                    tall = page.evaluate("document.querySelector('.stMain').scrollHeight")
                    page.set_viewport_size({"width": width, "height": max(900, min(tall, 2600))})
                    page.wait_for_timeout(1500)
                    page.screenshot(path=folder / f"{name}-{theme}-{width}.png")
                    page.close()
                context.close()
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))

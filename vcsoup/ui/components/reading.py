"""A model's answer in large, calm type: display only, text by `textContent`."""

from vcsoup.ui.components.drawn import register

_reading = register("reading", '<p class="reading" aria-live="polite" dir="auto"></p>')


def show(
    text: str, *, key: str, growing: bool = False, large: bool = False, low: bool = False
) -> None:
    """Show an answer.

    Args:
        text: What the model said, as it is.
        key: Key of the component, unique on the page.
        growing: Whether more is to come; a caret shows it.
        large: For an audience.
        low: As low as its text; otherwise there is room for an answer to grow.
    """
    _reading(key=key, data={"text": text, "growing": growing, "large": large, "low": low})

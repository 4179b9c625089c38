"""The presenter's keyboard: an invisible component that hears keys anywhere on the page."""

from collections.abc import Callable, Sequence

from vcsoup.ui.components.drawn import register, sent

_keys = register("stage_keys")
KEY = "stage_keys"


def listen(
    steps: Sequence[str], place: int, on_step: Callable[[str], None], on_leave: Callable[[], None]
) -> None:
    """Hear the keyboard.

    Args:
        steps: The names of the story's steps in order.
        place: Where among them the page is that is drawn now.
        on_step: Called with the name of the step to open.
        on_leave: Called when the story is to be left.
    """

    def turned() -> None:
        if step := sent(KEY, "step"):
            on_step(str(step))

    def left() -> None:
        if sent(KEY, "left"):
            on_leave()

    _keys(
        key=KEY,
        data={"steps": list(steps), "place": place},
        on_step_change=turned,
        on_left_change=left,
    )

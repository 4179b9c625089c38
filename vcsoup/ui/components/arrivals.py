"""Makes the browser's "back" leave a page at its first press, whatever it wrote on arrival."""

from vcsoup.ui.components.drawn import register

_watch = register("arrivals")


def watch() -> None:
    """Let addresses that a page writes before anybody touched it replace each other."""
    _watch(key="arrivals")

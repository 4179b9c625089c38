"""Which pages there are, under which name, icon and address."""

from pathlib import Path

import streamlit as st

_FOLDER = Path(__file__).parents[2] / "pages"
_PAGES = {
    "home": ("Home", ":material/home:"),
    "data": ("Data", ":material/dataset:"),
    "consistency": ("Consistency", ":material/filter_alt:"),
    "train": ("Train", ":material/model_training:"),
    "soup": ("Soup", ":material/soup_kitchen:"),
    "compare": ("Compare", ":material/compare_arrows:"),
    "new": ("New project", ":material/add_circle:"),
}
_UNLISTED = {"new"}
"""Reached by links alone."""


def page(name: str) -> st.Page:
    """Return one page, for links and for the navigation.

    Args:
        name: "home", "data", "consistency", "train", "soup", "compare" or "new"; also the page's
            address, except that Home answers at "/".
    """
    title, icon = _PAGES[name]
    default = name == "home"
    address = "start" if default else name  # the default page answers at "/", never here
    return st.Page(
        _FOLDER / f"{name}.py",
        title=title,
        icon=icon,
        url_path=address,
        default=default,
        visibility="hidden" if name in _UNLISTED else "visible",
    )


def pages() -> list[st.Page]:
    """Return all pages in the order of the menu, and a hidden one so that "/home" answers too."""
    title, icon = _PAGES["home"]
    alias = st.Page(
        _FOLDER / "home.py", title=title, icon=icon, url_path="home", visibility="hidden"
    )
    return [*(page(name) for name in _PAGES), alias]

"""One pair to read: why it is kept or dropped, the gap of every value, and the texts compared."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from vcsoup.plots.palette import value_colours
from vcsoup.ui import theme
from vcsoup.ui.components import word_diff
from vcsoup.ui.components.drawn import register_drawn

_bars = register_drawn("gap_bars", "bars")


def read_pair(pair: pd.Series, gaps: Mapping[str, float], words: str, *, key: str) -> None:
    """Show a pair.

    Args:
        pair: A row of the canonical pair table.
        gaps: Gap per value in standard deviations.
        words: The verdict and its reason; no text of users.
        key: Unique on the page.
    """
    colours = value_colours(list(gaps), theme.colours())
    with st.container(border=True, gap="small", key=key):
        st.markdown(f"**{words}**")
        _bars(
            key=f"{key}_gaps",
            data={"gaps": [[value, gap, colours[value]] for value, gap in gaps.items()]},
        )
        word_diff.show(pair["prompt"], pair["chosen"], pair["rejected"], key=f"{key}_text")
        st.caption(f"Pair {pair['id']}. Marked: words that only one answer has.")

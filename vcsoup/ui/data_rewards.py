"""What the reward models say about one pair: raw rewards, gaps, and the reason in words."""

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from vcsoup.numbers import SIGMA, signed
from vcsoup.reasons import keep_reason
from vcsoup.ui import state
from vcsoup.ui.shell import shown_errors
from vcsoup.workspace import Project

_SIDES = ("chosen", "rejected")


def show(project: Project, value: str, row: int) -> None:
    """Show the rewards of both answers of a pair, and whether the saved filter keeps it.

    Args:
        project: The project.
        value: The data set's value.
        row: The pair's place in it, from 0.
    """
    rewards = project.pair_rewards(value, row)
    if rewards is None:
        st.caption("No current rewards: score these pairs to see what the reward models say.")
        return
    with shown_errors():
        _shown(project, value, row, rewards)


def _shown(project: Project, value: str, row: int, rewards: NDArray[np.float32]) -> None:
    counted = state.measures(project, value)
    gaps = counted.gaps[:, row].tolist()
    chosen, rejected = rewards.tolist()
    shown = {"reward model of": list(project.values), "chosen": chosen, "rejected": rejected}
    raw = [a - b for a, b in zip(chosen, rejected, strict=True)]
    st.dataframe(
        pd.DataFrame({**shown, "gap": raw, f"gap in {SIGMA}": gaps}),
        key="pair_rewards",
        hide_index=True,
        width="content",
        column_config={
            **{name: st.column_config.NumberColumn(format="%.3f") for name in _SIDES},
            "gap": st.column_config.NumberColumn(format="%+.3f"),
            f"gap in {SIGMA}": st.column_config.NumberColumn(format="%+.2f"),
        },
        alt="Rewards of both answers by every value's model",
    )
    saved = project.filters()[value]
    kept = bool(counted.kept(saved)[row])
    named = dict(zip(project.values, gaps, strict=True))
    reason = keep_reason(named, kept=kept, min_norm=saved.min_norm)
    st.caption(
        f"Value consistency {signed(float(counted.consistency[row]))}. "
        f"{'Kept' if kept else 'Dropped'} by the saved filter: {reason}."
    )

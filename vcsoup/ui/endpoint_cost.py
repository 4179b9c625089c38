"""What judges behind endpoints cost: before scoring, and as it goes.

Money is in the unit of the prices that the judge was given. The estimate comes from stored lengths
and knows no cache, so it says "at most". What would keep a run from starting is said with it.
"""

import os
from collections.abc import Sequence

import numpy as np
import streamlit as st

from vcsoup.numbers import count
from vcsoup.rewards.bill import estimate_from_lengths
from vcsoup.rewards.consent import consent_key, needs_consent
from vcsoup.rewards.spec import RewardSpec
from vcsoup.scoring_progress import StageProgress, spent_so_far
from vcsoup.ui.literal import literal, message
from vcsoup.workspace import Project


def show_estimate(project: Project, values: Sequence[str]) -> None:
    """Say what scoring some values' pairs takes of each endpoint, and what is missing for it."""
    asked = {v: spec for v, spec in project.config.rewards.items() if spec.kind == "endpoint"}
    if not asked:
        return
    lengths = np.concatenate([project.lengths(name) for name in values])
    for value, spec in asked.items():
        told = literal(estimate_from_lengths(spec, lengths).words)
        judged = f"{literal(value)} is judged by {literal(spec.title)}"
        st.caption(f":material/payments: {judged}: at most {told}.")
    st.caption("Answers that are known already are not asked for again.")
    _show_missing(project, list(asked.values()))


def show_spent(stages: Sequence[StageProgress]) -> None:
    """Say what a run has taken of endpoints; nothing when it asks none."""
    spent = spent_so_far(stages)
    if not spent:
        return
    cost = f", cost {spent['cost']:.4g}" if "cost" in spent else ""
    st.caption(
        f":material/payments: Asked of endpoints: {count(int(spent['requests']))} requests, "
        f"{count(int(spent['tokens']))} tokens{cost}."
    )


def _show_missing(project: Project, specs: Sequence[RewardSpec]) -> None:
    given = project.consents.keys()
    away = {spec.url for spec in specs if needs_consent(spec)}
    for url in sorted(url for url in away if consent_key(url) not in given):
        said = (
            f"Nobody agreed to send texts to {url} yet: the view Reward models asks for that, and "
            f"so does `python -m vcsoup reward consent {url}`."
        )
        st.warning(message(said), icon=":material/policy:")
    names = {spec.key_env for spec in specs if spec.key_env}
    if missing := sorted(name for name in names if not os.environ.get(name)):
        said = (
            f"The environment of this app has no {', '.join(missing)}, which should hold a key: "
            "stop the app, set it, and start the app again."
        )
        st.warning(message(said), icon=":material/key_off:")

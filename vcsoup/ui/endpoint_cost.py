"""What judges behind endpoints cost: before scoring, and as it goes.

Money is in the unit of the prices that the judge was given. Where answers are known already, what
is left is counted from the texts themselves, up to `COUNTED` pairs; else the estimate comes from
stored lengths and takes nothing off. Both say "at most". What would keep a run from starting is
said with it.
"""

import os
from collections.abc import Collection, Sequence

import numpy as np
import streamlit as st

from vcsoup.numbers import count, money, plural
from vcsoup.rewards.bill import Estimate, estimate, estimate_from_lengths, limit_told
from vcsoup.rewards.cache import RewardCache, reply_key
from vcsoup.rewards.consent import consent_key, needs_consent
from vcsoup.rewards.spec import RewardSpec
from vcsoup.scoring_cost import distinct_replies
from vcsoup.scoring_progress import StageProgress, spent_so_far
from vcsoup.ui.literal import literal, message
from vcsoup.workspace import Project

COUNTED = 10_000
"""Pairs up to which a page looks up which answers are known: about a third of a second, once."""


def show_estimate(project: Project, values: Sequence[str]) -> None:
    """Say what scoring some values' pairs takes of each endpoint, and what is missing for it."""
    asked = {v: spec for v, spec in project.config.rewards.items() if spec.kind == "endpoint"}
    if not asked:
        return
    keys: set[str] = set()
    for value, spec in asked.items():
        expected, known = _expected(project, values, spec)
        keys |= {spec.key_env} if spec.key_env and expected.requests else set()
        told = f"{literal(value)} is judged by {literal(spec.title)}: at most {expected.words}"
        told += f"; {count(known)} answers are known already." if known else "."
        if limit := limit_told(spec, expected.cost):
            told += f" {literal(limit)}."
        st.caption(f":material/payments: {told}")
    st.caption("Answers that are known already are not asked for again.")
    _show_missing(project, list(asked.values()), keys)


def show_spent(runs: Sequence[Sequence[StageProgress]], *, active: bool) -> None:
    """Say what the runs of one scoring have taken of endpoints; nothing when they ask none.

    Args:
        runs: The stages of each.
        active: Whether the last is at work, so that its answers may still come.
    """
    spent = spent_so_far(*runs)
    if not spent:
        return
    asking = sum(bool(spent_so_far(stages)) for stages in runs)
    among = f" in {asking} runs" if asking > 1 else ""
    cost = f", cost {money(spent['cost'], digits=4)}" if "cost" in spent else ""
    requests = plural(int(spent["requests"]), "request")
    told = (
        f":material/payments: Asked of endpoints{among}: {requests}, "
        f"{count(int(spent['tokens']))} tokens{cost}."
    )
    ended = spent_so_far(*(runs[:-1] if active else runs))
    if open_ones := int(ended.get("under_way", 0)):
        told += (
            f" {plural(open_ones, 'request')} had no answer when a run ended: they may have been "
            "charged too, and their tokens and cost are not counted."
        )
    st.caption(told)


def _expected(project: Project, values: Sequence[str], spec: RewardSpec) -> tuple[Estimate, int]:
    """What is to be asked of one endpoint, at most, and how many answers are known already."""
    sizes = [project.datasets()[value].n for value in values]
    known = RewardCache(project.reward_cache_root).stamp(spec.fingerprint())
    if not known or sum(sizes) > COUNTED:
        lengths = np.concatenate([project.lengths(value) for value in values])
        return estimate_from_lengths(spec, lengths), 0
    pairs = tuple((value, project.datasets()[value].hash) for value in values)
    named = (str(project.root), pairs, known, spec.model_dump_json())
    return _left_to_ask(*named, _project=project, _spec=spec)


@st.cache_data(max_entries=64, show_spinner=False)
def _left_to_ask(
    root: str,
    pairs: tuple[tuple[str, str], ...],
    known: str,
    asked: str,
    *,
    _project: Project,
    _spec: RewardSpec,
) -> tuple[Estimate, int]:
    prompts, replies = distinct_replies(_project, [value for value, _ in pairs])
    keys = [reply_key(*both) for both in zip(prompts, replies, strict=True)]
    rewards = RewardCache(_project.reward_cache_root).lookup(_spec.fingerprint(), keys)
    left = np.flatnonzero(np.isnan(rewards))
    texts = [prompts[row] for row in left], [replies[row] for row in left]
    return estimate(_spec, *texts), len(keys) - len(left)


def _show_missing(project: Project, specs: Sequence[RewardSpec], keys: Collection[str]) -> None:
    given = project.consents.keys()
    away = {spec.url for spec in specs if needs_consent(spec)}
    for url in sorted(url for url in away if consent_key(url) not in given):
        said = (
            f"Nobody agreed to send texts to {url} yet: the view Reward models asks for that, and "
            f"so does `python -m vcsoup reward consent {url}`."
        )
        st.warning(message(said), icon=":material/policy:")
    if missing := sorted(name for name in keys if not os.environ.get(name)):
        said = (
            f"The environment of this app has no {', '.join(missing)}, which should hold a key: "
            "stop the app, set it, and start the app again."
        )
        st.warning(message(said), icon=":material/key_off:")

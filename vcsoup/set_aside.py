"""Which scored pairs can be used: those with a finite reward from every model.

A reward model may fail on single texts (an answer of a million characters, a token that overflows).
Such a pair has no gap, so it is set aside with the reason instead of stopping the whole data set. A
model that fails on most pairs is at fault itself. Pure: tables in, tables out.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from vcsoup.errors import RewardModelError
from vcsoup.rewards.spec import RewardSpec

_MOST = 0.5


def divide(
    pairs: pd.DataFrame, table: pd.DataFrame, specs: Mapping[str, RewardSpec]
) -> tuple[npt.NDArray[np.bool_], pd.DataFrame]:
    """Divide scored pairs into usable ones and ones to set aside.

    Args:
        pairs: Canonical pair table, n rows.
        table: Its rewards: `<value>_chosen` and `<value>_rejected` for every value of `specs`.
        specs: Reward model per value.

    Returns:
        Which are usable, shape (n,); and the others with `row` (their place, from 1), `column` (the
        first value whose reward is at fault) and `reason`.

    Raises:
        RewardModelError: a model that gave no finite number for more than half of the pairs, or no
            pair is left.

    Example:
        >>> pairs = pd.DataFrame({"id": ["a", "b"]})
        >>> table = pd.DataFrame({"v_chosen": [1.0, np.nan], "v_rejected": [0.0, 0.0]})
        >>> usable, aside = divide(pairs, table, {"v": RewardSpec(model="org/judge")})
        >>> usable.tolist(), aside["reason"].tolist()
        ([True, False], ['the reward of the chosen answer is nan'])
    """
    faults: dict[int, tuple[str, str]] = {}
    for value, spec in specs.items():
        sides = table[[f"{value}_chosen", f"{value}_rejected"]].to_numpy(dtype=np.float64)
        bad = ~np.isfinite(sides)
        rows = np.flatnonzero(bad.any(axis=1))
        if len(rows) > _MOST * len(table):
            remedy = "check its template, label and precision, or take another"
            if spec.kind == "endpoint":
                remedy = "the log of the scoring run says what it answered instead"
            raise RewardModelError(
                f"reward model {spec.title} of {value} gave no finite number for {len(rows):,} of "
                f"{len(table):,} pairs; {remedy}"
            )
        for row in rows.tolist():
            side = int(bad[row].argmax())
            said = f"the reward of the {('chosen', 'rejected')[side]} answer is {sides[row, side]}"
            if spec.kind == "endpoint":
                said += "; the log of the scoring run says what the endpoint answered instead"
            faults.setdefault(row, (value, said))
    if len(table) and len(faults) == len(table):
        raise RewardModelError(
            "no pair has a finite reward from every model; check the reward models' templates"
        )
    places = sorted(faults)
    usable = np.ones(len(table), dtype=np.bool_)
    usable[places] = False
    aside = pairs.iloc[places].assign(
        row=np.array(places, dtype=np.int64) + 1,
        column=[faults[row][0] for row in places],
        reason=[faults[row][1] for row in places],
    )
    return usable, aside.reset_index(drop=True)


def with_set_aside(report: Mapping[str, Any], aside: pd.DataFrame) -> dict[str, Any]:
    """Return a reading report that also lists the pairs that scoring set aside.

    Former entries of that kind are replaced, so that rows = kept + problems stays true. An entry's
    row is the pair's place in the data set, from 1.

    Example:
        >>> aside = pd.DataFrame({"row": [3], "column": ["helpful"], "reason": ["reward is nan"]})
        >>> report = with_set_aside({"rows": 4, "kept": 4, "counts": {}, "problems": []}, aside)
        >>> report["kept"], report["counts"], report["problems"][0]["kind"]
        (3, {'reward': 1}, 'reward')
    """
    former = list(report.get("problems", []))
    others = [problem for problem in former if problem["kind"] != "reward"]
    new = [
        {"row": int(row), "column": column, "kind": "reward", "reason": reason}
        for row, column, reason in zip(aside["row"], aside["column"], aside["reason"], strict=True)
    ]
    changed = dict(report)
    changed["problems"] = others + new
    changed["counts"] = {**report.get("counts", {}), "reward": len(new)}
    if "kept" in report:
        changed["kept"] = report["kept"] + len(former) - len(others) - len(new)
    return changed

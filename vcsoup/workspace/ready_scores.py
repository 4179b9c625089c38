"""Scores that a preference file held beside its pairs: rewards that need no model.

They lie in a parquet file of the project, `scores/<hash>.parquet`, named by its content. The report
of the data set says that name, so that one that comes back from the bin, or that lost pairs to
scoring, finds its own. One row per pair: `id`, then `<name>_chosen` and `<name>_rejected` as the
source has them, larger is better, NaN where a pair has none.
"""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from vcsoup.workspace.files import forget_tables, replacing

_KEY = "scores"


def keep_scores(root: Path, scores: pd.DataFrame, report: Mapping[str, Any]) -> dict[str, Any]:
    """Put the scores of a data set into a file, and name it in the report.

    Args:
        root: The project's folder.
        scores: `ReadResult.scores`; with the column `id` alone there is nothing to keep.
        report: `ReadReport.to_dict()`.

    Returns:
        The report, with "scores": {"file": its name, "names": the scores} when there are any.
    """
    names = score_names(scores)
    if not names:
        return dict(report)
    hashed = pd.util.hash_pandas_object(scores, index=False).to_numpy().tobytes()
    name = hashlib.sha256(hashed + repr(list(scores.columns)).encode()).hexdigest()[:16]
    with replacing(_path(root, name)) as aside:
        scores.to_parquet(aside, index=False, compression="zstd")
    return {**report, _KEY: {"file": name, "names": names}}


def load_scores(root: Path, report: Mapping[str, Any]) -> pd.DataFrame:
    """Return the scores of a data set by pair id, columns as kept; only `id` when there are none.

    Args:
        root: The project's folder.
        report: The report of the data set (`DatasetInfo.report`).
    """
    path = _path(root, str(report.get(_KEY, {}).get("file", "")))
    if _KEY not in report or not path.is_file():
        return pd.DataFrame({"id": pd.Series([], dtype="str")})
    return pd.read_parquet(path)


def score_names(scores: pd.DataFrame) -> list[str]:
    """Name the scores of a table.

    Example:
        >>> score_names(pd.DataFrame(columns=["id", "honesty_chosen", "honesty_rejected"]))
        ['honesty']
    """
    return [name.removesuffix("_chosen") for name in scores.columns if name.endswith("_chosen")]


def forget_scores(root: Path, reports: Iterable[Mapping[str, Any]]) -> None:
    """Remove the files that none of these reports names and that nobody can be writing."""
    named = {str(report.get(_KEY, {}).get("file", "")) for report in reports}
    forget_tables(root / "scores", named)


def _path(root: Path, name: str) -> Path:
    return root / "scores" / f"{name}.parquet"

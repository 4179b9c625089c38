"""Every row that reading a data set reported: beside the pairs, because there may be very many.

The database keeps the figures and the first problems; all of them lie in a parquet file that is
named by their content. The record says its name, so that a data set that comes back from the bin,
or that lost pairs to scoring, finds its own.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from vcsoup.workspace.files import forget_tables, replacing

COLUMNS = ("row", "column", "kind", "reason", "file")
IN_RECORD = 200
_NAME = "all_problems"


def keep_problems(root: Path, report: Mapping[str, Any]) -> dict[str, Any]:
    """Put the problems of a long report into a file, and return the report for the record.

    Args:
        root: The project's folder, or that of a job.
        report: `ReadReport.to_dict()`.

    Returns:
        The report with all its figures and the first 200 problems; the same when it has no more.
    """
    problems = list(report.get("problems", ()))
    if len(problems) <= IN_RECORD:
        return dict(report)
    name = hashlib.sha256(json.dumps(problems).encode()).hexdigest()[:16]
    table = pd.DataFrame(problems, columns=list(COLUMNS))
    with replacing(_path(root, name)) as aside:
        table.to_parquet(aside, index=False, compression="zstd")
    return {**report, "problems": problems[:IN_RECORD], _NAME: name}


def load_problems(root: Path, report: Mapping[str, Any]) -> pd.DataFrame:
    """All problems of a data set.

    Args:
        root: The folder that `keep_problems` was given.
        report: What it returned.

    Returns:
        One row per problem: row, column, kind, reason and file (empty where it is a single one).
        Those that scoring added come last.
    """
    listed = [{"file": "", **problem} for problem in report.get("problems", ())]
    recorded = pd.DataFrame(listed, columns=list(COLUMNS))
    path = _path(root, str(report.get(_NAME, "")))
    if not report.get(_NAME) or not path.is_file():
        return recorded
    first = pd.read_parquet(path)
    if "file" not in first:  # written when only single files were read
        first["file"] = ""
    return pd.concat([first, recorded.iloc[IN_RECORD:]], ignore_index=True)


def forget_problems(root: Path, reports: Iterable[Mapping[str, Any]]) -> None:
    """Remove the files that none of these reports names and that nobody can be writing."""
    named = {str(report.get(_NAME)) for report in reports}
    forget_tables(root / "problems", named)


def _path(root: Path, name: str) -> Path:
    return root / "problems" / f"{name}.parquet"

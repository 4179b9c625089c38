"""A study's result on disk: what the report, the Compare page and `--only` read.

    <folder>/study.yaml            the study file, as it was run
    <folder>/figures.parquet       one line per setting, arm, seed and measure
    <folder>/rows.parquet          means with intervals
    <folder>/comparisons.parquet   every paired difference
    <folder>/about.json            yardsticks, cost, errors, rows of the tuning seeds; written last

Torch-free.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from vcsoup.errors import NotFoundError
from vcsoup.study.results import Results, read_stick
from vcsoup.study.scoring import Yardstick
from vcsoup.study.study_file import StudyFile, load_study
from vcsoup.workspace.files import replacing, write_json

ABOUT, RESULT, TUNING = "about.json", "result", "tuning"
_TABLES = ("figures", "rows", "comparisons")


@dataclass(frozen=True)
class Published:
    """A study's result.

    Attributes:
        study: The study file.
        figures: As `Results.figures`.
        rows: As `Results.rows`.
        comparisons: As `Results.comparisons`.
        about: `yardsticks`, `cost`, `errors` and `tuning`.
    """

    study: StudyFile
    figures: pd.DataFrame
    rows: pd.DataFrame
    comparisons: pd.DataFrame
    about: Mapping[str, Any]

    def sticks(self) -> dict[str, Yardstick]:
        """The yardstick of every setting."""
        return {name: read_stick(told) for name, told in self.about["yardsticks"].items()}


def shipped_study() -> Path:
    """Where the project's own study lies."""
    return Path(__file__).parents[2] / "assets" / "study"


def newest_study(workspace: Path) -> Path | None:
    """The result of a workspace's newest finished study, else the shipped one, else None."""
    found = [path.parent for path in workspace.glob(f"studies/*/{RESULT}/{ABOUT}")]
    if found:
        return max(found, key=lambda folder: (folder / ABOUT).stat().st_mtime_ns)
    return shipped_study() if (shipped_study() / ABOUT).is_file() else None


def beside(file: Path, workspace: Path) -> Path:
    """The result that a study file is compared with: beside it, else as `newest_study`.

    Raises:
        NotFoundError: there is none.
    """
    found = file.parent if (file.parent / ABOUT).is_file() else newest_study(workspace)
    if found is None:
        raise NotFoundError(f"no result to compare with; run `python -m vcsoup study {file}` first")
    return found


def publish(result: Path, folder: Path) -> None:
    """Copy a result to where it ships, `about.json` last; a study file that says the same stays."""
    study = load_published(result).study
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{name}.parquet" for name in _TABLES] + [ABOUT]
    own = folder / "study.yaml"
    if not own.is_file() or load_study(own) != study:
        names.insert(0, own.name)
    for name in names:
        with replacing(folder / name) as aside:
            aside.write_bytes((result / name).read_bytes())


def tuning_rows(root: Path) -> list[dict[str, Any]]:
    """Rows of a study's tuning seeds with the steps of their trainings, plain; none without a run.

    Args:
        root: The study's folder; one folder inside it for each number of steps that was tried.
    """
    columns = ["arm", "measure", "mean", "low", "high", "n_seeds"]
    rows: list[dict[str, Any]] = []
    for steps, known in _tuned(root):
        table = known.rows[columns].assign(steps=steps)
        rows += table.astype(object).where(table.notna(), None).to_dict("records")
    return rows


def tuning_errors(root: Path) -> list[str]:
    """What could not be trained or measured on a study's tuning seeds."""
    return [
        f"tuning with {steps} steps, {line}"
        for steps, known in _tuned(root)
        for line in known.about["errors"]
    ]


def _tuned(root: Path) -> Iterator[tuple[int, Published]]:
    for about in sorted(root.glob(f"{TUNING}*/{RESULT}/{ABOUT}")):
        known = load_published(about.parent)
        yield known.study.config(0).steps, known


def save_results(
    study: StudyFile,
    results: Results,
    folder: Path,
    *,
    cost: Mapping[str, Any],
    tuning: Sequence[Mapping[str, Any]] = (),
    tuning_errors: Sequence[str] = (),
) -> None:
    """Write a result; an interrupted writing leaves the former `about.json` or none."""
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / "study.yaml") as aside:
        told = study.model_dump(mode="json")
        aside.write_text(yaml.safe_dump(told, sort_keys=False), encoding="utf-8")
    for name in _TABLES:
        with replacing(folder / f"{name}.parquet") as aside:
            getattr(results, name).to_parquet(aside, index=False, compression="zstd")
    about = {
        "yardsticks": results.yardsticks,
        "cost": dict(cost),
        "errors": [*results.errors, *tuning_errors],
        "tuning": list(tuning),
    }
    write_json(folder / ABOUT, about)


def load_published(folder: Path) -> Published:
    """Read a result.

    Raises:
        NotFoundError: no complete result there.
    """
    if not (folder / ABOUT).is_file():
        raise NotFoundError(
            f"{folder} holds no result of a study; run `python -m vcsoup study study.yaml`"
        )
    tables = {name: pd.read_parquet(folder / f"{name}.parquet") for name in _TABLES}
    about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    return Published(load_study(folder / "study.yaml"), **tables, about=about)

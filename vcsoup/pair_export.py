"""Pairs as files for others: kept ones to train on, dropped ones with the reason for each.

Kept pairs are in TRL's explicit format (prompt, chosen and rejected as messages), which every
trainer of the field reads, or in another tool's (`vcsoup.export_layouts`). The other sides
also say id, consistency, gap per value and the reason in words (`vcsoup.export_rows`). Layouts with
a place for ratings of each answer get those that the data brought, and where it brought none the
rewards in standard deviations; VC-Soup's own table always has the rewards. The pages' downloads
and the command line write through here, part by part, so that the same filter gives the same bytes
and memory stays small at any size.
"""

import hashlib
import io
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from vcsoup.consistency import value_consistency
from vcsoup.errors import FilterError, WorkspaceError
from vcsoup.export_files import WRITERS
from vcsoup.export_layouts import LAYOUTS, layout
from vcsoup.export_rows import AnswerScores, Judged, Part, explained_rows, kept_rows, laid_out_rows
from vcsoup.filtering import PairFilter
from vcsoup.home_paths import from_known_home
from vcsoup.monitor import SILENT, Monitor, StopRequested
from vcsoup.preferences.pair_rows import open_pairs, pair_parts
from vcsoup.preferences.pairs import PAIR_SCHEMA
from vcsoup.sweep import gap_norms, likely_flips
from vcsoup.workspace import Project
from vcsoup.workspace.files import replacing
from vcsoup.workspace.ready_scores import load_scores, score_names
from vcsoup.workspace.tables import reward_columns

Side = Literal["kept", "dropped", "flips", "all"]
Format = Literal["jsonl", "parquet", "csv"]
TRL_EXPLICIT = "trl-explicit"


class ExportPlan(BaseModel):
    """What to write of a data set.

    Example:
        >>> ExportPlan(pair_filter=PairFilter(threshold=0.5)).side
        'kept'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    side: Side = Field(
        "kept",
        description="kept: what is trained on, flips exchanged where the filter says so; dropped: "
        "the rest; flips: likely label flips as they were labelled; all: every pair with its side.",
    )
    format: Format = Field(
        "jsonl", description="csv: for the layouts whose columns are texts and numbers."
    )
    layout: str = Field(
        TRL_EXPLICIT,
        description="Of kept pairs: the format of another tool, `export_layouts.LAYOUTS`.",
    )
    pair_filter: PairFilter = Field(description="What is kept.")
    scale: Literal["dataset", "shared"] | None = Field(
        None, description="Scale of the gaps; the project's when none."
    )


@dataclass(frozen=True)
class Exported:
    """A finished file: how many pairs, how many bytes, and their hash.

    `unsaid` are the pairs that the layout cannot say, counted by reason, the commonest first.
    """

    path: Path
    pairs: int
    bytes: int
    sha256: str
    unsaid: dict[str, int]


def export_pairs(
    project: Project, value: str, plan: ExportPlan, out: Path, *, monitor: Monitor = SILENT
) -> Exported:
    """Write pairs of one data set to a file, which appears when it is complete.

    Args:
        project: Whose pairs; scored.
        value: Which data set.
        plan: What to write.
        out: The file; one that exists is replaced at the end.
        monitor: Hears progress; a stop request leaves the former file.

    Raises:
        NotFoundError: no pairs, or none scored.
        FilterError: label flips were asked for without a threshold above 0.
        WorkspaceError: `out` is a folder, or the data changed meanwhile.
        StopRequested: the user asked to stop.
    """
    out = from_known_home(out).resolve()
    if out.is_dir():
        raise WorkspaceError(f"{out} is a folder; name a file to write the pairs to")
    with replacing(out) as aside:
        with aside.open("wb") as file:
            pairs, unsaid = _write(project, value, plan, file, monitor=monitor)
        with aside.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        size = aside.stat().st_size
    return Exported(out, pairs, size, sha256, unsaid)


@dataclass(frozen=True)
class Written:
    """What `export_pairs` would write: the content, how many pairs, what is left out."""

    content: bytes
    pairs: int
    unsaid: dict[str, int]


def written_pairs(project: Project, value: str, plan: ExportPlan) -> Written:
    """Write pairs into memory, the same bytes as `export_pairs`; for data sets that fit there."""
    file = io.BytesIO()
    pairs, unsaid = _write(project, value, plan, file, monitor=SILENT)
    return Written(file.getvalue(), pairs, unsaid)


def export_bytes(project: Project, value: str, plan: ExportPlan) -> bytes:
    """Return what `export_pairs` would write; for data sets that fit into memory."""
    return written_pairs(project, value, plan).content


def _write(
    project: Project, value: str, plan: ExportPlan, file: BinaryIO, *, monitor: Monitor
) -> tuple[int, dict[str, int]]:
    """Write the pairs; returns how many, and how many the layout left out, by reason."""
    unsaid: Counter[str] = Counter()
    rows = _rows_of(plan, unsaid)
    path = project.pair_file(value)
    judged = _judge(project, value, plan)
    if project.datasets()[value].hash != path.name.partition(".")[0]:
        raise WorkspaceError(f"the pairs of {value} changed during the export; start it again")
    schema = rows(Part(PAIR_SCHEMA.empty_table(), judged, np.empty(0, np.intp))).schema
    write, finish = WRITERS[plan.format](file, schema)
    each = layout(plan.layout).form.rows_per_pair
    n, written = len(judged.wanted), 0
    for start, part in _numbered(pair_parts(path)):
        if monitor.stop_requested:
            raise StopRequested(f"export of {value} was stopped; nothing was written")
        here = np.flatnonzero(judged.wanted[start : start + len(part)])
        if len(here):
            table = rows(Part(part.take(here), judged, start + here))
            written += len(table) // each
            write(table)
        monitor.report(f"exporting {value}", start + len(part), n)
    finish()
    return written, dict(unsaid.most_common())


def _rows_of(plan: ExportPlan, unsaid: Counter[str]) -> Callable[[Part], pa.Table]:
    wanted = layout(plan.layout)
    if plan.format == "csv" and not (plan.side == "kept" and wanted.is_tabular):
        flat = ", ".join(name for name, known in LAYOUTS.items() if known.is_tabular)
        raise FilterError(
            f"csv holds kept pairs in the layouts {flat}, got {plan.side} pairs in {plan.layout}; "
            "choose one of those, or jsonl or parquet"
        )
    if plan.layout == TRL_EXPLICIT:
        return kept_rows if plan.side == "kept" else explained_rows
    if plan.side != "kept":
        raise FilterError(
            f"the layout {plan.layout} is for kept pairs, got the side {plan.side}; leave one out"
        )
    return partial(laid_out_rows, wanted=wanted, unsaid=unsaid, as_csv=plan.format == "csv")


def _judge(project: Project, value: str, plan: ExportPlan) -> Judged:
    gaps = project.gaps(value, scale=plan.scale)
    chosen = plan.pair_filter
    consistency = value_consistency(gaps)
    kept, flipped = chosen.mask(gaps), chosen.flipped(gaps)
    wanted = {
        "kept": kept | flipped,
        "dropped": ~(kept | flipped),
        "all": np.ones(len(gaps), dtype=np.bool_),
    }
    if plan.side == "flips":
        if chosen.threshold is None:
            raise FilterError("label flips need a threshold above 0, got none; give one")
        strong = gap_norms(gaps) >= chosen.min_norm
        wanted["flips"] = strong & likely_flips(consistency, chosen.threshold)
    return Judged(
        values=project.values,
        gaps=gaps,
        consistency=consistency,
        kept=kept,
        flipped=flipped,
        wanted=wanted[plan.side],
        min_norm=chosen.min_norm,
        scores=_scores(project, value, plan, len(gaps)),
    )


def _scores(project: Project, value: str, plan: ExportPlan, n: int) -> AnswerScores:
    """What the layout says of the answers of n pairs: brought ratings, or else rewards."""
    kind = layout(plan.layout).scores
    if not kind:
        return AnswerScores([], np.empty((2, n, 0)))
    brought = load_scores(project.root, project.datasets()[value].report)
    names = score_names(brought)
    if kind == "rewards" or not names:
        return AnswerScores(project.values, project.scaled_rewards(value, scale=plan.scale))
    with open_pairs(project.pair_file(value)) as file:
        ids = file.read(columns=["id"]).to_pandas()
    table = ids.merge(brought, on="id", how="left", validate="one_to_one")
    figures = table[reward_columns(names)].to_numpy(np.float64).reshape(n, 2, len(names))
    return AnswerScores(names, figures.transpose(1, 0, 2))


def _numbered(parts: Iterator[pa.Table]) -> Iterator[tuple[int, pa.Table]]:
    """Each part with the position of its first row."""
    start = 0
    for part in parts:
        yield start, part
        start += len(part)

"""From a project to its file: what `project yaml` and the wizard's download write.

Running the file in an empty workspace makes the same project. Data that cannot be found again under
a path or hub id (uploads, the embedded world) are written beside the file as parquet, and so are
held-out prompts that a fresh project would not choose. What the workspace does not keep (training
choices, exports) comes from the file that was run last, else from the newest adapters.
"""

import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vcsoup.errors import ProjectFileError, VcsoupError, WorkspaceError
from vcsoup.intake import content_hash
from vcsoup.project_entries import BaseEntry, DataEntry, ValueEntry
from vcsoup.project_file import ProjectFile
from vcsoup.project_yaml import dump_project_file, parse_project_file
from vcsoup.running.held_out_file import write_held_out
from vcsoup.running.run import RUN_FILE
from vcsoup.training.config import TrainConfig
from vcsoup.workspace import DatasetInfo, Project
from vcsoup.workspace.files import replacing
from vcsoup.workspace.held_out import prompt_key, top_up


def project_file(project: Project) -> ProjectFile:
    """Return the file of a project as far as paths and hub ids can say it.

    Data that lie nowhere but in the workspace are left out (`homeless_data` names them).
    """
    last = _last_run(project)
    datasets, filters = project.datasets(), project.filters()
    config = project.config
    values = {
        value: ValueEntry(
            data=_data(datasets[value]) if value in datasets else None,
            reward=config.rewards.get(value),
            filter=filters[value],
        )
        for value in project.values
    }
    loading = config.loading.model_dump(exclude_defaults=True)
    known = {"training": _training(project), "groups": _groups(project)}
    if last is not None:
        known = {name: getattr(last, name) for name in ("training", "groups", "export")}
    grid = last.measuring.grid if last else ProjectFile.model_fields["measuring"].default.grid
    seed = last.measuring.seed if last else 0
    return ProjectFile(
        project=config.name,
        title=config.title,
        description=config.description,
        base=BaseEntry(model=config.base, **loading),
        scale=config.scale,
        values=values,
        measuring={"grid": grid, "seed": seed, "prompts": config.prompts},
        **known,
    )


def homeless_data(project: Project) -> list[str]:
    """Return the values whose pairs cannot be read again from where they came from."""
    return [value for value, info in project.datasets().items() if _data(info) is None]


def unplaced_data(project: Project) -> list[str]:
    """Return the values whose pairs have no hub id and no path where anything lies, as uploads.

    Reads no file, unlike `homeless_data`: a path counts whatever lies there by now.
    """

    def has_place(report: Mapping[str, Any]) -> bool:
        path = (report.get("read") or {}).get("path")
        return bool(report.get("origin") or (path and Path(path).exists()))

    return [value for value, info in project.datasets().items() if not has_place(info.report)]


def project_text(project: Project) -> str:
    """Return the YAML of a project, with a remark for data that lie in the workspace alone."""
    remarks = [
        f"# {value}: its pairs lie in the workspace alone; "
        f"`python -m vcsoup project yaml {project.name} --out FILE` writes them beside the file.\n"
        for value in homeless_data(project)
    ]
    return dump_project_file(project_file(project)) + "".join(remarks)


def write_project(project: Project, out: Path) -> list[Path]:
    """Write a project's file, and beside it what no path or hub id can say.

    Args:
        project: The project.
        out: The file; one that exists is refused.

    Returns:
        Everything that was written, the file first.

    Raises:
        WorkspaceError: something of that name exists.
    """
    beside = out.resolve().parent / f"{out.stem}-data"
    for path in (out, beside):
        if path.exists():
            raise WorkspaceError(f"{path} exists already; choose another name or remove it")
    file, written = project_file(project), []
    values = dict(file.values)
    for value in homeless_data(project):
        target = beside / f"{value}.parquet"
        beside.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(project.pair_file(value), target)
        title = project.datasets()[value].title[:60]
        values[value] = values[value].model_copy(
            update={"data": DataEntry(source=str(target), title=title)}
        )
        written.append(target)
    if project.held_out_prompts() and not _chosen_anew(project):
        beside.mkdir(parents=True, exist_ok=True)
        target = beside / "held_out.jsonl"
        write_held_out(target, project.held_out_prompts())
        measuring = file.measuring.model_copy(update={"held_out": str(target)})
        file = file.model_copy(update={"measuring": measuring})
        written.append(target)
    told = file.model_copy(update={"values": values}).told_from(out.resolve().parent)
    out.parent.mkdir(parents=True, exist_ok=True)
    with replacing(out) as aside:
        aside.write_text(dump_project_file(told), encoding="utf-8")
    return [out, *written]


def _last_run(project: Project) -> ProjectFile | None:
    path = project.root / RUN_FILE
    try:
        return parse_project_file(path.read_text(encoding="utf-8"), path.name)
    except (FileNotFoundError, ProjectFileError):  # an older version's file says too little
        return None


def _data(info: DatasetInfo) -> DataEntry | None:
    """Where a data set can be read again; None when nobody can tell."""
    report = info.report
    read: Mapping[str, Any] = report.get("read") or {}
    how = {"aspect": report.get("aspect", ""), "columns": read.get("columns", "")}
    how |= {"longest": read.get("longest", 0)}
    title = info.title[:60] if info.title != info.source else ""
    if origin := report.get("origin"):
        part = {name: origin[name] for name in ("config", "split", "folder", "revision")}
        rows, total = origin["rows"], origin["of"]
        limit = {} if rows == total else {"limit": rows}
        return DataEntry(source=origin["repo"], title=title, **part, **limit, **how)
    path = Path(read.get("path") or "/nowhere")
    try:
        same = path.exists() and content_hash(path) == read.get("sha256")
    except (OSError, VcsoupError):
        return None
    return DataEntry(source=str(path), title=title, **how) if same else None


def _training(project: Project) -> TrainConfig:
    """The configuration of the newest adapter; the paper's where there is none of today's form."""
    fields = ProjectFile.model_fields["training"].default
    for info in project.adapters():
        recorded = info.manifest.get("config")
        if recorded and set(recorded) <= set(TrainConfig.model_fields):
            return TrainConfig(**recorded)
    return fields


def _groups(project: Project) -> tuple[str, ...]:
    known = [group for group in ("filtered", "unfiltered") if group in project.adapter_sets()]
    return tuple(known) or ("filtered",)


def _chosen_anew(project: Project) -> bool:
    """Whether a fresh project with these pairs would hold out the same prompts."""
    held_out: list[Any] = []
    for place, value in enumerate(project.datasets(), start=1):
        share = math.ceil(project.config.prompts * place / len(project.values))
        held_out = top_up(held_out, project.pairs(value)["prompt"], share)
    return [*map(prompt_key, held_out)] == [*map(prompt_key, project.held_out_prompts())]

"""`study`: does filtering help? A study file in, a table with intervals and a report out."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from vcsoup.cli.options import JsonOption, WorkspaceOption, as_job, open_workspace
from vcsoup.cli.output import show, show_json, show_table
from vcsoup.errors import JobError
from vcsoup.jobs import Job, Jobs
from vcsoup.machine import keep_memory
from vcsoup.workspace import Workspace

_SHOWN = ("hypervolume", "balanced", "utility", "truth_utility")


def study(
    file: Annotated[Path, typer.Argument(help="The study file (YAML).", show_default=False)],
    only: Annotated[
        str | None,
        typer.Option(help="Repeat this row (SETTING/ARM) from nothing and compare it."),
    ] = None,
    seed: Annotated[
        list[int] | None, typer.Option(help="Other seeds than the reporting ones; repeatable.")
    ] = None,
    tuning: Annotated[
        bool, typer.Option("--tuning", help="The tuning seeds, in the centre of the worlds.")
    ] = False,
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="With --tuning: steps of every training, beside the study's own."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that work on it.")] = 1,
    folder: Annotated[
        Path | None, typer.Option(help="Where units and result go.", show_default=False)
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write STUDY.md and its pictures into this folder.")
    ] = None,
    publish: Annotated[
        Path | None,
        typer.Option(help="Copy the tables to this folder, such as assets/study."),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            help="Result to compare --only with; that beside the file, else the newest one.",
            show_default=False,
        ),
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Say what it would cost; compute nothing.")
    ] = False,
    helper: Annotated[int, typer.Option(hidden=True)] = 0,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare filtered soups with every baseline, over seeds and worlds; resumable."""
    keep_memory()
    from vcsoup.study.conduct import Order, conduct, repeat_row, study_bench, summary_of
    from vcsoup.study.cost import plan_cost
    from vcsoup.study.published import RESULT, beside
    from vcsoup.study.running import run_plan
    from vcsoup.study.settings import StudyError
    from vcsoup.study.study_file import load_study

    if seed and not only:
        raise StudyError("--seed goes with --only; the study's own seeds stand in its file")
    if steps and not tuning:
        raise StudyError("--steps goes with --tuning; the study's own steps stand in its file")
    opened, asked = open_workspace(workspace), load_study(file)
    asked = asked.with_steps(steps) if steps else asked
    order = Order(only, tuple(seed or ()), tuning, steps, folder)
    bench = study_bench(asked, opened, order, helper=bool(helper))
    if plan:
        _show_cost(plan_cost(bench.plan, bench.shelf), as_json=as_json)
        return
    _share_threads(workers)
    title = f"Study {asked.name}" + (f", {only}" if only else "")
    if helper:
        with as_job(opened, "study", f"{title}, helper {helper}", slot=False) as worker:
            run_plan(bench, monitor=worker)
        return
    with as_job(opened, "study", title) as worker, bench.shelf.leading() as leads:
        if not leads:
            raise JobError(f"{title} is being worked on already; wait, or stop that job")
        with _helpers(opened, title, workers):
            if only:
                table = repeat_row(bench, against or beside(file, opened.root), monitor=worker)
                rows = table.to_dict("records")
            else:
                rows = summary_of(conduct(asked, bench, monitor=worker), _SHOWN)
        worker.finish({"rows": len(rows), "folder": str(bench.shelf.root)})
    written: list[Path] = []
    if not only and not tuning:
        written = _write_out(bench.shelf.root / RESULT, report, publish, file)
    if as_json:
        show_json(rows)
    else:
        show_table(list(rows[0]) if rows else [], [list(row.values()) for row in rows])
        for path in (bench.shelf.root, *written):
            show(str(path))


def _write_out(result: Path, report: Path | None, publish: Path | None, file: Path) -> list[Path]:
    from vcsoup.study.published import publish as copy_tables
    from vcsoup.study.report import write_report

    if publish:
        copy_tables(result, publish)
    return write_report(result, report, file=file.as_posix()) if report else []


@contextmanager
def _helpers(workspace: Workspace, title: str, workers: int) -> Iterator[None]:
    """Let further processes of the same command work beside this one for the block."""
    jobs, helpers = Jobs(workspace.jobs_root), []
    try:
        for number in range(1, workers):
            args = [*sys.argv[1:], "--helper", str(number)]
            helpers.append(jobs.start(args, kind="study", title=f"{title}, helper {number}"))
        yield
    finally:
        for job in helpers:
            _stop(job)


def _stop(job: Job) -> None:
    if job.active:
        with suppress(JobError):
            job.stop()


def _share_threads(workers: int) -> None:
    """Divide the machine's cores among the workers."""
    import torch

    torch.set_num_threads(max(1, torch.get_num_threads() // workers))


def _show_cost(cost: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(cost)
        return
    columns = ["units", "done", "cpu_seconds", "cpu_seconds_left", "tokens"]
    rows = [[sort, *(row[name] for name in columns)] for sort, row in cost.items()]
    show_table(["sort", *columns], rows)
    show(f"CPU hours left: {cost['total']['cpu_seconds_left'] / 3600:.1f}")

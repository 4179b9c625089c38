"""Taking pairs away: small sets as a download, large ones as a job, and always the command.

Both write through `vcsoup.pair_export`, so the page and the command line give the same bytes.
"""

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

import streamlit as st

from vcsoup.export_layouts import LAYOUTS
from vcsoup.jobs import Job
from vcsoup.numbers import count, plural
from vcsoup.pair_export import TRL_EXPLICIT, ExportPlan, Written, export_bytes, written_pairs
from vcsoup.ui import state
from vcsoup.ui.drafting import Desk
from vcsoup.ui.literal import message
from vcsoup.ui.look import Key
from vcsoup.ui.runs_words import progress_text
from vcsoup.ui.shell import shown_errors, trying
from vcsoup.workspace import Project

MOST_DOWNLOADED = 20_000
"""Up to so many pairs the page writes the file itself; beyond, a job does."""
MOST_LAID_OUT = 4_000
"""The same for another tool's layout, whose every row is read back before it is given out."""
_SIDES = {
    "kept": "kept, to train on",
    "dropped": "dropped, with the reason",
    "flips": "likely flips",
}
_FORMATS = {"jsonl": "JSON Lines", "parquet": "parquet", "csv": "CSV"}


def show(project: Project, desk: Desk) -> None:
    """Show the popover that exports pairs of the dataset in focus, by the draft."""
    with st.popover("Export", icon=":material/download:", key="export_popover"), shown_errors():
        st.markdown(f"**Pairs of {desk.focus}, as shown here**")
        sides = [
            side for side in _SIDES if side != "flips" or desk.draft.thresholds[desk.focus] > 0
        ]
        side = st.radio(
            "Which", sides, format_func=_SIDES.get, key="export_side", label_visibility="collapsed"
        )
        layout = _layout() if side == "kept" else TRL_EXPLICIT
        form = st.segmented_control(
            "Format",
            [form for form in _FORMATS if form != "csv" or LAYOUTS[layout].is_tabular],
            default="jsonl",
            required=True,
            format_func=_FORMATS.__getitem__,
            key="export_format",
        )
        plan = plan_of(desk, side, form, layout)
        _offer(project, desk, plan, pairs_in(desk, side))


def plan_of(desk: Desk, side: str, form: str, layout: str) -> ExportPlan:
    """Return what an export of the draft writes."""
    wanted = desk.draft.filter_of(desk.focus)
    return ExportPlan(side=side, format=form, layout=layout, pair_filter=wanted, scale=desk.scale)


def pairs_in(desk: Desk, side: str) -> int:
    """Count the pairs that an export of the draft has."""
    wanted = desk.draft.filter_of(desk.focus)
    exact = desk.look.figures(desk.focus, wanted)
    if side == "flips":
        return int(desk.look.measures(desk.focus).flips(wanted).sum())
    return exact.trained if side == "kept" else exact.n - exact.trained


def export_args(project: Project, value: str, plan: ExportPlan, out: Path) -> list[str]:
    """Write the command of an export.

    Returns:
        The arguments behind `python -m vcsoup`.
    """
    wanted = plan.pair_filter
    args = ["data", "export", value, str(out), "--side", plan.side, "--format", plan.format]
    args += ["--threshold", repr(wanted.threshold), "--min-norm", repr(wanted.min_norm)]
    args += ["--flip" if wanted.flip else "--no-flip", "--scale", str(plan.scale)]
    args += ["--layout", plan.layout] if plan.layout != TRL_EXPLICIT else []
    args += ["--project", project.name]
    return [*args, "--workspace", str(state.workspace().root)]


def _layout() -> str:
    """Ask which tool the kept pairs are for."""
    return st.selectbox(
        "Layout",
        list(LAYOUTS),
        index=list(LAYOUTS).index(TRL_EXPLICIT),
        format_func=lambda name: f"{name} ({LAYOUTS[name].form.name})",
        key="export_layout",
        help="The columns of the tool that reads the file. What a layout cannot say, such as "
        "several turns in one text or ratings that no data brought, is left out and counted.",
    )


def _offer(project: Project, desk: Desk, plan: ExportPlan, pairs: int) -> None:
    name = f"{project.name}-{desk.focus}-{_told(plan)}.{plan.format}"
    if not pairs:
        st.caption("No pair is on this side.")
        return
    if plan.layout == TRL_EXPLICIT and pairs <= MOST_DOWNLOADED:
        _download(pairs, lambda: export_bytes(project, desk.focus, plan), name)
    elif plan.layout != TRL_EXPLICIT and pairs <= MOST_LAID_OUT:
        key = desk.look.keys[desk.focus]
        made = _laid_out(key, plan.model_dump_json(), _project=project, _plan=plan)
        _tell_unsaid(made.unsaid)
        _download(made.pairs, lambda: made.content, name)
    else:
        _large(project, desk, plan, pairs, name)
    st.caption("The same as a command:")
    args = export_args(project, desk.focus, plan, Path(name))
    st.code("python -m vcsoup " + shlex.join(args), language="bash", wrap_lines=True)


def _tell_unsaid(unsaid: Mapping[str, int]) -> None:
    """Say how many pairs a layout left out, and why."""
    if unsaid:
        each = [f"{reason} ({count(pairs)})" for reason, pairs in unsaid.items()]
        why = "; ".join(each if len(each) > 1 else unsaid)
        number = plural(sum(unsaid.values()), "pair")
        st.caption(message(f"{number} left out, which this layout cannot say: {why}."))


def _told(plan: ExportPlan) -> str:
    """Name what a file holds: its side, and the layout where it is another tool's."""
    return plan.side if plan.layout == TRL_EXPLICIT else f"{plan.side}-{plan.layout}"


def _download(pairs: int, content: Callable[[], bytes], name: str) -> None:
    st.download_button(
        f"Download {plural(pairs, 'pair')}",
        data=content,
        file_name=name,
        mime="application/octet-stream",
        icon=":material/download:",
        on_click="ignore",
        disabled=not pairs,
        key="export_download",
    )


@st.cache_data(max_entries=4, show_spinner=False)
def _laid_out(key: Key, plan: str, *, _project: Project, _plan: ExportPlan) -> Written:
    """Write pairs in another tool's layout, once per filter and state of the data."""
    return written_pairs(_project, key[1], _plan)


def _large(project: Project, desk: Desk, plan: ExportPlan, pairs: int, name: str) -> None:
    out = project.root / "exports" / name
    args = export_args(project, desk.focus, plan, out)
    job = _job(project, args)
    active = job is not None and job.active
    title = f"Exporting {plan.side} pairs of {desk.focus}"
    st.button(
        f"Write {plural(pairs, 'pair')} to a file",
        icon=":material/save:",
        disabled=active,
        key="export_job",
        help="A job of its own: it goes on when this page is closed.",
        on_click=trying,
        args=(_start, project, args, out, title),
    )
    if job is not None:
        st.fragment(run_every=1.0 if active else None)(_follow)(project, args)


def _start(project: Project, args: list[str], out: Path, title: str) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    state.jobs().start(args, kind="export", title=title, project=project.name)


def _follow(project: Project, args: list[str]) -> None:
    job = _job(project, args)
    if job is None:
        return
    if job.active:
        done, text = progress_text(job)
        st.progress(done, text=text)
    elif job.error:
        st.error(message(job.error), icon=":material/error:")
    elif job.result:
        _tell_unsaid(job.result.get("unsaid", {}))
        st.caption(f"{plural(job.result['pairs'], 'pair')}, {count(job.result['bytes'])} bytes in")
        st.code(job.result["path"], language=None, wrap_lines=True)


def _job(project: Project, args: list[str]) -> Job | None:
    """Return the newest job that writes exactly this."""
    return state.jobs().newest("export", project.name, fits=lambda job: job.args == args)

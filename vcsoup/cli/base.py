"""`base look`: what a base model is, whether it fits this machine, and what stands in its way."""

from typing import Annotated, Any

import typer

from vcsoup.base_models.memory import Load
from vcsoup.base_models.settings import BaseLoading, base_loading
from vcsoup.cli.options import JsonOption, WorkspaceOption, as_job, open_workspace
from vcsoup.cli.output import show, show_json, show_table
from vcsoup.numbers import memory
from vcsoup.rewards.model_files import full_name
from vcsoup.training.config import PRESETS

app = typer.Typer(help="Look at base models.", no_args_is_help=True)

_PAPER = PRESETS["paper"]


def loading_option(field: str, *, prefix: str = "") -> Any:
    """An option for a field of `BaseLoading`; its name begins with `prefix`."""
    about = BaseLoading.model_fields[field].description
    return typer.Option(f"--{prefix}{field.replace('_', '-')}", help=about, show_default=False)


def loading_fields(*entries: Any) -> dict[str, Any]:
    """The fields of `BaseLoading` with what was given for each, in their order."""
    return dict(zip(BaseLoading.model_fields, entries, strict=True))


@app.command("look")
def look(
    model: Annotated[str, typer.Argument(help="Local folder or hub id.")],
    revision: Annotated[str | None, loading_option("revision")] = None,
    dtype: Annotated[str | None, loading_option("dtype")] = None,
    device_map: Annotated[str | None, loading_option("device_map")] = None,
    quantization: Annotated[str | None, loading_option("quantization")] = None,
    gradient_checkpointing: Annotated[bool, loading_option("gradient_checkpointing")] = False,
    rank: Annotated[int, typer.Option(min=1, help="LoRA rank.")] = _PAPER.rank,
    micro_batch: Annotated[
        int, typer.Option(min=1, help="Pairs per training pass.")
    ] = _PAPER.batch_size,
    max_length: Annotated[
        int, typer.Option(min=8, help="Longest prompt + answer in tokens.")
    ] = _PAPER.max_length,
    values: Annotated[int, typer.Option(min=1, help="Adapters beside a serving base.")] = 2,
    replies: Annotated[int, typer.Option(min=1, help="Replies at once when soups run.")] = 32,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell what a base is before it is loaded; exit status 1 when it cannot be used."""
    loading = base_loading(
        loading_fields(revision, dtype, device_map, quantization, gradient_checkpointing)
    )
    from vcsoup.base_models.looking import look_at_base

    named = full_name(model)
    with as_job(open_workspace(workspace), "look", f"Looking at {named}", slot=False) as worker:
        load = Load(rank, micro_batch, max_length, values=values, rows=replies)
        found = look_at_base(named, loading, load=load).to_dict()
        worker.finish(found)
    if as_json:
        show_json(found)
    else:
        _show(found)
    if not found["usable"]:
        raise typer.Exit(1)


def _show(found: dict[str, Any]) -> None:
    for problem in found["problems"]:
        remedy = f"; {problem['remedy']}" if problem["remedy"] else ""
        show(f"{problem['level']}: {problem['says']}{remedy}")
    if "architecture" not in found:
        return
    show_table([found["model"], ""], _facts(found))
    if not found["usable"]:
        return
    for use, told in found["memory"].items():
        rows = [(part, memory(size)) for part, size in told["parts"].items()]
        rows.append(("together", f"{memory(told['total'])}: {told['verdict']}"))
        load = told["load"]
        done = (
            f"{load['pairs']} pairs per pass of {load['tokens']} tokens, rank {load['rank']}"
            if use == "training"
            else f"{load['rows']} replies of {load['tokens']} tokens, {load['values']} adapters"
        )
        show(f"{use} in {told['dtype']}, {done}:")
        show_table(["part", "memory"], rows)
    room = told["room"]
    show(f"{room['name']}: {memory(room['free'])} of {memory(room['total'])} are free")


def _facts(found: dict[str, Any]) -> list[tuple[str, str]]:
    where = found["source"] + (f", commit {found['commit'][:8]}" if found["commit"] else "")
    stored = f"{memory(found['stored_bytes'])} in {found['stored']}"
    return [
        ("architecture", found["architecture"]),
        ("from", where),
        ("parameters", f"{found['parameters']:,}"),
        ("stored weights", stored if found["stored"] else "none"),
        ("layers", f"{found['layers']} of width {found['hidden']}"),
        ("context", f"{found['context']:,} tokens" if found["context"] else "no bound"),
        ("vocabulary", f"{found['vocabulary']:,}"),
        ("chat template", "yes" if found["chat_template"] else "no, plain text"),
        ("attention layers", ", ".join(found["attention"]) or "none of their own name"),
        ("all linear layers", ", ".join(found["targets"])),
        ("stores (in, out)", "yes, set by training itself" if found["fan_in_fan_out"] else "no"),
    ]

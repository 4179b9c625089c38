"""`project create | list | show | base | reward | adapters`; the others are in `project_bin`."""

from typing import Annotated, Any

import typer

from vcsoup.base_models.settings import BaseLoading, base_loading
from vcsoup.cli import project_bin, reward_options
from vcsoup.cli.base import loading_fields, loading_option
from vcsoup.cli.options import (
    JsonOption,
    ProjectOption,
    WorkspaceOption,
    chosen_values,
    open_workspace,
)
from vcsoup.cli.output import show, show_json, show_table
from vcsoup.cli.project_bin import NameArgument
from vcsoup.cli.project_yaml import write_yaml
from vcsoup.errors import BaseModelError
from vcsoup.rewards.model_files import full_name, why_no_model
from vcsoup.workspace import Project, project_config
from vcsoup.workspace.adapters import newest_of
from vcsoup.workspace.held_out import FEWEST_PROMPTS

app = typer.Typer(help="Create, list and show projects.", no_args_is_help=True)
app.command("yaml")(write_yaml)
for verb in (project_bin.rename, project_bin.remove, project_bin.restore, project_bin.delete):
    app.command()(verb)


@app.command("create")
def create(
    name: NameArgument,
    value: Annotated[list[str], typer.Option(help="A value to balance; two or more.")],
    base: Annotated[str, typer.Option(help="Folder or hub id of the base model.")],
    reward: Annotated[
        list[str] | None,
        typer.Option(help=f"What judges a value: {reward_options.HELP} One per value."),
    ] = None,
    title: Annotated[str, typer.Option(help="The name as people read it.")] = "",
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    scale: Annotated[
        str, typer.Option(help="Scale of the gaps: per 'dataset' or 'shared' by all.")
    ] = "dataset",
    prompts: Annotated[
        int, typer.Option(min=FEWEST_PROMPTS, help="Held-out prompts that measure a soup.")
    ] = 64,
    base_revision: Annotated[str | None, loading_option("revision", prefix="base-")] = None,
    base_dtype: Annotated[str | None, loading_option("dtype", prefix="base-")] = None,
    base_device_map: Annotated[str | None, loading_option("device_map", prefix="base-")] = None,
    base_quantization: Annotated[str | None, loading_option("quantization", prefix="base-")] = None,
    base_gradient_checkpointing: Annotated[
        bool, loading_option("gradient_checkpointing", prefix="base-")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Create a project."""
    loading = loading_fields(
        base_revision, base_dtype, base_device_map, base_quantization, base_gradient_checkpointing
    )
    base = full_name(base)
    if why := why_no_model(base):
        raise BaseModelError(why)
    config = project_config(
        name=name,
        title=title,
        values=tuple(value),
        base=base,
        loading=base_loading(loading),
        rewards=dict(reward_options.parse_reward(text) for text in reward or ()),
        scale=scale,
        prompts=prompts,
        description=description,
    )
    project = open_workspace(workspace).create_project(config)
    if as_json:
        show_json(project_figures(project))
    else:
        show(f"created project {project.name} with {', '.join(project.values)}")


@app.command("list")
def list_projects(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List the projects of the workspace, and those in the bin."""
    opened = open_workspace(workspace)
    projects = opened.projects()
    if as_json:
        show_json([project_figures(project) for project in projects])
        return
    rows = [
        (p.name, p.title, ", ".join(p.values), len(p.adapters()), len(p.points())) for p in projects
    ]
    if rows:
        show_table(["project", "title", "values", "adapters", "points"], rows)
    else:
        show("no projects yet; open the demo with `python -m vcsoup demo open`")
    for entry in opened.bin.entries():
        name = entry.config.name
        show(f"in the bin: {name}; `python -m vcsoup project restore {name}` brings it back")


@app.command("show")
def show_project(
    name: NameArgument = "demo", workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """Show where a project stands."""
    figures = project_figures(open_workspace(workspace).project(name))
    if as_json:
        show_json(figures)
        return
    show(f"{figures['title']} ({figures['name']}), base {_base_told(figures)}")
    columns = ["value", "pairs", "scored", "threshold", "reward_model", "adapters"]
    rows = [[entry[column] for column in columns] for entry in figures["values"]]
    show_table(columns, rows)
    complete = ", ".join(figures["complete_groups"]) or "none yet"
    show(
        f"{figures['held_out_prompts']} held-out prompts, {figures['points']} measured points, "
        f"complete adapter sets: {complete}"
    )


@app.command("base")
def set_base(
    base: Annotated[str | None, typer.Argument(help="Folder or hub id.")] = None,
    revision: Annotated[str | None, loading_option("revision")] = None,
    dtype: Annotated[str | None, loading_option("dtype")] = None,
    device_map: Annotated[str | None, loading_option("device_map")] = None,
    quantization: Annotated[str | None, loading_option("quantization")] = None,
    gradient_checkpointing: Annotated[
        bool | None,
        typer.Option(help=BaseLoading.model_fields["gradient_checkpointing"].description),
    ] = None,
    project: ProjectOption = "demo",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set or change the base model, or show it; adapters of another one do not fit it.

    What is not named stays, but for the revision, which belongs to one model.
    """
    target = open_workspace(workspace).project(project)
    named = loading_fields(revision, dtype, device_map, quantization, gradient_checkpointing)
    changed = {field: entry for field, entry in named.items() if entry is not None}
    wanted = full_name(base) if base is not None else target.config.base
    if base is not None and (why := why_no_model(wanted)):
        raise BaseModelError(why)
    if base is not None or changed:
        other = {"revision": None} if wanted != target.config.base else {}
        loading = base_loading({**target.config.loading.model_dump(), **other, **changed})
        target.set_base(wanted, loading)
    figures = project_figures(target)
    if as_json:
        show_json({name: figures[name] for name in ("base", "base_loading")})
    else:
        show(_base_told(figures))


@app.command("reward")
def set_rewards(
    reward: Annotated[
        list[str] | None,
        typer.Argument(help=f"{reward_options.HELP} VALUE=name=entry changes a present judge."),
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option(help="Take a value's judge away; repeatable.")
    ] = None,
    project: ProjectOption = "demo",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set or change what judges values, or show it; rewards by former judges become stale."""
    target = open_workspace(workspace).project(project)
    named = [text.partition("=")[0].strip() for text in reward or ()]
    chosen_values(target, [*named, *(remove or ())])
    found = [reward_options.parse_reward(text, target.config.rewards) for text in reward or ()]
    for value, spec in found:
        target.set_reward(value, spec)
    for value in remove or ():
        target.set_reward(value, None)
    judges = target.config.rewards
    if as_json:
        show_json({value: spec.model_dump(mode="json") for value, spec in judges.items()})
        return
    rows = [(value, _model_of(target, value)) for value in target.values]
    show_table(["value", "what judges it"], rows)


@app.command("adapters")
def show_adapters(
    use: Annotated[
        str | None,
        typer.Option(help="Let this adapter stand for its value in its set, for newer ones."),
    ] = None,
    project: ProjectOption = "demo",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the adapters and which stand for their values, the newest unless one is chosen."""
    target = open_workspace(workspace).project(project)
    if use is not None:
        target.choose_adapter(use)
    known = target.adapters()
    rows = [
        {
            "adapter": info.name,
            "value": info.value,
            "group": info.group,
            "stands": newest_of(known, info.value, info.group) == info,
            "recorded": info.recorded,
            "created": info.created,
        }
        for info in known
    ]
    if as_json:
        show_json(rows)
    elif rows:
        cells = [["yes" if cell is True else cell or "" for cell in row.values()] for row in rows]
        show_table(list(rows[0]), cells)
    else:
        show("no adapters yet; train them with `python -m vcsoup train`")


def _base_told(figures: dict[str, Any]) -> str:
    loaded = BaseLoading(**figures["base_loading"]).title
    return f"{figures['base']}{f' ({loaded})' if loaded else ''}"


def project_figures(project: Project) -> dict[str, Any]:
    """Return where a project stands, as plain data."""
    datasets, thresholds = project.datasets(), project.thresholds()
    adapters = project.adapters()
    return {
        "name": project.name,
        "title": project.title,
        "description": project.config.description,
        "base": project.config.base,
        "base_loading": project.config.loading.model_dump(),
        "scale": project.config.scale,
        "values": [
            {
                "value": value,
                "pairs": datasets[value].n if value in datasets else 0,
                "scored": bool(project.rewards_stamp(value)),
                "threshold": thresholds[value],
                "reward_model": _model_of(project, value),
                "adapters": sum(info.value == value for info in adapters),
            }
            for value in project.values
        ],
        "held_out_prompts": len(project.held_out_prompts()),
        "complete_groups": list(project.adapter_sets()),
        "points": len(project.points()),
        "root": str(project.root),
    }


def _model_of(project: Project, value: str) -> str | None:
    spec = project.config.rewards.get(value)
    return spec.title if spec else None

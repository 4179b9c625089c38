"""`project create | list | show`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from vcsoup.cli.options import JsonOption, WorkspaceOption, open_workspace
from vcsoup.cli.output import show, show_json, show_table
from vcsoup.errors import WorkspaceError
from vcsoup.rewards.presets import preset_spec
from vcsoup.rewards.spec import RewardSpec, reward_spec
from vcsoup.workspace import Project, project_config

app = typer.Typer(help="Create, list and show projects.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(help="Project name: a-z, 0-9 and '-'.")]


@app.command("create")
def create(
    name: NameArgument,
    value: Annotated[list[str], typer.Option(help="A value to balance; two or more.")],
    base: Annotated[str, typer.Option(help="Folder or hub id of the base model.")],
    reward: Annotated[
        list[str] | None,
        typer.Option(
            help="A value's reward model: VALUE=MODEL, then any of ,template= ,label= ,sign= "
            ",revision= ,max_length= ,head= ,pad_side= ,special_tokens= ,trust_remote_code=; known "
            "models bring their settings (`reward presets`). Or a function of the reply: "
            "VALUE=kind=length, readability, refusal or pattern,pattern=REGEX. One per value."
        ),
    ] = None,
    title: Annotated[str, typer.Option(help="The name as people read it.")] = "",
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    scale: Annotated[
        str, typer.Option(help="Scale of the gaps: per 'dataset' or 'shared' by all.")
    ] = "dataset",
    prompts: Annotated[int, typer.Option(help="Held-out prompts that measure a soup.")] = 64,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Create a project."""
    config = project_config(
        name=name,
        title=title,
        values=tuple(value),
        base=_absolute(base),
        rewards=dict(_parse_reward(text) for text in reward or ()),
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
    """List the projects of the workspace."""
    projects = open_workspace(workspace).projects()
    if as_json:
        show_json([project_figures(project) for project in projects])
        return
    if not projects:
        show("no projects yet; open the demo with `python -m vcsoup demo open`")
        return
    rows = [
        (p.name, p.title, ", ".join(p.values), len(p.adapters()), len(p.points())) for p in projects
    ]
    show_table(["project", "title", "values", "adapters", "points"], rows)


@app.command("show")
def show_project(
    name: NameArgument = "demo", workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """Show where a project stands."""
    figures = project_figures(open_workspace(workspace).project(name))
    if as_json:
        show_json(figures)
        return
    show(f"{figures['title']} ({figures['name']}), base {figures['base']}")
    columns = ["value", "pairs", "scored", "threshold", "reward_model", "adapters"]
    rows = [[entry[column] for column in columns] for entry in figures["values"]]
    show_table(columns, rows)
    complete = ", ".join(figures["complete_groups"]) or "none yet"
    show(
        f"{figures['held_out_prompts']} held-out prompts, {figures['points']} measured points, "
        f"complete adapter sets: {complete}"
    )


def project_figures(project: Project) -> dict[str, Any]:
    """Return where a project stands, as plain data."""
    datasets, thresholds = project.datasets(), project.thresholds()
    adapters = project.adapters()
    return {
        "name": project.name,
        "title": project.title,
        "description": project.config.description,
        "base": project.config.base,
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


def _parse_reward(text: str) -> tuple[str, RewardSpec]:
    """Read "helpful=org/model,template=hh,label=diff,sign=-1" or "brief=kind=length,sign=-1"."""
    value, found, entries = text.partition("=")
    parts = entries.split(",")
    model = parts.pop(0) if "=" not in parts[0] else ""
    if not found or not all("=" in part for part in parts):
        raise WorkspaceError(
            f"reward model {text!r} is not VALUE=MODEL[,name=entry...]; write for example "
            "helpful=org/model,template=hh,sign=-1 or brief=kind=length,sign=-1"
        )
    fields: dict[str, Any] = {}
    for part in parts:
        name, _, entry = part.partition("=")
        number = entry.lstrip("-")
        fields[name.strip()] = int(entry) if number.isdigit() else entry.strip()
    if not model and "kind" in fields:
        return value.strip(), reward_spec(**fields)
    return value.strip(), preset_spec(_absolute(model.strip()), **fields)


def _absolute(model: str) -> str:
    """Make a local folder independent of the working folder; leave hub ids alone."""
    path = Path(model).expanduser()
    return str(path.resolve()) if path.is_dir() else model

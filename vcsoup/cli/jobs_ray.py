"""`jobs ray`: which Ray cluster runs may be sent to."""

from typing import Annotated, Any

import typer

from vcsoup.cli.options import JsonOption, WorkspaceOption, open_workspace
from vcsoup.cli.output import show_json, show_table
from vcsoup.errors import JobError
from vcsoup.jobs.ray_cluster import RayCluster
from vcsoup.jobs.ray_settings import SETTINGS, RaySettings, ray_token


def _help(field: str) -> Any:
    described = RaySettings.model_fields[field].description
    return typer.Option(help=described, show_default=False)


def ray(
    address: Annotated[str | None, _help("address")] = None,
    python: Annotated[str | None, _help("python")] = None,
    num_cpus: Annotated[float | None, _help("num_cpus")] = None,
    num_gpus: Annotated[float | None, _help("num_gpus")] = None,
    resource: Annotated[
        list[str] | None, typer.Option(help="A custom resource as NAME=AMOUNT; repeatable.")
    ] = None,
    env: Annotated[
        list[str] | None, typer.Option(help="A variable of the runs as NAME=TEXT; repeatable.")
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="Forget the cluster.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show or set the Ray cluster of a workspace, and try it.

    The token is not stored: set RAY_AUTH_TOKEN, RAY_AUTH_TOKEN_PATH or ~/.ray/auth_token.
    """
    opened = open_workspace(workspace)
    root = opened.jobs_root
    if off:
        (root / SETTINGS).unlink(missing_ok=True)
        return
    changes: dict[str, Any] = {"address": address, "python": python}
    changes |= {"num_cpus": num_cpus, "num_gpus": num_gpus}
    changes["resources"] = _named(resource, float) if resource is not None else None
    changes["env"] = _named(env, str) if env is not None else None
    settings = RaySettings.changed(root, **{k: v for k, v in changes.items() if v is not None})
    opened.share()  # the cluster's machines write to it too
    version = RayCluster(settings.address, ray_token()).version()
    figures = {**settings.model_dump(), "env": sorted(settings.env), "ray": version}
    if as_json:
        show_json(figures)
    else:
        show_table(["setting", "now"], [[name, str(now)] for name, now in figures.items()])


def _named(texts: list[str], read: type) -> dict[str, Any]:
    named = {}
    for text in texts:
        name, equals, amount = text.partition("=")
        try:
            named[name] = read(amount)
        except ValueError:
            equals = ""
        if not name or not equals:
            raise JobError(f"{text!r} is no NAME=AMOUNT; write it like accelerator=1")
    return named

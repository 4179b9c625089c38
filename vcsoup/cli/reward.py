"""`reward check | suggest | presets | consent | consents`: what judges a value, and is it sane?"""

from typing import Annotated, Any

import numpy as np
import typer

from vcsoup.cli.options import (
    JsonOption,
    ProjectOption,
    SeedOption,
    ValuesOption,
    WorkspaceOption,
    as_job,
    chosen_values,
    open_workspace,
)
from vcsoup.cli.output import show, show_json, show_table
from vcsoup.errors import RewardModelError, WorkspaceError
from vcsoup.rewards.model_files import full_name
from vcsoup.workspace.checkups import checkup_of

app = typer.Typer(help="Check, suggest and allow reward models.", no_args_is_help=True)

ModelArgument = Annotated[str, typer.Argument(help="Local folder or hub id.")]
RevisionOption = Annotated[str | None, typer.Option(help="Revision of a hub id.")]


@app.command("check")
def check(
    value: ValuesOption = None,
    pairs: Annotated[int, typer.Option(min=0, help="Pairs to look at, per data set.")] = 64,
    seed: SeedOption = 0,
    project: ProjectOption = "demo",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Examine a project's reward models on a sample of its pairs; exit status 1 on a fault."""
    opened = open_workspace(workspace)
    target = opened.project(project)
    values = [name for name in chosen_values(target, value) if name in target.config.rewards]
    if not values:
        raise RewardModelError(
            f"project {project} has no reward model to check; name one per value with "
            f"`python -m vcsoup project reward VALUE=MODEL --project {project}`"
        )
    from vcsoup.pipeline import with_scores
    from vcsoup.rewards.cache import RewardCache
    from vcsoup.rewards.clinic import check_rewards, sample_pairs

    specs = {name: target.config.rewards[name] for name in values}
    data, rng = target.datasets(), np.random.default_rng(seed)
    with as_job(opened, "check", f"Checking {', '.join(values)}", project=project) as worker:
        sample = {
            name: with_scores(target, name, sample_pairs(target.pairs(name), pairs, rng=rng), specs)
            for name in data
            if pairs
        }
        found = check_rewards(
            specs,
            sample,
            consents=opened.consents.keys(),
            cache=RewardCache(opened.reward_cache_root),
            monitor=worker,
        )
        checkup = checkup_of(found, judges=specs, data=data)
        target.save_checkup(checkup)
        figures = checkup.model_dump(mode="json") | {"faults": len(found.faults)}
        worker.finish(figures)
    if as_json:
        show_json(figures)
    else:
        columns = ["", "check", "value", "what was found", "what to do"]
        rows = [(f.level, f.check, f.value, f.says, f.remedy) for f in found.findings]
        show_table(columns, rows)
    if found.faults:
        raise typer.Exit(1)


@app.command("suggest")
def suggest(
    model: ModelArgument, revision: RevisionOption = None, as_json: JsonOption = False
) -> None:
    """Suggest how to ask a model, from its configuration; loads nothing and runs no code of it."""
    from vcsoup.rewards.model_files import read_model_files
    from vcsoup.rewards.presets import PRESETS
    from vcsoup.rewards.suggest import suggest_spec

    if model in PRESETS:
        found = suggest_spec(model, {}, revision=revision)
    else:
        files = read_model_files(model, revision)
        found = suggest_spec(
            model, files.config, chat_template=files.chat_template, revision=revision
        )
    heads = {head: spec.model_dump(mode="json") for head, spec in found.heads.items()}
    if as_json:
        show_json({"model": model, "heads": heads, "reasons": list(found.reasons)})
        return
    for reason in found.reasons:
        show(f"- {reason}")
    rows = [(head, _reward_option(fields)) for head, fields in heads.items()]
    show_table(["judges", "as an option of `project create`"], rows)


@app.command("presets")
def presets(as_json: JsonOption = False) -> None:
    """List the reward models that are known by name."""
    from vcsoup.rewards.presets import PRESETS, preset_spec

    known = [
        {**preset_spec(name).model_dump(mode="json"), "heads": list(p.heads), "note": p.note}
        for name, p in PRESETS.items()
    ]
    if as_json:
        show_json(known)
        return
    columns = ["model", "template", "label", "sign", "max_length"]
    rows = [[*(entry[name] for name in columns), entry["note"]] for entry in known]
    show_table([*columns, "note"], rows)


@app.command("consent")
def consent(
    model: Annotated[str, typer.Argument(help="Local folder, hub id, or an endpoint's url.")],
    revision: Annotated[str | None, typer.Option(help="The full commit of a hub id.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Agree without being asked.")] = False,
    revoke: Annotated[bool, typer.Option("--revoke", help="Take the consent back.")] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Agree to run a model's own code here, or to send texts to an endpoint; names the risk."""
    from vcsoup.rewards.consent import consent_key, is_url, risk_of

    shelf = open_workspace(workspace).consents
    model = full_name(model)
    consent_key(model, revision)  # a branch is refused before anything is asked
    if revoke:
        shelf.revoke(model, revision)
        show(f"{model}: {'nothing more is sent there' if is_url(model) else 'its code is not run'}")
        return
    show(f"{model}{' at ' + revision if revision else ''}: {risk_of(model)}")
    if not yes and not typer.confirm("Agree?"):
        what = "send texts to" if is_url(model) else "run the code of"
        raise WorkspaceError(f"nobody agreed to {what} {model}; nothing was changed")
    shelf.give(model, revision)
    show("agreed; `--revoke` takes it back")


@app.command("consents")
def consents(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List the models whose own code may run, and the endpoints that texts may be sent to."""
    from vcsoup.rewards.consent import is_url

    given = open_workspace(workspace).consents.load()
    if as_json:
        show_json([entry.model_dump() for entry in given])
        return
    if not given:
        show("no model may run code of its own, and no texts are sent to other machines")
        return
    for_what = ["sending texts" if is_url(entry.model) else "running its code" for entry in given]
    rows = [
        (entry.model, what, entry.revision or "as it is", entry.given)
        for entry, what in zip(given, for_what, strict=True)
    ]
    show_table(["model or address", "for", "revision", "agreed"], rows)


def _reward_option(fields: dict[str, Any]) -> str:
    """Write a spec as `--reward` reads it."""
    model = fields.pop("model")
    told = [f"{name}={entry}" for name, entry in fields.items() if entry not in (None, False)]
    return ",".join([f"VALUE={model}", *told])

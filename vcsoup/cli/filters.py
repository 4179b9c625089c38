"""`filter`: the filter in force, what it keeps, and filters under a name."""

from typing import Annotated, Any

import typer

from vcsoup.cli.options import (
    FlipOption,
    JsonOption,
    MinNormOption,
    ProjectOption,
    ValuesOption,
    WorkspaceOption,
    chosen_values,
    open_workspace,
)
from vcsoup.cli.output import show, show_json, show_table
from vcsoup.errors import FilterError
from vcsoup.filtering import PairFilter, mean_gaps, pair_filter
from vcsoup.workspace import NamedFilter, Project


def filter_pairs(
    value: ValuesOption = None,
    threshold: Annotated[
        float | None, typer.Option(help="Store this threshold (-1 to 1) for the values.")
    ] = None,
    keep_share: Annotated[
        float | None,
        typer.Option(help="Store the threshold that keeps this share (0 to 1) of each data set."),
    ] = None,
    min_norm: MinNormOption = None,
    flip: FlipOption = None,
    save: Annotated[
        str | None, typer.Option(help="Also save the values' filters under this name.")
    ] = None,
    note: Annotated[str, typer.Option(help="Why, with --save.")] = "",
    take: Annotated[
        str | None, typer.Option("--apply", help="Put a named filter into force first.")
    ] = None,
    delete: Annotated[str | None, typer.Option(help="Delete a named filter.")] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the named filters.")] = False,
    project: ProjectOption = "demo",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set filters, and show what they keep."""
    opened = open_workspace(workspace).project(project)
    values = chosen_values(opened, value)
    if threshold is not None and keep_share is not None:
        raise FilterError("--threshold and --keep-share exclude each other; give one of them")
    if delete is not None:
        opened.delete_named_filter(delete)
    if listed or delete is not None:
        _show_named(opened, as_json=as_json)
        return
    if take is not None:
        opened.apply_named_filter(take)
    stored = opened.filters()
    chosen = {}
    for name in values:
        if keep_share is not None:
            least = stored[name].min_norm if min_norm is None else min_norm
            threshold = _threshold_for(opened, name, keep_share, least)
        chosen[name] = changed_filter(
            stored[name], threshold=threshold, min_norm=min_norm, flip=flip
        )
    figures = [_retention(opened, name, chosen[name]) for name in values]
    if save is not None:
        opened.save_named_filter(save, chosen, scale=opened.config.scale, note=note)
    for name, kept in chosen.items():
        if kept != stored[name]:
            opened.set_filter(name, kept)
    _show(opened, figures, as_json=as_json)


def changed_filter(
    stored: PairFilter,
    *,
    threshold: float | None = None,
    min_norm: float | None = None,
    flip: bool | None = None,
) -> PairFilter:
    """Return a filter with the options that were given in place of its own; FilterError if bad."""
    given = {"threshold": threshold, "min_norm": min_norm, "flip": flip}
    changes = {name: option for name, option in given.items() if option is not None}
    return pair_filter(**stored.model_dump() | changes)


def _threshold_for(project: Project, value: str, share: float, least: float) -> float:
    """The threshold that keeps a share of all pairs, among those that the least norm leaves."""
    from vcsoup.consistency import value_consistency
    from vcsoup.sweep import gap_norms, threshold_for_share

    if not 0 < share <= 1:
        raise FilterError(
            f"--keep-share {share:g} is not above 0 and at most 1; 0.2 keeps the top 20 %"
        )
    gaps = project.gaps(value)
    strong = gap_norms(gaps) >= least
    wanted = share * len(gaps) / max(1, int(strong.sum()))
    if wanted > 1.0 + 1e-9:
        raise FilterError(
            f"only {strong.mean():.1%} of the pairs of {value} reach norm {least:g}, fewer than "
            f"the {share:.1%} asked for; lower --min-norm or --keep-share"
        )
    return threshold_for_share(value_consistency(gaps[strong]), min(wanted, 1.0))


def _retention(project: Project, value: str, chosen: PairFilter) -> dict[str, Any]:
    from vcsoup.consistency import chance_retention
    from vcsoup.sweep import gap_norms

    gaps = project.gaps(value)
    strong = float((gap_norms(gaps) >= chosen.min_norm).mean())
    mask, flipped = chosen.mask(gaps), chosen.flipped(gaps)
    trained = chosen.count(gaps)
    tau = -1.0 if chosen.threshold is None else chosen.threshold
    return {
        "value": value,
        **chosen.model_dump(),
        "pairs": len(gaps),
        "kept": trained,
        "flipped": int(flipped.sum()),
        "share": trained / len(gaps),
        "chance": strong * float(chance_retention([tau], gaps.shape[1])[0]) * (1 + chosen.flip),
        "mean_gap": dict(zip(project.values, mean_gaps(gaps, mask, flipped), strict=True)),
    }


def _show(project: Project, figures: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        show_json({"project": project.name, "scale": project.config.scale, "filters": figures})
        return
    columns = ["value", "threshold", "min_norm", "pairs", "kept", "flipped", "share", "chance"]
    rows = [[*(entry[name] for name in columns), *entry["mean_gap"].values()] for entry in figures]
    show_table([*columns, *(f"gap {name}" for name in project.values)], rows)


def _show_named(project: Project, *, as_json: bool) -> None:
    found = project.named_filters()
    if as_json:
        entries = [named.model_dump() | {"stale": project.is_stale(named)} for named in found]
        show_json({"project": project.name, "named_filters": entries})
        return
    if not found:
        show("no named filters yet; save one with `python -m vcsoup filter --save NAME`")
        return
    rows = [
        (named.name, _told(named), named.scale, project.is_stale(named), named.created, named.note)
        for named in found
    ]
    show_table(["name", "kept", "scale", "stale", "created", "note"], rows)


def _told(named: NamedFilter) -> str:
    counts = named.counts.items()
    return ", ".join(f"{value} {kept:,} of {n:,}" for value, (kept, n) in counts)

"""What the screens look at: workspace, project of this visit, and cached readings of its data.

The project travels in the address (`?project=`) and in the session, so that a link opens what its
sender saw. Caches are keyed by content stamps: new pairs or rewards are seen at once.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from vcsoup.jobs import Jobs
from vcsoup.ui import look
from vcsoup.ui.look import look_at
from vcsoup.ui.measures import Measures
from vcsoup.ui.pipeline import Readings, Stage, Standing, stages, standing
from vcsoup.ui.retained import Figures, Retention
from vcsoup.ui.soups import point_table
from vcsoup.workspace import Point, Project, Workspace, default_workspace
from vcsoup.workspace.held_out import prompt_key

FloatArray = npt.NDArray[np.float64]


def workspace() -> Workspace:
    """Return the workspace of this server: $VCSOUP_WORKSPACE or the default folder."""
    return Workspace(default_workspace())


def jobs() -> Jobs:
    """Return the jobs of the workspace."""
    return Jobs(workspace().jobs_root)


def chosen_project() -> Project | None:
    """Return the project of this visit; None while the workspace has none.

    The address decides, then what this session looked at before, then the newest project.

    Raises:
        NotFoundError: the address names a project that does not exist.
    """
    here = workspace()
    name = st.query_params.get("project") or st.session_state.get("project")
    if name is None:
        known = here.projects()
        if not known:
            return None
        name = known[-1].name
    project = here.project(name)
    choose(project.name)
    return project


def choose(name: str) -> None:
    """Make a project the one of this visit, in the session and in the address."""
    st.session_state["project"] = name
    if st.query_params.get("project") != name:
        st.query_params["project"] = name


def leave() -> None:
    """Forget the project of this visit; the next page opens the newest one."""
    st.session_state.pop("project", None)
    st.query_params.pop("project", None)


def retention(project: Project, value: str) -> Retention:
    """Return what every threshold of the grid keeps of a value's scored pairs."""
    return look_at(project, [value]).retention(value)


def measures(project: Project, value: str) -> Measures:
    """Return the prepared arrays of a value's scored pairs. Do not write to them."""
    return look_at(project, [value]).measures(value)


def pair_rows(project: Project, value: str, rows: Sequence[int]) -> pd.DataFrame:
    """Return some pairs of a value in the order asked, read once per selection of rows."""
    return look.pair_rows(project, value, project.datasets()[value].hash, rows)


def points_of(project: Project, group: str) -> pd.DataFrame:
    """Return the measured soups of an adapter set as `soups.point_table` lays them out."""
    key = set_key(project, group)
    return _laid_out(project, key, project.points(key))


def with_points(project: Project, group: str, points: Sequence[Point]) -> pd.DataFrame:
    """Lay points of an adapter set out as `points_of` does."""
    return _laid_out(project, set_key(project, group), points)


def base_rewards_on(project: Project, group: str, n_prompts: int) -> dict[str, float] | None:
    """Return the base's mean rewards on the first held-out prompts; None where it lacks one."""
    key = set_key(project, group)
    stamp = project.samples.stamp(key)
    prompts = tuple(prompt_key(prompt) for prompt in project.held_out_prompts()[:n_prompts])
    means = _base_mean(str(project.root), key, stamp, prompts, _project=project)
    return None if means is None else dict(zip(project.values, means.tolist(), strict=True))


def stored_points(project: Project, group: str) -> list[Point]:
    """Return the stored points of an adapter set."""
    return project.points(set_key(project, group))


def set_key(project: Project, group: str) -> str:
    """Return the key of an adapter set, read once per set of adapters and judges."""
    names = tuple(info.name for info in project.adapter_set(group).values())
    beside = (*project.config.loading.deciding.values(), project.config.judging)
    return _set_key(str(project.root), names, beside, _project=project, _group=group)


def pipeline(project: Project) -> list[Stage]:
    """Return the stages of the project."""
    seen, saved = look_at(project, list(project.datasets())), project.filters()

    def figures(value: str) -> Figures | None:
        return seen.figures(value, saved[value]) if seen.is_scored(value) else None

    return stages(project, Readings(figures, points=lambda group: points_of(project, group)))


def where_it_stands(project: Project) -> Standing:
    """Return what the chip says."""
    return standing(project, pipeline(project))


def _laid_out(project: Project, key: str, points: Sequence[Point]) -> pd.DataFrame:
    spread = _spread(str(project.root), key, project.samples.stamp(key), _project=project)
    return point_table(points, project.values, spread=spread)


@st.cache_data(max_entries=64, show_spinner=False)
def _spread(root: str, key: str, stamp: str, *, _project: Project) -> FloatArray | None:
    return _project.samples.base_spread(key)


@st.cache_data(max_entries=64, show_spinner=False)
def _base_mean(
    root: str, key: str, stamp: str, prompts: tuple[str, ...], *, _project: Project
) -> FloatArray | None:
    return _project.samples.base_mean(key, prompts)


@st.cache_data(max_entries=64, show_spinner=False)
def _set_key(
    root: str, names: tuple[str, ...], beside: tuple[str, ...], *, _project: Project, _group: str
) -> str:
    return _project.set_key(_project.adapter_set(_group))

"""What the screens look at: workspace, project of this visit, and cached readings of its data.

The project travels in the address (`?project=`) and in the session, so that a link opens what its
sender saw. Caches are keyed by content stamps: new pairs or rewards are seen at once.
"""

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from vcsoup.jobs import Jobs
from vcsoup.ui.pipeline import Readings, Stage, Standing, stages, standing
from vcsoup.ui.retention import Retention, count_retention
from vcsoup.ui.soups import point_table
from vcsoup.workspace import Point, Project, Workspace, default_workspace


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


def retention(project: Project, value: str) -> Retention | None:
    """Return what every threshold of a value's pairs keeps; None when they are not scored."""
    stamp = project.rewards_stamp(value)
    return _retention(str(project.root), value, stamp, _project=project) if stamp else None


def points_of(project: Project, group: str) -> pd.DataFrame:
    """Return the measured soups of an adapter set as `soups.point_table` lays them out."""
    return point_table(stored_points(project, group), project.values)


def stored_points(project: Project, group: str) -> list[Point]:
    """Return the stored points of an adapter set."""
    return project.points(set_key(project, group))


def set_key(project: Project, group: str) -> str:
    """Return the key of an adapter set, read once per set of adapters."""
    names = tuple(info.name for info in project.adapter_sets()[group].values())
    return _set_key(str(project.root), names, _project=project, _group=group)


def pipeline(project: Project) -> list[Stage]:
    """Return the stages of the project."""
    readings = Readings(
        retention=lambda value: retention(project, value),
        points=lambda group: points_of(project, group),
    )
    return stages(project, readings)


def where_it_stands(project: Project) -> Standing:
    """Return what the chip says."""
    return standing(project, pipeline(project))


@st.cache_resource(max_entries=24, show_spinner="Counting pairs")
def _retention(root: str, value: str, stamp: str, *, _project: Project) -> Retention:
    return count_retention(_project.gaps(value), _project.values)


@st.cache_data(max_entries=64, show_spinner=False)
def _set_key(root: str, names: tuple[str, ...], *, _project: Project, _group: str) -> str:
    return _project.set_key(_project.adapter_sets()[_group])


def stamped_gaps(project: Project, value: str) -> NDArray[np.float64]:
    """Return a value's gaps, shape (n, K), read once per version of its rewards. Do not write."""
    return _gaps(str(project.root), value, project.rewards_stamp(value), _project=project)


def stamped_pairs(project: Project, value: str) -> pd.DataFrame:
    """Return a value's pair table, read once per version of it. Do not write to it."""
    return _pairs(str(project.root), value, project.datasets()[value].hash, _project=project)


@st.cache_resource(max_entries=8, show_spinner="Reading rewards")
def _gaps(root: str, value: str, stamp: str, *, _project: Project) -> NDArray[np.float64]:
    return _project.gaps(value)


@st.cache_resource(max_entries=8, show_spinner="Reading pairs")
def _pairs(root: str, value: str, stamp: str, *, _project: Project) -> pd.DataFrame:
    return _project.pairs(value)

"""Soups as model names, so that any OpenAI client can ask for any soup.

"soup:helpful=0.5,harmless=0.5" mixes the default project's filtered adapters, "base" is its base;
"soup:demo/unfiltered:helpful=1" names project and group. Weights may leave the simplex here.
"""

import numpy as np
import numpy.typing as npt

from vcsoup.errors import EngineError, NotFoundError
from vcsoup.soup.weights import corners, format_weights, parse_weights
from vcsoup.workspace import Project, Workspace

FloatArray = npt.NDArray[np.float64]
DEFAULT_GROUP = "filtered"


def parse_model(name: str, workspace: Workspace) -> tuple[Project, str, FloatArray]:
    """Project, group and weights (K,) that a model name stands for.

    Raises:
        EngineError: not a soup's name.
        NotFoundError: no such project.
        UnknownValueError: a value that the project does not have.
        WeightsError: a weight that is no number.
    """
    kind, *rest = name.split(":")
    mixed = kind == "soup" and len(rest) in (1, 2)
    if not mixed and not (kind == "base" and len(rest) <= 1):
        raise EngineError(
            f"unknown model {name!r}; name a soup such as soup:helpful=0.5,harmless=0.5, or base"
        )
    place = rest[0] if len(rest) > mixed else ""
    project_name, _, group = place.partition("/")
    project = workspace.project(project_name) if project_name else _default_project(workspace)
    weights = np.zeros(len(project.values))
    if mixed:
        weights = parse_weights(rest[-1], project.values, free=True)
    return project, group or DEFAULT_GROUP, weights


def model_names(workspace: Workspace) -> list[str]:
    """Names worth listing: the base, corners and even mix of every complete set of adapters."""
    names = ["base"]
    for project in workspace.projects():
        K = len(project.values)
        for group in project.adapter_sets():
            for weights in (*corners(K), [1 / K] * K):
                text = format_weights(weights, project.values)
                names.append(f"soup:{project.name}/{group}:{text}")
    return names


def _default_project(workspace: Workspace) -> Project:
    projects = {project.name: project for project in workspace.projects()}
    if not projects:
        raise NotFoundError(f"workspace {workspace.root} has no project; create one first")
    return projects.get("demo") or next(iter(projects.values()))

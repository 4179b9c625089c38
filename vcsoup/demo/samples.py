"""Rewards behind the bundle's recorded points, prompt by prompt: one table for all of them.

With them the demo compares its recorded sets pairwise from the first visit on, without measuring.
Torch-free. A bundle without the table opens all the same; its sets are then compared after
measuring.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from vcsoup.workspace import AdapterInfo, Project

FILE = Path("data") / "samples.parquet"


def take_samples(project: Project, bundle: Path) -> int:
    """Write what is measured of a project's adapter sets into a bundle.

    Args:
        project: Whose sets were measured.
        bundle: Bundle folder.

    Returns:
        How many soups were written.
    """
    frames = []
    for group, adapters in project.adapter_sets().items():
        for soup in project.samples.load(project.set_key(adapters)):
            frame = pd.DataFrame(soup.rewards, columns=list(project.values))
            weights = dict(zip(_weight_columns(project), soup.weights, strict=True))
            frame = frame.assign(group=group, seed=soup.seed, **weights)
            frames.append(frame.assign(prompt=list(soup.prompts)))
    if frames:
        path = bundle / FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        pd.concat(frames).to_parquet(path, index=False, compression="zstd")
    return len(frames)


def add_samples(
    project: Project, bundle: Path, sets: Mapping[str, Mapping[str, AdapterInfo]]
) -> None:
    """Put a bundle's rewards into a project, where it has none for that soup yet.

    Args:
        project: The project that the bundle was opened as.
        bundle: Bundle folder.
        sets: The recorded adapters by group and value.
    """
    path = bundle / FILE
    if not path.is_file():
        return
    columns = _weight_columns(project)
    for group, table in pd.read_parquet(path).groupby("group", sort=False):
        key = project.set_key(sets[str(group)])
        known = {(tuple(s.weights.tolist()), s.seed) for s in project.samples.load(key)}
        for (*weights, seed), soup in table.groupby([*columns, "seed"], sort=False):
            if (tuple(np.round(weights, 6).tolist()), int(seed)) not in known:
                project.samples.save(
                    key,
                    dict(zip(project.values, map(float, weights), strict=True)),
                    seed=int(seed),
                    prompts=list(soup["prompt"]),
                    rewards=soup[list(project.values)].to_numpy(dtype=np.float64),
                )


def _weight_columns(project: Project) -> list[str]:
    return [f"{value} weight" for value in project.values]

"""One look at a project's scored datasets: what changed is asked once, the rest comes from memory.

A `Look` knows, per dataset, the stamp of its pairs and rewards at one scale. All that is computed
from them is cached under that stamp, for all sessions, so that new rewards are seen at the next
look and a moved threshold costs no reading. The arrays of a few datasets stay in memory; the small
counts made from them stay for all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import streamlit as st
from numpy.typing import NDArray

from vcsoup.filtering import PairFilter
from vcsoup.machine import give_memory_back
from vcsoup.sweep import Sweep, sweep
from vcsoup.ui import retained
from vcsoup.ui.measures import GRID, Measures, measure
from vcsoup.ui.retained import Figures, Retention
from vcsoup.workspace import Project, Scale

Key = tuple[str, str, Scale, str]
"""Project folder, value, scale, stamp: names the content of a scored dataset."""


@dataclass(frozen=True)
class Look:
    """Cached readings of the datasets as they were when the look was taken.

    Attributes:
        project: The project.
        scale: How gaps are scaled.
        keys: Key per value; its stamp is empty where the value is not scored.
        pair_stamps: Stamp of the pairs per value.
        sizes: Number of pairs per value.
    """

    project: Project
    scale: Scale
    keys: Mapping[str, Key]
    pair_stamps: Mapping[str, str]
    sizes: Mapping[str, int]

    def is_scored(self, value: str) -> bool:
        """Tell whether a value's pairs had current rewards."""
        return value in self.keys and bool(self.keys[value][-1])

    def measures(self, value: str) -> Measures:
        """Return the prepared arrays of a value's pairs. Do not write to them."""
        return _measures(self.keys[value], _project=self.project)

    def figures(self, value: str, wanted: PairFilter) -> Figures:
        """Return what a filter keeps of a value's pairs, exactly."""
        name = (wanted.threshold, wanted.min_norm, wanted.flip)
        return _figures(self.keys[value], name, _project=self.project, _wanted=wanted)

    def trained_among(self, value: str, wanted: PairFilter, rows: NDArray[np.intp]) -> int:
        """Return how many of some rows a run with a filter sees, counted once."""
        name = (wanted.threshold, wanted.min_norm, wanted.flip, rows.tobytes())
        key = self.keys[value]
        return _trained_among(key, name, _project=self.project, _wanted=wanted, _rows=rows)

    def retention(self, value: str, *, min_norm: float = 0.0) -> Retention:
        """Return what every threshold of the grid keeps of a value's pairs."""
        return _retention(self.keys[value], min_norm, _project=self.project)

    def swept(self, value: str, *, min_norm: float = 0.0) -> Sweep:
        """Return the sweep of a value's pairs over the grid of thresholds."""
        return _swept(self.keys[value], min_norm, _project=self.project)

    def pair_rows(self, value: str, rows: Sequence[int]) -> pd.DataFrame:
        """Return some pairs of a value in the order asked, read once per selection of rows."""
        return pair_rows(self.project, value, self.pair_stamps[value], rows)

    def row_of(self, value: str, pair_id: str) -> int | None:
        """Return the position of a pair in a value's dataset, looked up once."""
        stamp = self.pair_stamps[value]
        return _row_of(str(self.project.root), value, stamp, pair_id, _project=self.project)


def look_at(project: Project, values: Sequence[str], scale: Scale | None = None) -> Look:
    """Take a look at some scored datasets.

    Args:
        project: The project.
        values: Whose datasets; scored, or only their pairs can be read.
        scale: How gaps are scaled; the project's way by default.
    """
    scale = scale or project.config.scale
    root, infos = str(project.root), project.datasets()
    stamps = project.rewards_stamps(scale=scale)
    return Look(
        project=project,
        scale=scale,
        keys={v: (root, v, scale, stamps.get(v, "")) for v in values},
        pair_stamps={value: infos[value].hash for value in values},
        sizes={value: infos[value].n for value in values},
    )


def pair_rows(project: Project, value: str, stamp: str, rows: Sequence[int]) -> pd.DataFrame:
    """Return some pairs of a value, whose pairs have a stamp, as `Look.pair_rows` does."""
    wanted = tuple(map(int, rows))
    return _pair_rows(str(project.root), value, stamp, wanted, _project=project)


@st.cache_resource(max_entries=4, show_spinner="Reading rewards")
def _measures(key: Key, *, _project: Project) -> Measures:
    _, value, scale, _ = key
    measured = measure(_project.gaps(value, scale=scale), _project.lengths(value), _project.values)
    _give_back()
    return measured


@st.cache_resource(max_entries=256, show_spinner=False)
def _figures(key: Key, name: object, *, _project: Project, _wanted: PairFilter) -> Figures:
    return retained.figures(_measures(key, _project=_project), _wanted)


@st.cache_resource(max_entries=256, show_spinner=False)
def _trained_among(
    key: Key, name: object, *, _project: Project, _wanted: PairFilter, _rows: NDArray[np.intp]
) -> int:
    return int(_measures(key, _project=_project).trained(_wanted)[_rows].sum())


@st.cache_resource(max_entries=64, show_spinner=False)
def _retention(key: Key, min_norm: float, *, _project: Project) -> Retention:
    return retained.retention(_measures(key, _project=_project), min_norm)


@st.cache_resource(max_entries=64, show_spinner="Sweeping thresholds")
def _swept(key: Key, min_norm: float, *, _project: Project) -> Sweep:
    _, value, scale, _ = key
    gaps = _project.gaps(value, scale=scale)
    swept = sweep(gaps, _project.lengths(value), GRID, min_norm=min_norm)
    del gaps
    _give_back()
    return swept


def _give_back() -> None:
    """Give back what Arrow and malloc keep of a reading; with a million pairs that is much."""
    pa.default_memory_pool().release_unused()
    give_memory_back()


@st.cache_resource(max_entries=32, show_spinner=False)
def _pair_rows(
    root: str, value: str, stamp: str, rows: tuple[int, ...], *, _project: Project
) -> pd.DataFrame:
    return _project.pair_rows(value, rows)


@st.cache_data(max_entries=256, show_spinner=False)
def _row_of(root: str, value: str, stamp: str, pair_id: str, *, _project: Project) -> int | None:
    return _project.row_of(value, pair_id)

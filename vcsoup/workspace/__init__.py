"""Projects on disk: the only package that knows the disk layout.

Records (projects, data sets, filters, points) live in SQLite; tables are parquet files; adapters
are folders that hold a `manifest.json`, written last. Everything is written aside and renamed, so a
killed process leaves the former state behind, and several processes may write at once. Torch-free.

    <workspace>/workspace.sqlite            records
    <workspace>/projects/<name>/pairs/      parquet tables, one folder per value
    <workspace>/projects/<name>/rewards/    the same for their rewards
    <workspace>/projects/<name>/adapters/   one PEFT folder per adapter
    <workspace>/projects/<name>/samples/    rewards of measured soups, prompt by prompt
    <workspace>/consents/                   models whose own code may run, one file each
    <workspace>/jobs, engine, reward_cache  owned by vcsoup.jobs, vcsoup.engine, vcsoup.rewards
"""

from vcsoup.workspace.adapters import AdapterInfo
from vcsoup.workspace.config import ProjectConfig, project_config
from vcsoup.workspace.datasets import DatasetInfo
from vcsoup.workspace.filters import NamedFilter, Scale
from vcsoup.workspace.points import Point
from vcsoup.workspace.project import Project
from vcsoup.workspace.project_bin import RemovedProject
from vcsoup.workspace.removed import RemovedDataset
from vcsoup.workspace.root import Workspace, default_workspace

__all__ = [
    "AdapterInfo",
    "DatasetInfo",
    "NamedFilter",
    "Point",
    "Project",
    "ProjectConfig",
    "RemovedDataset",
    "RemovedProject",
    "Scale",
    "Workspace",
    "default_workspace",
    "project_config",
]

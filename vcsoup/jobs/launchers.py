"""Who runs a queued job: this machine ("local"), or another scheduler by its name.

The queue's runner knows launchers only by what stands here; their modules are loaded when one is
asked for, and need no library of theirs for the question whether they are set up.
"""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol

from vcsoup.errors import JobError

LOCAL = "local"
# Name -> "module:class"; the class is built with the jobs folder.
LAUNCHERS = {"ray": "vcsoup.jobs.ray_launcher:RayLauncher"}


class Launcher(Protocol):
    """Hands jobs to a scheduler that has places of its own."""

    name: str

    def __init__(self, jobs_root: Path) -> None:
        """Work for the jobs below a folder that the scheduler's machines see too."""
        ...

    @staticmethod
    def configured(jobs_root: Path) -> bool:
        """Tell whether jobs can be handed over; must be cheap."""
        ...

    def launch(self, job_path: Path, args: Sequence[str]) -> None:
        """Hand over `python -m vcsoup *args`; twice for one attempt is once.

        Raises:
            VcsoupError: it cannot be done; the job fails with this line.
        """
        ...

    def poll(self, job_path: Path) -> None:
        """Write into the job's folder what the scheduler says; end what should have stopped."""
        ...

    def kill(self, job_path: Path) -> None:
        """End the job at once."""
        ...


def usable_launchers(jobs_root: Path) -> list[str]:
    """Return the launchers that can be used now, "local" first."""
    return [LOCAL, *(name for name in LAUNCHERS if _class(name).configured(jobs_root))]


def launcher_named(name: str, jobs_root: Path) -> Launcher:
    """Return a launcher other than "local".

    Raises:
        JobError: there is none of this name.
    """
    check_launcher(name)
    return _class(name)(jobs_root)


def check_launcher(name: str) -> None:
    """Refuse a name that is no launcher.

    Raises:
        JobError: the message lists those that exist.
    """
    if name != LOCAL and name not in LAUNCHERS:
        known = ", ".join([LOCAL, *LAUNCHERS])
        raise JobError(f"launcher {name!r} is unknown; choose one of {known}")


def _class(name: str) -> type[Launcher]:
    module, _, found = LAUNCHERS[name].partition(":")
    launcher: type[Launcher] = getattr(import_module(module), found)
    return launcher

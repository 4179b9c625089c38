"""The workspace folder: its projects, and where jobs, the engine and the reward cache live."""

import os
from pathlib import Path

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from vcsoup.errors import NotFoundError, WorkspaceError
from vcsoup.home_paths import from_known_home
from vcsoup.workspace.config import ProjectConfig
from vcsoup.workspace.consents import ConsentShelf
from vcsoup.workspace.files import now
from vcsoup.workspace.incoming import IncomingFiles
from vcsoup.workspace.moved import follow_models
from vcsoup.workspace.names import check_slug
from vcsoup.workspace.project import Project
from vcsoup.workspace.project_bin import ProjectBin
from vcsoup.workspace.project_drafts import DraftShelf
from vcsoup.workspace.records import PROJECTS, Records


def default_workspace() -> Path:
    """Return $VCSOUP_WORKSPACE, or ~/.local/share/vcsoup."""
    chosen = os.environ.get("VCSOUP_WORKSPACE")
    return Path(chosen) if chosen else Path.home() / ".local" / "share" / "vcsoup"


class Workspace:
    """A folder of projects; made when it does not exist.

    Raises:
        WorkspaceError: the folder cannot be made or written, or holds something else.

    Example:
        >>> import tempfile
        >>> Workspace(Path(tempfile.mkdtemp()) / "w").projects()
        []
    """

    def __init__(self, root: Path) -> None:
        self.root = from_known_home(root).resolve()
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WorkspaceError(
                f"workspace {self.root} cannot be made ({error.strerror}); "
                "choose a folder that you can write to with --workspace"
            ) from error
        self._records = Records(self.root / "workspace.sqlite")

    @property
    def jobs_root(self) -> Path:
        """The folder of `vcsoup.jobs`."""
        return self._folder("jobs")

    @property
    def incoming(self) -> IncomingFiles:
        """The preference files that are on their way in."""
        return IncomingFiles(self._folder("incoming"))

    @property
    def drafts(self) -> DraftShelf:
        """The projects that are being thought up."""
        return DraftShelf(self._folder("drafts"))

    @property
    def engine_root(self) -> Path:
        """The folder of `vcsoup.engine`."""
        return self._folder("engine")

    @property
    def reward_cache_root(self) -> Path:
        """The folder of `vcsoup.rewards.cache`."""
        return self._folder("reward_cache")

    @property
    def reference_cache_root(self) -> Path:
        """The folder of `vcsoup.training.references`."""
        return self._folder("reference_cache")

    def share(self) -> None:
        """Make the records fit for several machines at once; once is enough, and for good.

        Raises:
            WorkspaceError: another process kept the database open for too long.
        """
        self._records.share()

    @property
    def consents(self) -> ConsentShelf:
        """The consents to run code that ships with models, or to send texts to endpoints."""
        return ConsentShelf(self.root / "consents")

    @property
    def bin(self) -> ProjectBin:
        """The removed projects; `vcsoup.project_removal` puts them there."""
        return ProjectBin(self._records, self.root / "projects")

    def projects(self) -> list[Project]:
        """Return all projects, oldest first."""
        with self._records.read() as connection:
            query = select(PROJECTS.c.config).where(PROJECTS.c.removed == "")
            query = query.order_by(PROJECTS.c.created)
            configs = connection.execute(query).scalars().all()
        return [self._open(ProjectConfig.model_validate_json(config)) for config in configs]

    def project(self, name: str) -> Project:
        """Return the project called `name`.

        Raises:
            NotFoundError: there is none; the message lists those that exist.
        """
        check_slug(name, "project")
        with self._records.read() as connection:
            query = select(PROJECTS).where(PROJECTS.c.name == name)
            row = connection.execute(query).one_or_none()
        if row is not None and row.removed:
            raise NotFoundError(
                f"project {name!r} is in the bin; bring it back on Home, or with "
                f"`python -m vcsoup project restore {name}`"
            )
        if row is None:
            known = ", ".join(project.name for project in self.projects())
            remedy = (
                f"choose one of {known}" if known else "start with `python -m vcsoup demo open`"
            )
            raise NotFoundError(f"workspace {self.root} has no project {name!r}; {remedy}")
        return self._open(ProjectConfig.model_validate_json(row.config))

    def create_project(self, config: ProjectConfig) -> Project:
        """Store a new project.

        Raises:
            WorkspaceError: the name is taken.
        """
        self.bin.forget(config.name)
        row = {"name": config.name, "config": config.model_dump_json(), "created": now()}
        try:
            with self._records.write() as connection:
                connection.execute(insert(PROJECTS).values(row))
        except IntegrityError as error:
            raise WorkspaceError(
                f"project {config.name!r} "
                f"{'is in the bin' if config.name in self.bin.names() else 'exists already'}; "
                "choose another name"
            ) from error
        return self._open(config)

    def update_project(self, config: ProjectConfig) -> Project:
        """Replace the configuration of the project of the same name; its values must stay.

        Changed reward models make stored rewards stale, and hide what they measured of soups; those
        that only lie elsewhere do not.

        Raises:
            NotFoundError: no such project.
            WorkspaceError: the values differ.
        """
        project = self._check_values(config)
        project.judges_known_as(config)  # reads large judges' files before the records are locked
        project.change_config(lambda former: config)
        return self._open(project.config)

    def as_configured(self, config: ProjectConfig) -> Project:
        """Return the project as it would be with other choices; nothing is stored.

        Raises:
            NotFoundError: no such project.
            WorkspaceError: the values differ.
        """
        self._check_values(config)
        return self._open(config)

    def _open(self, config: ProjectConfig) -> Project:
        root = self.root / "projects" / config.name
        (root / "adapters").mkdir(parents=True, exist_ok=True)
        return Project(self._records, follow_models(self._records, config, root), root)

    def _check_values(self, config: ProjectConfig) -> Project:
        former = self.project(config.name)
        if former.values != config.values:
            raise WorkspaceError(
                f"project {config.name} balances {', '.join(former.values)}, "
                f"not {', '.join(config.values)}; create another project for other values"
            )
        return former

    def _folder(self, name: str) -> Path:
        path = self.root / name
        path.mkdir(exist_ok=True)
        return path

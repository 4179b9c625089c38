"""Puts the verbs together and turns a user's mistake into one line."""

import errno
import logging
import os
import select
import sys

import typer

from vcsoup import __version__
from vcsoup.cli import (
    base,
    compare,
    data,
    demo,
    filters,
    jobs,
    project,
    reward,
    run,
    serve,
    soup,
    soup_export,
    study,
    train,
)
from vcsoup.cli.wording import Verbs
from vcsoup.errors import VcsoupError
from vcsoup.library_settings import set_up_libraries
from vcsoup.monitor import StopRequested

USER_ERROR, STOPPED = 2, 130
_FULL = (errno.ENOSPC, errno.EDQUOT)
UNREAD = 141  # as a shell tells of what SIGPIPE ended

app = typer.Typer(
    name="vcsoup",
    cls=Verbs,
    help="VC-Soup Lab: balance several human values in one language model. The exit status is 0, "
    "1 when a check found a fault, 2 for a mistake (one line says which), 130 when stopped.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("run")(run.run)
app.add_typer(project.app, name="project")
app.add_typer(base.app, name="base")
app.add_typer(data.app, name="data")
app.command("score")(data.score)
app.add_typer(reward.app, name="reward")
app.command("filter")(filters.filter_pairs)
app.command("train")(train.train)
app.add_typer(soup_export.app, name="soup")
app.command("evaluate")(soup.evaluate)
app.command("front")(soup.front)
app.command("compare")(compare.compare)
app.command("study")(study.study)
app.add_typer(jobs.app, name="jobs")
app.command("engine")(serve.engine)
app.command("app")(serve.app)
app.add_typer(demo.app, name="demo")


@app.command("version")
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def main() -> None:
    """Run the command line; the exit status is 0, 2 for a user's mistake, 130 when stopped.

    A check that found a fault ends with 1, as what nobody foresaw does, with its traceback. A path
    that the system refuses counts as a mistake of the user, and so does a full disk. Where nobody
    reads the output any more, such as behind `| head -1`, it is 141, as of any tool, and nothing is
    said.
    """
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    set_up_libraries()
    try:
        app()
    except SystemExit as end:
        if end.code == 1 and _nobody_reads():  # typer says 1, which is a check's word for a fault
            sys.exit(UNREAD)
        raise
    except VcsoupError as error:
        _say(" ".join(str(error).split()))
        sys.exit(USER_ERROR)
    except OSError as error:  # such as a path of `--out` that cannot be written
        if error.filename is None:
            if error.errno not in _FULL:
                raise
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is left to say would fail again
            _say(f"{error.strerror}: what was to be written did not fit; make room, and try again")
            sys.exit(USER_ERROR)
        _say(f"{error.filename}: {error.strerror}; choose another path, or mend this one")
        sys.exit(USER_ERROR)
    except (StopRequested, KeyboardInterrupt) as stop:
        _say(str(stop) or "stopped; what was finished is kept")
        sys.exit(STOPPED)


def _nobody_reads() -> bool:
    """Whether the other end of the standard output's pipe is closed."""
    output = select.poll()
    output.register(1, select.POLLOUT)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in output.poll(0))


def _say(line: str) -> None:
    sys.stderr.write(f"vcsoup: {line}\n")

"""Several commands in one process, which the hub's libraries take seconds to start in.

Run as `python tests/hub_commands.py STEPS`, with the variables of `StandinHub.environment`. STEPS
is a JSON list of {"args": arguments of vcsoup, "env": variables, "large": size above which a data
set is large}, or of {"stop": stage in which fetching is stopped, "repo": id}; what came out is
printed as a JSON list of [exit status, output].
"""

import io
import json
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from vcsoup.cli import main
from vcsoup.hub import fetching, looking
from vcsoup.hub.dataset_id import HubData
from vcsoup.monitor import StopRequested


class Stopping:
    """A monitor that asks to stop in one stage."""

    def __init__(self, stage: str) -> None:
        self.stage, self.stop_requested = stage, False

    def report(self, stage: str, done: int, total: int, **figures: object) -> None:
        self.stop_requested = stage == self.stage


def stopped(step: dict) -> tuple[int, str]:
    out = Path("stopped.parquet")
    try:
        fetching.fetch(HubData(step["repo"]), out, monitor=Stopping(step["stop"]))
    except StopRequested as stop:
        return 0, f"{stop}; {out.exists()}"
    return 1, "it went on"


def run(step: dict) -> tuple[int, str]:
    if "stop" in step:
        return stopped(step)
    os.environ.update(step.get("env", {}))
    large = step.get("large", 256 * 2**20)
    fetching.WHOLE_BYTES = looking.WHOLE_BYTES = large
    fetching.FIRST_ROWS = looking.FIRST_ROWS = 4 if "large" in step else 20_000
    sys.argv = ["vcsoup", *step["args"]]
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(out):
        try:
            main()
            status = 0
        except SystemExit as end:
            status = int(end.code or 0)
    return status, out.getvalue()


if __name__ == "__main__":
    results = [run(step) for step in json.loads(sys.argv[1])]
    sys.stdout.write("\n=====\n" + json.dumps(results))

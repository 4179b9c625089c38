"""How long a command of the app takes to begin: a new process against a fork of one that is ready.

    python benchmarks/command_start.py [--rounds 5]

The command is a look at a tiny base (`vcsoup base look`), which computes for a moment and ends; so
nearly all of its time goes into loading torch, transformers, peft and trl. Both ways go through
`Jobs.start`, as a click does, in turn, in one run; medians. Also the fork server's own cost: the
seconds until it is ready and its memory.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.tiny_models import tiny_causal
from vcsoup.jobs import Jobs
from vcsoup.jobs.forked import SOCKET
from vcsoup.jobs.preload import fork_server
from vcsoup.workspace import Workspace


def seconds_of(jobs: Jobs, base: Path) -> float:
    """Start the command and wait for its end."""
    began = time.perf_counter()
    args = ["base", "look", "--workspace", str(jobs.root.parent), "--", str(base)]
    job = jobs.start(args, kind="look", title="Looking at the base")
    while job.active:
        time.sleep(0.01)
    assert job.state == "done", job.error
    return time.perf_counter() - began


def main() -> None:
    """Measure both ways and print the medians."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        base = tiny_causal("gpt2", Path(folder) / "base")
        plain = Jobs(Workspace(Path(folder) / "plain").jobs_root)
        ready = Jobs(Workspace(Path(folder) / "ready").jobs_root)
        began = time.perf_counter()
        with fork_server(ready.root):
            while not (ready.root / SOCKET).exists():
                time.sleep(0.05)
            until_ready = time.perf_counter() - began
            server = psutil.Process().children()[0]
            pairs = [(seconds_of(plain, base), seconds_of(ready, base)) for _ in range(rounds)]
            memory = server.memory_info().rss / 2**20
    new, forked = (statistics.median(column) for column in zip(*pairs, strict=True))
    sys.stdout.write(
        f"new process {new:.2f} s, fork {forked:.2f} s: {new / forked:.1f}x\n"
        f"the fork server was ready after {until_ready:.1f} s and takes {memory:.0f} MiB\n"
    )


if __name__ == "__main__":
    main()

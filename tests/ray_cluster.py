"""A real Ray on this machine: a head that takes no work, and a second node that does it all.

Each is a `ray start --block` of its own, which ends its processes when it is ended; nothing else of
Ray on this machine is touched. Authentication is on, with a token of the test's own.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from vcsoup.errors import JobError
from vcsoup.jobs.ray_cluster import RayCluster

RAY = Path(sys.executable).with_name("ray")
START_S = 120.0


@dataclass(frozen=True)
class TwoNodes:
    """A running cluster.

    Attributes:
        address: Of its job server.
        token: What it wants to be shown.
        worker: The second node's process.
    """

    address: str
    token: str
    worker: subprocess.Popen[bytes]


@contextmanager
def two_node_ray() -> Iterator[TwoNodes]:
    """Start a head without CPUs and a second node with one; end both afterwards."""
    # Ray's sockets lie below this folder, and their paths have to be short.
    folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))
    token, (port, dashboard, client) = secrets.token_hex(16), _free_ports(3)
    environment = {
        **{name: text for name, text in os.environ.items() if not name.startswith("RAY_")},
        **{"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token, "RAY_USAGE_STATS_ENABLED": "0"},
    }
    head = ["--head", "--port", port, "--dashboard-port", dashboard, "--num-cpus", "0"]
    head += ["--temp-dir", str(folder / "r"), "--ray-client-server-port", client]
    node = ["--address", f"127.0.0.1:{port}", "--num-cpus", "1"]
    node += ["--dashboard-agent-listen-port", "0"]
    started: list[subprocess.Popen[bytes]] = []
    try:
        started.append(_start(head, folder / "head.log", environment))
        cluster = RayCluster(f"http://127.0.0.1:{dashboard}", token)
        _wait_for_port(int(port))
        started.append(_start(node, folder / "node.log", environment))
        _wait(cluster, folder / "node.log")
        yield TwoNodes(cluster.address, token, started[1])
    finally:
        for process in reversed(started):
            _end(process)
        shutil.rmtree(folder, ignore_errors=True)


def _start(args: list[str], log: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    small = ["--object-store-memory", "80000000", "--include-log-monitor", "false"]
    with log.open("wb") as output:
        return subprocess.Popen(
            [str(RAY), "start", "--block", "--disable-usage-stats", *small, *args],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def _wait(cluster: RayCluster, log: Path) -> None:
    end = time.monotonic() + START_S
    while True:
        with suppress(JobError):
            if cluster.version() and "Ray runtime started" in log.read_text(errors="replace"):
                return
        if time.monotonic() > end:
            raise TimeoutError(f"Ray did not start: {log.read_text(errors='replace')[-800:]}")
        time.sleep(0.2)


def _wait_for_port(port: int) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise TimeoutError(f"Ray's head did not listen on {port}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a node: it stops what it started; what does not stop is killed with its session."""
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(15)


def _free_ports(count: int) -> list[str]:
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [str(one.getsockname()[1]) for one in held]
    finally:
        for one in held:
            one.close()

"""`make faults`: hit trainings, the queue and the disk, and show that nothing is lost.

kill -9 of training processes at random moments (while a checkpoint is being written, too), of the
queue's runner and of the app's server; a full disk and read-only folders. After each fault nothing
half-written may be listed as whole, every run must resume, and its end must be the uninterrupted
run's, in every loss of every step and every weight. Prints a table; exit status 1 otherwise.

    python -m tests.faults.run --kills 50 --seed 0
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.kills import kill_runners, kill_trainings
from tests.faults.ledger import Row, table
from tests.faults.scene import Scene
from tests.faults.servers import kill_servers

REPO = Path(__file__).parents[2]


def main() -> int:
    """Inject all faults; return the exit status."""
    options = _options()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        scene = Scene(Path(folder), steps=options.steps)
        try:
            rows = _rows(scene, options)
        finally:
            scene.close()
    rows += _disk_rows(options)
    sys.stdout.write(table(rows) + "\n")
    clean = all(row.clean for row in rows)
    sys.stdout.write(
        f"{time.monotonic() - began:.0f} s; "
        + ("nothing lost, every run resumed\n" if clean else "see the complaints above\n")
    )
    return 0 if clean else 1


def _rows(scene: Scene, options: argparse.Namespace) -> list[Row]:
    _say("the uninterrupted run")
    reference = scene.end_of(scene.finish(scene.begin("reference")))
    _say(f"{options.kills} kills of trainings")
    rows = kill_trainings(scene, reference, kills=options.kills, seed=options.seed)
    _say("kills of the queue's runner")
    rows.append(kill_runners(scene, reference, kills=options.runners, seed=options.seed))
    _say("kills of the app's server")
    rows.append(kill_servers(scene, kills=options.servers, seed=options.seed))
    return rows


def _disk_rows(options: argparse.Namespace) -> list[Row]:
    """Run the faults of disks in a mount namespace of their own."""
    _say("full disk and read-only folders")
    unshare = shutil.which("unshare")
    if unshare is None or not Path("/proc/self/ns/mnt").exists():
        return [_not_tried("unshare is not at hand")]
    alone = [unshare, "--mount"] if os.geteuid() == 0 else [unshare, "-U", "-r", "--mount"]
    if subprocess.run([*alone, "true"], check=False, capture_output=True).returncode:
        return [_not_tried("this machine allows no mount namespace")]
    command = [sys.executable, "-m", "tests.faults.disks", str(options.steps), str(options.seed)]
    done = subprocess.run([*alone, *command], cwd=REPO, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        return [_not_tried(f"tests.faults.disks ended with {done.returncode}, see above")]
    return [Row(**row) for row in json.loads(done.stdout.splitlines()[-1])]


def _not_tried(reason: str) -> Row:
    return Row("full disk, read-only folder", stuck=[f"not tried: {reason}"])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50, help="of training processes")
    parser.add_argument("--runners", type=int, default=4, help="kills of the queue's runner")
    parser.add_argument("--servers", type=int, default=2, help="kills of the app's server")
    parser.add_argument("--steps", type=int, default=40, help="of each training")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    return parser.parse_args()


def _say(line: str) -> None:
    sys.stderr.write(f"[{time.strftime('%H:%M:%S')}] {line}\n")


if __name__ == "__main__":
    sys.exit(main())

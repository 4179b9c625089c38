"""`python -m vcsoup` as a shell starts it: from any folder, and into any output."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]


def test_python_m_vcsoup_from_another_folder(tmp_path):
    """The whole way through the interpreter: exit status 2, one line, no traceback."""
    result = subprocess.run(
        [sys.executable, "-m", "vcsoup", "project", "show", "none", "-w", str(tmp_path / "w")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPO)},
        capture_output=True,
        text=True,
    )
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("vcsoup: workspace ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "verb", [("version",), ("reward", "presets"), ("reward", "presets", "--json")]
)
def test_output_that_nobody_reads_ends_a_command_as_any_tool(verb):
    """As behind `| true`: nothing is said, and the status is that of a closed pipe."""
    reading, writing = os.pipe()
    os.close(reading)
    result = subprocess.run(
        [sys.executable, "-m", "vcsoup", *verb], cwd=REPO, stdout=writing, stderr=subprocess.PIPE
    )
    os.close(writing)
    assert (result.returncode, result.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no full device")
@pytest.mark.parametrize("verb", [("version",), ("reward", "presets"), ("--help",)])
def test_output_that_finds_no_room_is_one_line(verb):
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "vcsoup", *verb], cwd=REPO, stdout=full, stderr=subprocess.PIPE
        )
    assert (result.returncode, result.stderr.count(b"\n")) == (2, 1)
    assert result.stderr.startswith(b"vcsoup: No space left on device")

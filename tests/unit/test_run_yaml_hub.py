"""A project file whose data lie on a hub: fetched once, known again by commit and part."""

import json
import os
import subprocess
import sys
from pathlib import Path

import yaml

from tests.standin_hub import standin_hub

ROOT = Path(__file__).parents[2]
FILE = """
project: mine
base: org/base
values:
  helpful:
    data: {source: org/prefs, split: test}
  harmless:
    data: {source: org/prefs, limit: 3}
"""


def lines(n: int, word: str) -> bytes:
    rows = [{"prompt": f"{word} {i}?", "chosen": f"Yes {i}.", "rejected": "No."} for i in range(n)]
    return "\n".join(map(json.dumps, rows)).encode()


def commands(home: Path, *steps: list[str], **changes: str) -> list[tuple[int, str]]:
    env = {**os.environ, **changes, "VCSOUP_WORKSPACE": str(home / "w"), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [
            sys.executable,
            str(ROOT / "tests" / "hub_commands.py"),
            json.dumps([{"args": step} for step in steps]),
        ],
        env=env,
        cwd=home,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.rpartition("\n=====\n")[2])


def states(output: str) -> list[str]:
    return [step["state"] for step in json.loads(output[output.index("{") :])["steps"]]


def test_data_of_a_hub_are_read_once_and_pinned(tmp_path: Path):
    """The second run asks nobody; the written file names the commit; a new limit reads again."""
    path = tmp_path / "project.yaml"
    path.write_text(FILE)
    run = ["run", str(path), "--until", "data", "--json"]
    with standin_hub() as hub:
        files = {"data/train.jsonl": lines(7, "Sky"), "data/test.jsonl": lines(4, "Sea")}
        commit = hub.add("org/prefs", files)
        first, again = commands(tmp_path, run, run, **hub.environment(tmp_path))
        assert first[0] == again[0] == 0, (first, again)
        assert states(first[1]) == ["made", "made"]
        assert states(again[1]) == ["there", "there"]
        hub.add("org/prefs", {"data/train.jsonl": lines(9, "New")})  # the branch moves on
        path.write_text(FILE.replace("limit: 3", "limit: 5, revision: " + commit))
        told = ["project", "yaml", "mine"]
        changed, written = commands(tmp_path, run, told, **hub.environment(tmp_path))
        assert states(changed[1]) == ["there", "made"]
    data = {
        name: entry["data"]
        for name, entry in yaml.safe_load(written[1][written[1].index("project:") :])[
            "values"
        ].items()
    }
    assert data["helpful"]["revision"] == data["harmless"]["revision"] == commit
    assert data["helpful"]["split"] == "test"
    assert data["harmless"]["limit"] == 5


def test_what_the_hub_refuses_is_one_line(tmp_path: Path):
    path = tmp_path / "project.yaml"
    path.write_text(FILE.replace("org/prefs", "org/gone"))
    with standin_hub() as hub:
        ((code, out),) = commands(
            tmp_path, ["run", str(path), "--until", "data"], **hub.environment(tmp_path)
        )
    assert code == 2
    assert "org/gone" in out
    assert "Traceback" not in out

"""`jobs ray`: set, try and forget the Ray cluster of a workspace; a stand-in speaks for it."""

import json
import sys

import pytest

from tests.fake_ray import TOKEN, fake_ray
from vcsoup.cli import main
from vcsoup.jobs import Jobs


@pytest.fixture
def run(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    monkeypatch.delenv("RAY_API_SERVER_ADDRESS", raising=False)

    def run(*args: str) -> tuple[int, str, str]:
        argv = ["vcsoup", "jobs", "ray", *args, "--workspace", str(tmp_path / "w")]
        monkeypatch.setattr(sys, "argv", argv)
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        return int(end.value.code or 0), *capfd.readouterr()

    return run


def test_a_cluster_is_set_shown_and_forgotten(run, tmp_path):
    with fake_ray() as server:
        status, out, _ = run("--address", server.address, "--num-gpus", "1", "--json")
        assert (status, json.loads(out)["ray"]) == (0, "2.60.0")
        run("--resource", "fast=2", "--env", "HF_HOME=/data/hf")
        shown = json.loads(run("--json")[1])
        assert (shown["address"], shown["num_gpus"]) == (server.address, 1.0)
        assert (shown["resources"], shown["env"]) == ({"fast": 2.0}, ["HF_HOME"])
    jobs = Jobs(tmp_path / "w" / "jobs")
    assert jobs.launchers() == ["local", "ray"]
    assert TOKEN not in (jobs.root / "ray.json").read_text()
    assert run("--off")[0] == 0
    assert jobs.launchers() == ["local"]


@pytest.mark.parametrize(
    ("args", "line"),
    [
        ((), "address: it is missing; name its job server with --address http://HEAD:8265"),
        (("--address", "head:8265"), "address: expected the job server's http(s) address"),
        (("--address", "http://127.0.0.1:1"), "does not answer"),
        (("--address", "http://h:1", "--num-cpus", "-1"), "num_cpus"),
        (("--address", "http://h:1", "--resource", "fast"), "'fast' is no NAME=AMOUNT"),
    ],
)
def test_mistakes_are_one_line(run, args, line):
    status, _, err = run(*args)
    assert (status, err.count("\n")) == (2, 1)
    assert line in err


def test_a_wrong_token_is_said(run, monkeypatch):
    monkeypatch.setenv("RAY_AUTH_TOKEN", "wrong")
    with fake_ray() as server:
        status, _, err = run("--address", server.address)
    assert status == 2
    assert "does not accept the token" in err


def test_a_workspace_with_a_cluster_is_shared(run, tmp_path):
    with fake_ray() as server:
        run("--address", server.address)
    assert (tmp_path / "w" / "shared").exists()

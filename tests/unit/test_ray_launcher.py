"""Jobs at a Ray that a stand-in speaks for; `tests/e2e/test_ray_page.py` tries a real one."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.fake_ray import TOKEN, FakeRay, fake_ray
from vcsoup.errors import JobError
from vcsoup.jobs import Job, ray_notes
from vcsoup.jobs import folder as files
from vcsoup.jobs.ray_launcher import RayLauncher
from vcsoup.jobs.ray_settings import RaySettings, ray_token
from vcsoup.jobs.remote import read_remote, remote_state

NODE = {"driver_agent_http_address": "http://192.0.2.7:52365", "driver_node_id": "cb92068816955"}


@pytest.fixture
def ray(monkeypatch):
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    monkeypatch.delenv("RAY_API_SERVER_ADDRESS", raising=False)
    with fake_ray() as server:
        yield server


@pytest.fixture
def launcher(ray: FakeRay, tmp_path: Path) -> RayLauncher:
    settings = RaySettings(address=ray.address, python=sys.executable, num_gpus=1, env={"A": "b"})
    settings.save(tmp_path)
    return RayLauncher(tmp_path)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    path = files.new_folder(tmp_path, "train")
    spec = {"args": ["train", "--value", "it's"], "kind": "train", "title": "helpful"}
    files.write(path / files.SPEC, {**spec, "created": files.utc_now(), "launcher": "ray"})
    return Job(path)


def run_entrypoint(ray: FakeRay) -> subprocess.CompletedProcess[str]:
    """Run what Ray was handed as Ray does: by sh, with the variables added."""
    handed = ray.submitted[-1]
    environment = {**os.environ, **handed["runtime_env"]["env_vars"]}
    return subprocess.run(
        ["/bin/sh", "-c", handed["entrypoint"]],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_job_goes_to_ray_with_what_it_needs(ray, launcher, job):
    launcher.launch(job.path, job.args)
    (handed,) = ray.submitted
    assert (handed["entrypoint_num_cpus"], handed["entrypoint_num_gpus"]) == (1.0, 1.0)
    added = handed["runtime_env"]["env_vars"]
    assert (added["VCSOUP_JOB"], added["A"]) == (str(job.path.resolve()), "b")
    assert TOKEN not in json.dumps(handed) + (job.path / "remote.json").read_text()
    assert (job.state, remote_state(job.path)) == ("queued", "queued")


def test_a_run_on_several_gpus_is_one_process_per_gpu(ray, launcher, job, tmp_path):
    RaySettings(address=ray.address, python="py", num_gpus=4).save(tmp_path)
    launcher.launch(job.path, job.args)
    assert ray.submitted[0]["entrypoint_num_gpus"] == 4.0
    started = "exec py -m accelerate.commands.launch --num_processes 4 -m vcsoup train --value"
    assert started in ray.submitted[0]["entrypoint"]


def test_launching_an_attempt_twice_submits_it_once(ray, launcher, job):
    launcher.launch(job.path, job.args)
    launcher.launch(job.path, job.args)
    # A launcher that was killed before it could note Ray's answer.
    note = read_remote(job.path)
    files.write(job.path / "remote.json", {**vars(note), "status": "submitting"})
    launcher.launch(job.path, job.args)
    assert len(ray.submitted) == 1
    assert read_remote(job.path).status == "pending"


def test_states_and_node_follow_ray(ray, launcher, job, monkeypatch):
    launcher.launch(job.path, job.args)
    ray.say("RUNNING", "Job is currently running.", **NODE)
    launcher.poll(job.path)
    assert (job.state, job.where) == ("running", "192.0.2.7, node cb920688")
    (job.path / files.IDENTITY).write_text("{}")  # it had become a worker
    ray.say("FAILED", "exit code -9", **NODE)
    launcher.poll(job.path)
    assert job.state == "running"  # its result may be on the way
    monkeypatch.setattr("vcsoup.jobs.remote.SETTLE_S", 0.0)
    assert (job.state, job.where) == ("lost", "192.0.2.7, node cb920688")
    assert not (job.path / files.RESULT).exists()


def test_a_clock_set_back_does_not_let_an_ended_job_run_on(ray, launcher, job):
    launcher.launch(job.path, job.args)
    (job.path / files.IDENTITY).write_text("{}")
    ray.say("FAILED", "exit code -9", **NODE)
    launcher.poll(job.path)
    note = read_remote(job.path)
    files.write(job.path / "remote.json", {**vars(note), "since": time.time() + 3600})
    assert job.state == "lost"


def test_a_result_of_the_worker_is_the_state(ray, launcher, job):
    launcher.launch(job.path, job.args)
    files.write(job.path / files.RESULT, {"state": "done", "result": {"steps": 3}})
    ray.say("SUCCEEDED")
    launcher.poll(job.path)
    assert (job.state, job.result) == ("done", {"steps": 3})


def test_what_fails_before_it_is_a_worker_fails_with_rays_words(ray, launcher, job):
    launcher.launch(job.path, job.args)
    ray.say(
        "FAILED",
        "Job entrypoint command failed with exit code 127, last available logs:\n"
        "2026-11-23 12:32:14,364\tINFO job_manager.py:581 -- Runtime env is setting up.\n"
        "/bin/sh: 1: exec: /opt/python: not found\n"
        "Running entrypoint for job vcsoup-x: exec /opt/python\n",
    )
    launcher.poll(job.path)
    assert job.state == "failed"
    assert job.error == "Ray could not run it: /bin/sh: 1: exec: /opt/python: not found"


def test_a_submission_that_ray_forgot_is_lost(ray, launcher, job, monkeypatch):
    launcher.launch(job.path, job.args)
    ray.jobs.clear()
    launcher.poll(job.path)
    monkeypatch.setattr("vcsoup.jobs.remote.SETTLE_S", 0.0)
    assert job.state == "lost"


def test_waiting_too_long_at_ray_is_no_failure(ray, launcher, job):
    launcher.launch(job.path, job.args)
    first = ray.submitted[0]
    ray.say("FAILED", "did not start in time", error_type="JOB_SUPERVISOR_ACTOR_START_TIMEOUT")
    launcher.poll(job.path)
    assert job.state == "queued"
    assert [handed["entrypoint"] for handed in ray.submitted] != [first["entrypoint"]] * 2
    launcher.poll(job.path)
    assert (len(ray.submitted), job.state) == (2, "queued")


def test_stop_before_ray_begins_takes_the_ticket_back(ray, launcher, job, monkeypatch):
    """Ray cannot stop what it has not begun: the command itself must then do nothing."""
    launcher.launch(job.path, job.args)
    (job.path / files.STOP).write_text("20")
    launcher.poll(job.path)
    monkeypatch.setattr("vcsoup.jobs.remote.SETTLE_S", 0.0)
    assert job.state == "stopped"
    assert ray.stopped == [ray.submitted[0]["submission_id"]]
    ended = run_entrypoint(ray)
    assert (ended.returncode, (job.path / files.LOG).exists()) == (0, False)


@pytest.mark.parametrize(("asked_s_ago", "killed"), [(1, 0), (30, 1)])
def test_a_running_job_has_its_grace_before_ray_kills_it(ray, launcher, job, asked_s_ago, killed):
    launcher.launch(job.path, job.args)
    ray.say("RUNNING", **NODE)
    asked = job.path / files.STOP
    asked.write_text("20")
    os.utime(asked, (time.time() - asked_s_ago,) * 2)
    launcher.poll(job.path)
    assert (len(ray.stopped), job.state) == (killed, "stopping")


def test_who_asks_again_does_not_wait_for_a_long_step_elsewhere(ray, launcher, job):
    """The worker asked for a minute; "End now" has no process here that it could kill."""
    launcher.launch(job.path, job.args)
    ray.say("RUNNING", **NODE)
    launcher.poll(job.path)
    job.stop()
    (job.path / files.PATIENCE).write_text("60")
    job.stop(grace=0.0)
    launcher.poll(job.path)
    assert len(ray.stopped) == 1


def test_kill_ends_at_once(ray, launcher, job):
    launcher.launch(job.path, job.args)
    ray.say("RUNNING", **NODE)
    launcher.poll(job.path)
    launcher.kill(job.path)
    assert len(ray.stopped) == 1


def test_the_command_logs_into_the_job_and_keeps_its_quotes(ray, launcher, job):
    launcher.launch(job.path, job.args)
    assert run_entrypoint(ray).returncode == 2
    assert "it's" not in job.log_tail(1)[0]  # no such project: the line of the real command
    assert job.log_tail(1)[0].startswith("vcsoup: ")


def test_a_node_that_does_not_see_the_workspace_says_so(ray, launcher, job):
    launcher.launch(job.path, job.args)
    job.path.rename(job.path.with_name("elsewhere"))
    ended = run_entrypoint(ray)
    assert ended.returncode == 3
    assert "this node does not see" in ended.stdout
    assert "storage that every node mounts" in ended.stdout


def test_a_silent_cluster_is_an_error_but_no_loss_until_the_worker_is_silent_too(
    ray, launcher, job, monkeypatch
):
    launcher.launch(job.path, job.args)
    ray.say("RUNNING", **NODE)
    launcher.poll(job.path)
    ray.broken = True
    with pytest.raises(JobError, match="answered 500: RuntimeError: the head node has a bad day"):
        launcher.poll(job.path)
    assert job.state == "running"
    monkeypatch.setattr(ray_notes, "SILENCE_S", 0.0)
    monkeypatch.setattr("vcsoup.jobs.remote.SETTLE_S", 0.0)
    with pytest.raises(JobError):
        launcher.poll(job.path)
    assert job.state == "lost"


def test_a_cluster_that_is_coming_up_is_tried_again(ray, launcher, job):
    ray.coming_up = True
    launcher.launch(job.path, job.args)
    with pytest.raises(JobError, match="took no job: Exception: No available agent"):
        launcher.poll(job.path)
    assert (job.state, ray.submitted) == ("queued", [])
    ray.coming_up = False
    launcher.poll(job.path)
    assert (job.state, len(ray.submitted)) == ("queued", 1)
    assert run_entrypoint(ray).returncode == 2  # its ticket is good
    assert read_remote(job.path).silent_since is None


def test_a_cluster_that_stays_away_fails_the_job_with_a_line(ray, launcher, job, monkeypatch):
    monkeypatch.setenv("RAY_API_SERVER_ADDRESS", "http://127.0.0.1:1")
    launcher.launch(job.path, job.args)
    assert job.state == "queued"
    monkeypatch.setattr(ray_notes, "SILENCE_S", 0.0)
    with pytest.raises(JobError):
        launcher.poll(job.path)
    assert job.state == "failed"
    assert job.error == (
        "Ray's job server at http://127.0.0.1:1 does not answer (ConnectError); "
        "start the cluster or mend the address"
    )
    assert list(job.path.glob("ticket-*")) == []


def test_a_refusal_later_fails_the_job(ray, launcher, job, monkeypatch):
    ray.coming_up = True
    launcher.launch(job.path, job.args)
    monkeypatch.setenv("RAY_AUTH_TOKEN", "wrong")
    with pytest.raises(JobError, match="does not accept the token"):
        launcher.poll(job.path)
    assert job.state == "failed"
    assert "set RAY_AUTH_TOKEN" in job.error


def test_stop_before_ray_has_answered_submits_nothing(ray, launcher, job, monkeypatch):
    ray.coming_up = True
    launcher.launch(job.path, job.args)
    (job.path / files.STOP).write_text("20")
    ray.coming_up = False
    launcher.poll(job.path)
    monkeypatch.setattr("vcsoup.jobs.remote.SETTLE_S", 0.0)
    assert (job.state, ray.submitted) == ("stopped", [])


def test_errors_name_the_remedy(ray, launcher, job, monkeypatch, tmp_path):
    monkeypatch.setenv("RAY_AUTH_TOKEN", "wrong")
    with pytest.raises(JobError, match=r"does not accept the token.*set RAY_AUTH_TOKEN"):
        launcher.launch(job.path, job.args)
    assert list(job.path.glob("ticket-*")) == []
    (job.path / "remote.json").unlink()
    (tmp_path / "ray.json").unlink()
    with pytest.raises(JobError, match="no Ray cluster is named"):
        launcher.launch(job.path, job.args)


def test_settings_are_found_checked_and_hold_no_token(tmp_path, monkeypatch):
    monkeypatch.delenv("RAY_API_SERVER_ADDRESS", raising=False)
    assert not RayLauncher.configured(tmp_path)
    assert RaySettings.load(tmp_path) is None
    RaySettings(address="http://head:8265/").save(tmp_path)
    assert RayLauncher.configured(tmp_path)
    assert RaySettings.load(tmp_path).address == "http://head:8265"
    monkeypatch.setenv("RAY_API_SERVER_ADDRESS", "http://other:8265")
    assert RaySettings.load(tmp_path).address == "http://other:8265"
    (tmp_path / "ray.json").write_text('{"adress": "x"}')
    with pytest.raises(JobError, match=r"ray\.json: adress: there is no such entry"):
        RaySettings.load(tmp_path)
    (tmp_path / "ray.json").write_text("{")
    with pytest.raises(JobError, match="is not JSON"):
        RaySettings.load(tmp_path)


def test_the_token_is_found_as_ray_finds_it(tmp_path, monkeypatch):
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    monkeypatch.delenv("RAY_AUTH_TOKEN_PATH", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert ray_token() is None
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("at home\n")
    assert ray_token() == "at home"
    named = tmp_path / "token"
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(named))
    with pytest.raises(JobError, match="cannot be read"):
        ray_token()
    named.write_text("named")
    assert ray_token() == "named"
    monkeypatch.setenv("RAY_AUTH_TOKEN", "said")
    assert ray_token() == "said"

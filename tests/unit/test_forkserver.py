"""Workers that are forked from a process which has the libraries loaded: as if they were started.

The commands are real ones, since the fork server runs no other: a look at a base that ends by
itself, and the engine, which goes on until somebody ends it.
"""

import os
import resource
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import pytest

import vcsoup
from tests.job_processes import few_libraries_server, wait_until
from tests.tiny_models import tiny_causal
from vcsoup.errors import JobError
from vcsoup.jobs import Job, Jobs, forkserver, preload
from vcsoup.jobs.folder import IDENTITY, LOCK, is_locked, read
from vcsoup.jobs.forked import SOCKET, Forked, address, fork
from vcsoup.jobs.preload import fork_server
from vcsoup.jobs.spawn import PYTHON_ARGS, spawn
from vcsoup.jobs.starting import new_spec, start_now
from vcsoup.workspace import Workspace

WAIT = 120.0
SERVER = "vcsoup.jobs.forkserver"
NAME = "PYTEST_CURRENT_TEST"
GREETING = b'{"ready": true}\n'
PACKAGE = str(Path(vcsoup.__file__).parents[1])


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[Workspace]:
    """A workspace, in a folder of a long name, with a fork server that is ready."""
    root = tmp_path_factory.mktemp("w" * 120)
    workspace = Workspace(root)
    os.environ.pop(NAME, None)
    with fork_server(workspace.jobs_root):
        wait_until(lambda: (workspace.jobs_root / SOCKET).exists(), WAIT)
        yield workspace


@pytest.fixture
def jobs(served: Workspace) -> Iterator[Jobs]:
    jobs = Jobs(served.jobs_root)
    yield jobs
    for job in jobs.list():
        job.stop(grace=0.0)
    wait_until(lambda: not any(job.active for job in jobs.list()), WAIT)


def start(jobs: Jobs, *args: str) -> Job:
    os.environ.pop(NAME, None)  # it is another one in every test, so environments would differ
    return jobs.start([*args, "--workspace", str(jobs.root.parent)], kind="test", title="Testing")


def process_of(job: Job) -> psutil.Process:
    wait_until(lambda: read(job.path / IDENTITY) is not None, WAIT)
    return psutil.Process((read(job.path / IDENTITY) or {})["pid"])


def parent_of(job: Job) -> str:
    return " ".join(process_of(job).parent().cmdline())


def ended(job: Job) -> Job:
    wait_until(lambda: not job.active, WAIT)
    return job


def engine(jobs: Jobs) -> Job:
    job = start(jobs, "engine")
    wait_until(lambda: job.state == "running", WAIT)
    return job


def test_a_forked_worker_ends_as_a_started_one(jobs: Jobs, tmp_path: Path, monkeypatch):
    """The same result and the same words, in a session of its own, in the starter's folder."""
    tiny_causal("gpt2", tmp_path / "base")
    monkeypatch.chdir(tmp_path)
    forked = ended(start(jobs, "base", "look", "base"))
    assert forked.error is None
    monkeypatch.setattr("vcsoup.jobs.spawn.fork", lambda *_, **__: None)
    started = ended(start(jobs, "base", "look", "base"))
    assert started.state == forked.state == "done"
    assert forked.id != started.id
    results = [dict(job.result or {}) for job in (forked, started)]
    assert all(result.pop("memory") for result in results)  # of this moment
    assert results[0] == results[1] != {}
    wait_until(lambda: len(forked.log_tail()) == len(started.log_tail()) > 0)  # told at the end
    assert forked.log_tail()[:5] == started.log_tail()[:5]


def test_a_forked_worker_is_the_servers_child_and_leads_its_own_session(jobs: Jobs):
    job = engine(jobs)
    process = process_of(job)
    assert SERVER in parent_of(job)
    assert os.getsid(process.pid) == process.pid
    assert is_locked(job.path / LOCK)
    job.stop()
    assert ended(job).state in ("stopped", "done")
    assert job.error is None


def test_a_killed_one_is_lost_and_its_lock_is_free(jobs: Jobs):
    """The lock's descriptor went through the server, which must not keep a copy of it."""
    job = engine(jobs)
    process_of(job).send_signal(signal.SIGKILL)
    assert ended(job).state == "lost"
    assert not is_locked(job.path / LOCK)


def test_a_command_that_never_begins_fails_with_its_last_words(jobs: Jobs):
    job = ended(start(jobs, "base", "look", "--nonsense", "x"))
    wait_until(lambda: job.state == "failed", WAIT)  # whoever started it says so, a moment later
    assert "nonsense" in job.error


def test_the_end_of_a_worker_is_told_with_its_status(jobs: Jobs, monkeypatch):
    seen: list[int] = []
    monkeypatch.setattr(
        "vcsoup.jobs.spawn._see_off", lambda job, process, attempt: seen.append(process.wait())
    )
    ended(start(jobs, "engine", "--port", "99999999"))
    wait_until(lambda: bool(seen), WAIT)
    assert seen == [2]


def test_another_environment_gets_a_process_of_its_own(jobs: Jobs, monkeypatch, tmp_path: Path):
    """Libraries read HF_HOME when they are loaded, so it cannot be changed for a fork."""
    spawned: list[subprocess.Popen[bytes]] = []
    monkeypatch.setattr(
        "vcsoup.jobs.spawn.spawn",
        lambda *args, **options: spawned.append(spawn(*args, **options)) or spawned[-1],
    )
    ended(start(jobs, "base", "look", "--nonsense", "y"))
    assert spawned == []
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    ended(start(jobs, "base", "look", "--nonsense", "z"))
    assert len(spawned) == 1


def test_a_second_app_of_a_workspace_takes_the_first_ones_server(jobs: Jobs):
    before = (jobs.root / SOCKET).stat().st_ino
    with fork_server(jobs.root):
        assert SERVER in parent_of(engine(jobs))
    assert (jobs.root / SOCKET).stat().st_ino == before


def test_without_it_commands_start_as_ever(tmp_path: Path, monkeypatch):
    """Switched off, or where the system cannot: nothing is made, and a stale socket hurts not."""
    monkeypatch.setenv(preload.VARIABLE, "0")
    workspace = Workspace(tmp_path)
    with fork_server(workspace.jobs_root):
        assert not (workspace.jobs_root / preload.LOG).exists()
        (workspace.jobs_root / SOCKET).touch()
        job = ended(start(Jobs(workspace.jobs_root), "base", "look", "--nonsense", "x"))
    assert "nonsense" in job.error


def test_a_server_that_hangs_is_done_without(tmp_path: Path):
    """It may be stopped, or starved; what it never heard of it cannot fork later."""
    workspace = Workspace(tmp_path)
    with few_libraries_server(workspace.jobs_root) as server, ExitStack() as afterwards:
        server.suspend()
        afterwards.callback(server.resume)
        job = ended(start(Jobs(workspace.jobs_root), "base", "look", "--nonsense", "x"))
    assert "nonsense" in job.error


def _break_off(listener: socket.socket) -> None:
    """Take a request whole, and answer nothing."""
    connection, _ = listener.accept()
    with connection:
        connection.sendall(GREETING)
        while not connection.recv(1 << 16).endswith(b"\n"):
            pass


def test_a_server_that_breaks_off_gets_no_second_worker_for_its_job(tmp_path: Path):
    """Nobody knows whether it forked before it died, so the job says that it did not start."""
    jobs = Jobs(Workspace(tmp_path).jobs_root)
    with socket.socket(socket.AF_UNIX) as broken, address(jobs.root) as path:
        broken.bind(str(path))
        broken.listen()
        threading.Thread(target=_break_off, args=(broken,)).start()
        with pytest.raises(JobError, match="broke off"):
            start(jobs, "engine")
    (job,) = jobs.list()
    assert job.state == "failed"
    assert "start it again" in job.error


def test_libraries_are_loaded_with_the_settings_of_every_command(tmp_path: Path):
    """Else bars of the hub's library would fill the log of a forked worker."""
    code = (
        "import sys; from pathlib import Path; from vcsoup.jobs import forkserver\n"
        "forkserver._LIBRARIES = {'huggingface_hub': ()}\n"
        "forkserver.main(Path(sys.argv[1]), 0)\n"  # its life is a file at its end: it is over
        "from huggingface_hub.utils import are_progress_bars_disabled as disabled\n"
        "sys.exit(0 if disabled() else 'the bars are on')"
    )
    process = spawn(
        ["-c", code, str(tmp_path)], log=tmp_path / "log", environment={}, descriptors=[]
    )
    assert process.wait(WAIT) == 0, (tmp_path / "log").read_text()


def test_a_forked_worker_runs_the_code_that_is_on_the_disk_now(tmp_path: Path):
    """An update under a running server: a mix of old and new modules may not even be imported."""
    code, environment, log = *_own_code(tmp_path), tmp_path / "log"
    with few_libraries_server(tmp_path, folder=code, environment=environment):
        with (code / "vcsoup/jobs/folder.py").open("a") as module:
            module.write("\nNEW = 1\n")
        (code / "vcsoup/__main__.py").write_text("from vcsoup.jobs.folder import NEW\n")
        whole = {**os.environ, **environment}
        forked = fork(tmp_path, [], log=log, environment=whole, held={}, folder=code)
        assert forked is not None
        assert forked.wait() == 0, log.read_text()


def test_forked_workers_draw_other_numbers(tmp_path: Path):
    """Without a seed, started processes never draw the same, nor do forks of one process here."""
    code, environment, log = *_own_code(tmp_path), tmp_path / "log"
    (code / "vcsoup/__main__.py").write_text(
        "import random, numpy, torch\n"
        "print(random.random(), numpy.random.rand(), torch.rand(()).item())\n"
    )
    whole = {**os.environ, **environment}
    with few_libraries_server(tmp_path, libraries=("torch",), folder=code, environment=environment):
        for _ in range(2):
            forked = fork(tmp_path, [], log=log, environment=whole, held={}, folder=code)
            assert forked is not None
            assert forked.wait() == 0, log.read_text()
    first, second = (line.split() for line in log.read_text().splitlines())
    assert len(first) == len(second) == len({*first, *second}) / 2


def _own_code(folder: Path) -> tuple[Path, dict[str, str]]:
    """A copy of the package, and the variables by which a fork server runs it."""
    package, code = Path(vcsoup.__file__).parent, folder / "code"
    shutil.copytree(package, code / "vcsoup", ignore=shutil.ignore_patterns("__pycache__"))
    return code, {"PYTHONPATH": str(code), "PYTHONUNBUFFERED": "1"}


def test_a_starter_whose_folder_is_gone_starts_a_job_whose_folder_is_gone(
    tmp_path: Path, monkeypatch
):
    """The queue's runner lives in the folder that it was started in, which may be removed."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    root = Workspace(tmp_path / "w").jobs_root
    args = ["base", "look", "--nonsense", "x", "--workspace", str(root.parent)]
    spec = {**new_spec(root, args), "kind": "test", "title": "Testing", "project": None, "meta": {}}
    gone.rmdir()
    job = ended(start_now(root, spec, PYTHON_ARGS))
    assert "nonsense" in job.error


def _umask() -> None:
    os.umask(os.umask(0) ^ 0o050)


def _open_files() -> None:
    most, limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most - 1, limit))


@pytest.mark.parametrize("change", [_umask, _open_files, lambda: os.nice(1)])
def test_a_starter_that_hands_down_something_else_forks_nothing(tmp_path: Path, change):
    """A started process gets its starter's umask, limits, niceness; a forked one the server's."""
    log, nothing = tmp_path / "log", lambda: None
    whole = {**os.environ, "PYTHONPATH": PACKAGE, "PYTHONUNBUFFERED": "1"}
    with few_libraries_server(tmp_path):
        for first, forks in ((nothing, True), (change, False)):
            if (starter := os.fork()) == 0:
                status = 2
                with suppress(Exception):
                    first()
                    forked = fork(
                        tmp_path, ["version"], log=log, environment=whole, held={}, folder=tmp_path
                    )
                    status = int(forks != (forked is not None))
                os._exit(status)
            assert os.waitpid(starter, 0)[1] == 0, log.read_text()


@pytest.mark.parametrize("text", ["[]", "{}", '{"args": [], "environment": [], "held": []}', "x"])
def test_a_request_that_cannot_be_read_is_refused(tmp_path: Path, text: str):
    """Its starter, of another version of the code, then starts the process itself."""
    with few_libraries_server(tmp_path) as server, socket.socket(socket.AF_UNIX) as starter:
        with address(tmp_path) as path:
            starter.connect(str(path))
        assert starter.recv(len(GREETING)) == GREETING
        starter.sendall(text.encode() + b"\n")
        assert b"refused" in starter.recv(100)
        assert server.is_running()


def test_a_server_that_ends_late_leaves_its_successors_socket_alone(tmp_path: Path):
    """The app was ended and started again, while its first server was held up."""
    with ExitStack() as app:
        first = app.enter_context(few_libraries_server(tmp_path))
        first.suspend()
        ending = threading.Thread(target=app.pop_all().close)
        ending.start()
        (tmp_path / SOCKET).unlink()  # so that its successor's is waited for
        with few_libraries_server(tmp_path):
            first.resume()
            ending.join(WAIT)
            assert not first.is_running()
            assert (tmp_path / SOCKET).exists()
    assert not (tmp_path / SOCKET).exists()


def test_its_socket_is_there_once_it_listens(tmp_path: Path, monkeypatch):
    """Whoever finds the file may connect at once."""
    listen, before = socket.socket.listen, []

    def look_and_listen(listener: socket.socket) -> None:
        before.append((tmp_path / SOCKET).exists())
        listen(listener)

    monkeypatch.setattr(socket.socket, "listen", look_and_listen)
    with forkserver._listen(tmp_path)[0], socket.socket(socket.AF_UNIX) as starter:
        with address(tmp_path) as path:
            starter.connect(str(path))
    assert before == [False]


def test_a_server_that_loaded_for_an_ended_app_takes_nobodys_place(tmp_path: Path):
    (tmp_path / SOCKET).touch()
    read, write = os.pipe()
    os.close(write)
    assert forkserver.serve(tmp_path, read, {}) is None
    os.close(read)
    assert (tmp_path / SOCKET).exists()


def _answer_late(listener: socket.socket) -> None:
    """Take a request, and tell of the worker's beginning and of its end in one go."""
    connection, _ = listener.accept()
    with connection:
        connection.sendall(GREETING)
        while not connection.recv(1 << 16).endswith(b"\n"):
            pass
        connection.sendall(b'{"pid": 4194305}\n{"status": 7}\n')


def test_a_worker_that_ends_before_its_starter_hears_of_it(tmp_path: Path):
    """On a busy machine both lines of news wait for the starter."""
    root = Workspace(tmp_path).jobs_root
    with socket.socket(socket.AF_UNIX) as listener, address(root) as path:
        listener.bind(str(path))
        listener.listen()
        threading.Thread(target=_answer_late, args=(listener,)).start()
        forked = fork(root, ["x"], log=tmp_path / "log", environment={}, held={}, folder=tmp_path)
    assert forked is not None
    assert forked.wait() == 7


def test_workers_outlive_the_server(tmp_path: Path):
    workspace = Workspace(tmp_path)
    jobs = Jobs(workspace.jobs_root)
    os.environ.pop(NAME, None)
    with fork_server(jobs.root):
        wait_until(lambda: (jobs.root / SOCKET).exists(), WAIT)
        job = engine(jobs)
        server = process_of(job).parent()
    wait_until(lambda: not (jobs.root / SOCKET).exists(), WAIT)
    server.wait(WAIT)
    assert job.state == "running"
    job.stop()
    assert ended(job).state in ("stopped", "done")


def test_waiting_for_a_worker_of_a_killed_server_ends_with_the_worker():
    ours, theirs = socket.socketpair()
    child = psutil.Popen(["sleep", "0.2"])
    forked = Forked(child.pid, ours)
    theirs.close()
    child.wait()
    assert forked.wait() == 1


def test_a_worker_that_has_ended_already_is_no_error():
    """The fork server may see it off before its starter has looked at it."""
    ours, theirs = socket.socketpair()
    child = psutil.Popen(["true"])
    child.wait()
    theirs.sendall(b'{"status": 3}\n')
    assert Forked(child.pid, ours).wait() == 3
    theirs.close()

"""A stand-in for Ray's job server: keeps what it is handed, answers what a test tells it to."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "a-token-for-tests"


class FakeRay(ThreadingHTTPServer):
    """Answers on a free port of 127.0.0.1; `jobs` is what Ray would say, by submission."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.submitted: list[dict[str, Any]] = []
        self.stopped: list[str] = []
        self.jobs: dict[str, dict[str, Any]] = {}
        self.broken = self.coming_up = False

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def say(self, status: str, message: str = "", **more: Any) -> None:
        """Make this the state of the newest submission."""
        name = self.submitted[-1]["submission_id"]
        self.jobs[name] = {"status": status, "message": message, **more}


@contextmanager
def fake_ray() -> Iterator[FakeRay]:
    server = FakeRay()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: FakeRay

    def do_GET(self) -> None:
        if self.path == "/api/version":
            self._answer(200, {"version": "4", "ray_version": "2.60.0"})
        elif not self._allowed():
            return
        elif self.path == "/api/jobs/":
            self._answer(200, list(self.server.jobs.values()))
        elif found := self.server.jobs.get(self.path.removeprefix("/api/jobs/")):
            self._answer(200, found)
        else:
            self._answer(404, "no such job")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not self._allowed():
            return
        if self.path.endswith("/stop"):
            self.server.stopped.append(self.path.split("/")[-2])
            self._answer(200, {"stopped": True})
            return
        job = json.loads(body)
        if self.server.coming_up:
            self._answer(
                500, "Exception: No available agent to submit job, please try again later."
            )
            return
        if job["submission_id"] in self.server.jobs:
            self._answer(500, f"ValueError: Job {job['submission_id']} already exists.")
            return
        self.server.submitted.append(job)
        self.server.say("PENDING", "It may be waiting for resources.")
        self._answer(200, {"submission_id": job["submission_id"]})

    def _allowed(self) -> bool:
        if self.server.broken:
            self._answer(500, "Traceback\nRuntimeError: the head node has a bad day")
        elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._answer(401, "Unauthorized: Missing authentication token")
        else:
            return True
        return False

    def _answer(self, status: int, content: Any) -> None:
        text = content if isinstance(content, str) else json.dumps(content)
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_args: Any) -> None:
        """Keep quiet."""

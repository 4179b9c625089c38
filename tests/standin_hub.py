"""A hub on this machine: what `huggingface_hub` and `datasets` ask of a server, and no more.

Repositories are folders in memory, a commit for each `add`. Tests name the server by HF_ENDPOINT,
for a process of its own, since the libraries read it when they are imported.
"""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "hf_standin"
"""Who sends it may read private repositories, and gated ones whose terms it accepted."""

Files = dict[str, bytes]


@dataclass
class Repository:
    """A repository: its commits by hash, which of them a branch or tag means, and who may read."""

    commits: dict[str, Files] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    gated: bool = False
    private: bool = False
    accepted: bool = False


class StandinHub:
    """What the server knows, and what it was asked."""

    def __init__(self) -> None:
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.asked: list[str] = []
        self.url = ""

    def add(
        self,
        name: str,
        files: Files,
        *,
        kind: str = "dataset",
        revision: str = "main",
        gated: bool = False,
        private: bool = False,
        accepted: bool = False,
    ) -> str:
        """Put a commit at a branch or tag of a repository; return its hash.

        `accepted` says that the holder of `TOKEN` accepted a gated repository's terms.
        """
        about = Repository(gated=gated, private=private, accepted=accepted)
        repository = self.repositories.setdefault((kind, name), about)
        content = b"".join(path.encode() + files[path] for path in sorted(files))
        commit = hashlib.sha1(content + revision.encode()).hexdigest()
        repository.commits[commit] = files
        repository.names[revision] = commit
        return commit

    def environment(self, home: Path, *, token: str = "", offline: bool = False) -> dict[str, str]:
        """Return the variables by which another process asks this hub; its cache is in `home`."""
        return {
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(home),
            "HF_TOKEN": token,
            "HF_HUB_OFFLINE": "1" if offline else "0",
            "HF_HUB_DISABLE_XET": "1",
            "TRANSFORMERS_OFFLINE": "1" if offline else "0",
            "NO_PROXY": "127.0.0.1",
        }


@contextmanager
def standin_hub() -> Iterator[StandinHub]:
    """Serve an empty hub on a free port of this machine."""
    hub = StandinHub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _RefusedError(Exception):
    """An answer other than 200: its status, the hub's word for it, and a sentence."""

    def __init__(self, status: int, code: str, said: str) -> None:
        super().__init__(said)
        self.status, self.code, self.said = status, code, said


class _Handler(BaseHTTPRequestHandler):
    hub: StandinHub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        path = urlsplit(self.path).path
        self.hub.asked.append(f"{self.command} {path}")
        try:
            if path.startswith("/api/"):
                self._api(path.removeprefix("/api/").split("/"), body)
            else:
                self._file(path.removeprefix("/"))
        except _RefusedError as no:
            self._send(no.status, b"{}", {"X-Error-Code": no.code, "X-Error-Message": no.said})

    def _api(self, parts: list[str], body: str) -> None:
        """Answer `{datasets,models}?search=NAME` or `.../ORG/NAME[/WHAT/REVISION[/PATH]]`."""
        if len(parts) == 1:
            self._send_json(self._named_like(parts[0].removesuffix("s")))
            return
        kind, name = parts[0].removesuffix("s"), "/".join(parts[1:3])
        repository = self._repository(kind, name)
        what, *rest = parts[3:] or ["info"]
        if what == "auth-check":
            self._check_terms(name, repository)
            self._send_json({})
            return
        commit, files = self._commit(repository, unquote(rest[0]) if rest else "main")
        if what == "tree":
            self._send_json(_entries(files, unquote("/".join(rest[1:])), self._recursive()))
        elif what == "paths-info":
            wanted = parse_qs(body)["paths"]
            every = _entries(files, "", True)
            self._send_json([entry for entry in every if entry["path"] in wanted])
        else:
            self._send_json(_info(name, commit, files, repository))

    def _named_like(self, kind: str) -> list[dict[str, str]]:
        wanted = parse_qs(urlsplit(self.path).query).get("search", [""])[0]
        known = sorted(name for of, name in self.hub.repositories if of == kind)
        return [{"id": name} for name in known if wanted.lower() in name.lower()]

    def _recursive(self) -> bool:
        asked = parse_qs(urlsplit(self.path).query).get("recursive", ["false"])
        return asked[0].lower() in ("true", "1")

    def _file(self, path: str) -> None:
        """Answer `[datasets/]ORG/NAME/resolve/REVISION/PATH`."""
        kind = "dataset" if path.startswith("datasets/") else "model"
        name, _, rest = path.removeprefix("datasets/").partition("/resolve/")
        repository = self._repository(kind, name)
        self._check_terms(name, repository)
        revision, _, file = rest.partition("/")
        commit, files = self._commit(repository, unquote(revision))
        headers = {"X-Repo-Commit": commit}
        if unquote(file) not in files:
            said = {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"}
            self._send(404, b"", headers | said)
            return
        content = files[unquote(file)]
        headers |= {"ETag": f'"{_hash(content)}"', "Accept-Ranges": "bytes"}
        self._send_range(content, headers)

    def _send_range(self, content: bytes, headers: dict[str, str]) -> None:
        asked = self.headers.get("Range", "")
        if not asked.startswith("bytes="):
            self._send(200, content, headers)
            return
        first, _, last = asked.removeprefix("bytes=").partition("-")
        start, end = int(first or 0), min(int(last or len(content)), len(content) - 1)
        headers["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
        self._send(206, content[start : end + 1], headers)

    def _repository(self, kind: str, name: str) -> Repository:
        repository = self.hub.repositories.get((kind, name))
        if repository is None or (repository.private and not self._known()):
            raise _RefusedError(401, "RepoNotFound", "Repository not found")
        return repository

    def _commit(self, repository: Repository, revision: str) -> tuple[str, Files]:
        commit = repository.names.get(revision, revision)
        if commit not in repository.commits:
            raise _RefusedError(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return commit, repository.commits[commit]

    def _check_terms(self, name: str, repository: Repository) -> None:
        if repository.gated and not self._known():
            raise _RefusedError(401, "GatedRepo", f"Access to dataset {name} is restricted.")
        if repository.gated and not repository.accepted:
            raise _RefusedError(403, "GatedRepo", f"Access to dataset {name} is restricted.")

    def _known(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def _send_json(self, content: Any) -> None:
        self._send(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _hash(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


def _entries(files: Files, folder: str, recursive: bool) -> list[dict[str, Any]]:
    """List what lies in a folder of a repository."""
    inside = f"{folder}/" if folder else ""
    found: dict[str, dict[str, Any]] = {}
    for path, content in sorted(files.items()):
        if not path.startswith(inside):
            continue
        steps = path.removeprefix(inside).split("/")
        above = [inside + "/".join(steps[:i]) for i in range(1, len(steps))]
        for name in above if recursive else above[:1]:
            found[name] = {
                "type": "directory",
                "path": name,
                "oid": _hash(name.encode()),
                "size": 0,
            }
        if recursive or not above:
            size = len(content)
            found[path] = {"type": "file", "path": path, "oid": _hash(content), "size": size}
    if folder and not found:
        raise _RefusedError(404, "EntryNotFound", f"{folder} does not exist")
    return list(found.values())


def _info(name: str, commit: str, files: Files, repository: Repository) -> dict[str, Any]:
    siblings = [{"rfilename": path, "size": len(files[path])} for path in sorted(files)]
    about = {"id": name, "sha": commit, "siblings": siblings, "private": repository.private}
    return {**about, "gated": "manual" if repository.gated else False, "tags": [], "downloads": 0}

"""Ray's job API over HTTP: hand a command over, ask how it is, have it stopped.

Spoken directly (docs.ray.io, "Ray Jobs REST API") and not through the `ray` package, so that the
machine with the screens needs no Ray, and no call can hang: each has a time limit. Authentication
stays on; the token goes along as a bearer token.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import httpx

from vcsoup.errors import JobError

_TIMEOUT = httpx.Timeout(20.0, connect=5.0)

_LATER = (502, 503, 504)

RayStatus = Literal["PENDING", "RUNNING", "STOPPED", "SUCCEEDED", "FAILED"]


class ClusterSilentError(JobError):
    """The cluster does not answer now; it may later."""


@dataclass(frozen=True)
class RayJob:
    """What Ray says of one submission.

    Attributes:
        status: Ray's word for its state.
        message: Ray's explanation, the end of its log included when it failed.
        error_type: Ray's name for the cause, such as "JOB_SUPERVISOR_ACTOR_START_TIMEOUT".
        node: Address and short id of the node that runs it; None before it runs.
    """

    status: RayStatus
    message: str
    error_type: str | None
    node: str | None


class RayCluster:
    """One cluster's job server.

    Args:
        address: Such as "http://head:8265".
        token: The cluster's token; None for a cluster that wants none.
    """

    def __init__(self, address: str, token: str | None) -> None:
        self.address = address
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def version(self) -> str:
        """Return the cluster's version of Ray, having made sure that the token is accepted."""
        self._ask("GET", "/api/jobs/")
        return str(self._ask("GET", "/api/version").json()["ray_version"])

    def submit(
        self,
        entrypoint: str,
        *,
        submission: str,
        env: Mapping[str, str],
        needs: Mapping[str, Any],
        metadata: Mapping[str, str],
    ) -> None:
        """Hand a shell command over; doing so twice under one name is the same as once.

        Args:
            entrypoint: The command.
            submission: Its name at the cluster.
            env: Environment variables to add.
            needs: What it reserves: entrypoint_num_cpus, entrypoint_num_gpus, ...
            metadata: Words for whoever looks at Ray's dashboard.

        Raises:
            ClusterSilentError: no answer, or "later".
            JobError: Ray refuses it.
        """
        body = {
            **{"entrypoint": entrypoint, "submission_id": submission, "metadata": dict(metadata)},
            **{"runtime_env": {"env_vars": dict(env)}},
            **needs,
        }
        response = self._send("POST", "/api/jobs/", json=body)
        if response.is_success or "already exists" in response.text:
            return
        # A cluster that has just come up says so, and knows nobody who could run a job yet.
        later = response.status_code in _LATER or "try again later" in response.text
        error = ClusterSilentError if later else JobError
        raise error(f"Ray at {self.address} took no job: {_last_line(response.text)}")

    def look(self, submission: str) -> RayJob | None:
        """Return what Ray says of a submission; None when it knows none of that name."""
        response = self._send("GET", f"/api/jobs/{submission}")
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        found = self._checked(response).json()
        return RayJob(
            status=found["status"],
            message=str(found.get("message") or ""),
            error_type=found.get("error_type"),
            node=_node(found),
        )

    def stop(self, submission: str) -> None:
        """Have a submission ended: TERM, and KILL some seconds later. One that is gone is fine."""
        response = self._send("POST", f"/api/jobs/{submission}/stop")
        if response.status_code != httpx.codes.NOT_FOUND:
            self._checked(response)

    def _ask(self, method: str, path: str) -> httpx.Response:
        return self._checked(self._send(method, path))

    def _send(self, method: str, path: str, **body: Any) -> httpx.Response:
        try:
            response = httpx.request(
                method, self.address + path, headers=self._headers, timeout=_TIMEOUT, **body
            )
        except httpx.HTTPError as error:
            raise ClusterSilentError(
                f"Ray's job server at {self.address} does not answer ({type(error).__name__}); "
                "start the cluster or mend the address"
            ) from error
        if response.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise JobError(
                f"Ray at {self.address} does not accept the token "
                f"({_last_line(response.text)}); set RAY_AUTH_TOKEN or ~/.ray/auth_token to the "
                "cluster's token"
            )
        return response

    def _checked(self, response: httpx.Response) -> httpx.Response:
        if not response.is_success:
            raise ClusterSilentError(
                f"Ray at {self.address} answered {response.status_code}: "
                f"{_last_line(response.text)}; look at the cluster's dashboard"
            )
        return response


def _node(found: Mapping[str, Any]) -> str | None:
    address, identity = found.get("driver_agent_http_address"), found.get("driver_node_id")
    if not address or not identity:
        return None
    host = str(address).removeprefix("http://").rpartition(":")[0]
    return f"{host}, node {str(identity)[:8]}"


def _last_line(text: str) -> str:
    lines = [line.strip(" .") for line in text.splitlines() if line.strip(" .")]
    return lines[-1][:300] if lines else "no reason given"

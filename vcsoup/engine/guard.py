"""What every request passes before anything else: the token, and a bound on its size."""

import secrets
from collections.abc import Callable

from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

MOST_BYTES = 1_000_000  # of a request's body
_KINDS = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}
_CODES = {401: "invalid_api_key", 404: "not_found", 429: "rate_limit_exceeded"}


class Guard:
    """Lets a request through that carries the token and is not too large."""

    def __init__(self, app: ASGIApp, *, token: str, heard: Callable[[], None]) -> None:
        """Wrap an application.

        Args:
            app: What requests go to.
            token: What they must carry, as `Authorization: Bearer <token>`.
            heard: Called for every request that carries it.
        """
        self._app, self._heard = app, heard
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401 or 413, or pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if not secrets.compare_digest(headers.get(b"authorization", b""), self._expected):
            message = "missing or wrong token; send 'Authorization: Bearer <token>'"
            await refusal(scope["path"], message, 401)(scope, receive, send)
            return
        self._heard()
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > MOST_BYTES or b"transfer-encoding" in headers:
            message = f"expected a body of at most {MOST_BYTES} bytes with its length; shorten it"
            await refusal(scope["path"], message, 413)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def refusal(path: str, message: str, status: int, *, param: str | None = None) -> JSONResponse:
    """A refusal in one line, in OpenAI's form below /v1/.

    Args:
        path: What was asked for.
        message: What was wrong and what to do.
        status: HTTP status.
        param: The entry that was wrong, where it is one.
    """
    line = " ".join(message.split())
    after = {"Retry-After": "2"} if status == 429 else None
    if not path.startswith("/v1/"):
        return JSONResponse({"error": line}, status_code=status, headers=after)
    kind = _KINDS.get(status, "invalid_request_error" if status < 500 else "server_error")
    error = {"message": line, "type": kind, "param": param, "code": _CODES.get(status)}
    return JSONResponse({"error": error}, status_code=status, headers=after)

"""Talk to a running engine. Torch-free; used by the screens and by scripts."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import httpx

from vcsoup.errors import EngineError, EngineGoneError


class EngineClient:
    """A connection to one engine; safe to share between threads.

    Example:
        ```python
        client = EngineClient("http://127.0.0.1:40123", token)
        name = client.start_tasting(
            project="demo", group="filtered", weights={"helpful": 0.5, "harmless": 0.5},
            prompt="How do I boil an egg?", n_prompts=64,
        )
        client.tasting(name)["text"]
        ```
    """

    def __init__(self, url: str, token: str, *, timeout: float = 30.0) -> None:
        """Prepare a client; nothing is sent yet.

        Args:
            url: Address of the engine, such as "http://127.0.0.1:40123".
            token: The engine's token.
            timeout: Seconds to wait for an answer.
        """
        self.url = url
        self._http = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=timeout,
            trust_env=False,  # a proxy has no business on the loopback
        )

    def health(self) -> dict[str, Any]:
        """The engine's pid, version, and how many tastings are under way."""
        return self._ask("GET", "/health")

    def start_tasting(
        self,
        *,
        project: str,
        group: str,
        weights: Mapping[str, float],
        prompt: str,
        n_prompts: int,
        **options: Any,
    ) -> str:
        """Queue a tasting: the soup answers a prompt and is measured on held-out prompts.

        Args:
            project: Name of the project.
            group: The adapter set, such as "filtered".
            weights: Weight per value; all zeros is the base.
            prompt: What the soup answers.
            n_prompts: How many held-out prompts to measure on.
            **options: `seed` (0), `max_new_tokens` (96), `free` (False: weights on the simplex).

        Returns:
            The tasting's id.

        Raises:
            EngineError: the engine does not answer, or refuses (unknown value, bad weights, ...).
        """
        body = {"project": project, "group": group, "weights": dict(weights), "prompt": prompt}
        answer = self._ask("POST", "/tastings", {**body, "n_prompts": n_prompts, **options})
        return str(answer["id"])

    def tasting(self, tasting_id: str, *, patience: float = 0.0) -> dict[str, Any]:
        """How far a tasting is.

        Args:
            tasting_id: Which one.
            patience: Seconds to wait for the first word where there is none yet.

        Returns:
            state ("queued", "sampling", "measuring", "done", "cancelled" or "failed"), text (so
            far), point ({rewards, low, high} per value, n_prompts, recorded and the set_key of its
            adapters, or None; refined while more prompts are scored), seconds_to_first_token,
            seconds_to_point (None where the point was measured before), error.
        """
        return self._ask("GET", f"/tastings/{tasting_id}?patience={patience:g}")

    def cancel(self, tasting_id: str) -> None:
        """Give a tasting up; one that has ended stays as it is."""
        self._ask("DELETE", f"/tastings/{tasting_id}")

    def start_table(
        self,
        *,
        project: str,
        prompts: Sequence[str],
        soups: Sequence[Mapping[str, Any]],
        **options: Any,
    ) -> str:
        """Queue a table: several soups answer the same prompts with the same random numbers.

        Args:
            project: Name of the project.
            prompts: What every soup answers, P of them.
            soups: S of {"group": adapter set, "weights": weight per value}; all zeros is the base.
            **options: `seed` (0), `max_new_tokens` (96), `free` (False), `score` (True).

        Returns:
            The table's id.

        Raises:
            EngineError: the engine does not answer, or refuses.
        """
        body = {"project": project, "prompts": list(prompts), "soups": [dict(s) for s in soups]}
        return str(self._ask("POST", "/tables", {**body, **options})["id"])

    def table(self, table_id: str) -> dict[str, Any]:
        """How far a table is.

        Returns:
            state ("queued", "sampling", "scoring", "done", "cancelled" or "failed"), replies (P
            lists of S texts so far), rewards (P lists of S: reward per value, or None), error.
        """
        return self._ask("GET", f"/tables/{table_id}")

    def cancel_table(self, table_id: str) -> None:
        """Give a table up; one that has ended stays as it is."""
        self._ask("DELETE", f"/tables/{table_id}")

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def __enter__(self) -> Self:
        """Use the client in a with statement."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self.close()

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        try:
            response = self._http.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise EngineGoneError(
                f"the engine at {self.url} does not answer ({type(error).__name__}); try again, "
                "it is started anew when needed"
            ) from error
        try:
            answer = response.json()
        except ValueError as error:
            raise EngineError(
                f"{self.url} answered with something else than JSON (status "
                f"{response.status_code}); another program may listen there"
            ) from error
        if response.is_error:
            said = answer.get("error") if isinstance(answer, dict) else None
            raise EngineError(str(said or f"the engine refused with status {response.status_code}"))
        return dict(answer)

"""How a task that is looked at while it goes on stands: what tastings and tables have in common."""

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

from vcsoup.errors import NotFoundError


class TaskState:
    """Mixed into a task; `state` goes on from "queued" until one of the ends is reached.

    Attributes:
        state: "queued", what the task says it is doing, then "done", "cancelled" or "failed".
        error: Why it failed, in one line.
    """

    id: str
    state: str
    error: str | None

    @property
    def cancelled(self) -> bool:
        """True once it was given up."""
        return self.state == "cancelled"

    @property
    def ended(self) -> bool:
        """True when nothing will change any more."""
        return self.state in ("done", "cancelled", "failed")

    def cancel(self) -> None:
        """Give it up; does nothing when it has ended."""
        if not self.ended:
            self.state = "cancelled"

    def fail(self, error: str) -> None:
        """Note why it broke off."""
        if not self.cancelled:
            self.state, self.error = "failed", error

    def move_to(self, state: str) -> None:
        """Say what it does now; an end stays."""
        if not self.ended:
            self.state = state


Task = TypeVar("Task", bound=TaskState)


class Tasks(Generic[Task]):
    """The tasks of one kind that may still be asked for; older ones that ended are forgotten.

    Args:
        kind: What they are, for the message about one that is not known.
        most: So many of them are kept, and all that have not ended.
    """

    def __init__(self, kind: str, most: int) -> None:
        self._kind, self._most = kind, most
        self._known: OrderedDict[str, Task] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, task: Task) -> None:
        """Keep a task."""
        with self._lock:
            self._known[task.id] = task
            for name in list(self._known)[: -self._most]:
                if self._known[name].ended:
                    del self._known[name]

    def get(self, name: str) -> Task:
        """Return the task of an id.

        Raises:
            NotFoundError: it is not known, or not any more.
        """
        with self._lock:
            if name not in self._known:
                raise NotFoundError(f"no {self._kind} {name!r}; it is forgotten, start a new one")
            return self._known[name]

"""How a task that is looked at while it goes on stands: what tastings and tables have in common."""


class TaskState:
    """Mixed into a task; `state` goes on from "queued" until one of the ends is reached.

    Attributes:
        state: "queued", what the task says it is doing, then "done", "cancelled" or "failed".
        error: Why it failed, in one line.
    """

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

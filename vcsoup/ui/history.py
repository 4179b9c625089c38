"""Steps that can be undone and taken again; immutable, of any content. Pure."""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

Step = TypeVar("Step")
KEPT_STEPS = 100
"""How many steps can be undone."""


@dataclass(frozen=True)
class History(Generic[Step]):
    """The present step with the ones before it and those that were undone.

    Example:
        >>> history = History(1).push(2).push(3).undo()
        >>> history.present, history.redo().present, history.undo().present
        (2, 3, 1)
    """

    present: Step
    past: tuple[Step, ...] = field(default=())
    future: tuple[Step, ...] = field(default=())

    def push(self, step: Step) -> "History[Step]":
        """Make a step the present one; what was undone is forgotten. The present again: nothing."""
        if step == self.present:
            return self
        return History(step, (*self.past, self.present)[-KEPT_STEPS:])

    def undo(self) -> "History[Step]":
        """Go one step back, if there is one."""
        if not self.past:
            return self
        return History(self.past[-1], self.past[:-1], (self.present, *self.future))

    def redo(self) -> "History[Step]":
        """Take an undone step again, if there is one."""
        if not self.future:
            return self
        return History(self.future[0], (*self.past, self.present), self.future[1:])

"""What an option expects, in our words instead of those of the library that checks it."""

from typing import Any

from pydantic import ValidationError
from typer.core import TyperGroup
from typer.exceptions import TyperException

from vcsoup.errors import first_fault


class Verbs(TyperGroup):
    """The verbs, with refused options told as `vcsoup.errors` tells entries."""

    def invoke(self, ctx: Any) -> Any:
        """Run the verb that was asked for."""
        try:
            return super().invoke(ctx)
        except TyperException as error:
            word(error)
            raise


def word(error: TyperException) -> None:
    """Put what was expected into the place of the library's sentence, where it checked a value."""
    if isinstance(error.__cause__, ValidationError):
        error.message = first_fault(error.__cause__).reason

"""Which process of a training this is: alone, or one of several started by `accelerate launch`.

Only the main process writes, reports and hears "stop"; the others compute. Knows nothing of how
they were started: torch's environment variables tell. Cheap to import.
"""

import os
from typing import Any


def process_count() -> int:
    """How many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_main() -> bool:
    """Whether this process is the one that writes and reports."""
    return int(os.environ.get("RANK", "0")) == 0


def told_by_main(thing: Any) -> Any:
    """What the main process says, in every process; they must all ask at the same place.

    Args:
        thing: Text, a number, a path or None; what the others pass does not matter.
    """
    if process_count() == 1:
        return thing
    from accelerate.utils import broadcast_object_list

    (told,) = broadcast_object_list([thing], from_process=0)
    return told

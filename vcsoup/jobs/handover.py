"""Becoming another program: the app's server takes this process's place, terminal and pid."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn


def become_python(args: Sequence[str], *, folder: Path, environment: Mapping[str, str]) -> NoReturn:
    """Replace this process by `python *args`.

    Args:
        args: Arguments behind the interpreter.
        folder: Working folder of the new program.
        environment: Variables to add or change.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os.chdir(folder)
    os.execve(sys.executable, [sys.executable, *args], {**os.environ, **environment})

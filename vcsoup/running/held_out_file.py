"""Held-out prompts as a file: one JSON per line, a prompt as text or as messages.

A message may come in parts of text, as in preferences.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vcsoup.errors import NotFoundError, ProjectFileError
from vcsoup.preferences.pairs import Prompt, as_messages
from vcsoup.preferences.turns import RowFault, joined_parts
from vcsoup.workspace.held_out import FEWEST_PROMPTS


def read_held_out(path: Path) -> list[Prompt]:
    """Read prompts, each as messages.

    Raises:
        NotFoundError: the file cannot be read.
        ProjectFileError: a line that holds no prompt, or fewer than the two that an interval needs.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise NotFoundError(
            f"held-out prompts {path} cannot be read; give a file with one JSON per line"
        ) from error
    prompts = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
            prompts.append(_messages(found["prompt"] if isinstance(found, dict) else found))
        except (ValueError, KeyError, RecursionError, RowFault) as error:
            told = error.reason if isinstance(error, RowFault) else error
            raise ProjectFileError(
                f"{path.name}, line {number}: no prompt ({told}); write "
                '{"prompt": "text"} or {"prompt": [{"role": "user", "content": "text"}]}'
            ) from error
    if len(prompts) < FEWEST_PROMPTS:
        raise ProjectFileError(
            f"{path.name} holds {len(prompts) or 'no'} prompt, and an interval needs at least "
            f"{FEWEST_PROMPTS}; write one JSON per line"
        )
    return prompts


def _messages(prompt: Any) -> Prompt:
    if not isinstance(prompt, list):
        return as_messages(prompt)
    turns = [turn for turn in prompt if isinstance(turn, dict)]
    whole = [{**turn, "content": joined_parts(turn.get("content"))} for turn in turns]
    return as_messages(whole if len(whole) == len(prompt) else prompt)


def write_held_out(path: Path, prompts: Sequence[Prompt]) -> None:
    """Write prompts so that `read_held_out` reads them back."""
    lines = [json.dumps({"prompt": prompt}, ensure_ascii=False) for prompt in prompts]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")

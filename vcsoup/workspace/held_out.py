"""Held-out prompts: the questions on which soups are measured, and on which nobody trains."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Messages = list[dict[str, str]]

FEWEST_PROMPTS = 2
"""Fewer give no interval, so no soup can be measured on them."""

# No more than this share of a project's distinct prompts is taken away from training.
_LARGEST_SHARE = 0.1
# Bytes of a prompt that fits nearly any model: about 500 tokens of English.
_LONG = 2_000


def prompt_key(prompt: Iterable[Mapping[str, Any]]) -> str:
    """Name a prompt by its content: 16 hex characters, the same for equal messages.

    Example:
        >>> hi = {"role": "user", "content": "Hi"}
        >>> prompt_key([hi]) == prompt_key([dict(hi)]) != prompt_key([hi, hi])
        True
    """
    plain = [[str(message["role"]), str(message["content"])] for message in prompt]
    text = json.dumps(plain, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def choose_prompts(prompts: Iterable[Messages], count: int) -> list[Messages]:
    """Choose prompts to hold out: those with the smallest keys, so the choice is stable.

    Long prompts, which may leave a small base no room to answer, are taken last.

    Args:
        prompts: All prompts of a project; repeats count once.
        count: How many are wanted; at most a tenth of the distinct ones (but one) is given.
    """
    distinct = {prompt_key(prompt): prompt for prompt in prompts}
    size = min(count, max(1, int(len(distinct) * _LARGEST_SHARE)))
    ordered = sorted(distinct, key=lambda key: (_bytes(distinct[key]) > _LONG, key))
    return [distinct[key] for key in ordered[:size]]


def top_up(held_out: Sequence[Messages], prompts: Iterable[Messages], size: int) -> list[Messages]:
    """Return the held-out prompts, with more chosen from `prompts` until there are `size`.

    What is held out already stays; nothing is added twice. Those among `prompts` that are held out
    already count to the tenth of them that may be: a data set that is added again gives no more.
    """
    taken = {prompt_key(prompt) for prompt in held_out}
    distinct = {prompt_key(prompt): prompt for prompt in prompts}
    fresh = [prompt for key, prompt in distinct.items() if key not in taken]
    most = max(FEWEST_PROMPTS, int(len(distinct) * _LARGEST_SHARE))
    missing = min(size - len(held_out), most - (len(distinct) - len(fresh)))
    return [*held_out, *(choose_prompts(fresh, missing) if missing > 0 and fresh else [])]


def not_held_out(prompts: Sequence[Messages], held_out: Iterable[Messages]) -> list[bool]:
    """Return, per prompt, True where training may use it."""
    taken = {prompt_key(prompt) for prompt in held_out}
    return [prompt_key(prompt) not in taken for prompt in prompts]


def rows_held_out(prompts: pa.ChunkedArray, held_out: Iterable[Messages]) -> npt.NDArray[np.intp]:
    """Return which rows of a pair table's prompts are held out, quickly also of a million.

    Only prompts that begin with the first message of a held-out one are compared whole.
    """
    taken = {prompt_key(prompt): str(prompt[0]["content"]) for prompt in held_out}
    begins = pa.array(set(taken.values()), type=pa.string())
    found, start = [], 0
    for chunk in prompts.chunks:
        contents = pc.struct_field(chunk.values, "content")
        first = contents.take(chunk.offsets[:-1])
        alike = np.flatnonzero(pc.is_in(first.cast(pa.string()), value_set=begins))
        found += [start + row for row in alike if prompt_key(chunk[int(row)].as_py()) in taken]
        start += len(chunk)
    return np.array(found, dtype=np.intp)


def _bytes(prompt: Messages) -> int:
    return sum(len(turn["content"].encode()) for turn in prompt)

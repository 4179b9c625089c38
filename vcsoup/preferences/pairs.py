"""The canonical pair table: one row per (prompt, chosen, rejected), with a stable id.

Columns: `id` (16 hex digits), `prompt` (list of {"role", "content"} messages), `chosen` and
`rejected` (the two answers alone, as text). Every later step (rewards, consistency, training) reads
this table and nothing else. On disk it is parquet, written aside and renamed.
"""

import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from vcsoup.errors import NotFoundError, PreferenceFormatError

Message = dict[str, str]
Prompt = list[Message]
AnyPrompt = str | Sequence[Mapping[str, str]]  # what `as_messages` makes a prompt of

PAIR_COLUMNS = ("id", "prompt", "chosen", "rejected")
_MESSAGE = pa.struct([("role", pa.string()), ("content", pa.string())])
PAIR_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("prompt", pa.list_(_MESSAGE)),
        ("chosen", pa.string()),
        ("rejected", pa.string()),
    ]
)


def as_messages(prompt: str | Iterable[Mapping[str, str]]) -> Prompt:
    """A prompt as a fresh list of messages; a plain string is one user message.

    Raises:
        PreferenceFormatError: anything that is not text or messages with text in role and content.

    Example:
        >>> as_messages("Hi")
        [{'role': 'user', 'content': 'Hi'}]
    """
    if isinstance(prompt, str):
        return [{"role": "user", "content": prompt}]
    try:
        messages = [{"role": turn["role"], "content": turn["content"]} for turn in prompt]
    except (KeyError, TypeError) as error:
        raise PreferenceFormatError(
            f"a prompt must be text or messages with role and content, got {str(prompt)[:60]!r}; "
            "write a plain string or [{'role': 'user', 'content': ...}]"
        ) from error
    if not messages or not all(isinstance(v, str) for turn in messages for v in turn.values()):
        raise PreferenceFormatError(
            f"a prompt needs at least one message, each with text, got {messages!r:.60}; "
            "write [{'role': 'user', 'content': ...}]"
        )
    return messages


def pair_id(prompt: str | Iterable[Mapping[str, str]], chosen: str, rejected: str) -> str:
    """The name of a pair: a hash of its content, the same on every machine.

    Args:
        prompt: Text or messages; a plain string and the same single user message are one prompt.
        chosen: The preferred answer.
        rejected: The other answer.

    Returns:
        16 hex digits: the start of sha256 over the canonical JSON of [prompt, chosen, rejected].

    Raises:
        PreferenceFormatError: a prompt that `as_messages` refuses.

    Example:
        >>> pair_id("Hi", "Hello!", "Go away.")
        '454f5d4351bc9db9'
    """
    content = [as_messages(prompt), chosen, rejected]
    canonical = json.dumps(content, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()[:16]


def make_pairs(
    prompts: Iterable[str | Iterable[Mapping[str, str]]],
    chosen: Iterable[str],
    rejected: Iterable[str],
) -> pd.DataFrame:
    """The canonical table of pairs that are already in memory; content is taken as it is.

    Args:
        prompts: n prompts, each text or messages.
        chosen: n preferred answers.
        rejected: n other answers.

    Returns:
        n rows with the columns `PAIR_COLUMNS`, in the order given; equal pairs get equal ids.

    Raises:
        PreferenceFormatError: lengths that differ, an answer that is not text, or a prompt that
            `as_messages` refuses.

    Example:
        >>> make_pairs(["Hi"], ["Hello!"], ["Go away."])[["chosen", "rejected"]].to_dict("list")
        {'chosen': ['Hello!'], 'rejected': ['Go away.']}
    """
    sides = {"chosen": list(chosen), "rejected": list(rejected)}
    messages = [as_messages(prompt) for prompt in prompts]
    for name, answers in sides.items():
        if len(answers) != len(messages):
            raise PreferenceFormatError(
                f"expected one {name} answer per prompt, got {len(answers)} for {len(messages)}; "
                "give three lists of one length"
            )
        for row, answer in enumerate(answers):
            if not isinstance(answer, str):
                raise PreferenceFormatError(
                    f"the {name} answer of row {row} must be text, got {answer!r:.40}; give a str"
                )
    ids = [pair_id(*pair) for pair in zip(messages, *sides.values(), strict=True)]
    return _frame_of({"id": ids, "prompt": messages, **sides})


def save_pairs(pairs: pd.DataFrame, path: Path) -> None:
    """Write the canonical table as parquet: aside first, then renamed over the old file.

    Args:
        pairs: A table with the columns `PAIR_COLUMNS`; further columns are not written.
        path: Where to; its folder must exist.

    Raises:
        PreferenceFormatError: a missing column, or a cell of the wrong type.
        NotFoundError: the folder does not exist.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise NotFoundError(f"the folder {path.parent} does not exist; create it first")
    table = as_arrow(pairs)
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        pq.write_table(table, aside, compression="zstd")
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def load_pairs(path: Path) -> pd.DataFrame:
    """Read a table that `save_pairs` wrote; prompts come back as lists of plain dicts.

    Raises:
        NotFoundError: no such file.
        PreferenceFormatError: not parquet, or not the columns of a pair table.
    """
    path = Path(path)
    if not path.is_file():
        raise NotFoundError(f"{path} does not exist; expected a pair table in parquet")
    try:
        table = pq.ParquetFile(path).read()
    except (pa.ArrowException, OSError) as error:
        raise PreferenceFormatError(
            f"{path.name} is not a readable parquet file ({str(error)[:80]!r}); "
            "add the dataset again"
        ) from error
    _check_columns(table.column_names, path.name)
    return as_frame(table)


def prompt_text(messages: Sequence[Mapping[str, str]]) -> str:
    r"""A prompt for reading: the text of a lone user message, else every turn with its speaker.

    Example:
        >>> prompt_text([{"role": "user", "content": "Hi"}])
        'Hi'
        >>> prompt_text([{"role": "system", "content": "Be kind."}])
        'System: Be kind.'
    """
    if len(messages) == 1 and messages[0]["role"] == "user":
        return messages[0]["content"]
    return "\n\n".join(f"{turn['role'].capitalize()}: {turn['content']}" for turn in messages)


def as_frame(table: pa.Table) -> pd.DataFrame:
    """The canonical table from its Arrow form; prompts become lists of plain dicts."""
    return _frame_of({name: table.column(name).to_pylist() for name in PAIR_COLUMNS})


def as_arrow(pairs: pd.DataFrame) -> pa.Table:
    """The canonical table in the form that is stored, with `PAIR_SCHEMA`.

    Raises:
        PreferenceFormatError: a missing column, or a cell of the wrong type.
    """
    _check_columns(list(pairs.columns), "the pair table")
    columns = {name: pairs[name].tolist() for name in PAIR_COLUMNS}
    columns["prompt"] = [as_messages(prompt) for prompt in columns["prompt"]]
    try:
        table = pa.Table.from_pydict(columns, schema=PAIR_SCHEMA)
    except (pa.ArrowException, TypeError, UnicodeError) as error:
        raise PreferenceFormatError(
            f"the pair table holds a cell that is not text ({str(error)[:80]!r}); "
            "build it with make_pairs"
        ) from error
    if any(column.null_count for column in table.columns):
        raise PreferenceFormatError("the pair table has empty cells; build it with make_pairs")
    return table


def _frame_of(columns: Mapping[str, list[Any]]) -> pd.DataFrame:
    frame = {
        name: pd.Series(cells, dtype=object if name == "prompt" else "str")
        for name, cells in columns.items()
    }
    return pd.DataFrame(frame)


def _check_columns(found: Sequence[str], name: str) -> None:
    missing = [column for column in PAIR_COLUMNS if column not in found]
    if missing:
        raise PreferenceFormatError(
            f"{name} lacks the columns {', '.join(missing)} (found: {', '.join(map(str, found))}); "
            "read it with read_preferences or build it with make_pairs"
        )

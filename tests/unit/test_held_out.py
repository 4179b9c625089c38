"""Choosing held-out prompts, and the file they are written to."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from vcsoup.errors import ProjectFileError
from vcsoup.preferences.pairs import PAIR_SCHEMA
from vcsoup.running.held_out_file import read_held_out, write_held_out
from vcsoup.workspace.held_out import choose_prompts, not_held_out, rows_held_out, top_up


def prompt(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def test_the_choice_is_stable_and_takes_at_most_a_tenth():
    """40 distinct prompts, each three times: a tenth is 4, in whatever order they come."""
    prompts = [prompt(str(i % 40)) for i in range(120)]
    chosen = choose_prompts(prompts, 64)
    assert len(chosen) == 4
    assert choose_prompts(prompts[::-1], 64) == chosen
    assert choose_prompts(prompts, 2) == chosen[:2]
    assert len(choose_prompts([prompt("only")], 64)) == 1


def test_training_may_use_the_others():
    prompts = [prompt("a"), prompt("b"), prompt("a")]
    assert not_held_out(prompts, [prompt("a")]) == [False, True, False]
    assert not_held_out(prompts, []) == [True, True, True]


def test_topping_up_keeps_what_is_held_out_and_adds_no_prompt_twice():
    """Two are wanted beyond the one held out; of 49 fresh prompts a tenth, 4, may be taken."""
    prompts = [prompt(str(i)) for i in range(50)]
    held_out = [prompts[7]]
    more = top_up(held_out, prompts, 3)
    assert more[0] == prompts[7]
    assert len({p[0]["content"] for p in more}) == 3
    assert top_up(more, prompts, 3) == more
    assert top_up(prompts[:1], prompts[:1], 5) == prompts[:1]


def test_prompts_that_are_topped_up_again_and_again_give_no_more_than_their_tenth():
    """Of 40 prompts 4; twenty others of them, as another data set, give a tenth of theirs too."""
    prompts = [prompt(str(i)) for i in range(40)]
    once = top_up([], prompts, 64)
    assert len(once) == 4
    assert top_up(once, prompts[::-1], 64) == once
    both = top_up(once, [*(p for p in prompts if p not in once)][:20], 64)
    assert len(both) == 6
    assert top_up(both, prompts, 64) == both


def test_few_prompts_give_the_two_that_an_interval_needs():
    prompts = [prompt(str(i)) for i in range(9)]
    held_out = top_up([], prompts, 64)
    for _ in range(3):
        held_out = top_up(held_out, prompts, 64)
    assert len(held_out) == 2


def test_rows_are_those_that_training_may_not_use():
    """Whole prompts decide: two share their first message with one that is held out."""
    turns = [prompt("a"), [*prompt("a"), {"role": "assistant", "content": "b"}, *prompt("c")]]
    prompts = [prompt("x"), turns[1], turns[0], prompt("y"), turns[1]]
    kind = PAIR_SCHEMA.field("prompt").type
    column = pa.chunked_array([pa.array(prompts[:2], kind), pa.array(prompts[2:], kind)[1:]])
    kept = [*prompts[:2], *prompts[3:]]
    for held_out in ([], turns[:1], turns[1:], [*turns, prompt("y")]):
        usable = np.array(not_held_out(kept, held_out))
        assert rows_held_out(column, held_out).tolist() == np.flatnonzero(~usable).tolist()


SEPARATORS = "one\u2028two\u2029three\x85four\rfive\x0csix\x1cseven\nnine"


def test_what_is_written_to_a_file_is_read_back_with_every_line_separator(tmp_path: Path):
    prompts = [prompt(SEPARATORS), [*prompt("Sky?"), {"role": "assistant", "content": "\u2028"}]]
    write_held_out(tmp_path / "held-out.jsonl", prompts)
    assert read_held_out(tmp_path / "held-out.jsonl") == prompts


def test_a_file_by_hand_may_end_its_lines_in_any_way(tmp_path: Path):
    path = tmp_path / "held-out.jsonl"
    path.write_bytes('\ufeff{"prompt": "Sky?"}\r\n\r\n"Sea?"\n'.encode())
    assert read_held_out(path) == [prompt("Sky?"), prompt("Sea?")]
    path.write_bytes(b'"Sky?"\r\n' + b"[" * 100_000 + b"\r\n")
    with pytest.raises(ProjectFileError, match=r"held-out\.jsonl, line 2: no prompt"):
        read_held_out(path)


def test_a_prompt_may_come_in_parts_of_text_as_in_preferences(tmp_path: Path):
    path = tmp_path / "held-out.jsonl"
    parts = '[{"role": "user", "content": [{"type": "text", "text": "Is the"}, {"text": " sky?"}]}]'
    path.write_text(f'{{"prompt": {parts}}}\n{parts}\n')
    assert read_held_out(path) == [prompt("Is the sky?")] * 2
    path.write_text('[{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}]')
    told = r"line 1: no prompt \(part 1 of a message is of type image_url"
    with pytest.raises(ProjectFileError, match=told):
        read_held_out(path)


def test_fewer_prompts_than_an_interval_needs_are_refused(tmp_path: Path):
    path = tmp_path / "held-out.jsonl"
    for text, told in (("", "holds no prompt"), ('"Sky?"', "holds 1 prompt, and an interval")):
        path.write_text(text)
        with pytest.raises(ProjectFileError, match=told):
            read_held_out(path)

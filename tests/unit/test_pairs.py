"""The canonical pair table: ids, building, saving, showing."""

import hashlib

import numpy as np
import pandas as pd
import pytest

from vcsoup.errors import NotFoundError, PreferenceFormatError
from vcsoup.preferences.pairs import (
    PAIR_COLUMNS,
    as_messages,
    load_pairs,
    make_pairs,
    pair_id,
    prompt_text,
    save_pairs,
)

TWO_TURNS = [
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello. What now?"},
    {"role": "user", "content": "Größe 🍲\nzwei"},
]


def table():
    return make_pairs(["Hi", TWO_TURNS], ["Hello!", "Ja."], ["Go away.", "Nein."])


def test_the_id_is_a_hash_of_the_canonical_json():
    canonical = '[[{"content":"Hi","role":"user"}],"Hello!","Go away."]'
    expected = hashlib.sha256(canonical.encode()).hexdigest()[:16]
    assert pair_id("Hi", "Hello!", "Go away.") == expected


def test_the_id_depends_on_content_alone():
    text = pair_id("Hi", "a", "b")
    assert pair_id([{"content": "Hi", "role": "user"}], "a", "b") == text
    assert pair_id([{"role": "user", "content": "Hi", "extra": 1}], "a", "b") == text
    assert (
        len({text, pair_id("Hi", "b", "a"), pair_id("Hi!", "a", "b"), pair_id("Hi", "ab", "")}) == 4
    )


def test_made_pairs_have_the_canonical_columns_and_types():
    pairs = table()
    assert tuple(pairs.columns) == PAIR_COLUMNS
    assert [str(pairs[name].dtype) for name in PAIR_COLUMNS] == ["str", "object", "str", "str"]
    assert pairs["prompt"][0] == [{"role": "user", "content": "Hi"}]
    assert make_pairs([], [], []).dtypes.equals(pairs.dtypes)


def test_saving_and_loading_give_the_same_table(tmp_path):
    save_pairs(table(), tmp_path / "pairs.parquet")
    loaded = load_pairs(tmp_path / "pairs.parquet")
    pd.testing.assert_frame_equal(loaded, table())
    assert type(loaded["prompt"][1]) is list
    assert type(loaded["prompt"][1][0]) is dict
    assert [path.name for path in tmp_path.iterdir()] == ["pairs.parquet"]


def test_an_empty_table_survives(tmp_path):
    save_pairs(make_pairs([], [], []), tmp_path / "pairs.parquet")
    pd.testing.assert_frame_equal(load_pairs(tmp_path / "pairs.parquet"), make_pairs([], [], []))


def test_prompts_that_are_arrays_are_saved_as_messages(tmp_path):
    """`pandas.read_parquet` gives arrays of dicts; they must not be written as something else."""
    pairs = table()
    pairs["prompt"] = [np.array(prompt, dtype=object) for prompt in pairs["prompt"]]
    save_pairs(pairs, tmp_path / "pairs.parquet")
    pd.testing.assert_frame_equal(load_pairs(tmp_path / "pairs.parquet"), table())


@pytest.mark.parametrize("bad", [None, 3, float("nan")])
def test_a_bad_cell_leaves_the_saved_file_alone(tmp_path, bad):
    path = tmp_path / "pairs.parquet"
    save_pairs(table(), path)
    before = path.read_bytes()
    spoiled = table().astype({"chosen": object})
    spoiled.loc[1, "chosen"] = bad
    with pytest.raises(PreferenceFormatError, match="make_pairs"):
        save_pairs(spoiled, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_column_is_named(tmp_path):
    with pytest.raises(PreferenceFormatError, match="lacks the columns id"):
        save_pairs(table().drop(columns="id"), tmp_path / "pairs.parquet")


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(NotFoundError, match="create it"):
        save_pairs(table(), tmp_path / "nowhere" / "pairs.parquet")


def test_loading_says_what_is_wrong(tmp_path):
    with pytest.raises(NotFoundError, match="does not exist"):
        load_pairs(tmp_path / "pairs.parquet")
    (tmp_path / "text.parquet").write_text("no parquet at all")
    with pytest.raises(PreferenceFormatError, match=r"text\.parquet is not a readable parquet"):
        load_pairs(tmp_path / "text.parquet")
    pd.DataFrame({"chosen": ["a"]}).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(PreferenceFormatError, match=r"lacks the columns id, prompt, rejected"):
        load_pairs(tmp_path / "other.parquet")


@pytest.mark.parametrize(
    ("prompts", "chosen", "message"),
    [
        (["a"], ["x", "y"], "got 2 for 1"),
        (["a"], [None], "chosen answer of row 0 must be text"),
        ([7], ["x"], "must be text or messages"),
        ([[]], ["x"], "at least one message"),
        ([[{"role": "user"}]], ["x"], "role and content"),
        ([[{"role": "user", "content": None}]], ["x"], "each with text"),
    ],
)
def test_what_cannot_be_a_pair_is_refused(prompts, chosen, message):
    with pytest.raises(PreferenceFormatError, match=message):
        make_pairs(prompts, chosen, ["r"] * len(prompts))


def test_messages_are_copied():
    messages = as_messages(TWO_TURNS)
    messages[0]["content"] = "changed"
    assert TWO_TURNS[0]["content"] == "Hi"


def test_a_prompt_for_reading():
    assert prompt_text(as_messages("Hi")) == "Hi"
    expected = "User: Hi\n\nAssistant: Hello. What now?\n\nUser: Größe 🍲\nzwei"
    assert prompt_text(TWO_TURNS) == expected

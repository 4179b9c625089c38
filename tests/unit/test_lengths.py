"""How long pairs are: in tokens of a base whose tokenizer is at hand, else in words; it says which.

The tokenizer of these tests has a token per character, so lengths are counted by hand.
"""

import json
from pathlib import Path

import pytest
from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split

from vcsoup.intake import lengths_of
from vcsoup.preferences.lengths import WORDS, base_lengths, tokenizer_file
from vcsoup.preferences.pair_format import Pair
from vcsoup.preferences.readers import Reading, read_preferences
from vcsoup.workspace import Workspace, project_config

SKY = Pair([{"role": "user", "content": "Is it so?"}], "Yes.", "No, never.")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Return a folder with a tokenizer of one token per character, which cuts after four."""
    tokenizer = Tokenizer(WordLevel({"?": 0}, unk_token="?"))
    tokenizer.pre_tokenizer = Split(Regex("."), "isolated")
    tokenizer.enable_truncation(4)
    folder = tmp_path / "base"
    folder.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def test_tokens_of_prompt_and_longer_answer(base):
    """The prompt has 9 characters, "No, never." 10; the cut after four does not count."""
    unit = base_lengths(str(base))
    assert (unit.name, unit.of(SKY)) == ("tokens", 19)
    assert unit.title == f"tokens (tokenizer of {base})"


def test_words_without_a_tokenizer_and_why(tmp_path):
    unit = base_lengths(str(tmp_path))
    assert (unit.name, unit.of(SKY), WORDS.of(SKY)) == ("words", 5, 5)
    assert "has no tokenizer.json on this machine" in unit.title
    (tmp_path / "tokenizer.json").write_text("{broken")
    assert base_lengths(str(tmp_path)).name == "words"


def test_a_base_of_the_hub_is_looked_up_in_the_cache(base, tmp_path, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    assert tokenizer_file("org/base") is None
    repository = tmp_path / "hub" / "models--org--base"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("c0ffee")
    (repository / "snapshots").mkdir()
    base.rename(repository / "snapshots" / "c0ffee")
    assert base_lengths("org/base").of(SKY) == 19


def test_a_project_counts_in_tokens_of_its_base(base, tmp_path):
    config = project_config(name="demo", values=("a", "b"), base=str(base))
    project = Workspace(tmp_path / "w").create_project(config)
    assert lengths_of(project).title == f"tokens (tokenizer of {base})"


def test_a_limit_in_tokens_reports_every_longer_pair(base, tmp_path):
    """Characters: 1 + 2 = 3, 1 + 3 = 4 and 1 + 4 = 5; the limit is 4."""
    rows = [{"prompt": "q", "chosen": "a" * n, "rejected": "b"} for n in (2, 3, 4)]
    (tmp_path / "rows").write_text("\n".join(map(json.dumps, rows)))
    report = read_preferences(
        tmp_path / "rows", Reading(longest=4, unit=base_lengths(str(base)))
    ).report
    assert (report.rows, report.kept, report.counts["long"]) == (3, 2, 1)
    assert (report.problems[0].row, report.problems[0].reason) == (3, "5 tokens, more than 4")
    assert report.longest.startswith("4 tokens (tokenizer of")

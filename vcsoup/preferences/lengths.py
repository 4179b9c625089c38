"""How long a pair is: in tokens of a base model where its tokenizer is at hand, else in words.

A tokenizer is `tokenizer.json` in a local folder or in the cache of the hub, read with the
`tokenizers` library; no model library is loaded and nothing is downloaded. A pair is as long as its
prompt and the longer of its answers, without what a chat template adds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from vcsoup.home_paths import from_home
from vcsoup.preferences.pair_format import Pair


@dataclass(frozen=True)
class LengthUnit:
    """What a length is counted in.

    Attributes:
        name: "tokens" or "words".
        count: How many a text has.
        about: Which tokenizer, or why it is none, for people.

    Example:
        >>> WORDS.of(Pair([{"role": "user", "content": "Is it blue?"}], "Yes.", "No, never."))
        5
    """

    name: str
    count: Callable[[str], int]
    about: str = ""

    def of(self, pair: Pair) -> int:
        """The length of a pair: its prompt and the longer of its answers."""
        asked = sum(self.count(turn["content"]) for turn in pair.prompt)
        return asked + max(self.count(pair.chosen), self.count(pair.rejected))

    @property
    def title(self) -> str:
        """For people: "tokens of org/base"."""
        return f"{self.name} ({self.about})" if self.about else self.name


WORDS = LengthUnit("words", lambda text: len(text.split()))


def base_lengths(base: str, revision: str | None = None) -> LengthUnit:
    """Tokens of a base model, or words when its tokenizer is not on this machine.

    Args:
        base: Folder or hub id of the base.
        revision: Of a hub id.

    Example:
        >>> base_lengths("/nowhere").title
        'words (/nowhere has no tokenizer.json on this machine)'
    """
    path = tokenizer_file(base, revision)
    count = _counter(path) if path else None
    if count is None:
        return LengthUnit("words", WORDS.count, f"{base} has no tokenizer.json on this machine")
    return LengthUnit("tokens", count, f"tokenizer of {base}")


def tokenizer_file(base: str, revision: str | None = None) -> Path | None:
    """The tokenizer of a base on this machine; None when there is none."""
    folder = from_home(base)
    if folder.is_dir():
        path = folder / "tokenizer.json"
        return path if path.is_file() else None
    if base.count("/") > 1 or base.startswith((".", "/", "~")):
        return None
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(base, "tokenizer.json", revision=revision)
    return Path(found) if isinstance(found, str) else None


@lru_cache(maxsize=4)
def _counter(path: Path) -> Callable[[str], int] | None:
    """Count tokens with a tokenizer; None when its file is damaged."""
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception:  # the library raises nothing narrower for a damaged file
        return None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False))

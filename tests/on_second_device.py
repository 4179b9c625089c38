"""Reward models and soups on the CPU and on `tests.second_device`, told as JSON on the last line.

`python -m tests.on_second_device FOLDER`, in a process of its own: a backend stays for good.
"""

import json
import sys
from pathlib import Path
from typing import Any

from tests.odd_bases import KINDS, odd_soup
from tests.parity.test_classifier_parity import classifier
from tests.second_device import NAME, second_device
from tests.tiny_models import random_adapter, tiny_causal
from tests.tiny_pairs import tiny_pairs
from vcsoup.rewards.model import RewardModel
from vcsoup.rewards.spec import RewardSpec
from vcsoup.soup.model import SoupModel
from vcsoup.soup.sampling import sample

JUDGES = ("bert", "bloom", "gemma2", "gpt_neox", "mistral, sliding", "modernbert", "qwen3")
BASES = ("bloom", "gemma3_text", "gpt2", "gpt_neox", "llama", "qwen2")
SOUPS = [[0.0, 0.0], [1.0, 0.0], [0.25, 0.75]]
PLACES = ("cpu", NAME)


def judged(kind: str, folder: Path) -> list[Any]:
    """By place: where a classifier is, whether it shares prompts there, and its rewards."""
    spec = RewardSpec(model=str(classifier(kind, folder)), label=1)
    pairs = tiny_pairs(6)
    prompts = [row.prompt for row in pairs.itertuples() for _ in range(2)]
    replies = [reply for row in pairs.itertuples() for reply in (row.chosen, row.rejected)]
    told = []
    for place in PLACES:
        judge = RewardModel.load(spec, place)
        rewards = judge.score(prompts, replies).tolist()
        told.append([judge.model.device.type, judge._shared is not None, rewards])
    return told


def souped(kind: str, folder: Path) -> list[Any]:
    """By place: where a base with two adapters is, and sampled replies of three soups."""
    if kind in KINDS:
        base, adapters = odd_soup(kind, folder, values=2)
    else:
        base = tiny_causal(kind, folder / "base")
        adapters = [random_adapter(base, folder / str(k), seed=k, rank=2 + k) for k in range(2)]
    told = []
    for place in PLACES:
        soup = SoupModel.load(base, adapters, device=place)
        prompts = ["How do I boil an egg?", "How do I boil an egg?", "Tell me a joke"]
        replies = sample(soup, prompts, SOUPS, max_new_tokens=12, seed=3)
        told.append([soup.device.type, replies])
    return told


def main(folder: Path) -> None:
    """Take every kind through both places."""
    with second_device():
        found = {
            "judges": {kind: judged(kind, folder / "judges" / kind) for kind in JUDGES},
            "bases": {kind: souped(kind, folder / "bases" / kind) for kind in BASES},
        }
    sys.stdout.write("\n" + json.dumps(found) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

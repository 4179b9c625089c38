"""Sampling many soups: one batch with a weight per row, against PEFT one soup at a time.

    python benchmarks/soup_points.py [--soups 28] [--prompts 16] [--tokens 40]

On the demo's base and adapters. The others: PEFT `add_weighted_adapter(combination_type="cat")` and
`generate` per soup; the same with the soup merged into the base in memory (PEFT `merge_adapter`).
Greedy tokens of all three are compared first; times are the median of three alternating rounds.
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from vcsoup.demo.bundle import adapter_name, bundle_folder, read_bundle
from vcsoup.soup.model import SoupModel
from vcsoup.soup.sampling import sample
from vcsoup.soup.weights import simplex_grid


class Peft:
    """The adapters of the demo in plain PEFT."""

    def __init__(self, folder: Path, paths: list[Path], prompts: list[str]) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(folder / "models" / "base")
        self.tokenizer.padding_side = "left"
        messages = [[{"role": "user", "content": prompt}] for prompt in prompts]
        self.inputs = self.tokenizer.apply_chat_template(
            messages,
            add_generation_prompt=True,
            padding=True,
            return_tensors="pt",
            return_dict=True,
        )
        base = AutoModelForCausalLM.from_pretrained(folder / "models" / "base", dtype=torch.float32)
        self.names = [path.name for path in paths]
        self.model = PeftModel.from_pretrained(base, paths[0], self.names[0]).eval()
        for path in paths[1:]:
            self.model.load_adapter(path, path.name)

    @torch.inference_mode()
    def replies(self, soup: np.ndarray, tokens: int, *, merge: bool, greedy: bool) -> list[str]:
        """Replies of one soup to all prompts."""
        on = [(n, w) for n, w in zip(self.names, soup.tolist(), strict=True) if w]
        names, weights = [n for n, _ in on], [w for _, w in on]
        self.model.add_weighted_adapter(names, weights, "soup", combination_type="cat")
        self.model.set_adapter("soup")
        if merge:
            self.model.merge_adapter(["soup"])
        out = self.model.generate(
            **self.inputs, max_new_tokens=tokens, do_sample=not greedy, temperature=None, top_k=0
        )
        if merge:
            self.model.unmerge_adapter()
        self.model.delete_adapter("soup")
        new = out[:, self.inputs.input_ids.shape[1] :]
        return [text.strip() for text in self.tokenizer.batch_decode(new, skip_special_tokens=True)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--soups", type=int, default=28)
    parser.add_argument("--prompts", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=40)
    options = parser.parse_args()
    folder = bundle_folder()
    contents = read_bundle(folder)
    prompts = list(contents.held_out[: options.prompts])
    paths = [folder / "adapters" / adapter_name(v, "filtered") for v in contents.values]
    soups = simplex_grid(len(paths), 6)[: options.soups]
    ours = SoupModel.load(folder / "models" / "base", paths)
    theirs = Peft(folder, paths, prompts)

    def batched(greedy: bool) -> list[str]:
        rows = [(soup, prompt) for soup in soups for prompt in prompts]
        replies: list[str] = []
        for start in range(0, len(rows), 256):
            part = rows[start : start + 256]
            replies += sample(
                ours,
                [prompt for _, prompt in part],
                np.array([soup for soup, _ in part]),
                max_new_tokens=options.tokens,
                temperature=0.0 if greedy else 1.0,
            )
        return replies

    def one_by_one(greedy: bool, merge: bool) -> list[str]:
        told = [theirs.replies(s, options.tokens, merge=merge, greedy=greedy) for s in soups]
        return [reply for replies in told for reply in replies]

    ways = {
        "vcsoup, one batch of many soups": lambda greedy: batched(greedy),
        "PEFT cat, soup by soup": lambda greedy: one_by_one(greedy, merge=False),
        "merged in memory, soup by soup": lambda greedy: one_by_one(greedy, merge=True),
    }
    greedy = [way(True) for way in ways.values()]
    same = [np.mean([a == b for a, b in zip(greedy[0], g, strict=True)]) for g in greedy]
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(3):
        for name, way in ways.items():
            start = time.perf_counter()
            way(False)
            times[name].append(time.perf_counter() - start)
    first = statistics.median(times["vcsoup, one batch of many soups"])
    print(f"{len(soups)} soups x {len(prompts)} prompts x {options.tokens} tokens, median of 3")
    for (name, seconds), agree in zip(times.items(), same, strict=True):
        mid = statistics.median(seconds)
        print(
            f"  {name:34s} {mid / len(soups):6.3f} s a soup {mid / first:5.2f}x   "
            f"greedy replies equal to ours: {agree:.1%}"
        )


if __name__ == "__main__":
    main()

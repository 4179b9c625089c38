"""A grid of soups, sampled: one running batch with a soup per row, against one soup at a time.

    python benchmarks/soup_grid.py [--points 9] [--rounds 3] [--steps 10] [--prompts 64]

On the demo's base, adapters and held-out prompts: all soups of the simplex grid (66 for 3 values in
10 steps), 48 new tokens, temperature 0.7. The others are (a) merge, save, load and generate per
soup, as published soup code does, (b) PEFT `cat` and `set_adapter`, (c) merged in memory.
The others are measured on `--points` soups, evenly spread, and compared per soup. Rounds
alternate. Before, greedy replies are compared token by token; after, lengths and rewards of the
sampled replies; last, where our time goes and how far it is from what must be computed.
"""

import argparse
import os
import statistics
import time
from collections.abc import Sequence

import numpy as np
import torch
from parts import limits
from parts.one_by_one import OneByOne
from torch.profiler import ProfilerActivity, profile
from transformers.utils import logging

from vcsoup.demo.bundle import adapter_name, bundle_folder, read_bundle
from vcsoup.rewards.model import RewardModel
from vcsoup.rewards.spec import RewardSpec
from vcsoup.soup.decoding import Reply, Sampler
from vcsoup.soup.model import SoupModel
from vcsoup.soup.prompts import decode_reply, draw_uniforms, encode_prompt
from vcsoup.soup.sampling import decode
from vcsoup.soup.weights import simplex_grid

TEMPERATURE = 0.7
OURS = "vcsoup, a soup per row"
PLAIN = "vcsoup, no drafts"
PARTS = {  # what an operation of torch is doing, by its name
    "matrix products": ("mm", "addmm", "linear", "matmul"),
    "attention": ("scaled_dot_product", "bmm", "_softmax_attention"),
    "choosing tokens": ("softmax", "cumsum", "searchsorted", "argmax", "gather", "nextafter"),
    "cache": ("index", "copy", "put", "zero"),
}


class Grid:
    """The demo's soups, prompts and models."""

    def __init__(self, steps: int, prompts: int, tokens: int) -> None:
        """Load the demo."""
        folder, contents = bundle_folder(), read_bundle(bundle_folder())
        self.values, self.tokens = contents.values, tokens
        self.prompts = list(contents.held_out[:prompts])
        self.soups = simplex_grid(len(contents.values), steps)
        base = folder / "models" / "base"
        paths = [folder / "adapters" / adapter_name(v, "filtered") for v in contents.values]
        self.ours = SoupModel.load(base, paths, device="cpu")
        self.theirs = OneByOne(base, paths, self.prompts)
        self._encoded = [encode_prompt(self.ours, prompt) for prompt in self.prompts]
        self._folder = folder

    def run(
        self, soups: np.ndarray, temperature: float, seed: int = 0, *, drafts: bool = True
    ) -> list[Reply]:
        """Our replies of these soups to all prompts, soup by soup."""
        uniforms = draw_uniforms(self.prompts, self.tokens, seed=seed)
        replies = [
            Reply(tokens, soup, numbers, Sampler(self.tokens, temperature))
            for soup in soups
            for tokens, numbers in zip(self._encoded, uniforms, strict=True)
        ]
        for _ in decode(self.ours, replies, drafts=drafts):
            pass
        return replies

    def rewards(self, replies: Sequence[Sequence[int]]) -> np.ndarray:
        """Rewards (n, K) of replies that repeat the prompts in order."""
        asked = self.prompts * (len(replies) // len(self.prompts))
        texts = [decode_reply(self.ours, reply) for reply in replies]
        columns = []
        for value in self.values:
            spec = RewardSpec(model=str(self._folder / "models" / f"reward-{value}"))
            columns.append(RewardModel.load(spec, "cpu").score(asked, texts))
        return np.stack(columns, axis=1)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=9, help="soups for the others; 0 is all")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--prompts", type=int, default=64)
    parser.add_argument("--tokens", type=int, default=48)
    options = parser.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    grid = Grid(options.steps, options.prompts, options.tokens)
    m = len(grid.soups)
    some = grid.soups[np.unique(np.linspace(0, m - 1, options.points or m).astype(int))]
    print(
        f"{m} soups x {len(grid.prompts)} prompts x {options.tokens} new tokens; the others on "
        f"{len(some)} of them; {torch.get_num_threads()} threads, load {os.getloadavg()[0]:.1f}"
    )
    ways = {
        "(a) merge, save, load per soup": grid.theirs.from_disk,
        "(b) PEFT cat per soup": grid.theirs.peft_cat,
        "(c) merged in memory per soup": grid.theirs.in_memory,
    }
    compare_greedy(grid, some[:: max(1, len(some) // 6)], ways)
    others = compare_times(grid, some, ways, options.rounds)
    compare_samples(grid, some, others)
    tell_limits(grid)
    tell_parts(grid)


def compare_greedy(grid: Grid, soups: np.ndarray, ways: dict) -> None:
    """Print how many greedy replies are the same tokens."""
    ours = [reply.tokens for reply in grid.run(soups, 0.0)]
    for name, way in ways.items():
        theirs = [reply for soup in soups for reply in way(soup, grid.tokens, 0.0)]
        same = np.mean([a == b for a, b in zip(ours, theirs, strict=True)])
        print(f"  greedy replies equal to {name}: {same:.2%} of {len(ours)}")


def compare_times(grid: Grid, some: np.ndarray, ways: dict, rounds: int) -> list[list[int]]:
    """Print seconds per soup and ratios; return the last replies of (c)."""
    times: dict[str, list[float]] = {name: [] for name in (OURS, PLAIN, *ways)}
    for turn in range(rounds):
        start = time.perf_counter()
        grid.run(grid.soups, TEMPERATURE, seed=turn)
        times[OURS].append((time.perf_counter() - start) / len(grid.soups))
        start = time.perf_counter()
        grid.run(some, TEMPERATURE, seed=turn, drafts=False)
        times[PLAIN].append((time.perf_counter() - start) / len(some))
        for name, way in ways.items():
            torch.manual_seed(turn)
            start = time.perf_counter()
            others = [reply for soup in some for reply in way(soup, grid.tokens, TEMPERATURE)]
            times[name].append((time.perf_counter() - start) / len(some))
    print(f"  seconds per soup, median of {rounds} (ratio to ours; its range over the rounds)")
    for name, seconds in times.items():
        ratios = [theirs / ours for theirs, ours in zip(seconds, times[OURS], strict=True)]
        print(
            f"  {name:32s} {statistics.median(seconds):7.3f} {statistics.median(ratios):6.2f}x "
            f"({min(ratios):.2f} to {max(ratios):.2f})"
        )
    return others


def compare_samples(grid: Grid, some: np.ndarray, others: list[list[int]]) -> None:
    """Print lengths and mean rewards of our and other sampled replies of the same soups."""
    ours = [  # a seed per soup, so that its replies are chance of their own, like the others'
        reply.tokens
        for place, soup in enumerate(some)
        for reply in grid.run(soup[None], TEMPERATURE, seed=100 + place)
    ]
    table = [
        np.column_stack([[len(reply) for reply in told], grid.rewards(told)])
        for told in (ours, others)
    ]
    # Replies of one prompt are alike in all soups, so prompts are what varies by chance.
    means = [part.reshape(len(some), -1, part.shape[1]).mean(axis=0) for part in table]
    gaps = means[0] - means[1]
    z = gaps.mean(axis=0) / (gaps.std(axis=0, ddof=1) / np.sqrt(len(gaps)))
    print("  sampled replies, ours and (c): mean, difference in its standard errors")
    for column, name in enumerate(("tokens", *grid.values)):
        a, b = (float(part[:, column].mean()) for part in table)
        print(f"    {name:10s} {a:8.3f} {b:8.3f} {z[column]:+6.2f}")


def tell_limits(grid: Grid) -> None:
    """Print what must be computed and read, at this machine's speeds, against what it took."""
    start = time.perf_counter()
    replies = grid.run(grid.soups, TEMPERATURE)
    took = time.perf_counter() - start
    count = limits.count(grid.ours)
    prompts = sum(len(reply.prompt) - 1 for reply in replies)
    tokens = sum(len(reply.tokens) + 1 for reply in replies)
    least = prompts * count.layers + tokens * (count.layers + count.head)
    least += len(grid.soups) * count.merge
    beside = (prompts + tokens) * count.beside
    peak, read = limits.peak_speed(), limits.read_speed()
    lengths = [(len(reply.prompt), len(reply.tokens) + 1) for reply in replies]
    reading = limits.cache_bytes(grid.ours, lengths) / read
    layers, head, aside = (part / 1e6 for part in (count.layers, count.head, count.beside))
    print(
        f"  {prompts} prompt and {tokens} reply tokens; a token takes {layers:.2f} MFLOP in the "
        f"layers, {head:.2f} in the head, {aside:.2f} in adapters where they run beside the base; "
        f"merging a soup takes {count.merge / 1e6:.0f}"
    )
    print(
        f"  limit: {least / 1e9:.0f} GFLOP with every soup merged once, {least / peak:.1f} s at "
        f"the {peak / 1e9:.0f} GFLOP/s of a large product (adapters beside the base: "
        f"{(least + beside) / peak:.1f} s; to read the cache for every token, at "
        f"{read / 1e9:.0f} GB/s: {reading:.1f} s more)"
    )
    print(f"  took {took:.1f} s, {took * peak / least:.1f} times the limit")


def tell_parts(grid: Grid) -> None:
    """Print where our time goes, by kinds of operations, over a part of the grid, in one stream."""
    soups = grid.soups[:8]
    torch.set_num_threads(1)  # one stream then, on this thread: the profiler sees no other
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        start = time.perf_counter()
        grid.run(soups, TEMPERATURE)
        took = time.perf_counter() - start
    spent = dict.fromkeys([*PARTS, "other operations"], 0.0)
    for event in seen.key_averages():
        kind = next(
            (part for part, names in PARTS.items() if any(n in event.key for n in names)),
            "other operations",
        )
        spent[kind] += event.self_cpu_time_total / 1e6
    spent["Python between operations"] = max(0.0, took - sum(spent.values()))
    shares = ", ".join(f"{kind} {seconds / took:.0%}" for kind, seconds in spent.items())
    print(f"  where the time goes (profiled, {len(soups)} soups, one thread): {shares}")


if __name__ == "__main__":
    main()

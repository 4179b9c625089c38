"""Gaps, scale, consistency, mask and sweep of thresholds, against what a notebook would do.

    python benchmarks/consistency.py [--pairs 1000000] [--values 4]

The notebook way is pandas with one Python function per row, timed on a hundredth of the pairs and
scaled up. Both results are compared before anything is printed.
"""

import argparse
import time

import numpy as np
import pandas as pd

from vcsoup.consistency import keep_mask, reward_gaps, reward_scale, value_consistency
from vcsoup.sweep import sweep

TAU = 0.3


def ours(chosen: np.ndarray, rejected: np.ndarray) -> np.ndarray:
    """The library's way, everything a Consistency page needs."""
    gaps = reward_gaps(chosen, rejected) / reward_scale(chosen, rejected)
    consistency = value_consistency(gaps)
    sweep(gaps, np.zeros((len(gaps), 2)), np.linspace(-1, 1, 201))
    return keep_mask(consistency, TAU)


def notebook(chosen: np.ndarray, rejected: np.ndarray) -> np.ndarray:
    """One function per row, for the mask alone."""
    sigma = np.concatenate([chosen, rejected]).std(axis=0, ddof=1)
    frame = pd.DataFrame((chosen - rejected) / sigma)

    def consistent(row: pd.Series) -> bool:
        return row.sum() / (np.sqrt((row**2).sum()) * np.sqrt(len(row))) >= TAU

    return frame.apply(consistent, axis=1).to_numpy()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--values", type=int, default=4)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    chosen, rejected = rng.normal(size=(2, options.pairs, options.values))
    part = slice(0, options.pairs // 100)
    np.testing.assert_array_equal(
        ours(chosen[part], rejected[part]), notebook(chosen[part], rejected[part])
    )
    fast = np.median([_seconds(ours, chosen, rejected) for _ in range(options.runs)])
    slow = 100 * np.median([_seconds(notebook, chosen[part], rejected[part]) for _ in range(3)])
    print(f"{options.pairs:,} pairs x {options.values} values, median of {options.runs}")
    print(f"  vcsoup, all figures of the page   {fast:8.3f} s    1.0x")
    print(f"  pandas by row, the mask alone     {slow:8.1f} s  {slow / fast:5.0f}x")


def _seconds(function, *arguments) -> float:
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()

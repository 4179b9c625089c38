"""What the prompts of a stored data set are like: turns, and how many differ.

Text is costly to read at a million pairs, so row groups are sampled evenly; the result says how
many pairs it saw.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vcsoup.preferences.pair_rows import open_pairs


@dataclass(frozen=True)
class PromptSample:
    """What a sample of the pairs says about their prompts.

    Attributes:
        seen: Pairs in the sample; all of them when the data set is small.
        distinct: Different prompts among them.
        turns: How many prompts have 1, 2, ... messages.
    """

    seen: int
    distinct: int
    turns: Mapping[int, int]


def sample_prompts(path: Path, *, most: int = 40_000) -> PromptSample:
    """Look at the prompts of evenly spaced row groups.

    Args:
        path: A parquet file of pairs.
        most: About how many pairs to look at; at least one row group is read.
    """
    with open_pairs(path) as file:
        sizes = [file.metadata.row_group(i).num_rows for i in range(file.metadata.num_row_groups)]
        wanted = max(1, int(len(sizes) * min(1.0, most / sum(sizes))))
        groups = np.unique(np.linspace(0, len(sizes) - 1, wanted).round().astype(int))
        prompts = file.read_row_groups(groups.tolist(), columns=["prompt"]).column("prompt")
    lengths, counts = np.unique(pc.list_value_length(prompts).to_numpy(), return_counts=True)
    joined = pa.chunked_array([_joined(chunk) for chunk in prompts.chunks], pa.string())
    turns = dict(zip(lengths.tolist(), counts.tolist(), strict=True))
    return PromptSample(len(prompts), pc.count_distinct(joined).as_py(), turns)


def _joined(prompts: pa.ListArray) -> pa.StringArray:
    """Each prompt as one text."""
    said = pa.ListArray.from_arrays(prompts.offsets, pc.struct_field(prompts.values, "content"))
    return pc.binary_join(said, "\x1e")

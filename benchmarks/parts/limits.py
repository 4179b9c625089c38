"""What decoding must compute and read, counted, and how fast this machine does either."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import nn

from vcsoup.soup.layer import SoupLayer
from vcsoup.soup.model import SoupModel


@dataclass(frozen=True)
class Operations:
    """Operations of matrix products, attention left aside.

    Attributes:
        layers: Of one token, in the base's layers.
        head: Of one token whose successor is asked for.
        beside: Of one token, in adapters that run beside the base.
        merge: Of merging one soup into the base.
    """

    layers: int
    head: int
    beside: int
    merge: int


def count(soup: SoupModel) -> Operations:
    """Count them from the shapes of the model's layers."""
    layers = beside = merge = 0
    for module in soup.model.model.modules():
        if isinstance(module, SoupLayer):
            beside += 2 * (module.A.numel() + module.B_T.numel())
            merge += 2 * module.A.numel() * module.B_T.shape[1]
        elif isinstance(module, nn.Linear):
            layers += 2 * module.weight.numel()
    return Operations(layers, 2 * soup.model.lm_head.weight.numel(), beside, merge)


def cache_bytes(soup: SoupModel, lengths: Iterable[tuple[int, int]]) -> int:
    """Bytes of keys and values that replies read, from (prompt tokens, reply tokens) of each."""
    config = soup.model.config
    width = config.num_key_value_heads * config.head_dim
    per_token = 2 * 4 * width * config.num_hidden_layers
    seen = sum(new * prompt + new * (new + 1) // 2 for prompt, new in lengths)
    return per_token * seen


def peak_speed(size: int = 1024) -> float:
    """Operations a second of a large float32 matrix product."""
    a, b = torch.randn(size, size), torch.randn(size, size)
    return 2 * size**3 / _best(lambda: a @ b)


def read_speed(megabytes: int = 256) -> float:
    """Bytes a second of a sum over memory that no cache holds."""
    data = torch.ones(megabytes * 250_000)
    return 4 * len(data) / _best(lambda: data.sum())


def _best(call: Callable[[], object], rounds: int = 15) -> float:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)

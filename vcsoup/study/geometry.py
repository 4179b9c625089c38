"""How a soup's policies lie to each other: cosines of deltas and gradients, loss barriers.

Before and after filtering, these say whether the values pull the base in one direction (what the
paper's filter is meant to bring about) and whether the loss rises between two policies.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from vcsoup.base_models.anatomy import decoder_linears
from vcsoup.soup.honesty import cores, layer_cosines
from vcsoup.soup.model import SoupModel
from vcsoup.study.sequences import answer_logps, dpo_losses

PAIRS = 64  # behind each value's gradient


def delta_cosine(adapters: Sequence[Path]) -> float:
    """Mean cosine between every two adapters' deltas, all layers together."""
    return _mean_off_diagonal(layer_cosines(cores(adapters))["all layers"])


def gradient_cosine(
    base: str, pairs: Mapping[str, pd.DataFrame], *, rng: np.random.Generator
) -> float | None:
    """Mean cosine between every two values' DPO gradients at the base.

    Where policy and reference are the same, the gradient of the DPO loss points along that of
    log p(chosen) - log p(rejected), over the linear layers that adapters change.

    Args:
        base: Folder or hub id.
        pairs: Per value the pairs that its policy trains on; 64 of each are taken.
        rng: Chooses them.

    Returns:
        In [-1, 1]; None when a value has no pairs.
    """
    if not all(len(table) for table in pairs.values()):
        return None
    soup = SoupModel.load(base, [])
    linears = decoder_linears(soup.model)
    weights = [soup.model.get_parameter(f"{linear.path}.weight") for linear in linears]
    for weight in weights:
        weight.requires_grad_(True)
    gradients = []
    for table in pairs.values():
        rows = rng.permutation(len(table))[:PAIRS]
        _descend(soup, table.iloc[rows])
        gradients.append(torch.cat([_gradient(weight) for weight in weights]))
        soup.model.zero_grad()
    stacked = torch.stack(gradients)
    units = stacked / stacked.norm(dim=1, keepdim=True)
    return _mean_off_diagonal((units @ units.T).numpy())


def _gradient(weight: torch.nn.Parameter) -> torch.Tensor:
    assert weight.grad is not None  # `_descend` has just made it
    return weight.grad.flatten().double()


def loss_barrier(soup: SoupModel, heldout: Mapping[str, pd.DataFrame], *, beta: float) -> float:
    """How far the held-out loss of a half-half mix lies above the mean of its two ends.

    Averaged over every two values and over the pairs of both; in nats, negative when the mix is
    better than its ends.
    """
    K, names = soup.K, list(heldout)
    ends = np.eye(K)
    mixes = {(i, j): (ends[i] + ends[j]) / 2 for i, j in combinations(range(K), 2)}
    soups = [*ends, *mixes.values()]
    losses = np.stack(
        [dpo_losses(soup, soups, heldout[name], beta=beta).mean(axis=1) for name in names], axis=1
    )  # (soups, values)
    rises = [
        losses[K + place, [i, j]].mean() - (losses[i, [i, j]].mean() + losses[j, [i, j]].mean()) / 2
        for place, (i, j) in enumerate(mixes)
    ]
    return float(np.mean(rises))


def _descend(soup: SoupModel, pairs: pd.DataFrame) -> None:
    """Add the gradient of the mean log-ratio of pairs to the model's."""

    def forward(ids: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = soup.model(input_ids=ids).logits
        return logits

    for side, sign in (("chosen", -1.0), ("rejected", 1.0)):
        for logps in answer_logps(forward, soup, list(pairs["prompt"]), list(pairs[side])):
            (sign * logps.sum() / len(pairs)).backward()


def _mean_off_diagonal(cosines: np.ndarray) -> float:
    return float(cosines[np.triu_indices(len(cosines), k=1)].mean())

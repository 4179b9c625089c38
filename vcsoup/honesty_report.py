"""The honesty meter's figures as plain data: for the Soup page and `soup honesty`.

Torch-free; a set of large adapters takes seconds, so the pages ask a job for those.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt

from vcsoup.soup.honesty import (
    Core,
    cancels,
    cores,
    factor_average_error,
    layer_cosines,
    svd_errors,
)

NO_SOUP = (
    "The adapters cancel each other at these weights, as exactly as their numbers can say: "
    "this soup is the base model, and an error relative to its change would mean nothing."
)
_SHOWN_RANKS = 12


def honesty_figures(
    adapters: Sequence[Path],
    weights: npt.ArrayLike,
    values: Sequence[str],
    *,
    found: dict[str, Core] | None = None,
) -> dict[str, Any]:
    """Relative error of each export at these weights, and the adapters' cosine per layer.

    Args:
        adapters: K adapter folders in the order of `values`.
        weights: K numbers.
        values: The K value names.
        found: `cores(adapters)` when they are known already.

    Returns:
        weights {value: number}; base, whether the adapters cancel each other, so that the soup is
        the base and no error says anything (those that are known are 0); rank, the exact adapter's;
        exports [{export, rank, relative_error}] with the exact one first, the SVD at some ranks,
        the factor average (relative_error None where it cannot be made or compared); ranks, the
        error at every rank from 0; layers [{layer, first, second, cosine}] for every two adapters,
        cosine None where one leaves the layer alone.

    Raises:
        NotFoundError, AdapterError, WeightsError: as `vcsoup.soup.honesty`.
    """
    found = cores(adapters) if found is None else found
    errors = svd_errors(found, weights).tolist()
    lambdas = list(map(float, weights))  # type: ignore[arg-type]
    used = {
        module: sum(r for r, weight in zip(core.ranks, lambdas, strict=True) if weight)
        for module, core in found.items()
    }
    rank = max(used.values())
    exports = [{"export": "exact", "rank": rank, "relative_error": 0.0}]
    exports += [
        {"export": f"svd, rank {r}", "rank": r, "relative_error": errors[r]}
        for r in shown_ranks(rank)
    ]
    average = factor_average_error(found, weights)
    average = None if average == math.inf else average
    exports.append({"export": "factor average", "rank": None, "relative_error": average})
    return {
        "weights": dict(zip(values, lambdas, strict=True)),
        "base": cancels(found, weights),
        "rank": rank,
        "exports": exports,
        "ranks": errors[: rank + 1],
        "layers": _layer_rows(found, values),
    }


def shown_ranks(rank: int) -> list[int]:
    """Ranks worth a row: powers of two below the exact adapter's rank.

    Example:
        >>> shown_ranks(48)
        [1, 2, 4, 8, 16, 32]
    """
    powers = [1 << i for i in range(_SHOWN_RANKS)]
    return [power for power in powers if power < rank]


def _layer_rows(found: dict[str, Core], values: Sequence[str]) -> list[dict[str, Any]]:
    rows = []
    for layer, cosines in layer_cosines(found).items():
        for i, first in enumerate(values):
            for j in range(i + 1, len(values)):
                cosine = float(cosines[i, j])
                known = None if math.isnan(cosine) else cosine
                rows.append({"layer": layer, "first": first, "second": values[j], "cosine": known})
    return rows

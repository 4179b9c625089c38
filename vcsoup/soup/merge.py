"""Turn a soup into one plain LoRA adapter: exact, or labelled with its error.

The soup's delta is sum_k lambda_k * s_k * B_k @ A_k per module. `merge_exact` concatenates factors
(rank sum r_k, no error beyond rounding); `merge_svd` cuts that to a chosen rank, optimally in
the Frobenius norm; `merge_factor_average` averages A and B separately, as published soup code
does, which is *not* the sum of the deltas. Each says its relative error. `merged_folder` writes
them to disk.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy.typing as npt
import torch

from vcsoup.errors import AdapterError
from vcsoup.soup.adapters import Adapter, Factors, check_same_base
from vcsoup.soup.weights import check_weights

Method = Literal["exact", "svd", "factor average"]


@dataclass(frozen=True)
class Merged:
    """A soup as one adapter.

    Attributes:
        method: "exact", "svd" or "factor average".
        weights: The lambdas, in the order of `sources`.
        sources: The adapters that went in.
        factors: Module -> factors with scale 1.
        relative_error: Frobenius norm of (merged - sum of deltas) over that of the sum, all modules
            together; 0 for the exact merge, whose rounding is about 1e-7.
    """

    method: Method
    weights: tuple[float, ...]
    sources: tuple[Adapter, ...]
    factors: Mapping[str, Factors]
    relative_error: float

    @property
    def rank(self) -> int:
        """The largest rank of any module."""
        return max(factors.rank for factors in self.factors.values())


def merge_exact(adapters: Sequence[Adapter], weights: npt.ArrayLike) -> Merged:
    """Concatenate factors: the sum of the deltas itself, at rank sum r_k.

    Args:
        adapters: K adapters of one base model.
        weights: K numbers, any sign and sum; adapters with weight 0 add no rank.

    Returns:
        The merged adapter, relative error 0.

    Raises:
        AdapterError: no adapters, different bases, or shapes that do not fit each other.
        WeightsError: not K finite numbers.
    """
    lambdas = _checked(adapters, weights)
    return Merged("exact", lambdas, tuple(adapters), _stack(adapters, lambdas), 0.0)


def merge_svd(adapters: Sequence[Adapter], weights: npt.ArrayLike, rank: int) -> Merged:
    """The best approximation of the soup with at most `rank` per module (Eckart-Young).

    Args:
        adapters: K adapters of one base model.
        weights: K numbers, any sign and sum.
        rank: Largest rank per module, >= 1; modules of a lower rank stay exact.

    Returns:
        The merged adapter with its relative error.

    Raises:
        AdapterError: as `merge_exact`, or rank < 1.
        WeightsError: not K finite numbers.
    """
    if rank < 1:
        raise AdapterError(f"expected a rank of at least 1, got {rank}; choose 1 or more")
    lambdas = _checked(adapters, weights)
    factors, lost, total = {}, 0.0, 0.0
    for module, stacked in _stack(adapters, lambdas).items():
        factors[module], squares = _truncate(stacked, rank)
        lost += float(squares[rank:].sum())
        total += float(squares.sum())
    return Merged("svd", lambdas, tuple(adapters), factors, _ratio(lost, total))


def merge_factor_average(adapters: Sequence[Adapter], weights: npt.ArrayLike) -> Merged:
    """Average A and B separately: the reference code's merge, kept for comparison only.

    Args:
        adapters: K adapters of one base model, equal in modules, ranks and scales.
        weights: K numbers, any sign and sum.

    Returns:
        The merged adapter with its relative error, which is commonly near 1.

    Raises:
        AdapterError: as `merge_exact`, or adapters whose factors cannot be averaged.
        WeightsError: not K finite numbers.
    """
    lambdas = _checked(adapters, weights)
    _check_alike(adapters)
    factors, lost, total = {}, 0.0, 0.0
    for module, exact in _stack(adapters, lambdas).items():
        parts = [adapter.factors[module] for adapter in adapters]
        A = _weighted(lambdas, [part.A for part in parts])
        B = _weighted(lambdas, [part.B for part in parts])
        factors[module] = Factors(A, parts[0].scale * B, 1.0)
        gap = (torch.cat([A, exact.A]), torch.cat([factors[module].B, -exact.B], dim=1))
        lost += _square_norm(*gap)
        total += _square_norm(exact.A, exact.B)
    return Merged("factor average", lambdas, tuple(adapters), factors, _ratio(lost, total))


def _weighted(lambdas: Sequence[float], parts: Sequence[torch.Tensor]) -> torch.Tensor:
    """Sum of lambda * part."""
    terms = (weight * part for weight, part in zip(lambdas, parts, strict=True))
    return sum(terms, start=torch.zeros(()))


def _checked(adapters: Sequence[Adapter], weights: npt.ArrayLike) -> tuple[float, ...]:
    check_same_base(adapters)
    return tuple(check_weights(weights, len(adapters), free=True).tolist())


def _stack(adapters: Sequence[Adapter], lambdas: Sequence[float]) -> dict[str, Factors]:
    """Per module all A's stacked and all lambda * s * B side by side."""
    chosen = [pair for pair in zip(adapters, lambdas, strict=True) if pair[1] != 0.0]
    chosen = chosen or [(adapters[0], 0.0)]
    modules = sorted({module for adapter, _ in chosen for module in adapter.factors})
    stacked = {}
    for module in modules:
        parts = [(a.factors[module], weight) for a, weight in chosen if module in a.factors]
        try:
            A = torch.cat([part.A for part, _ in parts])
            B = torch.cat([weight * part.scale * part.B for part, weight in parts], dim=1)
        except RuntimeError as error:
            raise AdapterError(
                f"{module} has different shapes in {', '.join(a.name for a, _ in chosen)}; "
                "use adapters trained on one base model"
            ) from error
        stacked[module] = Factors(A, B, 1.0)
    return stacked


def _truncate(stacked: Factors, rank: int) -> tuple[Factors, torch.Tensor]:
    """Best rank-`rank` factors, and the squared singular values (R,), falling."""
    left, left_core = torch.linalg.qr(stacked.B.double())
    right, right_core = torch.linalg.qr(stacked.A.double().T)
    U, singular, V = torch.linalg.svd(left_core @ right_core.T)
    kept = min(rank, singular.numel())
    root = singular[:kept].sqrt()
    B = left @ U[:, :kept] * root
    A = (V[:kept].T * root).T @ right.T
    return Factors(A.float(), B.float(), 1.0), singular.square()


def _square_norm(A: torch.Tensor, B: torch.Tensor) -> float:
    """Squared Frobenius norm of B @ A without forming it."""
    cores = torch.linalg.qr(B.double()).R @ torch.linalg.qr(A.double().T).R.T
    return float(cores.square().sum())


def _ratio(lost: float, total: float) -> float:
    return math.sqrt(lost / total) if total > 0 else 0.0


def _check_alike(adapters: Sequence[Adapter]) -> None:
    first = {m: (f.rank, f.scale) for m, f in adapters[0].factors.items()}
    for adapter in adapters[1:]:
        if {m: (f.rank, f.scale) for m, f in adapter.factors.items()} != first:
            raise AdapterError(
                f"{adapter.name} and {adapters[0].name} differ in modules, rank or scale, so their "
                "factors cannot be averaged; use the exact merge"
            )

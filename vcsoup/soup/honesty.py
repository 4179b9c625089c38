"""How honest each way of exporting a soup is: exact figures from the adapters' factors, numpy only.

The soup's delta is sum_k lambda_k s_k B_k A_k per module. Its singular values, its distance to the
factor average and the cosine between two adapters' deltas all follow from QR factors of the stacked
A's and B's, (R, R) numbers per module with R = sum r_k; no dense delta is ever formed. `cores` does
that part once per set of adapters; the functions after it cost milliseconds at any weights.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vcsoup.errors import AdapterError
from vcsoup.soup.factor_files import Half, read_halves
from vcsoup.soup.weights import check_weights

FloatArray = npt.NDArray[np.float64]
_FLOAT32 = float(np.finfo(np.float32).eps)  # adapters are kept in it


@dataclass(frozen=True)
class Core:
    """One module of a set of adapters, in the coordinates of its factors.

    Attributes:
        B: Triangular factor of all s_k * B_k side by side, shape (p, R).
        A: Triangular factor of all A_k stacked, shape (q, R): the soup's delta has the singular
            values of B @ diag(lambda over ranks) @ A.T.
        ranks: Columns of each adapter, K numbers; 0 where an adapter leaves the module alone.
        scales: s_k of each adapter; 0 where it leaves the module alone.
    """

    B: FloatArray
    A: FloatArray
    ranks: tuple[int, ...]
    scales: tuple[float, ...]


def cores(adapters: Sequence[Path]) -> dict[str, Core]:
    """Reduce a set of adapters to small matrices per module.

    Args:
        adapters: K adapter folders of one base model.

    Returns:
        Module path -> its core.

    Raises:
        NotFoundError: no adapter in one of the folders.
        AdapterError: an adapter that is no plain LoRA, or shapes that differ between adapters.
    """
    halves = [read_halves(Path(path)) for path in adapters]
    modules = sorted({module for half in halves for module in half})
    return {module: _core(module, [half.get(module) for half in halves]) for module in modules}


def cancels(found: Mapping[str, Core], weights: npt.ArrayLike) -> bool:
    """Whether a soup is the base itself: its parts undo each other as exactly as float32 can say.

    Errors relative to such a soup's delta would be those of its rounding.

    Args:
        found: From `cores`.
        weights: K numbers; all zeros is the base too.

    Raises:
        WeightsError: not K finite numbers.
    """
    lambdas = _lambdas(found, weights)
    left = sum(float(np.square(_mixed(core, lambdas)).sum()) for core in found.values())
    return math.sqrt(left) <= _FLOAT32 * _parts(found, lambdas)


def svd_errors(found: Mapping[str, Core], weights: npt.ArrayLike) -> FloatArray:
    """Relative error of the best adapter of every rank, all modules together.

    Args:
        found: From `cores`.
        weights: K numbers.

    Returns:
        Shape (R + 1,): entry r is the Frobenius norm of what rank r leaves out over that of the
        soup's delta; 1 at rank 0 and 0 at rank R = sum r_k. All zero where the adapters cancel.

    Raises:
        WeightsError: not K finite numbers.
    """
    lambdas = _lambdas(found, weights)
    most = max(sum(core.ranks) for core in found.values())
    if cancels(found, weights):
        return np.zeros(most + 1)
    squares = np.zeros(most)
    for core in found.values():
        singular = np.linalg.svd(_mixed(core, lambdas), compute_uv=False)
        squares[: len(singular)] += singular**2
    left = np.concatenate([np.cumsum(squares[::-1])[::-1], [0.0]])
    return np.asarray(np.sqrt(left / left[0]))


def factor_average_error(found: Mapping[str, Core], weights: npt.ArrayLike) -> float | None:
    """Relative error of averaging A and B separately; None where that cannot be done.

    Args:
        found: From `cores`.
        weights: K numbers.

    Returns:
        Frobenius norm of (average - soup's delta) over that of the delta, all modules together;
        None when adapters differ in modules, rank or scale. Where they cancel, 0 when their average
        does so too, else infinite.

    Raises:
        WeightsError: not K finite numbers.
    """
    lambdas = _lambdas(found, weights)
    lost = total = 0.0
    for core in found.values():
        if len(set(core.ranks)) > 1 or len(set(core.scales)) > 1:
            return None
        spread = np.kron(lambdas[:, None], np.eye(core.ranks[0]))
        exact = _mixed(core, lambdas)
        # B already holds the scale, so s * (sum l_k B_k)(sum l_k A_k) = B spread spread.T A.
        average = core.B @ spread @ spread.T @ core.A.T
        lost += float(np.square(average - exact).sum())
        total += float(np.square(exact).sum())
    if not cancels(found, weights):
        return math.sqrt(lost / total)
    return 0.0 if math.sqrt(lost) <= _FLOAT32 * _parts(found, lambdas) else math.inf


def layer_cosines(found: Mapping[str, Core]) -> dict[str, FloatArray]:
    """Cosine between every two adapters' deltas, layer by layer.

    1: two adapters push the layer the same way; 0: they do not touch each other's directions;
    negative: they undo each other.

    Args:
        found: From `cores`.

    Returns:
        Layer name ("layer 0", ..., other modules under their own name) -> (K, K), symmetric, ones
        on the diagonal; nan in the rows of an adapter that leaves the layer alone. In the
        order of the model, then "all layers".
    """
    layers: dict[str, FloatArray] = {}
    for module in sorted(found, key=_place):
        products = _products(found[module])
        for name in (_layer(module), "all layers"):
            layers[name] = layers.get(name, np.zeros_like(products)) + products
    layers["all layers"] = layers.pop("all layers")
    return {name: _normalised(products) for name, products in layers.items()}


def _core(module: str, parts: Sequence[Half | None]) -> Core:
    present = [part for part in parts if part is not None]
    try:
        A = np.concatenate([part[0] for part in present])
        B = np.concatenate([part[2] * part[1] for part in present], axis=1)
    except ValueError as error:
        raise AdapterError(
            f"{module} has different shapes in the adapters; use adapters of one base model"
        ) from error
    return Core(
        B=_triangle(B),
        A=_triangle(A.T),
        ranks=tuple(0 if part is None else len(part[0]) for part in parts),
        scales=tuple(0.0 if part is None else part[2] for part in parts),
    )


def _triangle(tall: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.qr(tall, mode="r"))


def _lambdas(found: Mapping[str, Core], weights: npt.ArrayLike) -> FloatArray:
    return check_weights(weights, len(next(iter(found.values())).ranks), free=True)


def _mixed(core: Core, lambdas: FloatArray) -> FloatArray:
    return np.asarray((core.B * np.repeat(lambdas, core.ranks)) @ core.A.T)


def _parts(found: Mapping[str, Core], lambdas: FloatArray) -> float:
    """Sizes of all that is added up, whatever its sign: the adapters' norms times their weights."""
    squares = sum(np.diag(_products(core)) for core in found.values())
    return float(np.abs(lambdas) @ np.sqrt(np.maximum(squares, 0.0)))


def _products(core: Core) -> FloatArray:
    """Inner products of the adapters' deltas in one module, shape (K, K)."""
    gram = (core.B.T @ core.B) * (core.A.T @ core.A)
    ends = np.cumsum(core.ranks)
    blocks = [slice(end - rank, end) for end, rank in zip(ends, core.ranks, strict=True)]
    return np.array([[gram[i, j].sum() for j in blocks] for i in blocks])


def _normalised(products: FloatArray) -> FloatArray:
    norms = np.sqrt(np.diag(products))
    with np.errstate(invalid="ignore", divide="ignore"):
        cosines = products / np.outer(norms, norms)
    cosines[np.isinf(cosines)] = np.nan
    return np.asarray(np.clip(cosines, -1.0, 1.0))


def _layer(module: str) -> str:
    number = re.search(r"\.(\d+)\.", module)
    return f"layer {number[1]}" if number else module


def _place(module: str) -> tuple[int, str]:
    number = re.search(r"\.(\d+)\.", module)
    return (int(number[1]) if number else 1 << 30, module)

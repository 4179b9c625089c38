"""How much memory a base takes, told before it is loaded: for training and for serving soups.

Pure arithmetic on sizes; torch-free. Weights, adapters, optimiser and the cache of keys and values
are exact. Activations follow what autograd keeps per token of a decoder block: measured on several
architectures, the estimate is right to within a factor of two (`tests/unit/test_base_memory.py`).
"""

from dataclasses import dataclass

from vcsoup.base_models.settings import BaseLoading

_BYTES = {"float32": 4.0, "bfloat16": 2.0, "float16": 2.0}
_KEPT = {"8bit": 1.0 + 4 / 4096, "4bit": 0.5 + 4 / 64}
"""Bytes per number of a linear layer, with the scales of its rows (int8) or blocks (nf4)."""
_TILE = (4096, 32768)  # tokens and vocabulary entries
_TILES_ON_CPU, _TILES_ON_GPU = 9, 3
"""Tiles that trl holds at a time: one kernel works in place, torch's functions make new ones."""
_ADAPTER = 4.0  # adapters train in float32


@dataclass(frozen=True)
class Sizes:
    """What memory depends on.

    Attributes:
        parameters: All of them.
        block_linear: Those in linear layers of the decoder blocks, which quantisation shrinks.
        layers: Decoder blocks.
        hidden: Width of the residual stream.
        inner: Width inside the feed-forward part.
        vocabulary: Entries of the head.
        kv_width: Keys of one token in one layer: key heads times their width.
        adapted: Sum of (in + out) over all layers that get an adapter.
        adapted_in: Sum of (in) over them.
        n_adapted: How many layers these are.
    """

    parameters: int
    block_linear: int
    layers: int
    hidden: int
    inner: int
    vocabulary: int
    kv_width: int
    adapted: int
    adapted_in: int
    n_adapted: int


@dataclass(frozen=True)
class Load:
    """What is done with the base.

    Attributes:
        rank: Of an adapter.
        pairs: In one pass of training; each is two sequences.
        tokens: Of a sequence, prompt and answer.
        dropout: Whether adapters have dropout, which keeps a copy of what comes into each.
        values: Adapters beside the base when soups are served.
        rows: Replies in flight when soups are served.
    """

    rank: int
    pairs: int
    tokens: int
    dropout: bool = True
    values: int = 2
    rows: int = 32


def training_bytes(
    sizes: Sizes, loading: BaseLoading, load: Load, *, dtype: str, on_gpu: bool = False
) -> dict[str, float]:
    """Memory of one training pass.

    Args:
        sizes: Of the base.
        loading: How it is loaded.
        load: What is trained.
        dtype: "float32", "bfloat16" or "float16", of the weights and the arithmetic.
        on_gpu: Whether a GPU computes.

    Returns:
        Bytes of weights, adapters (one is trained), optimiser (its gradients and AdamW's two
        moments), activations and logits.
    """
    number, adapter = _BYTES[dtype], _adapter(sizes, load)
    tokens = 2 * load.pairs * load.tokens
    block = _block_bytes(sizes, load, dtype=dtype)
    kept = sizes.layers * block
    tiles = _TILES_ON_GPU if on_gpu else _TILES_ON_CPU
    if loading.gradient_checkpointing:
        kept = sizes.layers * sizes.hidden * number + block
    return {
        "weights": weight_bytes(sizes, loading, dtype=dtype),
        "adapters": adapter,
        "optimiser": 3 * adapter,
        "activations": tokens * kept,
        # trl makes logits a tile at a time, in float32, and their gradient beside them.
        "logits": min(tokens, _TILE[0]) * min(sizes.vocabulary, _TILE[1]) * tiles * 4.0,
    }


def serving_bytes(
    sizes: Sizes, loading: BaseLoading, load: Load, *, dtype: str
) -> dict[str, float]:
    """Memory of a resident base with all its adapters and a batch of replies in flight.

    Returns:
        Bytes of weights, adapters, cache (keys and values) and logits.
    """
    number = _BYTES[dtype]
    cache = 2 * sizes.layers * sizes.kv_width * number * load.rows * load.tokens
    return {
        "weights": weight_bytes(sizes, loading, dtype=dtype),
        "adapters": load.values * _adapter(sizes, load) * number / _ADAPTER,
        "cache": cache,
        "logits": load.rows * sizes.vocabulary * (number + 8),
    }


def weight_bytes(sizes: Sizes, loading: BaseLoading, *, dtype: str) -> float:
    """Bytes of the base's weights as they lie in memory.

    Example:
        >>> sizes = Sizes(100, 64, 1, 4, 8, 20, 4, 8, 4, 1)
        >>> weight_bytes(sizes, BaseLoading(), dtype="bfloat16")
        200.0
        >>> weight_bytes(sizes, BaseLoading(quantization="4bit"), dtype="bfloat16")
        108.0
    """
    number = _BYTES[dtype]
    kept = _KEPT.get(loading.quantization, number)
    return sizes.block_linear * kept + (sizes.parameters - sizes.block_linear) * number


def verdict(need: float, *, free: float, total: float) -> str:
    """Say whether so many bytes fit.

    Example:
        >>> [verdict(need, free=8, total=16) for need in (1, 12, 20)]
        ['fits', 'fits when other programs make room', 'will not fit']
    """
    if need <= 0.9 * free:
        return "fits"
    return "fits when other programs make room" if need <= 0.95 * total else "will not fit"


def _block_bytes(sizes: Sizes, load: Load, *, dtype: str) -> float:
    """What autograd keeps of one token in one decoder block; norms and adapters are in float32."""
    plain = 4 * sizes.hidden + sizes.kv_width + 2.75 * sizes.inner
    copies = 1.25 if load.dropout else 0.5 if dtype == "float32" else 1.0
    adapters = sizes.adapted_in * copies + sizes.n_adapted * load.rank
    return plain * _BYTES[dtype] + 4.0 * (4 * sizes.hidden + adapters / max(sizes.layers, 1))


def _adapter(sizes: Sizes, load: Load) -> float:
    return load.rank * sizes.adapted * _ADAPTER

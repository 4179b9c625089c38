"""One resident base with K adapters that runs many soups in one batch.

Row b of a batch is computed with W0 + sum_k weights[b, k] * s_k * B_k @ A_k: single values
(e_k), the base (all zeros) and any mix side by side. Each adapted linear layer holds all A's
stacked (R, in) and all s * B's side by side (out, R) and scales the middle (R numbers per token)
by its row's weights, which is exact: nothing is merged, nothing is loaded when weights change.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy.typing as npt
import torch
from torch import nn
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.pytorch_utils import Conv1D

from vcsoup.errors import AdapterError, NotFoundError, WeightsError
from vcsoup.soup.adapters import Adapter, Factors, check_same_base, load_adapter


class SoupModel:
    """Base model and adapters, answering for any soup per row.

    Not thread-safe: one owner at a time runs it (the engine's owner thread does).

    Attributes:
        model: The causal LM, in eval mode, its adapted linear layers wrapped.
        tokenizer: The base's tokenizer.
        adapters: The K adapters, in the order of the weights' columns.
    """

    def __init__(self, model: nn.Module, tokenizer: Any, adapters: Sequence[Adapter]) -> None:
        """Wrap the adapted layers of `model` in place; prefer `SoupModel.load`."""
        self.model = model.eval().requires_grad_(False)
        self.tokenizer = tokenizer
        self.adapters = tuple(adapters)
        self._mix = _Mix()
        _wrap_layers(self.model, self.adapters, self._mix)

    @classmethod
    def load(
        cls, base: str | Path, adapters: Sequence[Path], *, device: str | None = None
    ) -> "SoupModel":
        """Load a base model and its adapters.

        Args:
            base: Folder or hub id of a causal LM.
            adapters: K adapter folders, in the order of the values; may be empty (base alone).
            device: "cpu", "cuda", ...; None takes CUDA where there is one.

        Returns:
            The model, in float32.

        Raises:
            NotFoundError: no such base or adapter.
            AdapterError: an adapter that cannot be used exactly, or of another base.

        Example:
            ```python
            soup = SoupModel.load("base", [Path("helpful"), Path("harmless")])
            logits = soup(tokens, weights=[[0.5, 0.5], [1.0, 0.0]]).logits  # two soups, one batch
            ```
        """
        loaded = [load_adapter(Path(path)) for path in adapters]
        if loaded:
            check_same_base(loaded, base=str(base))
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        try:
            tokenizer = AutoTokenizer.from_pretrained(base)
            model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
        except (OSError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise NotFoundError(
                f"base model {base} cannot be loaded ({reason}); give a model folder or a hub id"
            ) from error
        return cls(model.to(device), tokenizer, loaded)

    @property
    def K(self) -> int:  # noqa: N802 - the field's letter for the number of values
        """How many adapters there are."""
        return len(self.adapters)

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return next(self.model.parameters()).device

    def __call__(
        self, input_ids: torch.Tensor, *, weights: npt.ArrayLike | torch.Tensor, **inputs: Any
    ) -> Any:
        """Run the model with one soup per row.

        Args:
            input_ids: Tokens, shape (B, T).
            weights: Soup weights, shape (B, K), any sign and sum; zeros are the base.
            **inputs: Whatever else the model takes (`attention_mask`, `past_key_values`, ...).

        Returns:
            The model's own output; `.logits` is (B, T, V), equal to the densely merged model's
            within 1e-5 in float32.

        Raises:
            WeightsError: not (B, K) finite numbers.
        """
        with self._mix.set(self._rows(weights, input_ids.shape[0])):
            return self.model(input_ids=input_ids, **inputs)

    def _rows(self, weights: npt.ArrayLike | torch.Tensor, B: int) -> torch.Tensor:
        rows = torch.as_tensor(weights, dtype=torch.float32, device=self.device)
        if rows.shape != (B, self.K):
            raise WeightsError(
                f"expected weights of shape ({B}, {self.K}), one row per text and one column per "
                f"adapter, got {tuple(rows.shape)}; repeat a soup's weights for each of its rows"
            )
        if not torch.isfinite(rows).all():
            raise WeightsError("weights must be finite; replace nan and inf")
        return rows


class _Mix:
    """The weights of the batch that is running, spread over the ranks of each layer."""

    def __init__(self) -> None:
        self.rows: torch.Tensor | None = None
        self._spread: dict[tuple[int, ...], torch.Tensor] = {}

    @contextmanager
    def set(self, rows: torch.Tensor) -> Iterator[None]:
        self.rows, self._spread = rows, {}
        try:
            yield
        finally:
            self.rows, self._spread = None, {}

    def over_ranks(self, ranks: tuple[int, ...]) -> torch.Tensor:
        """Weights (B, 1, R): column k repeated ranks[k] times. Layers alike share one tensor."""
        if self.rows is None:
            raise RuntimeError("a soup layer ran without weights; call the SoupModel instead")
        if ranks not in self._spread:
            counts = torch.tensor(ranks, device=self.rows.device)
            self._spread[ranks] = self.rows.repeat_interleave(counts, dim=1).unsqueeze(1)
        return self._spread[ranks]


class _SoupLayer(nn.Module):
    """A linear layer plus K low-rank deltas, weighted per row."""

    def __init__(self, inner: nn.Module, parts: Sequence[Factors | None], mix: _Mix) -> None:
        super().__init__()
        present = [part for part in parts if part is not None]
        like = {"device": inner.weight.device, "dtype": inner.weight.dtype}
        self.inner = inner
        self.ranks = tuple(0 if part is None else part.rank for part in parts)
        self.register_buffer("A", torch.cat([part.A for part in present]).to(**like))
        B = torch.cat([part.scale * part.B for part in present], dim=1)
        self.register_buffer("B_T", B.T.contiguous().to(**like))
        self._mix = mix

    @property
    def weight(self) -> torch.Tensor:
        """The base layer's weight: some models look at its dtype."""
        return self.inner.weight

    @property
    def bias(self) -> torch.Tensor | None:
        """The base layer's bias."""
        return self.inner.bias

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = self.inner(x)
        mix = self._mix.over_ranks(self.ranks)
        if x.dim() != 3 or x.shape[0] != mix.shape[0]:
            raise AdapterError(
                f"an adapted layer sees tokens of shape {tuple(x.shape)} with rows mixed together "
                "(mixture of experts?); one soup per row needs layers that keep rows apart"
            )
        middle = nn.functional.linear(x, self.A) * mix
        out.view(-1, out.shape[-1]).addmm_(middle.view(-1, middle.shape[-1]), self.B_T)
        return out


def _wrap_layers(model: nn.Module, adapters: Sequence[Adapter], mix: _Mix) -> None:
    modules = sorted({module for adapter in adapters for module in adapter.factors})
    for path in modules:
        parts = [adapter.factors.get(path) for adapter in adapters]
        parent_path, _, name = path.rpartition(".")
        try:
            parent = model.get_submodule(parent_path)
            inner = getattr(parent, name)
        except AttributeError as error:
            raise _of_another_base(adapters, path, "which the base model does not have") from error
        shape = _linear_shape(inner)
        if shape is None:
            raise _of_another_base(adapters, path, f"a {type(inner).__name__}, not a linear layer")
        for part in parts:
            if part is not None and (part.B.shape[0], part.A.shape[1]) != shape:
                delta = (part.B.shape[0], part.A.shape[1])
                raise _of_another_base(adapters, path, f"shape {delta} where the base has {shape}")
        setattr(parent, name, _SoupLayer(inner, parts, mix))


def _linear_shape(layer: nn.Module) -> tuple[int, int] | None:
    """(out, in) of a linear layer; GPT-2's Conv1D stores its weight as (in, out)."""
    if isinstance(layer, Conv1D):
        return layer.weight.shape[1], layer.weight.shape[0]
    if isinstance(layer, nn.Linear):
        return layer.weight.shape[0], layer.weight.shape[1]
    return None


def _of_another_base(adapters: Sequence[Adapter], path: str, found: str) -> AdapterError:
    names = ", ".join(adapter.name for adapter in adapters if path in adapter.factors)
    return AdapterError(
        f"adapter {names} belongs to another base model: it changes {path}, {found}; "
        "use adapters trained on this base"
    )

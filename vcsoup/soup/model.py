"""One resident base with K adapters that runs many soups in one batch.

Row b of a batch is computed with W0 + sum_k weights[b, k] * s_k * B_k @ A_k: single values
(e_k), the base (all zeros) and any mix side by side (`vcsoup.soup.layer`). Decoding goes token by
token through `next_logits`, whole texts through the model itself.
"""

import inspect
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from transformers import DynamicCache, PreTrainedModel

from vcsoup.base_models.anatomy import linear_shape
from vcsoup.base_models.loading import load_base
from vcsoup.base_models.settings import AS_ALWAYS, BaseLoading
from vcsoup.errors import AdapterError, WeightsError
from vcsoup.soup.adapters import Adapter, check_same_base, load_adapter
from vcsoup.soup.cache import RowCache
from vcsoup.soup.gpt_neo import count_windows_by_row
from vcsoup.soup.layer import Mix, SoupLayer
from vcsoup.soup.llama import LlamaStep, llama_step

_TOGETHER = 512  # rows of logits made at a time


class SoupModel:
    """Base model and adapters, answering for any soup per row.

    Threads may run it side by side, each with its own batch.

    Attributes:
        model: The causal LM, in eval mode, its adapted linear layers wrapped.
        tokenizer: The base's tokenizer.
        adapters: The K adapters, in the order of the weights' columns.
        short_step: The short way through one decoding step, for the models that have one.
    """

    def __init__(self, model: PreTrainedModel, tokenizer: Any, adapters: Sequence[Adapter]) -> None:
        """Wrap the adapted layers of `model` in place; prefer `SoupModel.load`."""
        self.model = model.eval().requires_grad_(False)
        self.tokenizer = tokenizer
        self.adapters = tuple(adapters)
        self._mix = Mix()
        _wrap_layers(self.model, self.adapters, self._mix)
        count_windows_by_row(self.model)
        self.short_step: LlamaStep | None = llama_step(self.model)
        # `cache` since transformers 5.24; not so before, nor in all models with code of their own.
        taken = inspect.signature(self.model.forward).parameters
        self._cached_as = "cache" if "cache" in taken else "past_key_values"
        # Biases by distance (Bloom, some Falcons) are counted along a mask of two dimensions.
        config = self.model.config
        self._has_alibi = config.model_type == "bloom" or getattr(config, "alibi", False) is True

    @classmethod
    def load(
        cls,
        base: str | Path,
        adapters: Sequence[Path],
        *,
        device: str | None = None,
        loading: BaseLoading = AS_ALWAYS,
    ) -> "SoupModel":
        """Load a base model and its adapters.

        Args:
            base: Folder or hub id of a causal LM.
            adapters: K adapter folders, in the order of the values; may be empty (base alone).
            device: "cpu", "cuda", ...; None takes CUDA where there is one.
            loading: How the base is brought into memory; float32 where it says "auto". Adapters
                run beside a quantised base, in its number format.

        Returns:
            The model.

        Raises:
            BaseModelError: a base that cannot be loaded.
            NotFoundError: no such adapter.
            AdapterError: an adapter that cannot be used exactly, or of another base.

        Example:
            ```python
            soup = SoupModel.load("base", [Path("helpful"), Path("harmless")])
            logits = soup(tokens, weights=[[0.5, 0.5], [1.0, 0.0]]).logits  # two soups, one batch
            ```
        """
        loaded = [load_adapter(Path(path)) for path in adapters]
        if loaded:
            check_same_base(loaded, base=str(base), revision=loading.revision)
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        tokenizer, model = load_base(base, loading, device=device)
        return cls(model, tokenizer, loaded)

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
            **inputs: Whatever else the model takes (`attention_mask`, `position_ids`, ...).

        Returns:
            The model's own output; `.logits` is (B, T, V), equal to the densely merged model's
            within 1e-5 in float32.

        Raises:
            WeightsError: not (B, K) finite numbers.
        """
        B, T = input_ids.shape
        with self._mix.set(self.rows(weights, B), T):
            return self.model(input_ids=input_ids, **inputs)

    def next_logits(
        self, tokens: torch.Tensor, weights: torch.Tensor, cache: RowCache
    ) -> torch.Tensor:
        """Run one token per row and remember it.

        Args:
            tokens: The rows' newest tokens, shape (B,).
            weights: A soup per row, shape (B, K), as `rows` makes them.
            cache: What the rows hold so far; one token longer afterwards.

        Returns:
            Logits of the tokens to come, shape (B, V).
        """
        cache.begin_step()
        if self.short_step:
            logits = self.short_step(tokens, weights, cache)
        else:
            with self._mix.set(weights, 1):
                logits = self.model(
                    input_ids=tokens.unsqueeze(1),
                    attention_mask=cache.flat_mask()
                    if self._has_alibi
                    else cache.mask(self.model.dtype),
                    position_ids=cache.at.unsqueeze(1),
                    use_cache=True,
                    logits_to_keep=1,
                    **{self._cached_as: cache},
                ).logits[:, -1]
        cache.end_step()
        return logits

    def read(
        self,
        ids: torch.Tensor,
        weights: torch.Tensor,
        cache: DynamicCache,
        places: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
    ) -> Iterator[torch.Tensor]:
        """Read texts, padded on the right, and tell what follows some of their tokens.

        Args:
            ids: Tokens, shape (B, T).
            weights: A soup per row, shape (B, K), as `rows` makes them.
            cache: An empty cache; holds the texts' keys and values afterwards.
            places: Rows and columns of the N tokens that are asked about, shape (N,) each.

        Yields:
            Logits of the tokens that follow them, (<= N, V), in order and in parts that a
            processor's cache can hold.
        """
        rows, columns = (torch.from_numpy(place).to(self.device) for place in places)
        first = int(columns.min())
        inputs = {"input_ids": ids, self._cached_as: cache, "use_cache": True}
        head: nn.Module
        with self._mix.set(weights, ids.shape[1]):
            if self.short_step:
                asked = self.short_step.read(ids, weights, cache)[rows, columns]
                head = self.model.get_submodule("lm_head")
            else:
                keep = ids.shape[1] - first
                asked = self.model(**inputs, logits_to_keep=keep).logits[rows, columns - first]
                head = nn.Identity()
            yield from (head(part) for part in asked.split(_TOGETHER))

    def rows(self, weights: npt.ArrayLike | torch.Tensor, B: int) -> torch.Tensor:
        """Weights as a tensor (B, K) on the model's device.

        Raises:
            WeightsError: not (B, K) finite numbers.
        """
        if not isinstance(weights, torch.Tensor):
            with np.errstate(over="ignore"):  # becomes inf, which is refused below
                weights = torch.from_numpy(np.array(weights, dtype=np.float32))
        rows = weights.to(self.device, torch.float32)
        if rows.shape != (B, self.K):
            raise WeightsError(
                f"expected weights of shape ({B}, {self.K}), one row per text and one column per "
                f"adapter, got {tuple(rows.shape)}; repeat a soup's weights for each of its rows"
            )
        if not torch.isfinite(rows).all():
            raise WeightsError(
                "weights must be finite in float32; replace nan and inf, take smaller weights"
            )
        return rows


def _wrap_layers(model: PreTrainedModel, adapters: Sequence[Adapter], mix: Mix) -> None:
    modules = sorted({module for adapter in adapters for module in adapter.factors})
    for path in modules:
        parts = [adapter.factors.get(path) for adapter in adapters]
        parent_path, _, name = path.rpartition(".")
        try:
            parent = model.get_submodule(parent_path)
            inner = getattr(parent, name)
        except AttributeError as error:
            raise _of_another_base(adapters, path, "which the base model does not have") from error
        shape = linear_shape(inner)
        if shape is None:
            raise _of_another_base(adapters, path, f"a {type(inner).__name__}, not a linear layer")
        for part in parts:
            if part is not None and (part.B.shape[0], part.A.shape[1]) != shape:
                delta = (part.B.shape[0], part.A.shape[1])
                raise _of_another_base(adapters, path, f"shape {delta} where the base has {shape}")
        # A quantised layer holds bytes and computes in the numbers that come in.
        dtype = inner.weight.dtype if inner.weight.is_floating_point() else model.dtype
        setattr(parent, name, SoupLayer(inner, parts, mix, dtype))


def _of_another_base(adapters: Sequence[Adapter], path: str, found: str) -> AdapterError:
    names = ", ".join(adapter.name for adapter in adapters if path in adapter.factors)
    return AdapterError(
        f"adapter {names} belongs to another base model: it changes {path}, {found}; "
        "use adapters trained on this base"
    )

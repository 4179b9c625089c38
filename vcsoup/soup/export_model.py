"""Merge a soup into its base: a full model that plain transformers loads.

The base with sum_k lambda_k s_k B_k A_k added to its weights, summed in float64 and rounded once to
the asked dtype; what that rounding does to the delta is measured and said.
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.pytorch_utils import Conv1D

from vcsoup.base_models.loading import load_base
from vcsoup.base_models.settings import base_loading
from vcsoup.errors import AdapterError
from vcsoup.monitor import SILENT, Monitor, StopRequested
from vcsoup.soup.adapter_settings import MANIFEST_FILE
from vcsoup.soup.adapters import Adapter, check_same_base
from vcsoup.soup.export_recipe import BasePart
from vcsoup.soup.merged_folder import whole_folder
from vcsoup.soup.weights import check_weights


@torch.no_grad()
def add_soup(
    model: PreTrainedModel,
    adapters: Sequence[Adapter],
    weights: Sequence[float],
    *,
    monitor: Monitor = SILENT,
) -> float:
    """Add a soup's delta to a model's weights in place.

    Args:
        model: The base, in the dtype that it is to have.
        adapters: K adapters of this base.
        weights: K numbers.
        monitor: Hears progress in modules.

    Returns:
        Relative error of the delta that the rounded weights hold, all modules together.

    Raises:
        AdapterError: a module that the model lacks, that is not linear, of another shape, or that
            shares its weight with the embeddings.
        StopRequested: asked to stop; the model is then half changed.
    """
    check_same_base(adapters)
    lambdas = check_weights(weights, len(adapters), free=True).tolist()
    modules = sorted({module for adapter in adapters for module in adapter.factors})
    lost = total = 0.0
    for done, module in enumerate(modules, start=1):
        layer, weight = _linear_weight(model, module)
        delta = _delta(module, adapters, lambdas)
        exact = _as_linear(layer, weight.double())
        if exact.shape != delta.shape:
            raise AdapterError(
                f"{module} has shape {tuple(exact.shape)} in the base and {tuple(delta.shape)} in "
                "the adapters; use adapters trained on this base"
            )
        mixed = (exact + delta).to(weight.dtype)
        lost += float((mixed.double() - exact - delta).square().sum())
        total += float(delta.square().sum())
        weight.copy_(_as_linear(layer, mixed))
        monitor.report("merging", done, len(modules))
        if monitor.stop_requested:
            raise StopRequested
    return math.sqrt(lost / total) if total > 0 else 0.0


def save_model(
    model: PreTrainedModel,
    tokenizer: Any,
    out: Path,
    *,
    manifest: Mapping[str, Any],
    texts: Mapping[str, str],
) -> None:
    """Write a model folder, whole or absent: weights, configuration, tokenizer, texts, manifest.

    Args:
        model: The merged model.
        tokenizer: Its tokenizer.
        out: New folder.
        manifest: What made it; written last, with the versions of the libraries.
        texts: More files: name -> text.
    """
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    with whole_folder(out) as aside:
        model.save_pretrained(aside, max_shard_size="4GB")
        tokenizer.save_pretrained(aside)
        for name, text in texts.items():
            (aside / name).write_text(text, encoding="utf-8")
        content = json.dumps({**manifest, "versions": versions}, indent=2)
        (aside / MANIFEST_FILE).write_text(content, encoding="utf-8")


def load_mergeable(
    base: BasePart, *, dtype: str
) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
    """Load a base and its tokenizer on the CPU, with plain weights that a delta can be added to.

    A base that was kept in 8 or 4 bits is rounded to them first and then written out again: these
    are the weights beside which its soups were measured.

    Args:
        base: What the recipe says of it.
        dtype: "float32", "bfloat16" or "float16".

    Raises:
        BaseModelError: it cannot be loaded.
    """
    published = base_loading({"revision": base.revision, "dtype": dtype})
    tokenizer, model = load_base(base.model, published)
    if base.quantization:
        kept = published.model_copy(update={"quantization": base.quantization})
        _take_linears(model, load_base(base.model, kept)[1].dequantize(torch.float32))
    return tokenizer, model


@torch.no_grad()
def _take_linears(model: nn.Module, other: nn.Module) -> None:
    """Copy the weights of the linear layers, which the other model keeps as (out, in)."""
    for path, layer in other.named_modules():
        if isinstance(layer, nn.Linear):
            own = model.get_submodule(path)
            own.get_parameter("weight").copy_(_as_linear(own, layer.weight))


def _delta(module: str, adapters: Sequence[Adapter], lambdas: Sequence[float]) -> torch.Tensor:
    """The soup's delta of one module, (out, in), float64."""
    found = [
        (a.factors[module], w)
        for a, w in zip(adapters, lambdas, strict=True)
        if module in a.factors
    ]
    try:
        terms = (
            weight * part.scale * (part.B.double() @ part.A.double()) for part, weight in found
        )
        return sum(terms, start=torch.zeros(()))
    except RuntimeError as error:
        raise AdapterError(
            f"{module} has different shapes in the adapters; use adapters of one base model"
        ) from error


def _linear_weight(model: PreTrainedModel, module: str) -> tuple[nn.Module, torch.Tensor]:
    try:
        layer = model.get_submodule(module)
    except AttributeError as error:
        raise AdapterError(
            f"the base has no {module}, which an adapter changes; use adapters of this base"
        ) from error
    if not isinstance(layer, nn.Linear | Conv1D):
        raise AdapterError(f"{module} is a {type(layer).__name__}, not a linear layer")
    embeddings = model.get_input_embeddings()
    if embeddings is not None and embeddings.weight is layer.weight:
        raise AdapterError(
            f"{module} shares its weight with the embeddings, so a delta cannot be merged into it "
            "alone; export the soup as an adapter"
        )
    return layer, layer.weight


def _as_linear(layer: nn.Module, weight: torch.Tensor) -> torch.Tensor:
    """(out, in) from the layer's own order and back; GPT-2's Conv1D stores (in, out)."""
    return weight.T if isinstance(layer, Conv1D) else weight

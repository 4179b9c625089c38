"""Bring a base model into memory: the one way, for training, soups, the engine and exports.

Only safetensors are read and no code that ships with a model is run. Quantised bases need
bitsandbytes, which is imported only when one is asked for. Whether a base fits is told beforehand
by `vcsoup.base_models.looking`; nothing here guesses.
"""

import logging
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils.logging import disable_progress_bar

from vcsoup.base_models.settings import AS_ALWAYS, QUANT_EXTRA, BaseLoading
from vcsoup.errors import BaseModelError
from vcsoup.rewards.model_files import damaged_weights, why_not_loaded
from vcsoup.room import why_no_room

NO_END = "a tokenizer that names no end-of-text token"


def load_base(
    base: str | Path,
    loading: BaseLoading = AS_ALWAYS,
    *,
    dtype: torch.dtype = torch.float32,
    device: str | torch.device | None = None,
) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
    """Load a causal language model and its tokenizer.

    Args:
        base: Folder or hub id.
        loading: Revision, number format, placement.
        dtype: The number format where `loading` says "auto"; with quantisation that of everything
            that stays unquantised.
        device: Where to, such as "cuda"; None leaves the base on the CPU, and a quantised one on
            the first GPU where there is one. A device map goes before it.

    Returns:
        Tokenizer and model, in eval mode.

    Raises:
        BaseModelError: no such base, no safetensors or damaged ones, no causal language model, no
            tokenizer, no bitsandbytes, or a device map that does not hold the whole base.
    """
    disable_progress_bar()
    numbers = dtype if loading.dtype == "auto" else getattr(torch, loading.dtype)
    options = {"dtype": numbers, "use_safetensors": True, **_placement(loading, device)}
    if loading.quantization != "none":
        options["quantization_config"] = _quantised(loading, numbers)
    if short := _why_no_room(base, loading, numbers):
        raise BaseModelError(
            f"base model {str(base)!r} cannot be loaded: {short}; load it in bfloat16, or choose "
            "a smaller base"
        )
    try:
        tokenizer = AutoTokenizer.from_pretrained(base, revision=loading.revision)
        model = AutoModelForCausalLM.from_pretrained(base, revision=loading.revision, **options)
    except SafetensorError as error:
        torn = damaged_weights(str(base), loading.revision, error)
        raise BaseModelError(f"base model {str(base)!r} cannot be loaded: {torn}") from error
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise BaseModelError(
            f"base model {str(base)!r} cannot be loaded ({why_not_loaded(str(base), error)}); give "
            "a folder or a hub id of a causal language model; `python -m vcsoup base look "
            f"{base}` tells more"
        ) from error
    if has_no_words(tokenizer):
        raise BaseModelError(
            f"base model {str(base)!r} has no tokenizer; put the tokenizer files of its family "
            "beside config.json, in a local copy"
        )
    _check_whole(base, model)
    _keep_cpu_layout(model)
    if device is not None and "device_map" not in options:
        model = model.to(device)  # type: ignore[arg-type]  # transformers' wrapper loses self
    return tokenizer, model


def is_quantised(model: torch.nn.Module) -> bool:
    """Tell whether a model's linear layers are kept in 8 or 4 bits."""
    return getattr(model, "hf_quantizer", None) is not None


def is_spread(model: torch.nn.Module) -> bool:
    """Tell whether a model lies on more than one device."""
    return len(set((getattr(model, "hf_device_map", None) or {}).values())) > 1


def has_no_words(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Tell whether a tokenizer is empty: transformers makes such ones when the files are absent."""
    return len(tokenizer) <= len({*tokenizer.all_special_tokens, *tokenizer.get_added_vocab()})


def lacks_end(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Tell whether a tokenizer has no end-of-text token where training needs one.

    It fills batches where there is no padding token, and ends answers where there is no template.
    """
    served = tokenizer.pad_token is not None and tokenizer.chat_template
    return tokenizer.eos_token is None and not served


def _why_no_room(base: str | Path, loading: BaseLoading, numbers: torch.dtype) -> str:
    """Why its weights cannot fit a machine without a GPU; of quantised ones `looking` tells."""
    if torch.cuda.is_available() or loading.quantization != "none":
        return ""
    return why_no_room(str(base), loading.revision, each=numbers.itemsize)


def _placement(loading: BaseLoading, device: str | torch.device | None) -> dict[str, Any]:
    if loading.device_map == "auto":
        return {"device_map": "auto"}
    if loading.quantization == "none":
        return {}
    if device is None:  # a quantised model is made where it stays; under accelerate, one per GPU
        gpu = f"cuda:{os.environ.get('LOCAL_RANK', 0)}"
        device = gpu if torch.cuda.is_available() else "cpu"
    return {"device_map": {"": device}}


def _quantised(loading: BaseLoading, numbers: torch.dtype) -> BitsAndBytesConfig:
    if loading.lacks_library:
        raise BaseModelError(
            f"a base in {loading.quantization[0]} bits needs bitsandbytes, which is not installed; "
            f"{QUANT_EXTRA}, or load the base without quantization"
        )
    # It says for every layer that it computes as it always does.
    logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)
    if loading.quantization == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=numbers
    )


def _check_whole(base: str | Path, model: PreTrainedModel) -> None:
    """Refuse a base of which the device map left a part off the devices that compute."""
    placed = set(map(str, (getattr(model, "hf_device_map", None) or {}).values()))
    slow = placed & ({"disk", "cpu"} if torch.cuda.is_available() else {"disk"})
    if slow and placed - {"cpu"}:
        raise BaseModelError(
            f"base model {base} does not fit: the device map put a part of it on "
            f"{' and '.join(sorted(slow))}; keep it in 8 or 4 bits or in bfloat16, or choose a "
            "smaller base"
        )


def _keep_cpu_layout(model: PreTrainedModel) -> None:
    """Keep 4-bit layers on a CPU as they are.

    bitsandbytes packs them anew for its fast kernel when they first run in eval mode. That rounds
    to bfloat16, and the packed weights can neither train nor be written out again.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            # torch's stubs let a module set tensors and modules only.
            module.support_avx512bf16_for_cpu = False  # type: ignore[assignment]

"""What stands in the way of a base, each thing in a sentence with what to do about it.

Weights that are pickles or absent, an architecture that is no causal language model, a tokenizer
that is missing or has no chat template, memory that does not suffice. Loads no weights.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from transformers import AutoConfig, AutoTokenizer, PretrainedConfig

from vcsoup.base_models.finding import BaseFiles
from vcsoup.base_models.loading import NO_END, has_no_words, lacks_end
from vcsoup.base_models.settings import QUANT_EXTRA, BaseLoading
from vcsoup.numbers import memory
from vcsoup.rewards.model_files import MERGE_FIRST

_GENERATES = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")
_ATTENTION = {"full_attention", "sliding_attention"}
_EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts")
_ANOTHER = "choose a model for text generation (its config.json names a ...ForCausalLM)"


@dataclass(frozen=True)
class Problem:
    """One thing that stands in the way, or is worth knowing.

    Attributes:
        level: "fault" keeps the base from being used, "warning" may, "note" is worth knowing.
        says: What was found, in a sentence.
        remedy: What to do; "" where there is nothing to do.
    """

    level: Literal["fault", "warning", "note"]
    says: str
    remedy: str = ""


def of_the_files(files: BaseFiles) -> list[Problem]:
    """Say where the files came from, if that matters, and whether weights are among them."""
    found = []
    if files.source == "cache":
        commit = files.commit[:8]
        says = f"the hub cannot be reached; the copy on this machine is used, commit {commit}"
        found.append(Problem("note", says))
    if files.parameters:
        return found
    if files.pickles:
        return [
            *found,
            Problem(
                "fault",
                f"its weights are pickles ({files.pickles[0]}), which can run code when they are "
                "read; only safetensors are loaded",
                "ask its authors for safetensors, or convert a copy that you trust with "
                "transformers' save_pretrained",
            ),
        ]
    return [*found, _no_weights(files)]


def of_no_model(files: BaseFiles, error: Exception) -> Problem:
    """Say why transformers builds no causal language model of a base."""
    said = _line(error)
    if "config.json" not in files.names:
        return Problem("fault", "it has no config.json", "give a folder or id of a whole model")
    if "custom code" in said or "trust_remote_code" in said:
        return Problem(
            "fault",
            "it needs Python code that ships with it, and a base's own code is never run here",
            "choose a base of a kind that transformers knows",
        )
    if "Unrecognized configuration class" in said:
        said = f"it knows none of the kind {AutoConfig.from_pretrained(files.folder).model_type}"
    says = f"transformers builds no causal language model of it ({said})"
    return Problem("fault", says, _ANOTHER)


def of_the_kind(config: PretrainedConfig, layers: Sequence[str]) -> list[Problem]:
    """Say what soups cannot run on.

    Args:
        config: The base's configuration.
        layers: Names of the linear layers of its decoder blocks.
    """
    named = next(iter(config.architectures or ()), "")
    if config.is_encoder_decoder or (named and not named.endswith(_GENERATES)):
        says = f"it is a {named or config.model_type}, not a causal language model"
        return [Problem("fault", says, _ANOTHER)]
    text, found = config.get_text_config(), []
    strange = set(getattr(text, "layer_types", None) or ()) - _ATTENTION
    if strange or not getattr(text, "num_attention_heads", None):
        told = ", ".join(sorted(strange)) or "no attention"
        says = f"its layers are of another kind ({told}); soups run on full or sliding attention"
        found.append(Problem("fault", says, "choose a base with attention layers"))
    if not layers:
        says = "its decoder blocks have no linear layers that an adapter could change"
        found.append(Problem("fault", says, "choose another base"))
    if any(getattr(text, name, None) for name in _EXPERTS):
        says = "it is a mixture of experts, whose expert layers no soup can run through"
        found.append(Problem("warning", says, "give adapters to its attention layers alone"))
    return found


def of_the_tokenizer(files: BaseFiles) -> tuple[bool, list[Problem]]:
    """Say whether there is a chat template, and what is wrong with the tokenizer."""
    remedy = "put the tokenizer files of its family beside config.json, in a local copy"
    try:
        tokenizer = AutoTokenizer.from_pretrained(files.folder)
    except (OSError, ValueError, KeyError, TypeError, ImportError, AttributeError) as error:
        says = f"it has no tokenizer that can be loaded ({_line(error)})"
        return False, [Problem("fault", says, remedy)]
    if has_no_words(tokenizer):
        return False, [Problem("fault", "it has no tokenizer", remedy)]
    if lacks_end(tokenizer):
        remedy = "name its eos_token in tokenizer_config.json, in a local copy"
        return bool(tokenizer.chat_template), [Problem("fault", f"it has {NO_END}", remedy)]
    if tokenizer.chat_template:
        return True, []
    says = (
        "its tokenizer has no chat template, so prompts are plain text: one message as it stands, "
        "a dialogue as 'Human: ... Assistant:'"
    )
    remedy = "for a chat model, put its template beside the tokenizer (chat_template.jinja)"
    return False, [Problem("note", says, remedy)]


def of_the_settings(loading: BaseLoading, gpus: int) -> list[Problem]:
    """Say what the asked settings lack, or cost, on this machine."""
    found = []
    if loading.lacks_library:
        says = f"{loading.quantization[0]} bits need bitsandbytes, which is not installed"
        found.append(Problem("fault", says, QUANT_EXTRA))
    if loading.device_map == "auto" and gpus < 2:
        here = "one GPU" if gpus else "no GPU"
        found.append(Problem("note", f"it is to be spread over all GPUs, and here is {here}"))
    if loading.quantization != "none" and not gpus:
        says = "without a GPU, layers in 8 or 4 bits save memory and cost much time"
        found.append(Problem("note", says))
    return found


def of_the_memory(uses: Mapping[str, Mapping[str, Any]], loading: BaseLoading) -> list[Problem]:
    """Say what will not fit, and what saves most."""
    found = []
    for name, told in uses.items():
        if told["verdict"] == "will not fit":
            room = told["room"]
            says = (
                f"{name} will not fit: it takes about {memory(told['total'])}, and {room['name']} "
                f"has {memory(room['total'])}"
            )
            found.append(Problem("warning", says, _smaller(name, told, loading)))
    return found


def _no_weights(files: BaseFiles) -> Problem:
    if "adapter_config.json" in files.names:
        return Problem("fault", "it is an adapter, not a whole model", MERGE_FIRST)
    if any(name.endswith(".gguf") for name in files.names):
        remedy = "give the same model with config.json and safetensors"
        return Problem("fault", "its weights are in GGUF, which is not read here", remedy)
    remedy = "give a folder or id of a whole model"
    if files.source == "cache":
        remedy = f"connect and fetch all of it with `hf download {files.model}`"
    return Problem("fault", "there are no weights (model.safetensors)", remedy)


def _smaller(name: str, told: Mapping[str, Any], loading: BaseLoading) -> str:
    largest = max(told["parts"], key=lambda part: told["parts"][part])
    if largest == "weights":
        if told["dtype"] == "float32" and loading.quantization == "none":
            return "load it in bfloat16, or in 8 or 4 bits, or choose a smaller base"
        fewer = "8 or 4 bits" if loading.quantization == "none" else "4 bits"
        small = loading.quantization == "4bit"
        return "choose a smaller base" if small else f"load it in {fewer}, or choose a smaller base"
    if name == "serving":
        return "have fewer replies at once"
    more = "" if loading.gradient_checkpointing else ", or turn gradient checkpointing on"
    return f"lower micro_batch or max_length{more}"


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__

"""Bring a reward model into memory: an ordinary classifier or safe-rlhf's Llama with a score head.

A model's own code runs only with a consent (`vcsoup.rewards.consent`) and only from the very
revision that was agreed to. Nothing is scored here (`vcsoup.rewards.model`).
"""

from collections.abc import Container
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    LlamaForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.activations import NewGELUActivation
from transformers.utils.logging import disable_progress_bar

from vcsoup.errors import RewardModelError
from vcsoup.rewards.consent import check_consent
from vcsoup.rewards.model_files import (
    check_whole,
    damaged_weights,
    read_model_files,
    why_not_loaded,
)
from vcsoup.rewards.spec import RewardSpec
from vcsoup.room import why_no_room

_LARGE = 1_000_000_000  # parameters; below it a GPU also computes in float32


class LlamaWithScoreHead(LlamaForSequenceClassification):
    """safe-rlhf's reward and cost models (PKU beaver): Llama whose linear head has a bias.

    Their optional normaliser is left out: it scales and shifts, and gaps are scaled anyway.
    """

    def __init__(self, config: Any) -> None:
        config.num_labels = int(getattr(config, "score_dim", 1))
        super().__init__(config)
        bias = bool(getattr(config, "bias", False))
        self.score = torch.nn.Linear(config.hidden_size, config.num_labels, bias=bias)
        self.post_init()


def load_classifier(
    spec: RewardSpec, place: torch.device, *, consents: Container[str] = ()
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load model and tokenizer from a local folder or the hub.

    Args:
        spec: What to load; of kind "model".
        place: Where to.
        consents: Keys of the consents to run a model's own code.

    Raises:
        RewardModelError: no such model, no sequence classifier, an adapter, a head without weights,
            weights that are cut short, or code that nobody agreed to run.
    """
    if spec.kind != "model":
        raise RewardModelError(
            f"{spec.title} is no reward model but a {spec.kind} of the data; it cannot be loaded"
        )
    check_consent(spec, consents)
    if spec.trust_remote_code:
        _check_code(spec)
    check_whole(spec.model, spec.revision)
    if place.type == "cpu" and (short := why_no_room(spec.model, spec.revision, each=4)):
        raise RewardModelError(
            f"reward model {spec.model} cannot be loaded: {short}; take a smaller one"
        )
    source = {"revision": spec.revision, "trust_remote_code": spec.trust_remote_code}
    disable_progress_bar()
    try:
        tokenizer = AutoTokenizer.from_pretrained(spec.model, padding_side="right", **source)
        model, found = _from_pretrained(spec, source)
    except SafetensorError as error:
        torn = damaged_weights(spec.model, spec.revision, error)
        raise RewardModelError(f"reward model {spec.model!r} cannot be loaded: {torn}") from error
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        remedy = "give a folder or hub id of a sequence classification model"
        reason = why_not_loaded(spec.model, error)
        if "custom code" in str(error):
            remedy = "set trust_remote_code=true and agree to that with `reward consent`"
        raise RewardModelError(
            f"reward model {spec.model!r} cannot be loaded ({reason}); {remedy}"
        ) from error
    if missing := sorted(found["missing_keys"]):
        raise RewardModelError(
            f"reward model {spec.model} has no trained head ({missing[0]} is missing); "
            "give a model trained for sequence classification"
        )
    _fuse_activations(model)
    large = place.type != "cpu" and model.num_parameters() >= _LARGE
    dtype = None if large else torch.float32
    model = model.to(place, dtype)  # type: ignore[arg-type]  # transformers' wrapper loses self
    return model, tokenizer


def _from_pretrained(spec: RewardSpec, source: dict[str, Any]) -> tuple[PreTrainedModel, Any]:
    loaded: Any  # transformers' stubs leave out that the loading info makes it a pair
    if spec.loader == "score_head":
        loaded = LlamaWithScoreHead.from_pretrained(
            spec.model,
            dtype="auto",
            output_loading_info=True,
            key_mapping={r"^score_head\.": "score."},
            revision=spec.revision or "main",
        )
    else:
        loaded = AutoModelForSequenceClassification.from_pretrained(
            spec.model, dtype="auto", output_loading_info=True, **source
        )
    model, found = loaded
    return model, found


def _fuse_activations(model: PreTrainedModel) -> None:
    """Compute GPT-2's activation in one pass over memory instead of eight; the same function."""
    for module in model.modules():
        for name, child in module.named_children():
            if type(child) is NewGELUActivation:
                setattr(module, name, torch.nn.GELU(approximate="tanh"))


def _check_code(spec: RewardSpec) -> None:
    if other := read_model_files(spec.model, spec.revision).foreign_code:
        raise RewardModelError(
            f"reward model {spec.model} takes its code from another repository, {other}, which no "
            "consent covers; copy model and code into one local folder and agree to that"
        )

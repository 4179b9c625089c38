"""Look at a base before it is loaded: what it is, whether it fits, and what stands in its way.

Reads configuration, tokenizer and the headers of the weights, and builds the model without memory.
Problems are worded in `vcsoup.base_models.problems`; loading is `vcsoup.base_models.loading`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from transformers import AutoConfig, PreTrainedModel

from vcsoup.base_models import problems
from vcsoup.base_models.anatomy import (
    attention_names,
    context_of,
    decoder_linears,
    empty_model,
    is_transposed,
    layer_names,
    sizes_of,
)
from vcsoup.base_models.finding import find_base
from vcsoup.base_models.memory import Load, Sizes, serving_bytes, training_bytes, verdict
from vcsoup.base_models.problems import Problem
from vcsoup.base_models.settings import AS_ALWAYS, BaseLoading
from vcsoup.room import Room, room_here

_LEVELS = ("fault", "warning", "note")


@dataclass(frozen=True)
class BaseLook:
    """What can be told of a base without loading it.

    Attributes:
        figures: Name, source, architecture, sizes, number format, layers, ... as plain data.
        memory: "training" and "serving": bytes by part, their total, and whether it fits; empty
            when there is no model to be built.
        problems: The gravest first.
    """

    figures: Mapping[str, Any]
    memory: Mapping[str, Mapping[str, Any]]
    problems: tuple[Problem, ...]

    @property
    def usable(self) -> bool:
        """Whether nothing keeps the base from being used."""
        return not any(problem.level == "fault" for problem in self.problems)

    def to_dict(self) -> dict[str, Any]:
        """The look as plain data."""
        return {
            **self.figures,
            "usable": self.usable,
            "memory": dict(self.memory),
            "problems": [asdict(problem) for problem in self.problems],
        }


def look_at_base(
    model: str, loading: BaseLoading = AS_ALWAYS, *, load: Load, room: Room | None = None
) -> BaseLook:
    """Look at a base.

    Args:
        model: Folder or hub id.
        loading: How it is going to be loaded.
        load: What is going to be done with it; its texts are cut to the base's context.
        room: The memory that there is; this machine's by default.

    Raises:
        HubError: the hub has no such model for you, or cannot be reached and no copy is here.
        BaseModelError: no such folder.
    """
    files = find_base(model, loading.revision)
    figures: dict[str, Any] = {
        "model": model,
        "source": files.source,
        "commit": files.commit,
        "stored": files.stored,
        "stored_bytes": files.bytes,
        "loading": loading.model_dump(),
    }
    found = problems.of_the_files(files)
    try:
        empty = empty_model(AutoConfig.from_pretrained(files.folder))
    except (OSError, ValueError, KeyError, ImportError) as error:
        return BaseLook(figures, {}, _ordered([*found, problems.of_no_model(files, error)]))
    template, told = problems.of_the_tokenizer(files)
    figures |= {**_anatomy(empty), "chat_template": template}
    found += [*told, *problems.of_the_kind(empty.config, figures["targets"])]
    sizes = sizes_of(empty, figures["attention"] or figures["targets"])
    load = replace(load, tokens=min(load.tokens, figures["context"] or load.tokens))
    room = room or room_here()
    memory = _memory(sizes, loading, load, room=room)
    found += problems.of_the_settings(loading, room.gpus)
    found += problems.of_the_memory(memory, loading)
    return BaseLook(figures, memory, _ordered(found))


def _anatomy(empty: PreTrainedModel) -> dict[str, Any]:
    config, linears = empty.config.get_text_config(), decoder_linears(empty)
    return {
        "architecture": next(iter(empty.config.architectures or ()), type(empty).__name__),
        "model_type": empty.config.model_type,
        "parameters": empty.num_parameters(),
        "layers": getattr(config, "num_hidden_layers", 0),
        "hidden": getattr(config, "hidden_size", 0),
        "vocabulary": config.vocab_size,
        "context": context_of(config),
        "targets": layer_names(linears),
        "attention": attention_names(linears),
        "fan_in_fan_out": is_transposed(empty),
    }


def _memory(
    sizes: Sizes, loading: BaseLoading, load: Load, *, room: Room
) -> dict[str, dict[str, Any]]:
    if loading.device_map == "auto" and room.gpus > 1:
        room = room._replace(free=room.free * room.gpus, total=room.total * room.gpus)
    asked = None if loading.dtype == "auto" else loading.dtype
    trained, served = asked or ("bfloat16" if room.gpus else "float32"), asked or "float32"
    gpus = room.gpus > 0
    parts = {
        "training": (trained, training_bytes(sizes, loading, load, dtype=trained, on_gpu=gpus)),
        "serving": (served, serving_bytes(sizes, loading, load, dtype=served)),
    }
    return {
        name: {
            "dtype": dtype,
            "parts": found,
            "total": (need := sum(found.values())),
            "verdict": verdict(need, free=room.free, total=room.total),
            "room": room._asdict(),
            "load": asdict(load),
        }
        for name, (dtype, found) in parts.items()
    }


def _ordered(found: list[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(found, key=lambda problem: _LEVELS.index(problem.level)))

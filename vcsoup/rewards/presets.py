"""Published reward models by repository id, and how each must be asked.

The table holds what model cards and the authors' code say: template, label, sign, max length. A
model that is not here gets a suggestion from its configuration (`vcsoup.rewards.suggest`). Every
preset pads on the right and writes special tokens once (`special_tokens` "auto"). Pure data.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from vcsoup.errors import RewardModelError
from vcsoup.rewards.spec import RewardSpec, reward_spec


@dataclass(frozen=True)
class Preset:
    """How to ask a published reward model.

    Attributes:
        fields: Fields of its `RewardSpec` that differ from the defaults, without `model`.
        heads: Names of its outputs -> label; empty for a model with one reward.
        note: What a user should know before using it, one sentence.
    """

    fields: Mapping[str, Any]
    heads: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    note: str = ""


_HELPSTEER = ("helpfulness", "correctness", "coherence", "complexity", "verbosity")
_ARMO_HEADS = (
    *(f"helpsteer-{name}" for name in _HELPSTEER),
    "ultrafeedback-overall",
    "ultrafeedback-instruction-following",
    "ultrafeedback-truthfulness",
    "ultrafeedback-honesty",
    "ultrafeedback-helpfulness",
    "beavertails-is-safe",
)
_HH = {"template": "hh", "max_length": 1024}
_BEAVER = {"template": "beaver", "loader": "score_head", "max_length": 2048}
_SKYWORK = {"template": "chat", "max_length": 4096}
_REMOTE = {"template": "chat", "max_length": 4096, "trust_remote_code": True}
_COST_NOTE = "A cost: larger is worse and above 0 is unsafe; its sign is turned."

_SKYWORK_SIZES = (
    *(f"Qwen3-{size}" for size in ("0.6B", "1.7B", "4B", "8B")),
    *(f"Llama-{size}" for size in ("3.2-1B", "3.2-3B", "3.1-8B", "3.1-8B-40M")),
)

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "Ray2333/gpt2-large-helpful-reward_model": Preset(_HH),
        "Ray2333/gpt2-large-harmless-reward_model": Preset(_HH),
        "mohameddhiab/humor-no-humor": Preset(
            {"template": "response", "label": "diff", "max_length": 512},
            note="Judges the reply alone; HUMOR minus NO_HUMOR.",
        ),
        "OpenAssistant/reward-model-deberta-v3-large-v2": Preset(
            {"template": "pair", "max_length": 512}
        ),
        "Tristan/gpt2_reward_summarization": Preset(
            {"template": "reversed", "max_length": 1024}, note="The summary stands before the post."
        ),
        "CogComp/bart-faithful-summary-detector": Preset(
            {"template": "reply_pair", "label": "diff", "max_length": 1024},
            note="The prompt must be the document that the reply sums up.",
        ),
        **{
            f"PKU-Alignment/beaver-7b-{version}-reward": Preset(_BEAVER)
            for version in ("v1.0", "v2.0", "v3.0", "unified")
        },
        **{
            f"PKU-Alignment/beaver-7b-{version}-cost": Preset(
                {**_BEAVER, "sign": -1}, note=_COST_NOTE
            )
            for version in ("v1.0", "v2.0", "v3.0", "unified")
        },
        **{f"Skywork/Skywork-Reward-V2-{size}": Preset(_SKYWORK) for size in _SKYWORK_SIZES},
        "RLHFlow/ArmoRM-Llama3-8B-v0.1": Preset(
            {**_REMOTE, "output": "rewards"},
            heads=MappingProxyType({name: place for place, name in enumerate(_ARMO_HEADS)}),
            note="19 heads; the first eleven have names here. Its gated score is output 'score'.",
        ),
        "LxzGordon/URM-LLaMa-3.1-8B": Preset(
            _REMOTE,
            heads=MappingProxyType({name: place for place, name in enumerate(_HELPSTEER)}),
            note="Five heads, one per HelpSteer attribute.",
        ),
    }
)


def preset_spec(model: str, *, head: str = "", **fields: Any) -> RewardSpec:
    """Make the spec of a model: its preset where there is one, with some fields set otherwise.

    Args:
        model: Repository id or local folder.
        head: Which output of a model with several, by name (`Preset.heads`).
        **fields: Fields of `RewardSpec` that win over the preset's.

    Raises:
        RewardModelError: a field that does not fit, or a head that the preset does not have.

    Example:
        >>> preset_spec("PKU-Alignment/beaver-7b-v1.0-cost").sign
        -1
        >>> preset_spec("LxzGordon/URM-LLaMa-3.1-8B", head="verbosity", revision="0" * 40).label
        4
    """
    return reward_spec(**preset_fields(model, head) | fields)


def preset_fields(model: str, head: str = "") -> dict[str, Any]:
    """Return the fields of a model's spec that are known: its name, and its preset's where it has.

    Raises:
        RewardModelError: a head that the preset does not have.

    Example:
        >>> preset_fields("PKU-Alignment/beaver-7b-v1.0-cost")["sign"], preset_fields("./judge")
        (-1, {'model': './judge'})
    """
    preset = PRESETS.get(model.strip(), Preset({}))
    if head and head not in preset.heads:
        known = ", ".join(preset.heads) or "none; give label=NUMBER"
        raise RewardModelError(f"{model} has no head {head!r}; its named heads: {known}")
    label = {"label": preset.heads[head]} if head else {}
    return {"model": model, **preset.fields, **label}

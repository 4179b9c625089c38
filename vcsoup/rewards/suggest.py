"""Guess how a reward model must be asked from what it says about itself; a preset always wins.

A guess is a place to start from, with the reason for each choice. Whether it is right, the clinic
shows (`vcsoup.rewards.clinic`). Pure: mappings in, a suggestion out; reading the files is
`vcsoup.rewards.model_files`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vcsoup.errors import RewardModelError
from vcsoup.rewards.presets import PRESETS, preset_spec
from vcsoup.rewards.spec import RewardSpec, reward_spec

_ENCODERS = ("bert", "roberta", "deberta", "electra", "xlnet", "albert", "mpnet", "bart", "t5")
# Kinds of models whose first position is the one behind the padding token's number.
_AFTER_PADDING = ("roberta", "camembert", "mpnet", "longformer", "data2vec-text", "ibert", "xmod")
_BAD = frozenset(
    "toxic toxicity hate hateful harmful unsafe offensive offense insult obscene threat spam "
    "biased negative bad worse rejected refuted contradiction hallucinated hallucination "
    "unfaithful dull cost risk jailbreak".split()
)
_GOOD = frozenset(
    "helpful harmless safe humor humour humorous funny faithful positive good better chosen honest "
    "truthful correct polite kind reward clean neutral acceptable entailment factual".split()
)
_DENIALS = frozenset(("no", "not", "non", "un", "never", "without"))
_LONGEST = 4096
_POSITIONS = ("max_position_embeddings", "n_positions", "max_sequence_length")


@dataclass(frozen=True)
class Suggestion:
    """How to ask a model, as far as its files tell.

    Attributes:
        heads: What it can judge -> how to ask; one entry named "reward" for a model with one
            reward, one entry per label for a model with several (two labels of one name are told
            apart by their outputs).
        reasons: Why each choice, one sentence each.
        labels: Names of the model's outputs, in their order; empty when they are not known.
    """

    heads: Mapping[str, RewardSpec]
    reasons: tuple[str, ...]
    labels: tuple[str, ...] = ()

    @property
    def spec(self) -> RewardSpec:
        """The first head's record."""
        return next(iter(self.heads.values()))


def suggest_spec(
    model: str,
    config: Mapping[str, Any],
    *,
    chat_template: str = "",
    revision: str | None = None,
) -> Suggestion:
    """Suggest how to ask a model.

    Args:
        model: Hub id or local folder.
        config: Its `config.json`.
        chat_template: Its chat template's text; empty when it has none.
        revision: Of a hub id; goes into the record.

    Raises:
        RewardModelError: a model that is no sequence classifier, or whose configuration has words
            where transformers wants numbers.

    Example:
        >>> config = {"model_type": "roberta", "id2label": {"0": "neutral", "1": "toxic"}}
        >>> found = suggest_spec("org/judge", config).spec
        >>> found.template, found.label, found.sign
        ('response', 'diff', -1)
    """
    extra = {"revision": revision} if revision else {}
    if preset := PRESETS.get(model.strip()):
        specs = {head: preset_spec(model, head=head, **extra) for head in preset.heads}
        reason = f"a known model{': ' + preset.note if preset.note else ''}"
        heads = specs or {"reward": preset_spec(model, **extra)}
        return Suggestion(heads, (reason,), tuple(preset.heads))
    _check_architecture(model, config)
    _check_numbers(model, config)
    labels = _labels(config)
    template, why = _template(config, labels, chat_template)
    fields: dict[str, Any] = {"model": model, "template": template, **extra}
    fields["max_length"] = _max_length(config)
    reasons = [why, f"max length {fields['max_length']} tokens, from its positions"]
    if _is_score_head(config):
        fields |= {"template": "beaver", "loader": "score_head"}
        reasons[0] = "safe-rlhf's score head: beaver template"
        if config.get("score_type") == "cost":
            fields["sign"] = -1
            reasons.append("a cost model: larger is worse, so the sign is turned")
    if config.get("auto_map"):
        fields["trust_remote_code"] = True
        reasons.append("it ships code of its own, which runs only after a consent")
    heads, told = _heads(fields, labels)
    return Suggestion(heads, (*reasons, *told), tuple(labels))


def _check_architecture(model: str, config: Mapping[str, Any]) -> None:
    named = [str(name) for name in config.get("architectures") or []]
    fits = ("SequenceClassification", "ForScore", "Reward", "ForTokenClassification")
    known = not named or any(part in name for name in named for part in fits)
    if not known and not config.get("auto_map"):
        raise RewardModelError(
            f"{model} is a {named[0]}, not a sequence classifier, so it has no reward to give; "
            "choose a reward model (num_labels in its config.json)"
        )


def _check_numbers(model: str, config: Mapping[str, Any]) -> None:
    named = config.get("id2label")
    outputs = list(named) if isinstance(named, Mapping) else []
    places = [("an output in id2label", output) for output in outputs]
    places += [(name, config.get(name) or 0) for name in ("num_labels", *_POSITIONS)]
    places += [("pad_token_id", config.get("pad_token_id") or 0)]
    for name, came in places:
        try:
            int(came)
        except (TypeError, ValueError) as error:
            raise RewardModelError(
                f"config.json of {model}: {name} must be a whole number, got {str(came)[:40]!r}; "
                "transformers cannot load it so: mend the file"
            ) from error


def _labels(config: Mapping[str, Any]) -> list[str]:
    """Label names in the order of the logits; at least one."""
    named = config.get("id2label")
    if isinstance(named, Mapping) and named:
        return [str(name) for _, name in sorted(named.items(), key=lambda item: int(item[0]))]
    if _is_score_head(config):
        return ["LABEL_0"]
    # transformers leaves the default of two labels out of config.json
    return [f"LABEL_{k}" for k in range(int(config.get("num_labels") or 2))]


def _template(config: Mapping[str, Any], labels: list[str], chat_template: str) -> tuple[str, str]:
    kind = str(config.get("model_type", ""))
    encoder = any(name in kind for name in _ENCODERS)
    if chat_template:
        return "chat", "it has a chat template"
    if len(labels) == 2 and any(goodness(name) for name in labels):
        return "response", f"its labels ({', '.join(labels)}) describe a text, so the reply alone"
    if encoder:
        return "pair", f"a {kind or 'text'} encoder: question and answer as a pair"
    return "pair", "no chat template: prompt and reply as a pair; try hh if trained on dialogues"


def _max_length(config: Mapping[str, Any]) -> int:
    found = next((told for name in _POSITIONS if (told := int(config.get(name) or 0)) > 0), 1024)
    if any(name in str(config.get("model_type", "")) for name in _AFTER_PADDING):
        padding = config.get("pad_token_id")
        found -= 1 + (1 if padding is None else int(padding))
    return max(8, min(found, _LONGEST))


def _is_score_head(config: Mapping[str, Any]) -> bool:
    named = [str(name) for name in config.get("architectures") or []]
    return "score_dim" in config or any(name.endswith("ForScore") for name in named)


def _heads(
    fields: dict[str, Any], labels: list[str]
) -> tuple[dict[str, RewardSpec], tuple[str, ...]]:
    if len(labels) == 1:
        bad = goodness(labels[0]) < 0 and "sign" not in fields
        sign = {"sign": -1} if bad else {}
        told = f"its only label is {labels[0]}" + (", a fault: the sign is turned" if bad else "")
        return {"reward": reward_spec(**fields, **sign)}, (told,)
    if len(labels) == 2:
        first, second = (goodness(name) for name in labels)
        turned = second < first
        told = f"labels {labels[0]}, {labels[1]}: their difference"
        told += ", turned because the second is the worse one" if turned else ""
        if first == second:
            told += "; the names do not tell which is better, so check the sign"
        sign = {"sign": -1} if turned else {}
        return {"reward": reward_spec(**fields, label="diff", **sign)}, (told,)
    heads = {}
    for place, name in enumerate(labels):
        sign = {"sign": -1} if goodness(name) < 0 else {}
        key = f"{name}, output {place}" if labels.count(name) > 1 else name
        heads[key] = reward_spec(**fields, label=place, **sign)
    return heads, (f"{len(labels)} heads, each can be a value of its own: {', '.join(labels)}",)


def goodness(label: str) -> int:
    """Say what a label's words mean: 1 for good, -1 for bad, 0 when they do not tell.

    Example:
        >>> [goodness(name) for name in ("HUMOR", "NO_HUMOR", "non-toxic", "unsafe", "LABEL_1")]
        [1, -1, 1, -1, 0]
    """
    words = [word for word in re.split(r"[^a-z]+", label.lower()) if word]
    meaning = 1 if _GOOD.intersection(words) else -1 if _BAD.intersection(words) else 0
    return -meaning if _DENIALS.intersection(words) else meaning

"""What a reward model is and how to ask it: the record a project keeps for each value.

Torch-free, so the pages can read and write it. `vcsoup.rewards.model` obeys it. The templates are
those that published reward models need (the ways to lay out a prompt and a reply as tokens). A
value need not have a model: a column of the data, a plain function of the reply
(`vcsoup.rewards.functions`) or a judge behind an endpoint (`vcsoup.rewards.endpoint_fields`) can be
its reward too; `kind` says which.
"""

import hashlib
import re
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)

from vcsoup.errors import RewardModelError, first_fault
from vcsoup.fingerprint import model_fingerprint
from vcsoup.rewards.endpoint_fields import SETTINGS, EndpointFields
from vcsoup.yaml_lines import likely

Kind = Literal["model", "column", "length", "readability", "pattern", "refusal", "endpoint"]
Template = Literal["chat", "pair", "reply_pair", "hh", "beaver", "response", "reversed"]
SpecialTokens = Literal["auto", "add", "none"]

# Always written; the other fields only where they differ from their defaults, so that records and
# names of rewards stay as they were when a field is added.
_ALWAYS_WRITTEN = frozenset(
    ("model", "revision", "template", "label", "sign", "max_length", "trust_remote_code")
)
_FUNCTION_VERSION = "1"  # changes when a function's rewards do
_QUESTION_VERSION = "1"  # changes when an endpoint is asked in other words
# Changes when a template makes other tokens of the same texts; one that is not here never did.
_TEMPLATE_VERSIONS = {"reversed": "2"}


class RewardSpec(EndpointFields):
    """A reward model and how to ask it, or the rule that stands in for one.

    Example:
        >>> RewardSpec(model="org/cost-model", sign=-1).sign
        -1
        >>> RewardSpec(kind="length", unit="characters").title
        'length in characters'
    """

    kind: Kind = Field(
        "model",
        description="Where rewards come from: a reward model, scores that the data brings, a "
        "function of the reply alone (length, readability, pattern, refusal), or an "
        "OpenAI-compatible endpoint that scores replies by a criterion in words.",
    )
    model: Annotated[str, StringConstraints(strip_whitespace=True)] = Field(
        "",
        validate_default=True,
        description="Local folder or hub id of a sequence classification model.",
    )
    revision: str | None = Field(None, description="Hub revision: branch, tag or commit.")
    template: Template = Field(
        "chat",
        description="Layout of prompt and reply: the model's chat template; a (question, answer) "
        "pair; an (answer, question) reply_pair; hh-rlhf dialogue; beaver; the reply alone; or "
        "reply first (reversed).",
    )
    label: Annotated[int, Field(ge=0)] | Literal["diff"] = Field(
        0, description="Which logit is the reward; 'diff' is logit 1 minus logit 0."
    )
    sign: Literal[1, -1] = Field(1, description="-1 for cost models, where larger is worse.")
    max_length: int = Field(1024, ge=8, description="Longest input in tokens; longer ones are cut.")
    trust_remote_code: bool = Field(
        False,
        description="Run Python code that ships with the model. Needs a consent that is kept in "
        "the workspace; see `vcsoup.rewards.consent`.",
    )
    loader: Literal["classifier", "score_head"] = Field(
        "classifier",
        description="Where the head lies: an ordinary sequence classifier, or safe-rlhf's Llama "
        "with a score_head (the beaver models).",
    )
    output: Literal["logits", "rewards", "score"] = Field(
        "logits", description="Which field of the model's output holds the numbers."
    )
    pad_side: Literal["right", "left"] = Field(
        "right", description="Where short rows of a batch are padded; right suits nearly all."
    )
    special_tokens: SpecialTokens = Field(
        "auto",
        description="Who writes BOS, CLS and EOS: 'auto' leaves it to the chat template where one "
        "is used and to the tokenizer elsewhere; 'add' is the tokenizer always, 'none' never.",
    )
    column: str = Field(
        "",
        description="kind 'column': scores that the data brings, such as 'score' for the columns "
        "score_chosen and score_rejected.",
    )
    unit: Literal["words", "characters"] = Field("words", description="kind 'length': of what.")
    pattern: str = Field("", description="kind 'pattern': regular expression; its matches count.")

    @property
    def title(self) -> str:
        """What judges, as people read it: the model's name, or the rule in words."""
        match self.kind:
            case "column":
                return f"scores in the data: {self.column}"
            case "length":
                return f"length in {self.unit}"
            case "readability":
                return "reading ease"
            case "pattern":
                return f"matches of {self.pattern}"
            case "refusal":
                return "refusal"
            case "endpoint":
                return f"{self.model} at {self.host}"
        return self.model

    @property
    def is_function(self) -> bool:
        """True when the reward is computed here from the reply alone, without a model."""
        return self.kind not in ("model", "column", "endpoint")

    def fingerprint(self) -> str:
        """Name everything that decides the model's answers: its content and every other field.

        Returns:
            16 hex characters; the reward cache keys on it. `sign` is left out: the cache holds raw
            rewards, so turning the sign costs nothing.
        """
        return self._named_without("model", "revision", "sign", "trust_remote_code")

    def pass_fingerprint(self) -> str:
        """Name what decides the model's forward pass: equal ones differ in label and sign alone.

        Returns:
            16 hex characters. Values with the same name are scored in one pass over the replies.
        """
        return self._named_without("model", "revision", "sign", "trust_remote_code", "label")

    def _named_without(self, *left_out: str) -> str:
        fields = self.model_dump_json(exclude={*left_out, *SETTINGS})
        if self.kind == "model":
            content = model_fingerprint(self.model, revision=self.revision)
            if version := _TEMPLATE_VERSIONS.get(self.template):
                content += f"/{self.template}/{version}"
        elif self.kind == "endpoint":
            content = f"endpoint/{_QUESTION_VERSION}/{self.model}"
        else:
            content = f"{self.kind}/{_FUNCTION_VERSION}"
        return hashlib.sha256(f"{content}\n{fields}".encode()).hexdigest()[:16]

    @field_validator("model")
    @classmethod
    def _model_where_one_is_asked(cls, model: str, info: ValidationInfo) -> str:
        kind = info.data.get("kind", "model")
        if kind == "model" and not model:
            raise ValueError("expected a local folder or hub id")
        if kind == "endpoint" and not model:
            raise ValueError("expected the name that the endpoint knows its model by")
        if kind not in ("model", "endpoint") and model:
            raise ValueError(f"kind {kind} needs no model; leave it out")
        return model

    @model_validator(mode="after")
    def _kind_has_what_it_needs(self) -> "RewardSpec":
        if self.kind == "column" and not self.column:
            raise ValueError("kind column needs column; name scores that the data brings")
        if self.kind == "pattern":
            if not self.pattern:
                raise ValueError("kind pattern needs a pattern; give a regular expression")
            try:
                re.compile(self.pattern)
            except re.error as error:
                raise ValueError(f"pattern {self.pattern!r} cannot be read ({error})") from error
        return self

    @model_validator(mode="after")
    def _endpoint_has_what_it_needs(self) -> "RewardSpec":
        named = [name for name in ("url", "criterion", "key_env") if getattr(self, name)]
        if self.kind != "endpoint":
            if named:
                raise ValueError(f"{named[0]} belongs to kind endpoint; add kind=endpoint")
            return self
        if not self.url:
            raise ValueError("kind endpoint needs a url, such as http://127.0.0.1:8000/v1")
        if not self.criterion:
            raise ValueError("kind endpoint needs a criterion; say in words what is scored")
        if self.most_cost is not None and None in (self.input_price, self.output_price):
            raise ValueError("most_cost needs input_price and output_price; give both")
        return self

    @model_serializer(mode="wrap")
    def _short(self, full: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = type(self).model_fields
        return {
            name: entry
            for name, entry in full(self).items()
            if name in _ALWAYS_WRITTEN or entry != fields[name].default
        }


def reward_spec(**fields: Any) -> RewardSpec:
    """Make a `RewardSpec`; a wrong field is a one-line error.

    Raises:
        RewardModelError: unknown field or bad entry, named with what was expected.

    Example:
        >>> reward_spec(model="org/rm", template="hh").template
        'hh'
    """
    try:
        return RewardSpec(**fields)
    except ValidationError as error:
        fault = first_fault(error)
        where = fault.where.partition(".")[0]  # what follows is pydantic's name of an alternative
        came, remedy = f" {where} = {fault.came!r}" if where else "", "correct this entry"
        reason = fault.reason
        if where and where not in RewardSpec.model_fields:
            reason, remedy = "there is no such entry", likely(where, RewardSpec.model_fields)
        raise RewardModelError(f"reward model{came}: {reason}; {remedy}") from error


def changed_spec(spec: RewardSpec, **fields: Any) -> RewardSpec:
    """Return a judge with some entries set otherwise.

    Raises:
        RewardModelError: an entry that does not fit.

    Example:
        >>> changed_spec(RewardSpec(model="org/rm"), sign=-1).sign
        -1
    """
    return reward_spec(**{**spec.model_dump(), **fields})

"""What a reward model is and how to ask it: the record a project keeps for each value.

Torch-free, so the pages can read and write it. `vcsoup.rewards.model` obeys it. The templates are
those that published reward models need (the six ways to lay out a prompt and a reply as tokens).
"""

import hashlib
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from vcsoup.errors import RewardModelError
from vcsoup.fingerprint import model_fingerprint

Template = Literal["chat", "pair", "hh", "beaver", "response", "reversed"]


class RewardSpec(BaseModel):
    """A reward model and how to ask it.

    Example:
        >>> RewardSpec(model="org/cost-model", sign=-1).sign
        -1
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)] = Field(
        description="Local folder or hub id of a sequence classification model."
    )
    revision: str | None = Field(None, description="Hub revision: branch, tag or commit.")
    template: Template = Field(
        "chat",
        description="Layout of prompt and reply: the model's chat template; a (question, answer) "
        "pair; hh-rlhf dialogue; beaver; the reply alone; or reply first (reversed).",
    )
    label: Annotated[int, Field(ge=0)] | Literal["diff"] = Field(
        0, description="Which logit is the reward; 'diff' is logit 1 minus logit 0."
    )
    sign: Literal[1, -1] = Field(1, description="-1 for cost models, where larger is worse.")
    max_length: int = Field(1024, ge=8, description="Longest input in tokens; longer ones are cut.")
    trust_remote_code: bool = Field(
        False,
        description="Run Python code that ships with the model. Only if you trust its author.",
    )

    def fingerprint(self) -> str:
        """Name everything that decides the model's answers: its content and every other field.

        Returns:
            16 hex characters; the reward cache keys on it. `sign` is left out: the cache holds raw
            rewards, so turning the sign costs nothing.
        """
        fields = self.model_dump_json(exclude={"model", "revision", "sign", "trust_remote_code"})
        content = model_fingerprint(self.model, revision=self.revision)
        return hashlib.sha256(f"{content}\n{fields}".encode()).hexdigest()[:16]


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
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "entry"
        message = (
            f"reward model {where} = {first.get('input')!r}: {first['msg']}; correct this entry"
        )
        raise RewardModelError(message) from error

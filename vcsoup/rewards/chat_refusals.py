"""Why pairs that were set aside have no reward: some chat templates refuse some conversations.

Such a reply has the reward nan, as one on which the model itself failed. Which of the two it was,
the template says when it is asked again, without the model.
"""

from collections.abc import Mapping

import pandas as pd
from transformers import AutoTokenizer

from vcsoup.errors import ChatTemplateError
from vcsoup.preferences.pairs import as_messages
from vcsoup.rewards.spec import RewardSpec
from vcsoup.rewards.templates import chat_text


def name_refusals(aside: pd.DataFrame, specs: Mapping[str, RewardSpec]) -> pd.DataFrame:
    """Give pairs that were set aside the chat template's own reason, where it refuses them.

    Args:
        aside: Pairs with `column`, whose reward is at fault, and `reason` (`vcsoup.set_aside`).
        specs: Reward model per value.

    Returns:
        The same rows; other reasons stay.
    """
    reasons = aside["reason"].tolist()
    for value, spec in specs.items():
        rows = [row for row, column in enumerate(aside["column"]) if column == value]
        if not rows or spec.kind != "model" or spec.template != "chat":
            continue
        tokenizer = AutoTokenizer.from_pretrained(
            spec.model, revision=spec.revision, trust_remote_code=spec.trust_remote_code
        )
        for row in rows:
            asked = as_messages(aside["prompt"].iloc[row])
            for side in ("chosen", "rejected"):
                answer = {"role": "assistant", "content": str(aside[side].iloc[row])}
                try:
                    chat_text(tokenizer, [*asked, answer])
                except ChatTemplateError as error:
                    reasons[row] = str(error)
                    break
    return aside.assign(reason=reasons)

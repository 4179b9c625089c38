"""Lay out a prompt and a reply as the tokens that a reward model was trained on.

Seven templates cover the published models (the record `RewardSpec.template` names one). Over-long
inputs lose tokens at the start of their longer part, so the end of the reply, where most models
read off the reward, always stays; where the reply comes first (reversed), the prompt loses its end
and the reply stays. Special tokens are added once, around the whole input (never a second BOS),
unless the record says who else writes them; pair and reply_pair are the tokenizer's own pairs,
which for Llama's kin start each part with BOS, as where a model was trained on such pairs.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from vcsoup.errors import ChatTemplateError, RewardModelError
from vcsoup.preferences.pairs import AnyPrompt, Message, as_messages
from vcsoup.rewards.spec import SpecialTokens, Template

Messages = Sequence[Mapping[str, str]]
Encoding = dict[str, list[int]]

logger = logging.getLogger(__name__)


def encode_replies(
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[AnyPrompt],
    replies: Sequence[str],
    *,
    template: Template,
    max_length: int,
    special_tokens: SpecialTokens = "auto",
) -> list[Encoding]:
    """Turn n prompts and replies into n unpadded model inputs.

    Args:
        tokenizer: The reward model's own; from here on it cuts on the side that the template wants.
        prompts: Lists of messages, or plain strings (one user message).
        replies: The answers to be judged.
        template: Its name.
        max_length: Longest input in tokens.
        special_tokens: Who writes BOS, CLS and EOS: see `RewardSpec.special_tokens`.

    Returns:
        One mapping per row: `input_ids` and whatever else the model wants, as lists of ints; an
        empty one where the chat template refuses the turns (some know no system turn).

    Raises:
        RewardModelError: it needs a chat template or a BOS token, which the tokenizer lacks.
    """
    if not len(replies):
        return []
    turns = [as_messages(prompt) for prompt in prompts]
    texts, second = _texts(tokenizer, turns, replies, template=template)
    first = [text for text in texts if text is not None]
    if not first:
        return [{} for _ in texts]
    tokenizer.truncation_side = "right" if template == "reversed" else "left"
    added = special_tokens == "add" or (special_tokens == "auto" and template != "chat")
    encoded = tokenizer(
        first,
        second,
        add_special_tokens=added,
        truncation="longest_first",
        max_length=max_length,
        return_special_tokens_mask=template == "hh",
    )
    rows = [{name: encoded[name][row] for name in encoded} for row in range(len(first))]
    if template == "hh":
        return [_one_text(row, tokenizer) for row in rows]
    taken = iter(rows)
    return [{} if text is None else next(taken) for text in texts]


def hh_prompt(turns: Messages, *, last_gap: str = " ") -> str:
    r"""Lay out a conversation as hh-rlhf does, ending where the assistant answers.

    Ray2333's reward models expect a blank before the last turn mark; hence `last_gap`.

    Example:
        >>> hh_prompt([{"role": "user", "content": "Hi"}])
        '\n\nHuman: Hi \n\nAssistant:'
    """
    marks = {"user": "Human", "assistant": "Assistant", "system": "System"}
    said = [f"\n\n{marks.get(turn['role'], turn['role'])}: {turn['content']}" for turn in turns]
    return "".join(said) + f"{last_gap}\n\nAssistant:"


def plain_prompt(turns: Messages) -> str:
    """Lay out a conversation for a model without a chat template.

    A single message stands as it is; a dialogue takes the hh-rlhf layout.

    Example:
        >>> plain_prompt([{"role": "user", "content": "Hi"}])
        'Hi'
    """
    return turns[0]["content"] if len(turns) == 1 else hh_prompt(turns, last_gap="")


def chat_text(
    tokenizer: PreTrainedTokenizerBase, turns: Messages, *, answer_next: bool = False
) -> str:
    """Lay out a conversation by the chat template of a tokenizer.

    Args:
        tokenizer: One that has a template.
        turns: The conversation.
        answer_next: End where the assistant is to answer, without thinking aloud first.

    Raises:
        ChatTemplateError: the template refuses it, as Gemma's refuses a system message.
    """
    try:
        return str(
            tokenizer.apply_chat_template(
                [dict(turn) for turn in turns],
                add_generation_prompt=answer_next,
                tokenize=False,
                **(without_thoughts(tokenizer) if answer_next else {}),
            )
        )
    except TemplateError as error:
        raise ChatTemplateError(
            f"the chat template of {tokenizer.name_or_path} refuses a conversation of "
            f"{', '.join(turn['role'] for turn in turns)} ({error}); leave such prompts out, or "
            "change chat_template.jinja in a copy of the model"
        ) from error


def without_thoughts(tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    """Tell a chat template that has the choice to let the model answer at once.

    Policies learn from answers and are judged by them; thoughts would fill a short reply.

    Returns:
        What goes to `apply_chat_template`; nothing for templates without such a choice.
    """
    return {"enable_thinking": False} if "enable_thinking" in str(tokenizer.chat_template) else {}


def beaver_prompt(turns: Messages, *, end: str) -> str:
    """Lay out a conversation as PKU's beaver models do.

    Example:
        >>> beaver_prompt([{"role": "user", "content": "Hi"}], end="</s>")
        'BEGINNING OF CONVERSATION: USER: Hi ASSISTANT:'
    """
    text = "BEGINNING OF CONVERSATION: "
    for turn in turns:
        if turn["role"] == "assistant":
            text += f"{turn['content']}{end}"
        else:
            text += f"USER: {turn['content']} ASSISTANT:"
    return text


def _texts(
    tokenizer: PreTrainedTokenizerBase,
    turns: Sequence[list[Message]],
    replies: Sequence[str],
    *,
    template: Template,
) -> tuple[Sequence[str | None], list[str] | None]:
    """First texts, None for one that the chat template refuses; and second texts or None."""
    if template == "chat":
        return _chats(tokenizer, turns, replies), None
    if template == "pair":
        return [plain_prompt(t).lstrip() for t in turns], list(replies)
    if template == "reply_pair":
        return list(replies), [plain_prompt(t).lstrip() for t in turns]
    if template == "hh":
        return [hh_prompt(t) for t in turns], [reply.strip() for reply in replies]
    if template == "beaver":
        ends = tokenizer.eos_token or ""
        texts = zip((beaver_prompt(t, end=ends) for t in turns), replies, strict=True)
        return [prompt + reply for prompt, reply in texts], None
    if template == "reversed":
        return _reversed(tokenizer, turns, replies), None
    return list(replies), None


def _chats(
    tokenizer: PreTrainedTokenizerBase, turns: Sequence[list[Message]], replies: Sequence[str]
) -> list[str | None]:
    if not tokenizer.chat_template:
        raise RewardModelError(
            f"reward model {tokenizer.name_or_path} has no chat template; "
            "set template to pair, hh, beaver, response or reversed"
        )
    texts: list[str | None] = []
    reason = ""
    for asked, reply in zip(turns, replies, strict=True):
        try:
            texts.append(chat_text(tokenizer, [*asked, {"role": "assistant", "content": reply}]))
        except ChatTemplateError as error:
            reason = reason or str(error)
            texts.append(None)
    if reason:
        logger.warning("%d of %d replies are refused: %s", texts.count(None), len(texts), reason)
    return texts


def _one_text(row: Encoding, tokenizer: PreTrainedTokenizerBase) -> Encoding:
    """A pair's tokens as those of one text: a decoder's BOS and EOS stand at its ends alone."""
    written, tokens = row.pop("special_tokens_mask"), row["input_ids"]
    around = {tokenizer.cls_token_id, tokenizer.sep_token_id}  # an encoder's, which stay
    start, end = ({token} - around for token in (tokenizer.bos_token_id, tokenizer.eos_token_id))
    own = [place for place, mark in enumerate(written) if mark]
    dropped = {place for place in own if place > 0 and tokens[place] in start}
    dropped |= {place for place in own if place < len(tokens) - 1 and tokens[place] in end}
    if not dropped:
        return row
    kept = [place for place in range(len(tokens)) if place not in dropped]
    return {name: [numbers[place] for place in kept] for name, numbers in row.items()}


def _reversed(
    tokenizer: PreTrainedTokenizerBase, turns: Sequence[Messages], replies: Sequence[str]
) -> list[str]:
    if not tokenizer.bos_token:
        raise RewardModelError(
            f"reward model {tokenizer.name_or_path} has no BOS token to put between reply and "
            "prompt; set template to pair or response"
        )
    pairs = zip(replies, turns, strict=True)
    return [f"{reply} {tokenizer.bos_token} {plain_prompt(t).lstrip()}" for reply, t in pairs]

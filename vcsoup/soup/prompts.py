"""Prompts as tokens, replies as text, and the random numbers that belong to a prompt.

A prompt is a list of messages (a plain string is one user message). Models with a chat template get
it through the template; the others get the plain layout that they were trained with.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from vcsoup.errors import VcsoupError
from vcsoup.preferences.pairs import AnyPrompt, as_messages, prompt_text
from vcsoup.rewards.templates import chat_text, plain_prompt
from vcsoup.soup.model import SoupModel

FloatArray = npt.NDArray[np.float64]


class PromptError(VcsoupError, ValueError):
    """A prompt that the model cannot answer: empty, or longer than its context."""


def draw_uniforms(prompts: Sequence[AnyPrompt], steps: int, *, seed: int) -> FloatArray:
    """Random numbers in [0, 1), shape (B, steps), fixed by (seed, prompt, step) alone.

    Equal prompts get equal rows, and a longer draw continues a shorter one.

    Example:
        >>> a, b = draw_uniforms(["hi", "ho"], 3, seed=1), draw_uniforms(["ho"], 2, seed=1)
        >>> bool((a[1, :2] == b[0]).all())
        True
    """
    rows = np.empty((len(prompts), steps))
    for row, prompt in enumerate(prompts):
        name = json.dumps([seed, as_messages(prompt)], sort_keys=True)
        key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "little")
        rows[row] = np.random.Generator(np.random.Philox(key=key)).random(steps)
    return rows


def as_asked(text: str, known: Sequence[Sequence[Mapping[str, str]]]) -> AnyPrompt:
    r"""The known prompt that reads as a text, with its turns; a text that no prompt reads as stays.

    People see a prompt of several turns as one text (`prompt_text`). Asked as that text it would be
    a single user message with the speakers' names inside, which is another prompt.

    Args:
        text: What somebody chose or typed.
        known: Prompts to choose from, such as the held-out ones.

    Example:
        >>> known = [[{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}]]
        >>> as_asked("System: Be kind.\n\nUser: Hi", known) is known[0], as_asked("Ho", known)
        (True, 'Ho')
    """
    return next((prompt for prompt in known if prompt_text(prompt) == text), text)


def encode_prompt(soup: SoupModel, prompt: AnyPrompt) -> list[int]:
    """Tokens of a prompt: through the chat template where there is one, else its plain text.

    Raises:
        ChatTemplateError: the template refuses it.
    """
    messages = as_messages(prompt)
    tokenizer = soup.tokenizer
    if tokenizer.chat_template:
        text = chat_text(tokenizer, messages, answer_next=True)
        return list(tokenizer(text, add_special_tokens=False)["input_ids"])
    return encode_text(soup, plain_prompt(messages))


def encode_text(soup: SoupModel, text: str) -> list[int]:
    """Tokens of a raw text to continue: with the tokenizer's own start, without its end."""
    tokens = list(soup.tokenizer(text)["input_ids"])
    while tokens and tokens[-1] == soup.tokenizer.eos_token_id:
        tokens.pop()
    return tokens


def decode_reply(soup: SoupModel, tokens: Sequence[int]) -> str:
    """A reply as text, without special tokens, stripped."""
    return soup.tokenizer.decode(list(tokens), skip_special_tokens=True).strip()

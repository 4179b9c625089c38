"""A glimpse of what a policy says in training: a sample reply, and its distance to the base.

At each look the policy answers up to eight held-out prompts, sampled at temperature 1 with a fixed
seed. The KL divergence to the base is exact at every token of these replies, over the whole
vocabulary, and averaged over their tokens: nats per token, the policy's own words. Draws from its
own random state, so a run is the same with and without it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import torch
from peft import PeftModel
from torch.nn.functional import log_softmax
from transformers import GenerationConfig, PreTrainedTokenizerBase

from vcsoup.base_models.anatomy import context_of, stop_tokens

PROMPTS = 8
_MOST_LOGITS = 32_000_000  # of one pass: 128 MB in float32
_SEED = 0


class Glimpse:
    """Looks at one run's policy."""

    def __init__(
        self,
        prompts: Sequence[Sequence[int]],
        *,
        told: str,
        tokenizer: PreTrainedTokenizerBase,
        tokens: int,
    ) -> None:
        """Prepare.

        Args:
            prompts: Token ids of held-out prompts; the first eight are asked.
            told: The first prompt as a person reads it.
            tokenizer: Reads the sample, and knows the padding.
            tokens: Length of a reply at most.
        """
        self._prompts = [list(ids) for ids in prompts[:PROMPTS]]
        self._told, self._tokenizer, self._tokens = told, tokenizer, tokens

    def look(self, model: PeftModel) -> dict[str, Any]:
        """Sample replies and measure them.

        Args:
            model: The policy in evaluation mode; its base is the reference.

        Returns:
            `kl` in nats per token (>= 0), `sample` and `sample_prompt`; nothing when the prompts
            leave no room for a reply.
        """
        room = context_of(model.config.get_text_config())
        longest = max(map(len, self._prompts), default=0)
        tokens = min(self._tokens, (room or longest + self._tokens) - longest)
        if not self._prompts or tokens < 1:
            return {}
        devices = [model.device] if model.device.type == "cuda" else []
        with torch.no_grad(), torch.random.fork_rng(devices=devices):
            torch.manual_seed(_SEED)
            replies = self._replies(model, tokens)
        sample = str(self._tokenizer.decode(replies[0], skip_special_tokens=True)).strip()
        kl = mean_kl(model, self._prompts, replies, pad=self._tokenizer.pad_token_id)
        return {"kl": kl, "sample": sample, "sample_prompt": self._told}

    def _replies(self, model: PeftModel, tokens: int) -> list[list[int]]:
        """Sampled token ids per prompt, the end mark included where one came."""
        pad, ends = self._tokenizer.pad_token_id, stop_tokens(model, self._tokenizer)
        width = max(map(len, self._prompts))
        ids = [[pad] * (width - len(prompt)) + prompt for prompt in self._prompts]
        mask = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in self._prompts]
        with _as_trained(model):
            drawn = model.generate(
                input_ids=torch.tensor(ids, device=model.device),
                attention_mask=torch.tensor(mask, device=model.device),
                generation_config=GenerationConfig(
                    do_sample=True,
                    temperature=1.0,
                    top_k=0,
                    top_p=1.0,
                    max_new_tokens=tokens,
                    pad_token_id=pad,
                    eos_token_id=sorted(ends) or None,
                ),
            )[:, width:].tolist()
        return [_to_first(row, ends) for row in drawn]


@contextmanager
def _as_trained(model: PeftModel) -> Iterator[None]:
    """Sample what the policy says, for the block: without a penalty that came with the base."""
    base: Any = model.get_base_model()
    own, policy = base.generation_config, cast(Any, model)
    policy.generation_config = GenerationConfig()  # peft hands it on to the base
    try:
        yield
    finally:
        policy.generation_config = base.generation_config = own


def _to_first(row: list[int], ends: set[int]) -> list[int]:
    """Tokens up to the first that ends a reply, that one included."""
    last = next((place for place, token in enumerate(row) if token in ends), len(row))
    return row[: last + 1]


def mean_kl(
    model: PeftModel, prompts: Sequence[list[int]], replies: Sequence[list[int]], *, pad: int
) -> float:
    """KL(policy || base) per token of the replies, exact over the vocabulary.

    Args:
        model: Policy and, with its adapter off, base.
        prompts: Token ids, n lists.
        replies: Token ids, n lists, each with at least one token.
        pad: The padding's id; what stands there does not count.

    Returns:
        Mean over all tokens of all replies, in nats.
    """
    total = 0.0
    longest = max(len(a) + len(b) for a, b in zip(prompts, replies, strict=True))
    vocabulary = model.config.get_text_config().vocab_size
    kept = longest - min(map(len, prompts)) + 1
    rows = max(1, _MOST_LOGITS // (kept * vocabulary))
    for start in range(0, len(prompts), rows):
        part = slice(start, start + rows)
        total += _sum_kl(model, prompts[part], replies[part], pad=pad)
    return total / sum(map(len, replies))


def _sum_kl(
    model: PeftModel, prompts: Sequence[list[int]], replies: Sequence[list[int]], *, pad: int
) -> float:
    texts = [a + b for a, b in zip(prompts, replies, strict=True)]
    width = max(map(len, texts))
    ids = torch.tensor([text + [pad] * (width - len(text)) for text in texts])
    mask = torch.tensor([[1] * len(text) + [0] * (width - len(text)) for text in texts])
    told = {"input_ids": ids.to(model.device), "attention_mask": mask.to(model.device)}
    first = min(map(len, prompts)) - 1  # no logits are made of what all prompts begin with
    how = {"use_cache": False, "logits_to_keep": width - first}
    with torch.no_grad():
        policy = model(**told, **how).logits
        with model.disable_adapter():
            base = model(**told, **how).logits
    total = 0.0
    for row, (prompt, text) in enumerate(zip(prompts, texts, strict=True)):
        # The logits that drew the reply's tokens.
        said = slice(len(prompt) - 1 - first, len(text) - 1 - first)
        log_p = log_softmax(policy[row, said].float(), dim=-1)
        log_q = log_softmax(base[row, said].float(), dim=-1)
        total += float((log_p.exp() * (log_p - log_q)).sum(dtype=torch.float64))
    return total

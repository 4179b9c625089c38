"""Log-probabilities of answers under soups: what KL, loss barriers and gradients are made of.

Prompts go through the chat template as in sampling (`vcsoup.soup.prompts`); answers end with the
end token. Padding stands on the right, where causal attention does not see it.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import log_softmax, logsigmoid

from vcsoup.soup.model import SoupModel
from vcsoup.soup.prompts import encode_prompt

FloatArray = npt.NDArray[np.float64]
Forward = Callable[[torch.Tensor], torch.Tensor]
_MOST_LOGITS = 32_000_000  # of one pass: 128 MB in float32


@torch.inference_mode()
def mean_kl(
    soup: SoupModel,
    weights: Sequence[float],
    told: Sequence[Any],
    plain: Sequence[Any],
    replies: Sequence[str],
) -> float:
    """KL(policy || base) per token of the policy's own replies, exact over the vocabulary.

    Args:
        soup: The resident model.
        weights: The policy, shape (A,).
        told: n prompts as the policy was asked.
        plain: The same prompts as the base is asked.
        replies: n replies of the policy.

    Returns:
        Nats per token, averaged over all tokens.
    """
    policy = _next_logits(soup, weights, told, replies)
    base = _next_logits(soup, [0.0] * soup.K, plain, replies)
    total, count = 0.0, 0
    for one, other in zip(policy, base, strict=True):
        log_p, log_q = log_softmax(one.double(), -1), log_softmax(other.double(), -1)
        total += float((log_p.exp() * (log_p - log_q)).sum())
        count += len(one)
    return total / count


@torch.inference_mode()
def dpo_losses(
    soup: SoupModel, soups: Sequence[Sequence[float]], pairs: Any, *, beta: float
) -> FloatArray:
    """DPO loss of soups on pairs, the base being the reference.

    Args:
        soup: The resident model.
        soups: Weights, shape (m, K).
        pairs: Canonical pair table, n rows.
        beta: As in training.

    Returns:
        Shape (m, n).
    """
    prompts = [*pairs["prompt"], *pairs["prompt"]]
    answers = [*pairs["chosen"], *pairs["rejected"]]
    rows = []
    for weights in ([0.0] * soup.K, *soups):
        parts = answer_logps(_forward(soup, weights), soup, prompts, answers)
        rows.append(torch.cat(list(parts)).double().cpu().numpy())
    margins = np.array(rows).reshape(len(rows), 2, len(pairs))
    gains = beta * (margins[1:] - margins[:1])
    return -logsigmoid(torch.from_numpy(gains[:, 0] - gains[:, 1])).numpy()


def answer_logps(
    forward: Forward, soup: SoupModel, prompts: Sequence[Any], answers: Sequence[str]
) -> Iterator[torch.Tensor]:
    """Summed log-probabilities of n answers, in order and in parts; gradients flow through."""
    for ids, spans in _passes(soup, prompts, answers):
        logits = forward(ids)
        yield torch.stack(
            [
                log_softmax(row[start - 1 : end - 1].float(), -1)
                .gather(1, tokens[start:end, None])
                .sum()
                for row, tokens, (start, end) in zip(logits, ids, spans, strict=True)
            ]
        )


def _forward(soup: SoupModel, weights: Sequence[float]) -> Forward:
    def run(ids: torch.Tensor) -> torch.Tensor:
        rows = np.tile(np.asarray(weights, dtype=np.float32), (len(ids), 1))
        logits: torch.Tensor = soup(ids, weights=rows).logits
        return logits

    return run


def _next_logits(
    soup: SoupModel, weights: Sequence[float], prompts: Sequence[Any], answers: Sequence[str]
) -> Iterator[torch.Tensor]:
    """Per answer the logits that its tokens were drawn from, (tokens, V)."""
    forward = _forward(soup, weights)
    for ids, spans in _passes(soup, prompts, answers):
        for row, (start, end) in zip(forward(ids), spans, strict=True):
            yield row[start - 1 : end - 1]


def _passes(
    soup: SoupModel, prompts: Sequence[Any], answers: Sequence[str]
) -> Iterator[tuple[torch.Tensor, list[tuple[int, int]]]]:
    """Padded ids (B, T) and where each answer stands, a pass at a time."""
    end = [soup.tokenizer.eos_token_id]
    heads = [encode_prompt(soup, prompt) for prompt in prompts]
    tails = [
        [*soup.tokenizer(text, add_special_tokens=False)["input_ids"], *end] for text in answers
    ]
    longest = max(len(head) + len(tail) for head, tail in zip(heads, tails, strict=True))
    size = max(1, _MOST_LOGITS // (longest * soup.model.config.get_text_config().vocab_size))
    for first in range(0, len(heads), size):
        part = list(zip(heads[first : first + size], tails[first : first + size], strict=True))
        width = max(len(head) + len(tail) for head, tail in part)
        rows = [head + tail + [0] * (width - len(head) - len(tail)) for head, tail in part]
        spans = [(len(head), len(head) + len(tail)) for head, tail in part]
        yield torch.tensor(rows, device=soup.device), spans

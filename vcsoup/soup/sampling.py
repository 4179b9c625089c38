"""Sample replies from many soups in shared batches.

Random numbers are fixed by (seed, prompt, step), and a token is taken where the cumulative
distribution passes them (`vcsoup.soup.decoding`). So a row's reply does not depend on what else is
in the batch, and all soups share random numbers, which makes their differences far less noisy than
independent samples would. (Kernels round differently at different batch sizes, about 1e-6 in a
probability, so a token in some hundred thousand may still flip.)
"""

from collections.abc import Callable, Sequence

import numpy.typing as npt

from vcsoup.soup.decoding import MAX_NEW_TOKENS, TEMPERATURE, Decoding, Sampler
from vcsoup.soup.model import SoupModel
from vcsoup.soup.prompts import FloatArray, Prompt, decode_reply, draw_uniforms, encode_prompt


def sample(
    soup: SoupModel,
    prompts: Sequence[Prompt],
    weights: npt.ArrayLike,
    *,
    seed: int = 0,
    uniforms: FloatArray | None = None,
    max_new_tokens: int = MAX_NEW_TOKENS,
    temperature: float = TEMPERATURE,
    top_p: float = 1.0,
    on_tokens: Callable[[list[tuple[int, int]]], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> list[str]:
    """Sample one reply per row.

    Args:
        soup: The resident model.
        prompts: B prompts: messages, or a string (one user message).
        weights: Soup weights, shape (B, K).
        seed: Fixes the random numbers of every prompt.
        uniforms: Random numbers in [0, 1), shape (B, steps), instead of `seed`.
        max_new_tokens: Longest reply in tokens; at most as many as `uniforms` has columns.
        temperature: 0 takes the likeliest token; 1 samples the model's own distribution.
        top_p: Nucleus of the distribution, in (0, 1].
        on_tokens: Called after each step with (row, token) of the rows that got one.
        should_stop: Asked before each step; True ends the loop with the replies so far.

    Returns:
        B replies, without special tokens, stripped.

    Raises:
        PromptError: an empty or over-long prompt, or a setting out of range.
        WeightsError: weights that are not (B, K) finite numbers.

    Example:
        ```python
        sample(soup, ["How do I boil an egg?"] * 2, [[1, 0], [0, 1]], seed=7)  # one batch
        ```
    """
    if not len(prompts):
        return []
    if uniforms is None:
        uniforms = draw_uniforms(prompts, max_new_tokens, seed=seed)
    sampler = Sampler(min(max_new_tokens, uniforms.shape[1]), temperature, top_p)
    tokens = [encode_prompt(soup, prompt) for prompt in prompts]
    decoding = Decoding(soup, tokens, weights, uniforms=uniforms, sampler=sampler)
    while not decoding.done and not (should_stop and should_stop()):
        new = decoding.step()
        if on_tokens:
            on_tokens(new)
    return [decode_reply(soup, row) for row in decoding.replies]

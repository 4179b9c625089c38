"""What a reward model really reads: start tokens, cut inputs, padding. Part of the clinic."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from vcsoup.preferences.pairs import AnyPrompt
from vcsoup.rewards.examples import Example
from vcsoup.rewards.findings import Finding
from vcsoup.rewards.heads import read_label
from vcsoup.rewards.model import RewardModel

FloatArray = npt.NDArray[np.float32]

_MANY_CUT = 0.02
_ALONE = 8  # replies asked one by one
# Other batch shapes order sums differently. A wrong pad side changes rewards by a large part of
# their spread; half a percent of it (a twentieth in half precision) is rounding.
_ROUNDING = {torch.float32: 0.005, torch.float64: 0.005}
_ROUNDING_HALF = 0.05


def input_findings(
    value: str, model: RewardModel, sample: pd.DataFrame, examples: Sequence[Example]
) -> list[Finding]:
    """Look at the tokens: a doubled or a missing start token, and inputs that are cut."""
    prompts: list[AnyPrompt] = [example.prompt for example in examples]
    found = [_start_finding(value, model, prompts, [example.better for example in examples])]
    if len(sample):
        rows = model.encode([*sample["prompt"]] * 2, [*sample["chosen"], *sample["rejected"]])
        cut = float(np.mean([len(row.get("input_ids", ())) >= model.max_length for row in rows]))
        if cut > _MANY_CUT:
            told = f"{cut:.0%} of the inputs fill all {model.max_length} tokens and may be cut"
            remedy = "raise max_length if the model reads more, or leave out over-long pairs"
            found.append(Finding("warning", "length limit", value, told, remedy, {"share": cut}))
    return found


def padding_finding(
    value: str, model: RewardModel, prompts: Sequence[AnyPrompt], replies: Sequence[str]
) -> Finding:
    """Compare rewards of replies asked alone with those of one padded batch, on either side."""
    asked = (list(prompts)[:_ALONE], _of_many_lengths(replies)[:_ALONE])
    alone = np.concatenate([_rewards(model, [p], [r]) for p, r in zip(*asked, strict=True)])
    side = model.spec.pad_side
    other = "left" if side == "right" else "right"
    off = {name: _largest_gap(model, name, asked, alone) for name in (side, other)}
    allowed = _rounding(model, alone)
    figures = {"largest_difference": off[side], "allowed": allowed, "other_side": off[other]}
    if off[side] <= allowed:
        if side == "left":
            told = "pads on the left, which makes no difference to this model"
            remedy = "set pad_side=right, the side that suits nearly all models"
            return Finding("note", "padding", value, told, remedy, figures, {"pad_side": other})
        told = "a reply alone and in a batch get the same reward"
        return Finding("ok", "padding", value, told, figures=figures)
    told = (
        f"padding on the {side} changes rewards by up to {off[side]:.3g} "
        f"(they spread over {np.ptp(alone):.3g})"
    )
    if off[other] <= allowed:
        remedy, fix = f"set pad_side={other}", {"pad_side": other}
        return Finding("fault", "padding", value, told, remedy, figures, fix)
    remedy = "this model reads its padding on either side; take another model"
    return Finding("fault", "padding", value, told, remedy, figures)


def _start_finding(
    value: str, model: RewardModel, prompts: Sequence[AnyPrompt], replies: Sequence[str]
) -> Finding:
    tokenizer = model.tokenizer
    starts = {tokenizer.bos_token_id, tokenizer.cls_token_id} - {None}
    rows = [row["input_ids"] for row in model.encode(prompts, replies) if row]
    doubled = sum(len(row) > 1 and row[0] in starts and row[1] in starts for row in rows)
    if doubled:
        word = tokenizer.decode([rows[0][0]])
        told = f"the inputs begin with {word} twice: the template and the tokenizer both write it"
        remedy, fix = _one_start(model)
        return Finding("fault", "start token", value, told, remedy, {"doubled": doubled}, fix)
    own = tokenizer("x")["input_ids"]
    if own and own[0] in starts and not any(row and row[0] in starts for row in rows):
        told = f"the inputs begin without {tokenizer.decode([own[0]])}, which the tokenizer writes"
        remedy = "set special_tokens=add, unless the model was trained without it"
        fix = {"special_tokens": "add"}
        return Finding("warning", "start token", value, told, remedy, fix=fix)
    return Finding("ok", "start token", value, "start tokens are written once")


def _one_start(model: RewardModel) -> tuple[str, dict[str, str]]:
    """What to do about a doubled start token: in words, and as settings where one helps."""
    if model.spec.special_tokens == "add":
        return "set special_tokens=auto", {"special_tokens": "auto"}
    if model.spec.template == "chat":
        return "the chat template itself writes it twice; mend the chat template", {}
    remedy = "the texts begin with it too; remove it there, or set special_tokens=none"
    return remedy, {"special_tokens": "none"}


def _of_many_lengths(replies: Sequence[str]) -> list[str]:
    """Replies of clearly different lengths, so that a batch of them is padded."""
    return [" ".join([reply] * (1 + place % 4)) for place, reply in enumerate(replies)]


def _largest_gap(
    model: RewardModel, side: str, asked: tuple[list[AnyPrompt], list[str]], alone: FloatArray
) -> float:
    spec = model.spec.model_copy(update={"pad_side": side})
    together = _rewards(RewardModel(spec, model.model, model.tokenizer), *asked)
    return float(np.abs(together - alone).max())


def _rewards(model: RewardModel, prompts: list[AnyPrompt], replies: list[str]) -> FloatArray:
    """Raw rewards of one batch, shape (n,)."""
    raw = np.empty(len(replies), dtype=np.float32)
    for rows, logits in model.logit_batches(prompts, replies, tokens_per_batch=1 << 30):
        raw[rows] = read_label(logits, model.spec)
    return raw


def _rounding(model: RewardModel, rewards: FloatArray) -> float:
    """Largest difference that counts as rounding, in the model's own units."""
    dtype = next(model.model.parameters()).dtype
    floor = 100 * float(torch.finfo(dtype).eps) * float(np.abs(rewards).max())
    return _ROUNDING.get(dtype, _ROUNDING_HALF) * float(np.ptp(rewards)) + floor

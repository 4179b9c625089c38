"""A pair as one row of another tool: a function for each format of `vcsoup.preferences.layouts`.

Each raises `RowFault` where it knows that the format cannot say the pair; what it does not know is
found when the row is read back.
"""

from typing import Any

from vcsoup.preferences.pair_format import Pair
from vcsoup.preferences.pairs import Prompt, pair_id
from vcsoup.preferences.turns import RowFault, is_dialogue

_SENDERS = {"user": "human", "assistant": "gpt", "system": "system"}
_SPEAKERS = {"user": "Human", "assistant": "Assistant"}


def explicit(pair: Pair) -> dict[str, Any]:
    """TRL explicit, all sides messages."""
    return {
        "prompt": pair.prompt,
        "chosen": [_said("assistant", pair.chosen)],
        "rejected": [_said("assistant", pair.rejected)],
    }


def explicit_text(pair: Pair) -> dict[str, Any]:
    """TRL explicit, all sides text."""
    asked = _lone(pair.prompt)
    if pair.chosen.startswith(asked) and pair.rejected.startswith(asked):
        raise RowFault("layout", "prompt", "both answers begin with it, so it would be taken off")
    return {"prompt": asked, "chosen": pair.chosen, "rejected": pair.rejected}


def repeated(pair: Pair) -> dict[str, Any]:
    """TRL explicit, both sides text that begins with the prompt."""
    asked = _lone(pair.prompt)
    sides = {"chosen": pair.chosen, "rejected": pair.rejected}
    return {"prompt": asked, **{side: f"{asked}\n{text}" for side, text in sides.items()}}


def implicit_text(pair: Pair) -> dict[str, Any]:
    """TRL implicit, text: the prompt is what both sides begin with."""
    row = repeated(pair)
    if is_dialogue(row.pop("prompt")):
        raise RowFault("layout", "prompt", "would be read as a dialogue")
    return row


def implicit(pair: Pair) -> dict[str, Any]:
    """TRL implicit, messages: the answer is the last."""
    sides = {"chosen": pair.chosen, "rejected": pair.rejected}
    return {side: [*pair.prompt, _said("assistant", text)] for side, text in sides.items()}


def dialogues(pair: Pair) -> dict[str, Any]:
    """The Human: and Assistant: dialogues of hh-rlhf."""
    if any(turn["role"] == "system" for turn in pair.prompt):
        raise RowFault("layout", "prompt", "a dialogue has no place for a system message")
    asked = "".join(f"\n\n{_SPEAKERS[t['role']]}: {t['content']}" for t in pair.prompt)
    sides = {"chosen": pair.chosen, "rejected": pair.rejected}
    return {side: f"{asked}\n\nAssistant: {text}" for side, text in sides.items()}


def conversations(pair: Pair) -> dict[str, Any]:
    """The ShareGPT columns of LLaMA-Factory."""
    system, turns = _system(pair.prompt)
    return {
        "conversations": [{"from": _SENDERS[t["role"]], "value": t["content"]} for t in turns],
        "chosen": {"from": "gpt", "value": pair.chosen},
        "rejected": {"from": "gpt", "value": pair.rejected},
        "system": system,
    }


def instructions(pair: Pair) -> dict[str, Any]:
    """The Alpaca columns of LLaMA-Factory; earlier turns are the history."""
    system, turns = _system(pair.prompt)
    said = [turn["content"] for turn in turns]
    history = [list(exchange) for exchange in zip(said[:-1:2], said[1:-1:2], strict=False)]
    asked = {"instruction": said[-1], "input": ""}
    sides = {"chosen": pair.chosen, "rejected": pair.rejected}
    return {**asked, **sides, "system": system, "history": history}


def binarized(pair: Pair) -> dict[str, Any]:
    """The columns of ultrafeedback_binarized: what the user said first, and whole conversations."""
    asked = next((turn["content"] for turn in pair.prompt if turn["role"] == "user"), "")
    return {"prompt": asked, **implicit(pair)}


def by_id(pair: Pair) -> dict[str, Any]:
    """The columns of PKU-SafeRLHF, for the aspect "better"."""
    answers = {"response_0": pair.chosen, "response_1": pair.rejected}
    return {"prompt": _lone(pair.prompt), **answers, "better_response_id": 0}


def strength(pair: Pair) -> dict[str, Any]:
    """The preferences of HelpSteer2: later turns begin with a mark, all in one text."""
    first, *later = pair.prompt
    if first["role"] != "user":
        raise RowFault("layout", "prompt", "does not begin with a user")
    marks = (f"\n<extra_id_1>{t['role'].capitalize()}\n{t['content']}" for t in later)
    answers = {"response_1": pair.chosen, "response_2": pair.rejected}
    return {"prompt": first["content"] + "".join(marks), **answers, "preference_strength": -1}


def context(pair: Pair) -> dict[str, Any]:
    """The preferences of HelpSteer3: earlier messages are the context."""
    answers = {"response1": pair.chosen, "response2": pair.rejected}
    return {"context": pair.prompt, **answers, "overall_preference": -1}


def summaries(pair: Pair) -> dict[str, Any]:
    """The comparisons of TL;DR: a post with two summaries."""
    texts = [{"text": text} for text in (pair.chosen, pair.rejected)]
    return {"info": {"post": _lone(pair.prompt)}, "summaries": texts, "choice": 0}


def own(pair: Pair) -> dict[str, Any]:
    """Our own columns, the pair's name among them."""
    told = {"prompt": pair.prompt, "chosen": pair.chosen, "rejected": pair.rejected}
    return {"id": pair_id(pair.prompt, pair.chosen, pair.rejected), **told}


def human_refs(pair: Pair) -> dict[str, Any]:
    """The columns of SHP."""
    answers = {"human_ref_A": pair.chosen, "human_ref_B": pair.rejected}
    return {"history": _lone(pair.prompt), **answers, "labels": 1}


def stack_exchange(pair: Pair) -> dict[str, Any]:
    """The columns of StackExchange pairs; the first answer is the better one."""
    answers = {"response_j": pair.chosen, "response_k": pair.rejected}
    return {"question": _lone(pair.prompt), **answers}


def _system(prompt: Prompt) -> tuple[str, Prompt]:
    """The system message at the beginning, and the turns after it."""
    first = prompt[0]["content"] if prompt[0]["role"] == "system" else ""
    turns = prompt[1:] if prompt[0]["role"] == "system" else prompt
    if not turns:
        raise RowFault("layout", "prompt", "no turn of a user")
    return first, turns


def _lone(prompt: Prompt) -> str:
    if len(prompt) != 1 or prompt[0]["role"] != "user":
        raise RowFault("layout", "prompt", f"{len(prompt)} messages do not fit into one text")
    return prompt[0]["content"]


def _said(role: str, text: str) -> dict[str, str]:
    return {"role": role, "content": text}

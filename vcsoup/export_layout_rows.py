"""A pair as rows of another tool: a function for each layout of `vcsoup.export_layouts`.

Each gives a row, or a list of rows where a pair takes several. It raises `RowFault` where it knows
that the format cannot say the pair; what it does not know is found when the row is read back.
"""

from typing import Any

from vcsoup.consistency import value_consistency
from vcsoup.preferences import rated
from vcsoup.preferences.pair_format import Pair
from vcsoup.preferences.pairs import Prompt, pair_id
from vcsoup.preferences.turns import RowFault, is_dialogue

Row = dict[str, Any]
_SENDERS = {"user": "human", "assistant": "gpt", "system": "system"}
_SPEAKERS = {"user": "Human", "assistant": "Assistant"}


def explicit(pair: Pair) -> Row:
    """TRL explicit, all sides messages."""
    return {
        "prompt": pair.prompt,
        "chosen": [_said("assistant", pair.chosen)],
        "rejected": [_said("assistant", pair.rejected)],
    }


def explicit_text(pair: Pair) -> Row:
    """TRL explicit, all sides text."""
    asked = _lone(pair.prompt)
    if pair.chosen.startswith(asked) and pair.rejected.startswith(asked):
        raise RowFault("layout", "prompt", "both answers begin with it, so it would be taken off")
    return {"prompt": asked, "chosen": pair.chosen, "rejected": pair.rejected}


def repeated(pair: Pair) -> Row:
    """TRL explicit, both sides text that begins with the prompt."""
    asked = _lone(pair.prompt)
    sides = {"chosen": pair.chosen, "rejected": pair.rejected}
    return {"prompt": asked, **{side: f"{asked}\n{text}" for side, text in sides.items()}}


def implicit_text(pair: Pair) -> Row:
    """TRL implicit, text: the prompt is what both sides begin with."""
    row = repeated(pair)
    if is_dialogue(row.pop("prompt")):
        raise RowFault("layout", "prompt", "would be read as a dialogue")
    return row


def implicit(pair: Pair) -> Row:
    """TRL implicit, messages: the answer is the last."""
    sides = {"chosen": pair.chosen, "rejected": pair.rejected}
    return {side: [*pair.prompt, _said("assistant", text)] for side, text in sides.items()}


def dialogues(pair: Pair) -> Row:
    """The Human: and Assistant: dialogues of hh-rlhf."""
    asked = _dialogue(pair.prompt)
    sides = {"chosen": pair.chosen, "rejected": pair.rejected}
    return {side: f"{asked}\n\nAssistant: {text}" for side, text in sides.items()}


def conversations(pair: Pair) -> Row:
    """The ShareGPT columns of LLaMA-Factory."""
    system, turns = _system(pair.prompt)
    return {
        "conversations": [{"from": _SENDERS[t["role"]], "value": t["content"]} for t in turns],
        "chosen": {"from": "gpt", "value": pair.chosen},
        "rejected": {"from": "gpt", "value": pair.rejected},
        "system": system,
    }


def instructions(pair: Pair) -> Row:
    """The Alpaca columns of LLaMA-Factory; earlier turns are the history."""
    system, turns = _system(pair.prompt)
    said = [turn["content"] for turn in turns]
    history = [list(exchange) for exchange in zip(said[:-1:2], said[1:-1:2], strict=False)]
    asked = {"instruction": said[-1], "input": ""}
    sides = {"chosen": pair.chosen, "rejected": pair.rejected}
    return {**asked, **sides, "system": system, "history": history}


def binarized(pair: Pair) -> Row:
    """The columns of ultrafeedback_binarized: what the user said first, and whole conversations."""
    asked = next((turn["content"] for turn in pair.prompt if turn["role"] == "user"), "")
    return {"prompt": asked, **implicit(pair)}


def by_id(pair: Pair) -> Row:
    """The columns of PKU-SafeRLHF, for the aspect "better"."""
    answers = {"response_0": pair.chosen, "response_1": pair.rejected}
    return {"prompt": _lone(pair.prompt), **answers, "better_response_id": 0}


def strength(pair: Pair) -> Row:
    """The preferences of HelpSteer2: later turns begin with a mark, all in one text."""
    answers = {"response_1": pair.chosen, "response_2": pair.rejected}
    return {"prompt": _marked(pair.prompt), **answers, "preference_strength": -1}


def context(pair: Pair) -> Row:
    """The preferences of HelpSteer3: earlier messages are the context."""
    answers = {"response1": pair.chosen, "response2": pair.rejected}
    return {"context": pair.prompt, **answers, "overall_preference": -1}


def summaries(pair: Pair) -> Row:
    """The comparisons of TL;DR: a post with two summaries."""
    texts = [{"text": text} for text in (pair.chosen, pair.rejected)]
    return {"info": {"post": _lone(pair.prompt)}, "summaries": texts, "choice": 0}


def battle(pair: Pair) -> Row:
    """Two conversations of Chatbot Arena; the first is the better one."""
    sides = implicit(pair)
    return {
        "conversation_a": sides["chosen"],
        "conversation_b": sides["rejected"],
        "winner": "model_a",
    }


def ranked(pair: Pair) -> Row:
    """The columns of Nectar: a dialogue that waits for its answer, and two ranked ones."""
    answers = [
        {"answer": text, "rank": float(rank)}
        for rank, text in enumerate((pair.chosen, pair.rejected), start=1)
    ]
    return {"prompt": f"{_dialogue(pair.prompt)}\n\nAssistant: ", "answers": answers}


def own(pair: Pair) -> Row:
    """Our own columns, the pair's name among them."""
    told = {"prompt": pair.prompt, "chosen": pair.chosen, "rejected": pair.rejected}
    return {"id": pair_id(pair.prompt, pair.chosen, pair.rejected), **told}


def human_refs(pair: Pair) -> Row:
    """The columns of SHP."""
    answers = {"human_ref_A": pair.chosen, "human_ref_B": pair.rejected}
    return {"history": _lone(pair.prompt), **answers, "labels": 1}


def stack_exchange(pair: Pair) -> Row:
    """The columns of StackExchange pairs; the first answer is the better one."""
    answers = {"response_j": pair.chosen, "response_k": pair.rejected}
    return {"question": _lone(pair.prompt), **answers}


def completions(pair: Pair) -> Row:
    """The columns of UltraFeedback: every score is an aspect, the overall ones stand beside."""
    told = [
        {
            "response": text,
            "annotations": {
                name: {"Rating": repr(both[side]).removesuffix(".0")}
                for name, both in pair.scores.items()
                if name not in rated.OVERALL
            },
            **{name: pair.scores[name][side] for name in rated.OVERALL if name in pair.scores},
        }
        for side, text in enumerate((pair.chosen, pair.rejected))
    ]
    return {"instruction": _lone(pair.prompt), "completions": told}


def attributes(pair: Pair) -> list[Row]:
    """The two rows of HelpSteer; `pair_id` tells pairs of one prompt apart."""
    if not any(name in rated.ATTRIBUTES for name in pair.scores):
        raise RowFault("layout", "", f"has no rating of {', '.join(rated.ATTRIBUTES)}")
    same = {
        "prompt": _marked(pair.prompt),
        "pair_id": pair_id(pair.prompt, pair.chosen, pair.rejected),
    }
    empty = (None, None)
    return [
        {**same, "response": text}
        | {name: pair.scores.get(name, empty)[side] for name in rated.ATTRIBUTES}
        for side, text in enumerate((pair.chosen, pair.rejected))
    ]


def rewards(pair: Pair) -> Row:
    """A row of VC-Soup's own tables; the k-th score is the reward by the k-th value."""
    both = list(pair.scores.values())
    if len(both) < 2:
        raise RowFault("layout", "", "needs rewards of two values or more")
    gaps = [chosen - rejected for chosen, rejected in both]
    figures = [
        figure for sides, gap in zip(both, gaps, strict=True) for figure in (*sides, gap)
    ] + value_consistency([gaps]).tolist()
    texts = {"prompt": _lone(pair.prompt), "chosen": pair.chosen, "rejected": pair.rejected}
    return texts | dict(zip(table_columns(len(both)), figures, strict=True))


def table_columns(K: int) -> list[str]:
    """The columns of numbers of VC-Soup's own tables for K values.

    Example:
        >>> table_columns(1)
        ['reward1_chosen', 'reward1_reject', 'gap1', 'Consistency']
    """
    each = ("reward{}_chosen", "reward{}_reject", "gap{}")
    return [*(name.format(k) for k in range(1, K + 1) for name in each), "Consistency"]


def _dialogue(prompt: Prompt) -> str:
    """A prompt as hh-rlhf writes it."""
    if any(turn["role"] == "system" for turn in prompt):
        raise RowFault("layout", "prompt", "a dialogue has no place for a system message")
    return "".join(f"\n\n{_SPEAKERS[t['role']]}: {t['content']}" for t in prompt)


def _marked(prompt: Prompt) -> str:
    """A prompt in one text, each later turn after a mark."""
    first, *later = prompt
    if first["role"] != "user":
        raise RowFault("layout", "prompt", "does not begin with a user")
    marks = (f"\n<extra_id_1>{t['role'].capitalize()}\n{t['content']}" for t in later)
    return first["content"] + "".join(marks)


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

"""Small files of every format that people bring, each with the pairs that it stands for.

A sample maker takes a pair (prompt, chosen, rejected) and gives the rows that stand for it; `tie`
makes rows whose two answers are rated the same. What a format cannot say is left out of its maker's
forms.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
Turns = list[dict[str, str]]
Triple = tuple[Turns, str, str]


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


SHORT: list[Triple] = [
    ([user("Sky?")], "Blue.", "Green."),
    ([user("Sea?")], "Wet and wide.", "Dry."),
    ([user("Größe?")], "Zwei 🍲, glaube ich.", "Drei\nvielleicht."),
]
LONG: list[Triple] = [
    ([user("Sky?"), assistant("Which?"), user("Ours.")], "Blue.", "Green."),
    ([user("Sea?"), assistant("Yes?"), user("Is it dry?")], "No.", "Yes."),
    ([user("a"), assistant("b"), user("c"), assistant("d"), user("e")], "f", "g"),
]


@dataclass(frozen=True)
class Sample:
    """A format: its name, who makes its rows, which forms it has, and how it is written again."""

    name: str
    make: Callable[[Triple, bool], list[Row]]
    forms: tuple[str, ...]
    layout: str
    aspect: str = ""


def said(prompt: Turns) -> str:
    assert len(prompt) == 1
    return prompt[0]["content"]


def dialogue(turns: Turns) -> str:
    names = {"user": "Human", "assistant": "Assistant"}
    return "".join(f"\n\n{names[turn['role']]}: {turn['content']}" for turn in turns)


def marked(prompt: Turns) -> str:
    """Return a prompt as HelpSteer writes several turns."""
    first, *rest = prompt
    later = (f"\n<extra_id_1>{turn['role'].capitalize()}\n{turn['content']}" for turn in rest)
    return first["content"] + "".join(later)


def sent(turn: dict[str, str]) -> dict[str, str]:
    return {"from": {"user": "human"}.get(turn["role"], "gpt"), "value": turn["content"]}


def scored(tie: bool) -> Row:
    return {"score_chosen": 7.5, "score_rejected": 7.5 if tie else 2.0}


def explicit_text(pair: Triple, tie: bool) -> list[Row]:
    prompt, chosen, rejected = pair
    return [{"prompt": said(prompt), "chosen": chosen, "rejected": rejected, **scored(tie)}]


def explicit_messages(pair: Triple, tie: bool) -> list[Row]:
    prompt, chosen, rejected = pair
    sides = {"chosen": [assistant(chosen)], "rejected": [assistant(rejected)]}
    return [{"prompt": prompt, **sides, **scored(tie)}]


def repeated(pair: Triple, tie: bool) -> list[Row]:
    prompt, chosen, rejected = pair
    asked = said(prompt)
    sides = {"chosen": f"{asked} {chosen}", "rejected": f"{asked} {rejected}"}
    return [{"prompt": asked, **sides, **scored(tie)}]


def implicit_text(pair: Triple, tie: bool) -> list[Row]:
    prompt, chosen, rejected = pair
    asked = said(prompt)
    return [{"chosen": f"{asked}\n{chosen}", "rejected": f"{asked}\n{rejected}", **scored(tie)}]


def implicit_messages(pair: Triple, tie: bool) -> list[Row]:
    prompt, chosen, rejected = pair
    sides = {"chosen": [*prompt, assistant(chosen)], "rejected": [*prompt, assistant(rejected)]}
    return [{**sides, **scored(tie)}]


def dialogues(pair: Triple, tie: bool) -> list[Row]:
    prompt, chosen, rejected = pair
    sides = {"chosen": chosen, "rejected": rejected}
    return [{side: dialogue([*prompt, assistant(text)]) for side, text in sides.items()}]


def binarized(pair: Triple, tie: bool) -> list[Row]:
    """Return a text prompt (the first turn) beside whole conversations."""
    prompt, chosen, rejected = pair
    sides = {"chosen": [*prompt, assistant(chosen)], "rejected": [*prompt, assistant(rejected)]}
    asked = prompt[0]["content"]
    return [{"prompt": asked, "prompt_id": "x", "messages": [], **sides, **scored(tie)}]


def safe_rlhf(pair: Triple, tie: bool) -> list[Row]:
    prompt, chosen, rejected = pair
    answers = {"response_0": rejected, "response_1": chosen}
    labels = {"better_response_id": 1, "safer_response_id": 0, "is_response_0_safe": True}
    return [{"prompt": said(prompt), **answers, **labels}]


def completion(text: str, rating: str) -> Row:
    names = ("instruction_following", "honesty", "truthfulness", "helpfulness")
    annotations = {name: {"Rating": rating, "Rationale": "so"} for name in names}
    return {"response": text, "annotations": annotations, "overall_score": float(rating)}


def ultrafeedback(pair: Triple, tie: bool) -> list[Row]:
    prompt, chosen, rejected = pair
    rated = [("In between.", "3"), (rejected, "1"), (chosen, "5")]
    completions = [completion(text, "3" if tie else rating) for text, rating in rated]
    return [{"instruction": said(prompt), "models": ["a", "b", "c"], "completions": completions}]


def helpsteer(pair: Triple, tie: bool) -> list[Row]:
    prompt, chosen, rejected = pair
    names = ("helpfulness", "correctness", "coherence", "complexity", "verbosity")
    return [
        {"prompt": marked(prompt), "response": text, **dict.fromkeys(names, 2 if tie else rating)}
        for text, rating in ((rejected, 1), (chosen, 4))
    ]


def helpsteer2(pair: Triple, tie: bool) -> list[Row]:
    prompt, chosen, rejected = pair
    answers = {"response_1": rejected, "response_2": chosen}
    strength = {"preference_strength": 0 if tie else 2, "split": "train"}
    return [{"prompt": marked(prompt), **answers, **strength}]


def helpsteer3(pair: Triple, tie: bool) -> list[Row]:
    prompt, chosen, rejected = pair
    answers = {"response1": chosen, "response2": rejected}
    about = {"domain": "general", "language": "english"}
    return [{**about, "context": prompt, **answers, "overall_preference": 0 if tie else -3}]


def human_refs(pair: Triple, tie: bool) -> list[Row]:
    prompt, chosen, rejected = pair
    answers = {"human_ref_A": rejected, "human_ref_B": chosen, "score_A": 3, "score_B": 9}
    return [{"post_id": "x", "history": said(prompt), **answers, "labels": 0}]


def stack_exchange(pair: Triple, tie: bool) -> list[Row]:
    prompt, chosen, rejected = pair
    return [{"qid": 1, "question": said(prompt), "response_j": chosen, "response_k": rejected}]


def summaries(pair: Triple, tie: bool) -> list[Row]:
    prompt, chosen, rejected = pair
    texts = [{"text": rejected, "policy": "a"}, {"text": chosen, "policy": "b"}]
    info = {"id": "x", "post": said(prompt), "title": "t"}
    return [{"info": info, "summaries": texts, "choice": 1, "worker": "w"}]


def arena(pair: Triple, tie: bool) -> list[Row]:
    prompt, chosen, rejected = pair
    sides = {"conversation_a": rejected, "conversation_b": chosen}
    told = {side: [*prompt, assistant(text)] for side, text in sides.items()}
    about = {"question_id": "x", "model_a": "one", "model_b": "two", "turn": 1}
    return [{**about, **told, "winner": "tie (bothbad)" if tie else "model_b"}]


def nectar(pair: Triple, tie: bool) -> list[Row]:
    prompt, chosen, rejected = pair
    ranked = [("In between.", 2.0), (rejected, 3.0), (chosen, 1.0)]
    answers = [{"answer": text, "model": "m", "rank": 1.0 if tie else r} for text, r in ranked]
    return [{"prompt": f"{dialogue(prompt)}\n\nAssistant: ", "answers": answers, "turns": 1}]


def rated_answers(pair: Triple, tie: bool) -> list[Row]:
    prompt, chosen, rejected = pair
    answers = {"id": 7, "response_a": rejected, "response_b": chosen, "tokens_a": 9, "tokens_b": 1}
    ratings = {"helpful_a": 2 if tie else 1, "helpful_b": 2, "safe_a": 0.5, "safe_b": -0.5}
    return [{"prompt": marked(prompt), **answers, **ratings}]


def alpaca(pair: Triple, tie: bool) -> list[Row]:
    prompt, chosen, rejected = pair
    texts = [turn["content"] for turn in prompt]
    earlier = [[texts[i], texts[i + 1]] for i in range(0, len(texts) - 1, 2)]
    sides = {"chosen": chosen, "rejected": rejected, "history": earlier}
    return [{"instruction": texts[-1], "input": "", **sides, **scored(tie)}]


def sharegpt(pair: Triple, tie: bool) -> list[Row]:
    prompt, chosen, rejected = pair
    sides = {"chosen": sent(assistant(chosen)), "rejected": sent(assistant(rejected))}
    return [{"conversations": [sent(turn) for turn in prompt], **sides, **scored(tie)}]


def vc_soup(pair: Triple, tie: bool) -> list[Row]:
    prompt, chosen, rejected = pair
    rewards = {"reward1_chosen": 1.5, "reward1_reject": 0.5, "gap1": 1.0}
    rewards |= {"reward2_chosen": -1.0, "reward2_reject": 0.0, "gap2": -1.0, "Consistency": 0.0}
    return [{"prompt": said(prompt), "chosen": chosen, "rejected": rejected, **rewards}]


def own(pair: Triple, tie: bool) -> list[Row]:
    prompt, chosen, rejected = pair
    return [{"id": chosen, "prompt": prompt, "chosen": chosen, "rejected": rejected}]


SAMPLES = (
    Sample("TRL explicit, text", explicit_text, ("strings", "ties"), layout="trl-text"),
    Sample(
        "TRL explicit, messages",
        explicit_messages,
        ("messages", "multi-turn", "ties"),
        layout="trl-explicit",
    ),
    Sample("TRL explicit, prompt repeated", repeated, ("strings", "ties"), layout="trl-repeated"),
    Sample("TRL implicit, text", implicit_text, ("strings", "ties"), layout="trl-implicit-text"),
    Sample(
        "TRL implicit, messages",
        implicit_messages,
        ("messages", "multi-turn", "ties"),
        layout="trl-implicit",
    ),
    Sample("hh-rlhf dialogues", dialogues, ("strings", "multi-turn"), layout="hh"),
    Sample(
        "ultrafeedback_binarized",
        binarized,
        ("messages", "multi-turn", "ties"),
        layout="ultrafeedback-binarized",
    ),
    Sample(
        "UltraFeedback",
        ultrafeedback,
        ("strings", "ties"),
        aspect="honesty",
        layout="ultrafeedback",
    ),
    Sample("PKU-SafeRLHF", safe_rlhf, ("strings",), aspect="better", layout="pku"),
    Sample(
        "HelpSteer",
        helpsteer,
        ("strings", "multi-turn", "ties"),
        aspect="correctness",
        layout="helpsteer",
    ),
    Sample(
        "HelpSteer2 preference",
        helpsteer2,
        ("strings", "multi-turn", "ties"),
        layout="helpsteer2-preference",
    ),
    Sample(
        "HelpSteer3 preference",
        helpsteer3,
        ("messages", "multi-turn", "ties"),
        layout="helpsteer3-preference",
    ),
    Sample("SHP", human_refs, ("strings",), layout="shp"),
    Sample("StackExchange", stack_exchange, ("strings",), layout="stack-exchange"),
    Sample("TL;DR comparisons", summaries, ("strings",), layout="tldr"),
    Sample("Chatbot Arena", arena, ("messages", "multi-turn", "ties"), layout="arena"),
    Sample("Nectar", nectar, ("strings", "multi-turn", "ties"), layout="nectar"),
    Sample(
        "two rated answers",
        rated_answers,
        ("strings", "ties"),
        aspect="helpful",
        layout="ultrafeedback",
    ),
    Sample("LLaMA-Factory, Alpaca", alpaca, ("strings", "multi-turn", "ties"), layout="alpaca"),
    Sample(
        "LLaMA-Factory, ShareGPT", sharegpt, ("messages", "multi-turn", "ties"), layout="sharegpt"
    ),
    Sample("VC-Soup table with rewards", vc_soup, ("strings",), layout="vc-soup"),
    Sample("VC-Soup Lab pairs", own, ("messages", "multi-turn"), layout="vc-soup-lab"),
)
"""Every format with its forms."""

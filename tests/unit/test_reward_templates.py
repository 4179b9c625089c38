"""The layouts, token by token."""

import pytest

from tests.tiny_models import build_tokenizer
from vcsoup.errors import RewardModelError
from vcsoup.rewards.templates import encode_replies

DIALOGUE = [
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello."},
    {"role": "user", "content": "Bye"},
]


def laid_out(template, prompt, reply="See you ", *, max_length=512, **tokenizer):
    made = build_tokenizer(**tokenizer)
    [row] = encode_replies(made, [prompt], [reply], template=template, max_length=max_length)
    assert len(row["input_ids"]) == len(row["attention_mask"])
    return made.decode(row["input_ids"])


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("chat", "<|user|>Bye</s><|assistant|>See you </s>"),
        ("pair", "ByeSee you "),
        ("reply_pair", "See you Bye"),
        ("hh", "\n\nHuman: Bye \n\nAssistant:See you"),
        ("beaver", "BEGINNING OF CONVERSATION: USER: Bye ASSISTANT:See you "),
        ("response", "See you "),
        ("reversed", "See you  <s> Bye"),
    ],
)
def test_one_question(template, text):
    assert laid_out(template, "Bye") == text


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("chat", "<|user|>Hi</s><|assistant|>Hello.</s><|user|>Bye</s><|assistant|>See you </s>"),
        ("hh", "\n\nHuman: Hi\n\nAssistant: Hello.\n\nHuman: Bye \n\nAssistant:See you"),
        (
            "beaver",
            "BEGINNING OF CONVERSATION: USER: Hi ASSISTANT:Hello.</s>USER: Bye ASSISTANT:See you ",
        ),
    ],
)
def test_a_dialogue(template, text):
    assert laid_out(template, DIALOGUE) == text


def test_a_tokenizer_that_adds_a_start_adds_it_once():
    """Its chat template starts with <s> too; the input must not begin with two."""
    from tokenizers.processors import TemplateProcessing

    tokenizer = build_tokenizer()
    start = tokenizer.bos_token_id
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", start)]
    )
    tokenizer.chat_template = "<s>" + tokenizer.chat_template
    for template in ("chat", "pair", "hh", "beaver", "response"):
        [row] = encode_replies(tokenizer, ["Hi"], ["Ho"], template=template, max_length=99)
        assert row["input_ids"].count(start) == 1, template
        assert row["input_ids"][0] == start, template


@pytest.mark.parametrize("ends", [False, True])
@pytest.mark.parametrize("reply", ["Ho", ""])
def test_a_dialogue_is_one_text_to_a_tokenizer_that_starts_each_part_of_a_pair(ends, reply):
    """Llama's kin write `<s> A <s> B`, and some `<s> A </s> <s> B </s>`.

    The hh layout is one text, whose parts are a pair for the sake of cutting alone. The pair layout
    is the tokenizer's own pair, whatever that is: what `tokenizer(question, answer)` gives.
    """
    from tokenizers.processors import TemplateProcessing

    tokenizer = build_tokenizer()
    start, end = tokenizer.bos_token, tokenizer.eos_token
    one = f"{start} $A {end}" if ends else f"{start} $A"
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=one,
        pair=f"{one} {one.replace('$A', '$B')}",
        special_tokens=[(start, tokenizer.bos_token_id), (end, tokenizer.eos_token_id)],
    )
    [row] = encode_replies(tokenizer, ["a <s> b"], [reply], template="hh", max_length=99)
    assert row.keys() == {"input_ids", "attention_mask"}
    assert {len(numbers) for numbers in row.values()} == {len(row["input_ids"])}
    text = f"<s>\n\nHuman: a <s> b \n\nAssistant:{reply}" + "</s>" * ends
    assert tokenizer.decode(row["input_ids"]) == text
    [row] = encode_replies(tokenizer, ["Hi"], [reply], template="pair", max_length=99)
    assert row["input_ids"] == tokenizer(["Hi"], [reply])["input_ids"][0]


@pytest.mark.parametrize("template", ["chat", "pair", "hh", "beaver", "response"])
def test_over_long_inputs_keep_the_end_of_the_reply(template):
    whole = laid_out(template, "why " * 50, "because this is how it ends")
    cut = laid_out(template, "why " * 50, "because this is how it ends", max_length=20)
    assert len(cut) < len(whole)
    assert whole.endswith(cut[-12:])
    assert "how it ends" in cut


def test_a_reply_that_stands_first_is_kept_and_the_prompt_loses_its_end():
    """Forty tokens: the reply, the start token, and what there is room for of the prompt."""
    reply = "because this is how it ends"
    cut = laid_out("reversed", "why " * 50, reply, max_length=40)
    assert cut.startswith(f"{reply} <s> why")
    assert laid_out("reversed", "why " * 50, reply).startswith(cut)


def test_no_chat_template_is_named_with_the_remedy():
    with pytest.raises(RewardModelError, match="has no chat template; set template to pair, hh"):
        laid_out("chat", "Hi", chat=False)


def test_nothing_to_encode():
    assert encode_replies(build_tokenizer(), [], [], template="chat", max_length=9) == []

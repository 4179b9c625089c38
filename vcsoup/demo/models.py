"""Train the base policy of the embedded world, and its tokenizer.

Both are ordinary `transformers` folders, so the rest of the project loads them through the same
code as any model from a hub.
"""

from itertools import islice
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from vcsoup.demo.fitting import (
    ASSISTANT,
    ATTENTION,
    END,
    PAD,
    USER,
    Schedule,
    dialogues,
    fit,
    pad,
    save,
)
from vcsoup.demo.grammar import draw_replies
from vcsoup.demo.world import Prompts
from vcsoup.monitor import SILENT, Monitor

CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
VOCABULARY = 2560
HIDDEN, LAYERS, HEADS, INTERMEDIATE = 160, 4, 5, 448
MAX_POSITIONS = 512
BASE_SCHEDULE = Schedule(steps=1000, batch=64, learning_rate=3e-3)


def train_tokenizer(prompts: Prompts, out: Path, *, rng: np.random.Generator) -> None:
    """Learn a byte-level BPE vocabulary from unselected dialogues; save it with a chat template."""
    bpe = Tokenizer(BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[PAD, USER, ASSISTANT, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = (f"{prompt}\n{reply}" for _, prompt, reply in draw_replies(prompts, rng))
    bpe.train_from_iterator(islice(texts, 20_000), trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=[USER, ASSISTANT],
        model_max_length=MAX_POSITIONS,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    tokenizer.save_pretrained(out)


def train_base(
    prompts: Prompts,
    tokenizer: PreTrainedTokenizerFast,
    out: Path,
    *,
    rng: np.random.Generator,
    schedule: Schedule = BASE_SCHEDULE,
    monitor: Monitor = SILENT,
) -> None:
    """Train the base policy on unselected replies (next-token loss on the reply)."""
    model = LlamaForCausalLM(_config(tokenizer))
    draws = draw_replies(prompts, rng)

    def loss() -> torch.Tensor:
        drawn = list(islice(draws, schedule.batch))
        rows, starts = dialogues(tokenizer, [p for _, p, _ in drawn], [r for *_, r in drawn])
        ids, mask, labels = pad(rows, starts)
        return model(input_ids=ids, attention_mask=mask, labels=labels).loss

    fit(model, loss, schedule, "training base", monitor)
    save(model, tokenizer, out)


def _config(tokenizer: PreTrainedTokenizerFast) -> LlamaConfig:
    return LlamaConfig(  # type: ignore[call-arg]  # transformers' stubs lack the last option
        vocab_size=len(tokenizer),
        hidden_size=HIDDEN,
        intermediate_size=INTERMEDIATE,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        max_position_embeddings=MAX_POSITIONS,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
        attn_implementation=ATTENTION,
    )

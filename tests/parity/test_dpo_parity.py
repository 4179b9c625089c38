"""DPO as trained against the naive float64 loss on log-probabilities from plain transformers."""

import numpy as np
import pytest
import torch
from datasets import Dataset
from peft import LoraConfig, PeftModel
from transformers import AutoModelForCausalLM
from trl import DPOConfig, DPOTrainer

from tests.reference.naive import dpo_loss
from tests.tiny_models import tiny_causal
from tests.tiny_pairs import Recorder, tiny_pairs
from vcsoup.training.config import changed_config, train_config
from vcsoup.training.dpo import train_value
from vcsoup.training.rows import make_rows
from vcsoup.training.trainer import load_trainable

CONFIG = train_config(
    "demo",
    steps=6,
    batch_size=4,
    micro_batch=2,
    rank=4,
    alpha=8,
    holdout=0.25,
    learning_rate=5e-3,
    beta=0.3,
)


def answer_log_prob(model: torch.nn.Module, prompt: list[int], both: list[int]) -> float:
    """Sum of log p(token | before it) over the answer's tokens, one row, no padding, float64."""
    with torch.no_grad():
        logits = model(torch.tensor([both])).logits[0].double().numpy()
    total = 0.0
    for place in range(len(prompt), len(both)):
        row = logits[place - 1]
        total += row[both[place]] - row.max() - np.log(np.exp(row - row.max()).sum())
    return total


@pytest.mark.parametrize(
    ("arch", "chat"), [("llama", True), ("llama", False), ("gpt_neox", True), ("gpt2", False)]
)
def test_the_recorded_held_out_loss_is_the_naive_dpo_loss_of_the_saved_adapter(
    tmp_path, arch, chat
):
    """Covers layout, masks, reference, beta, saving and loading at once.

    Tolerance: the trainer sums float32 log-probabilities of about 20 tokens, 1e-5 relative.
    """
    base, out = str(tiny_causal(arch, tmp_path / "base", chat=chat)), tmp_path / "kind"
    pairs = tiny_pairs(32)
    manifest = train_value(pairs, CONFIG, base=base, out=out, manifest={"value": "kind"})

    tokenizer, _ = load_trainable(base, CONFIG)
    rows = make_rows(pairs, CONFIG, tokenizer=tokenizer).heldout
    reference = AutoModelForCausalLM.from_pretrained(base).eval()
    policy = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), out).eval()

    def text(row, side=None):
        if not chat:
            return row["prompt"] + (f"{row[side]}</s>" if side else "")
        turns = row["prompt"] + (row[side] if side else [])
        return tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=not side)

    def ids(text):
        return tokenizer(text, add_special_tokens=False)["input_ids"]

    sums = {
        (name, side): [answer_log_prob(m, ids(text(row)), ids(text(row, side))) for row in rows]
        for name, m in (("policy", policy), ("reference", reference))
        for side in ("chosen", "rejected")
    }
    expected = dpo_loss(
        sums["policy", "chosen"],
        sums["policy", "rejected"],
        sums["reference", "chosen"],
        sums["reference", "rejected"],
        beta=CONFIG.beta,
    )
    assert len(rows) == 8
    assert manifest["metrics"]["heldout_loss"] == pytest.approx(expected, rel=2e-5)
    assert abs(expected - np.log(2)) > 0.01
    gain = np.subtract(sums["policy", "chosen"], sums["reference", "chosen"]).mean()
    per_token = gain / np.mean(
        [len(ids(text(row, "chosen"))) - len(ids(text(row))) for row in rows]
    )
    assert manifest["metrics"]["drift"] == pytest.approx(per_token, rel=1e-3)


def test_the_losses_are_those_of_trls_default_path_step_by_step(tmp_path):
    """The same pairs per step; trl in fp32 asks the base each time, unsorted, 4 pairs at a time.

    Tolerance: padding and the order of sums differ; float32, 12 steps that move the loss by 0.1.
    """
    base, monitor = str(tiny_causal("llama", tmp_path / "base")), Recorder()
    config = changed_config(CONFIG, steps=12, holdout=0.0)
    pairs = tiny_pairs(32)
    train_value(
        pairs, config, base=base, out=tmp_path / "kind", manifest={"value": "a"}, monitor=monitor
    )
    ours = [figures["loss"] for *_, figures in monitor.reports if "loss" in figures]

    tokenizer, model = load_trainable(base, config)
    rows = make_rows(pairs, config, tokenizer=tokenizer)
    batches = np.array(rows.order).reshape(config.steps, config.batch_size)
    unsorted = np.random.default_rng(0).permuted(batches, axis=1).ravel()
    trainer = DPOTrainer(
        model=model,
        args=DPOConfig(
            output_dir=str(tmp_path / "trl"),
            max_steps=config.steps,
            per_device_train_batch_size=config.batch_size,
            learning_rate=config.learning_rate,
            lr_scheduler_type=config.schedule,
            warmup_steps=round(config.warmup * config.steps),
            beta=config.beta,
            train_sampling_strategy="sequential",
            seed=config.init_seed,
            logging_steps=1,
            bf16=False,
            use_cpu=True,
            activation_checkpointing=False,
            report_to="none",
            save_strategy="no",
        ),
        train_dataset=Dataset.from_list([rows.shown[place] for place in unsorted]),
        processing_class=tokenizer,
        peft_config=LoraConfig(
            r=config.rank,
            lora_alpha=config.alpha,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        ),
    )
    trainer.train()
    theirs = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert len(ours) == config.steps
    np.testing.assert_allclose(ours, theirs, atol=2e-5)
    assert max(ours) - min(ours) > 0.1

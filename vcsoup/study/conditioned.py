"""Reward-conditioned fine-tuning, steered by the prompt: the baseline of Rewards-in-Context.

One policy learns replies, good and bad, with the level of every value's reward written into the
prompt; at test time the wanted levels are written there (arXiv:2402.10207, without its online
stage). Levels are words, not numbers: the small base has never seen a digit, and its digits look
alike to it. trl's `SFTTrainer` does the work, with the same LoRA as every other arm.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
from datasets import Dataset, disable_progress_bars
from peft import PeftModel
from transformers import PrinterCallback, TrainerCallback, set_seed
from trl import SFTConfig, SFTTrainer

from vcsoup.monitor import Monitor, StopRequested
from vcsoup.rewards.templates import plain_prompt
from vcsoup.training.config import TrainConfig
from vcsoup.training.trainer import load_trainable, lora_config, schedule_arguments

WORDS = ("not", "little", "some", "very", "most")
IntArray = npt.NDArray[np.int64]


def reward_levels(rewards: npt.ArrayLike, levels: int) -> IntArray:
    """Divide each value's rewards into equally frequent levels.

    Args:
        rewards: Shape (N, K).
        levels: How many, >= 2.

    Returns:
        Shape (N, K), 0 (worst) to levels - 1.

    Example:
        >>> reward_levels([[1.0], [2.0], [3.0], [4.0]], 2).ravel().tolist()
        [0, 0, 1, 1]
    """
    table = np.asarray(rewards, dtype=np.float64)
    edges = np.quantile(table, np.arange(1, levels) / levels, axis=0)  # (levels - 1, K)
    return np.asarray((table[:, None, :] > edges[None]).sum(axis=1))


def asked_levels(weights: Sequence[float], levels: int) -> list[int]:
    """Levels to ask for at a weight vector: the best from an even share on, less below it.

    The mapping of Rewards-in-Context: linear in the weight up to 1 / K, the maximum from there on.

    Example:
        >>> asked_levels([0.5, 0.25, 0.25], 5), asked_levels([1.0, 0.0, 0.0], 5)
        ([4, 3, 3], [4, 0, 0])
    """
    K = len(weights)
    return [round(min(1.0, K * weight) * (levels - 1)) for weight in weights]


def steered(prompt: Sequence[Mapping[str, str]], levels: Mapping[str, int]) -> list[dict[str, str]]:
    """A prompt that says at its end which level of each value is wanted.

    Example:
        >>> steered([{"role": "user", "content": "Hi."}], {"helpful": 4, "kind": 0})[0]["content"]
        'Hi. helpful: most, kind: not.'
    """
    *earlier, last = (dict(turn) for turn in prompt)
    told = ", ".join(f"{value}: {WORDS[level]}" for value, level in levels.items())
    return [*earlier, {**last, "content": f"{last['content']} {told}."}]


def train_conditioned(
    prompts: Sequence[Sequence[Mapping[str, str]]],
    replies: Sequence[str],
    config: TrainConfig,
    *,
    base: str,
    out: Path,
    monitor: Monitor,
) -> int:
    """Fine-tune an adapter on N replies to steered prompts and save it.

    A step shows two replies for every pair of `config.batch_size`, so that it reads as many texts
    as a step of DPO.

    Args:
        prompts: N steered prompts.
        replies: N replies.
        config: LoRA, rate, steps and seeds; DPO's own fields are not used.
        base: Folder or hub id of the base model.
        out: Adapter folder to make.
        monitor: Hears the loss of every step.

    Returns:
        How many replies were shown.

    Raises:
        StopRequested: asked to stop; nothing is saved.
    """
    tokenizer, model = load_trainable(base, config)
    batch = 2 * config.batch_size
    order = _order(len(replies), batch * config.steps, seed=config.seed)
    rows = [_row(prompts[i], replies[i], chat=bool(tokenizer.chat_template)) for i in order]
    disable_progress_bars()
    watch = _Watch(config.steps, monitor)
    with TemporaryDirectory() as scratch:
        trainer = SFTTrainer(
            model=model,
            args=_sft_config(config, scratch, batch),
            train_dataset=Dataset.from_list(rows),
            processing_class=tokenizer,
            peft_config=lora_config(model, config),
            callbacks=[watch],
        )
        trainer.remove_callback(PrinterCallback)
        set_seed(config.seed)
        trainer.train()
    if watch.stopped:
        raise StopRequested("stopped; the trainings that were finished are kept")
    assert isinstance(trainer.model, PeftModel)  # because it was given a `peft_config`
    trainer.model.save_pretrained(str(out), save_embedding_layers=False)
    return len(rows)


class _Watch(TrainerCallback):
    """Passes the loss on and hears a stop request."""

    def __init__(self, steps: int, monitor: Monitor) -> None:
        self._steps, self._monitor, self.stopped = steps, monitor, False

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if "loss" in kwargs["logs"]:
            loss = float(kwargs["logs"]["loss"])
            self._monitor.report("training conditioned", state.global_step, self._steps, loss=loss)
        if self._monitor.stop_requested and state.global_step < self._steps:
            self.stopped = control.should_training_stop = True


def _sft_config(config: TrainConfig, folder: str, batch: int) -> SFTConfig:
    return SFTConfig(
        output_dir=folder,
        per_device_train_batch_size=batch,
        completion_only_loss=True,
        bf16=False,
        activation_checkpointing=False,
        save_strategy="no",
        **schedule_arguments(config),
    )


def _order(n: int, shown: int, *, seed: int) -> IntArray:
    rng = np.random.default_rng([seed, 5])
    epochs = -(-shown // n)
    return np.concatenate([rng.permutation(n) for _ in range(epochs)])[:shown]


def _row(prompt: Sequence[Mapping[str, str]], reply: str, *, chat: bool) -> dict[str, Any]:
    if chat:
        return {"prompt": list(prompt), "completion": [{"role": "assistant", "content": reply}]}
    return {"prompt": plain_prompt(prompt), "completion": f" {reply.lstrip()}"}

"""LoRA DPO: trl's default path against ours, on the same pairs in the same order.

    python benchmarks/dpo_training.py [--steps 20] [--rounds 2] [--value helpful]
    python benchmarks/dpo_training.py --shape 7b --random [--steps 10] [--length 512]

The first form trains on the demo's base and pairs: 16 pairs a step, rank 16 on all linear maps, the
demo preset's rate and beta. "trl defaults" is `DPOTrainer` with every argument that does not define
the run left as trl has it (8 pairs per pass, activation checkpointing, bf16 autocast, the base
asked again for every pair, unsorted batches); "trl in fp32" is that without bf16, and the one whose
losses ours must match. Ours is what `train` does, once when the base has read none of the pairs
(its reading counts) and once when another run has shared them. Each runs in a fresh process,
rounds alternate, the median step of the faster round counts. Looks and checkpoints are off
everywhere. Beside the time on the clock stands the processor time of a step, which other programs
on the machine disturb less; set OMP_NUM_THREADS=1 to have no waiting threads in it.

The second form needs a GPU: random weights of a 7B shape, random tokens, bf16. The share of peak
counts what training must compute, 4 N T flops a step for N frozen weights and T tokens (forward,
and backward to the activations; frozen weights need no gradient), over the card's dense bf16 rate.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

PATHS = ("trl defaults", "trl in fp32", "ours, first run", "ours, shared")
PEAKS = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L40S": 362e12, "4090": 165e12}


def main() -> None:
    """Run every path in processes of their own and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--value", default="helpful")
    parser.add_argument("--shape", choices=["demo", "7b"], default="demo")
    parser.add_argument("--random", action="store_true", help="random weights; needed for 7b")
    parser.add_argument("--length", type=int, default=512, help="tokens of an answer at 7b")
    parser.add_argument("--path", choices=PATHS, help=argparse.SUPPRESS)
    parser.add_argument("--cache", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.path:
        print(json.dumps(measure(options)))
        return
    if options.shape == "7b" and not options.random:
        parser.error("7b is measured with random weights; add --random")
    show(options, run_all(options))


def run_all(options: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    """Each path `rounds` times, alternating."""
    found: dict[str, list[dict[str, Any]]] = {path: [] for path in PATHS}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.rounds):
            for path in PATHS:
                command = [sys.executable, __file__, *sys.argv[1:], "--path", path]
                command += ["--cache", str(Path(folder) / str(number))]  # the first run fills it
                done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
                found[path].append(json.loads(done.stdout.splitlines()[-1]))
    return found


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Train one path; return losses, seconds per step, tokens, and what reading took."""
    ours = options.path.startswith("ours")
    if ours:
        from vcsoup.machine import keep_memory

        keep_memory()
    import torch
    from transformers import TrainerCallback, set_seed

    class Clock(TrainerCallback):
        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self.seconds, self.cpu, self.losses = [], [], []

        def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self._since, self._cpu = time.perf_counter(), time.process_time()

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            self.seconds.append(time.perf_counter() - self._since)
            self.cpu.append(time.process_time() - self._cpu)

        def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if "loss" in kwargs["logs"]:
                self.losses.append(float(kwargs["logs"]["loss"]))
                self.tokens = float(kwargs["logs"]["num_tokens"])

    with tempfile.TemporaryDirectory() as scratch:
        trainer, reading, reading_cpu = make(options, Path(scratch), ours=ours)
        clock = Clock()
        trainer.add_callback(clock)
        set_seed(0)
        trainer.train()
    weights = sum(p.numel() for p in trainer.model.parameters() if not p.requires_grad)
    return {
        "losses": clock.losses,
        "seconds": clock.seconds,
        "cpu": clock.cpu,
        "tokens": clock.tokens / len(clock.seconds),
        "reading": reading,
        "reading_cpu": reading_cpu,
        "weights": weights,
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU",
    }


def make(options: argparse.Namespace, scratch: Path, *, ours: bool) -> tuple[Any, float, float]:
    """The trainer of one path, and seconds (clock, processor) of the base's reading before it."""
    from vcsoup.monitor import SILENT
    from vcsoup.training.config import train_config
    from vcsoup.training.references import use_references
    from vcsoup.training.rows import make_rows
    from vcsoup.training.trainer import load_trainable, make_trainer

    base, pairs = demo(options) if options.shape == "demo" else seven_billion(options, scratch)
    shape = {"steps": options.steps, "holdout": 0, "checkpoint_every": 0, "max_length": 2048}
    passes = {"micro_batch": 2} if options.shape == "7b" else {}  # what fits without checkpointing
    config = train_config("demo", **shape, **passes)
    tokenizer, model = load_trainable(base, config)
    rows = make_rows(pairs, config, tokenizer=tokenizer)
    if not ours:
        return trl_default(model, tokenizer, rows, config, scratch, path=options.path), 0.0, 0.0
    trainer = make_trainer(model, tokenizer, rows, config=config, scratch=scratch)
    began, cpu = time.perf_counter(), time.process_time()
    told = {"folder": Path(options.cache), "base_fingerprint": "demo"}
    use_references(trainer, rows, **told, stage="", monitor=SILENT)
    return trainer, time.perf_counter() - began, time.process_time() - cpu


def trl_default(model: Any, tokenizer: Any, rows: Any, config: Any, scratch: Path, *, path: str):
    """Make trl's own path: only what defines the run is given."""
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import PrinterCallback
    from trl import DPOConfig, DPOTrainer

    batches = np.array(rows.order).reshape(config.steps, config.batch_size)
    order = np.random.default_rng(0).permuted(batches, axis=1).ravel()  # not sorted by length
    arguments = DPOConfig(
        output_dir=str(scratch),
        max_steps=config.steps,
        gradient_accumulation_steps=config.batch_size // 8,
        learning_rate=config.learning_rate,
        lr_scheduler_type=config.schedule,
        warmup_steps=round(config.warmup * config.steps),
        beta=config.beta,
        max_length=config.max_length,
        train_sampling_strategy="sequential",  # the same pairs in each step
        seed=config.init_seed,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        **({"bf16": False} if path == "trl in fp32" else {}),
        **({"use_cpu": True} if model.device.type == "cpu" and not _cuda() else {}),
    )
    lora = LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    trainer = DPOTrainer(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_list([rows.shown[place] for place in order]),
        processing_class=tokenizer,
        peft_config=lora,
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def demo(options: argparse.Namespace) -> tuple[str, Any]:
    """The embedded base and one value's pairs."""
    from vcsoup.demo.bundle import bundle_folder
    from vcsoup.preferences.pairs import load_pairs

    folder = bundle_folder()
    pairs = load_pairs(folder / "data" / f"{options.value}.parquet")
    return str(folder / "models" / "base"), pairs


def seven_billion(options: argparse.Namespace, scratch: Path) -> tuple[str, Any]:
    """A random base of Llama's 7B shape, and pairs of random words."""
    import pandas as pd
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    from vcsoup.demo.bundle import bundle_folder

    tokenizer = AutoTokenizer.from_pretrained(bundle_folder() / "models" / "base")
    shape = LlamaConfig(
        vocab_size=32_000,
        hidden_size=4096,
        intermediate_size=11_008,
        num_hidden_layers=32,
        num_attention_heads=32,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        dtype="bfloat16",
    )
    with torch.device("cuda"):
        model = LlamaForCausalLM(shape).to(torch.bfloat16)
    folder = scratch / "7b"
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    del model
    torch.cuda.empty_cache()
    words = [word for word in tokenizer.get_vocab() if word.isascii() and word.isalpha()]
    rng = np.random.default_rng(0)

    def text() -> str:
        return " ".join(rng.choice(words, size=options.length // 2))

    n = 16 * options.steps
    table = {"prompt": [[{"role": "user", "content": "Hello"}]] * n}
    table |= {"chosen": [text() for _ in range(n)], "rejected": [text() for _ in range(n)]}
    return str(folder), pd.DataFrame({"id": [f"{i:016x}" for i in range(n)], **table})


def show(options: argparse.Namespace, found: dict[str, list[dict[str, Any]]]) -> None:
    """Print tokens per second with ratios, then the losses' parity."""
    clock = {path: _per_step(runs, "seconds", "reading") for path, runs in found.items()}
    cpu = {path: _per_step(runs, "cpu", "reading_cpu") for path, runs in found.items()}
    run = found[PATHS[0]][0]
    print(
        f"{options.shape}, {options.steps} steps of 16 pairs, {run['tokens']:.0f} tokens a step, "
    )
    print(f"{run['device']}, {options.rounds} rounds\n")
    print(f"{'path':<16}{'s/step':>8}{'tokens/s':>10}{'ratio':>8}{'fp32':>8}", end="")
    print(f"{'CPU s/step':>12}{'ratio':>8}{'share of peak':>15}")
    for path, seconds in clock.items():
        ratios = [clock[PATHS[0]] / seconds, clock[PATHS[1]] / seconds]
        told = "".join(f"{ratio:>7.2f}x" for ratio in ratios)
        print(f"{path:<16}{seconds:>8.3f}{run['tokens'] / seconds:>10.0f}{told}", end="")
        share = _share(found[path][0], seconds)
        print(f"{cpu[path]:>12.3f}{cpu[PATHS[1]] / cpu[path]:>7.2f}x{share:>15}")
    print("\nratio: to trl defaults; fp32 and CPU ratio: to trl in fp32")
    theirs = np.array(found["trl in fp32"][0]["losses"])
    for path in (PATHS[0], *PATHS[2:]):
        difference = np.abs(np.array(found[path][0]["losses"]) - theirs)
        print(f"largest loss difference to trl in fp32, {path}: {difference.max():.1e}", end="")
        print(f" (first step {difference[0]:.1e}, last {difference[-1]:.1e})")


def _per_step(runs: list[dict[str, Any]], each: str, before: str) -> float:
    """Seconds of the median step and its share of the reading before; the faster round's."""
    return min(statistics.median(run[each][1:]) + run[before] / len(run[each]) for run in runs)


def _share(run: dict[str, Any], seconds: float) -> str:
    peak = next((rate for name, rate in PEAKS.items() if name in run["device"]), None)
    return f"{4 * run['weights'] * run['tokens'] / seconds / peak:.0%}" if peak else "-"


def _cuda() -> bool:
    import torch

    return torch.cuda.is_available()


if __name__ == "__main__":
    main()

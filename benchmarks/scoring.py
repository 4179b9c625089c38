"""Scoring with long shared prompts: one text per forward, a plain padded batch, and vcsoup.

    python benchmarks/scoring.py [--texts 64] [--rounds 3] [--shape small|demo|7b] [--break-even]

(a) is the published VC-Soup code's way (HeFei-X/VC-soup, `VC_computing.py`, `compute_reward`): each
text is tokenised and run alone, unpadded, in bfloat16 under `no_grad`, with the library's defaults,
so a cache of keys and values is made. It scores every data set with every model and remembers
nothing, so a text that stands in two data sets is run twice. As published it reads the answer
alone ("can be modified to include query"); here it gets the prompt too, as we do. The same in
float32 stands beside it. (b) pads 16 texts as they come, in float32. Ours is `RewardModel`, in
float32, which lays out, tokenises and scores texts, and a cache of rewards for further data sets.
The same class over a model in bfloat16 stands beside it, to compare with (a) in one precision; the
app has no such choice on a CPU, since a gap of two rewards suffers most from rounding.
Prompts and replies are put together from the demo's prompts. Rounds alternate; (a) runs on a part
of the texts and is compared per token that it is given. The limit is the ratio of operations that
must be done: each distinct token once through the layers, looking at those before it in its row. A
pair with a prompt of its own has two texts to share it, so no exact way does much less than half of
(a)'s work.

Shapes: `small` is a random GPT-2 of 12 layers of width 256; `demo` is the embedded world's reward
model; `7b` is a random Llama of 7 billion parameters in bfloat16 and needs a GPU.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from parts import limits
from parts.break_even import break_even
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    GPT2Config,
    LlamaConfig,
    PreTrainedModel,
)
from transformers.pytorch_utils import Conv1D
from transformers.utils import logging

from vcsoup.demo.bundle import bundle_folder, read_bundle
from vcsoup.rewards.cache import RewardCache, reply_key
from vcsoup.rewards.model import RewardModel
from vcsoup.rewards.spec import RewardSpec
from vcsoup.rewards.token_tree import token_tree

PADDED = 16  # texts of a plain batch
OURS, OURS_HALF = "vcsoup", "vcsoup, bfloat16"
ALONE = "(a) one text per forward, "  # and the precision


@dataclass(frozen=True)
class Case:
    """Texts to score.

    Attributes:
        title: What they stand for.
        preamble: Tokens that all prompts begin with.
        prompt: Fewest and most tokens of a prompt after that.
        replies: Replies per prompt, 30 to 60 tokens each.
        values: Values that read the same model; the others run it once for each.
        sets: Data sets that hold all these texts, as one file with several preferences or ratings
            gives; the others run them for each, ours looks the further ones up.
    """

    title: str
    preamble: int
    prompt: tuple[int, int]
    replies: int
    values: int = 1
    sets: int = 1


CASES = (
    Case("pairs", 0, (400, 600), 2),
    Case("four answers to a prompt", 0, (400, 600), 4),
    Case("pairs, three values on one model", 0, (400, 600), 2, values=3),
    Case("sixteen soups' replies to a prompt", 0, (400, 600), 16),
    Case("pairs under one preamble", 440, (20, 60), 2),
    Case("pairs in two data sets (PKU-SafeRLHF)", 0, (400, 600), 2, sets=2),
    Case("pairs in five data sets (HelpSteer2)", 0, (400, 600), 2, sets=5),
    Case("sixty-six soups' replies to a prompt", 0, (400, 600), 66),
)


class Texts:
    """Prompts and replies of wanted lengths, from the demo's texts."""

    def __init__(self, tokenizer, seed: int = 0) -> None:
        self._tokenizer, self._rng = tokenizer, np.random.default_rng(seed)
        self._said = read_bundle(bundle_folder()).held_out

    def make(self, case: Case, texts: int, most: int) -> tuple[list[str], list[str]]:
        """About `texts` prompts and replies; prompts shrink where `most` tokens must do."""
        shrink = min(1.0, (most - 80) / (case.preamble + case.prompt[1]))
        preamble = self._words(int(case.preamble * shrink))
        prompts, replies = [], []
        for _ in range(max(1, texts // case.replies)):
            low, high = (int(length * shrink) for length in case.prompt)
            prompt = preamble + self._words(int(self._rng.integers(low, high + 1)))
            for _ in range(case.replies):
                prompts.append(prompt)
                replies.append(self._words(int(self._rng.integers(30, 61))))
        return prompts, replies

    def _words(self, tokens: int) -> str:
        said = " ".join(self._rng.choice(self._said, size=1 + tokens // 4))
        return self._tokenizer.decode(self._tokenizer(said)["input_ids"][:tokens])


class Ways:
    """The ways to score the texts of one case."""

    def __init__(
        self,
        judge: RewardModel,
        plain: dict[str, PreTrainedModel],
        half: RewardModel | None = None,
    ) -> None:
        """Take our model, and the others' copies of it by precision; the last one for batches.

        Args:
            judge: Ours, as the app loads it.
            plain: Precision -> the same model for the other ways.
            half: Ours in bfloat16, where `judge` is not.
        """
        self.judge, self.plain, self.half = judge, plain, half

    def take(self, prompts: list[str], replies: list[str], alone: int, *, sets: int = 1) -> None:
        """Take the texts, which so many data sets hold; `alone` of them are scored by (a)."""
        self._asked, self._sets = (prompts, replies), sets
        self.rows = [row["input_ids"] for row in self.judge.encode(*self._asked)]
        self.some = np.unique(np.linspace(0, len(prompts) - 1, alone).astype(int))
        self.all = np.arange(len(prompts))

    def named(self) -> dict[str, tuple[Callable[[], np.ndarray], np.ndarray]]:
        """Name -> what gives logits, and the texts that it gives them of."""
        told = {
            f"{ALONE}{name}": (partial(self._alone, model), self.some)
            for name, model in self.plain.items()
        }
        told[f"(b) padded batches of {PADDED}"] = (self._batches, self.all)
        if self.half is not None:
            told[OURS_HALF] = (partial(self.ours, self.half), self.all)
        return told | {OURS: (partial(self.ours, self.judge), self.all)}

    def ours(self, judge: RewardModel) -> np.ndarray:
        """Our logits, shape (n, heads)."""
        parts = list(judge.logit_batches(*self._asked))
        order = np.argsort(np.concatenate([rows for rows, _ in parts]))
        said = np.concatenate([said for _, said in parts])[order]
        if self._sets > 1:
            self._look_up(said)
        return said

    def _look_up(self, said: np.ndarray) -> None:
        """Keep the rewards of the first data set, and find them for the others."""
        with tempfile.TemporaryDirectory() as folder:
            cache = RewardCache(Path(folder))
            for data_set in range(self._sets):
                keys = [reply_key(*asked) for asked in zip(*self._asked, strict=True)]
                if data_set == 0:
                    cache.add("benchmark", keys, said[:, 0])
                elif np.isnan(cache.lookup("benchmark", keys)).any():
                    raise RuntimeError("the cache lost a reward")

    @torch.no_grad()
    def _alone(self, model: PreTrainedModel) -> np.ndarray:
        said = []
        for prompt, reply in ([part[k] for part in self._asked] for k in self.some):
            [text] = self.judge.encode([prompt], [reply])
            inputs = {name: torch.tensor([row]).to(model.device) for name, row in text.items()}
            said.append(model(**inputs).logits[0].float().cpu().numpy())
        return np.stack(said)

    @torch.inference_mode()
    def _batches(self) -> np.ndarray:
        model = list(self.plain.values())[-1]
        pad, said = int(model.config.pad_token_id), []
        inputs = self.judge.encode(*self._asked)
        for start in range(0, len(inputs), PADDED):
            rows = [text["input_ids"] for text in inputs[start : start + PADDED]]
            longest = max(map(len, rows))
            ids = torch.tensor([row + [pad] * (longest - len(row)) for row in rows])
            mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
            told = model(ids.to(model.device), attention_mask=mask.to(model.device)).logits
            said.append(told.float().cpu().numpy())
        return np.concatenate(said)


def compare(ways: Ways, case: Case, rounds: int, peak: float) -> None:
    """Print one case's table."""
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in ways.named()}
    said: dict[str, np.ndarray] = {}
    lengths = np.array([len(row) for row in ways.rows])
    for judge in filter(None, (ways.judge, ways.half)):
        ways.ours(judge)  # nobody's first call counts
    for _ in range(rounds):
        for name, (way, texts) in ways.named().items():
            wall, processor = time.perf_counter(), time.process_time()
            said[name] = way()
            times = 1 if name in (OURS, OURS_HALF) else case.values * case.sets
            whole = lengths.sum() / lengths[texts].sum() * times
            wall, processor = time.perf_counter() - wall, time.process_time() - processor
            spent[name].append((wall * whole, processor * whole))
    n = len(lengths)
    print(f"\n{case.title}: {n} texts of {lengths.mean():.0f} tokens")
    print(f"  {'':36s} ms a text  ours is faster by (range)  by processor time")
    for name, took in spent.items():
        each = statistics.median(a for a, _ in took) / n * 1e3
        print(f"  {name:36s} {each:9.1f}  {faster(spent[OURS], took)}")
    if ways.half is not None:
        took = spent[f"{ALONE}bfloat16"]
        print(f"  {'both (a) and ours in bfloat16':36s} {'':9s}  {faster(spent[OURS_HALF], took)}")
    tell_limit(ways, case, statistics.median(a for a, _ in spent[OURS]), peak)
    tell_differences(ways, said)


def faster(ours: list[tuple[float, float]], other: list[tuple[float, float]]) -> str:
    """How many times faster ours is: wall time with its range, and processor time."""
    both = list(zip(other, ours, strict=True))
    wall, processor = ([them[k] / us[k] for them, us in both] for k in (0, 1))
    shown = f"{statistics.median(wall):.2f}x ({min(wall):.1f} to {max(wall):.1f})"
    return f"{shown:25s}  {statistics.median(processor):.2f}x"


def tell_limit(ways: Ways, case: Case, seconds: float, peak: float) -> None:
    """Print what must be computed, against what the others compute and how long ours took."""
    needed = operations(ways.judge.model, [token_tree(ways.rows).positions])
    given = operations(ways.judge.model, [np.arange(len(row)) for row in ways.rows])
    times = given * case.values * case.sets / needed
    print(
        f"  limit: {times:.1f}x fewer operations than (a); ours does "
        f"{needed / seconds / 1e9:.0f} GFLOP/s, {needed / seconds / peak:.0%} of a large product's "
        f"{peak / 1e9:.0f}"
    )


def tell_differences(ways: Ways, said: dict[str, np.ndarray]) -> None:
    """Print how far our scores are from the others'."""
    told = ", ".join(
        f"{np.abs(said[OURS][texts] - said[name]).max():.1e} ({name})"
        for name, (_, texts) in ways.named().items()
        if name != OURS
    )
    print(f"  largest difference of a score: {told}; they spread by {said[OURS].std():.2f}")


def operations(model: PreTrainedModel, rows: Sequence[np.ndarray]) -> float:
    """Operations of the layers' matrix products and of attention, for tokens at these positions."""
    config, body = model.config, model.base_model
    kinds = (torch.nn.Linear, Conv1D)
    weights = sum(part.weight.numel() for part in body.modules() if isinstance(part, kinds))
    per_key = 4 * config.hidden_size * config.num_hidden_layers
    return float(sum(2 * weights * len(row) + per_key * (row + 1).sum() for row in rows))


def small(folder: Path) -> Path:
    """Save a random GPT-2 of 12 layers."""
    tokenizer = demo_tokenizer()
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_embd=256,
        n_layer=12,
        n_head=4,
        num_labels=3,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
    )
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_config(config)
    torch.nn.init.normal_(model.score.weight, std=0.5)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def demo_tokenizer():
    """The demo's tokenizer, with room for long texts."""
    folder = bundle_folder() / "models" / "base"
    return AutoTokenizer.from_pretrained(folder, model_max_length=1024)


def on_disk(folder: Path) -> tuple[RewardModel, dict[str, PreTrainedModel], RewardModel]:
    """A saved model: ours, the other ways' by precision, and ours in bfloat16.

    None is shared: ours takes its model's attention over.
    """
    load = AutoModelForSequenceClassification.from_pretrained
    dtypes = {"bfloat16": torch.bfloat16, "float32": torch.float32}
    plain = {name: load(folder, dtype=dtype).eval() for name, dtype in dtypes.items()}
    spec = RewardSpec(model=str(folder))
    judge = RewardModel.load(spec, "cpu")
    half = load(folder, dtype=torch.bfloat16).eval()
    return judge, plain, RewardModel(spec, half, judge.tokenizer)


def seven_billion() -> tuple[RewardModel, dict[str, PreTrainedModel]]:
    """A random Llama of 7 billion parameters on the GPU, one copy for all ways."""
    tokenizer = demo_tokenizer()
    config = LlamaConfig(num_labels=3, pad_token_id=tokenizer.pad_token_id, dtype=torch.bfloat16)
    with torch.device("cuda"):
        model = AutoModelForSequenceClassification.from_config(config, dtype=torch.bfloat16)
    return RewardModel(RewardSpec(model="random 7b"), model, tokenizer), {"bfloat16": model}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=64, help="texts of a case, about")
    parser.add_argument("--alone", type=int, default=12, help="texts that (a) scores of them")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--shape", choices=("small", "demo", "7b"), default="small")
    parser.add_argument("--cases", type=int, nargs="+", default=range(len(CASES)))
    parser.add_argument("--break-even", action="store_true", help="short shared beginnings instead")
    options = parser.parse_args()
    if options.shape == "7b" and not torch.cuda.is_available():
        raise SystemExit("no GPU here: the 7b shape was not measured")
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as folder:
        if options.shape == "7b":
            ways = Ways(*seven_billion())
        elif options.shape == "small":
            ways = Ways(*on_disk(small(Path(folder))))
        else:
            ways = Ways(*on_disk(bundle_folder() / "models" / "reward-helpful"))
    peak = product_speed(ways.judge.model)
    print(
        f"{options.shape}, {ways.judge.model.num_parameters() / 1e6:.0f} million parameters; "
        f"{torch.get_num_threads()} threads, load {os.getloadavg()[0]:.1f}, median of "
        f"{options.rounds} rounds"
    )
    if options.break_even:
        break_even(ways.judge.model, ways.plain["float32"], options.rounds)
        return
    texts = Texts(ways.judge.tokenizer)
    for case in (CASES[place] for place in options.cases):
        made = texts.make(case, options.texts, ways.judge.max_length)
        ways.take(*made, options.alone, sets=case.sets)
        compare(ways, case, options.rounds, peak)


def product_speed(model: PreTrainedModel) -> float:
    """Operations a second of a large matrix product where the model is, in its precision."""
    if model.device.type == "cpu":
        return limits.peak_speed()
    a, b = torch.randn(2, 8192, 8192, device=model.device, dtype=model.dtype)
    times = []
    for _ in range(15):
        start = time.perf_counter()
        (a @ b)[0, 0].item()
        times.append(time.perf_counter() - start)
    return 2 * 8192**3 / min(times)


if __name__ == "__main__":
    main()

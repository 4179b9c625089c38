"""The usual ways to answer with many soups, one soup at a time, on PEFT and `generate`."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from vcsoup.soup.adapters import load_adapter


class OneByOne:
    """The demo's prompts, laid out once, and three ways to answer them with a soup."""

    def __init__(self, base: Path, adapters: Sequence[Path], prompts: Sequence[str]) -> None:
        """Load what each way keeps between soups."""
        self._base, self._paths = base, list(adapters)
        self.tokenizer = AutoTokenizer.from_pretrained(base)
        self.tokenizer.padding_side = "left"
        self._inputs = self.tokenizer.apply_chat_template(
            [[{"role": "user", "content": prompt}] for prompt in prompts],
            add_generation_prompt=True,
            padding=True,
            return_tensors="pt",
            return_dict=True,
        )
        self._cat = self._peft()
        self._merged = _load(base)
        self._start = {n: t.clone() for n, t in self._merged.state_dict().items()}
        self._deltas = [
            {f"{m}.weight": f.scale * f.B @ f.A for m, f in load_adapter(path).factors.items()}
            for path in adapters
        ]

    def from_disk(self, soup: np.ndarray, tokens: int, temperature: float) -> list[list[int]]:
        """Load base and adapters, merge, save, load, generate: published soup code."""
        with tempfile.TemporaryDirectory() as folder:
            model = self._peft()
            self._add(model, soup)
            model.merge_and_unload().save_pretrained(folder)
            return self._generate(_load(folder), tokens, temperature)

    def peft_cat(self, soup: np.ndarray, tokens: int, temperature: float) -> list[list[int]]:
        """PEFT `add_weighted_adapter(combination_type="cat")`, `set_adapter`, generate."""
        self._add(self._cat, soup)
        replies = self._generate(self._cat, tokens, temperature)
        self._cat.delete_adapter("soup")
        return replies

    def in_memory(self, soup: np.ndarray, tokens: int, temperature: float) -> list[list[int]]:
        """Write W0 + sum of deltas into a plain resident model, generate."""
        with torch.no_grad():
            for name, weight in self._merged.named_parameters():
                weight.copy_(self._start[name])
                for share, delta in zip(soup.tolist(), self._deltas, strict=True):
                    if name in delta:
                        weight.add_(delta[name], alpha=share)
        return self._generate(self._merged, tokens, temperature)

    def _peft(self) -> PeftModel:
        first, *others = self._paths
        model = PeftModel.from_pretrained(_load(self._base), first, first.name)
        for path in others:
            model.load_adapter(path, path.name)
        return model.eval()

    def _add(self, model: PeftModel, soup: np.ndarray) -> None:
        on = [(p.name, w) for p, w in zip(self._paths, soup.tolist(), strict=True) if w]
        names, weights = [n for n, _ in on], [w for _, w in on]
        model.add_weighted_adapter(names, weights, "soup", combination_type="cat")
        model.set_adapter("soup")

    @torch.inference_mode()
    def _generate(self, model: torch.nn.Module, tokens: int, temperature: float) -> list[list[int]]:
        chance = {"do_sample": True, "temperature": temperature, "top_k": 0}
        out = model.generate(
            **self._inputs,
            max_new_tokens=tokens,
            **(chance if temperature else {"do_sample": False}),
        )
        end, replies = self.tokenizer.eos_token_id, out[:, self._inputs.input_ids.shape[1] :]
        rows = [[*row, end] for row in replies.tolist()]
        return [row[: row.index(end)][:tokens] for row in rows]


def _load(folder: str | Path) -> torch.nn.Module:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()

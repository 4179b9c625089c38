"""SoupModel and merges against dense sums W0 + sum lambda * s * B @ A and against plain PEFT.

Tolerances: 1e-5 on logits is the promise of the issue (float32; logits here are of size 1 to 10).
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from tests.odd_bases import KINDS, odd_soup
from tests.tiny_models import random_adapter, tiny_causal
from vcsoup.errors import AdapterError
from vcsoup.soup.adapters import Factors, load_adapter
from vcsoup.soup.layer import Mix, SoupLayer
from vcsoup.soup.merge import merge_exact, merge_factor_average, merge_svd
from vcsoup.soup.merged_folder import save_merged
from vcsoup.soup.model import SoupModel

TOKENS = torch.tensor([[40, 41, 42, 43, 44], [50, 51, 52, 53, 54], [60, 6, 62, 7, 64]])
WEIGHTS = np.array([[0.2, 0.5, 0.3], [0.9, -0.4, 1.1], [0.0, 1.0, 0.0]])
LORA = {
    "plain": [{"rank": 4, "alpha": 8}, {"rank": 2, "alpha": 2}, {"rank": 3, "alpha": 9}],
    "rslora": [{"rank": 4, "alpha": 4, "use_rslora": True}, {"rank": 2}, {"rank": 4}],
    "patterns": [
        {"rank_pattern": {"q_proj": 6, "c_attn": 6}, "alpha_pattern": {"0.mlp.down_proj": 3}},
        {"rank": 2, "use_rslora": True, "rank_pattern": {"o_proj": 1, "c_fc": 1}},
        {"rank": 3, "layers_to_transform": [1]},
    ],
}


def make(folder: Path, arch: str, kind: str) -> tuple[Path, list[Path]]:
    base = tiny_causal(arch, folder / "base")
    adapters = [
        random_adapter(base, folder / f"value{k}", seed=k, **settings)
        for k, settings in enumerate(LORA[kind])
    ]
    return base, adapters


def peft_logits(base: Path, adapter: Path, tokens: torch.Tensor = TOKENS) -> torch.Tensor:
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), adapter)
    with torch.no_grad():
        return model.eval()(tokens).logits


def dense_logits(base: Path, adapters: list[Path]) -> list[torch.Tensor]:
    """Row i of `TOKENS` under row i of `WEIGHTS`, independent of our reader.

    PEFT merges each adapter alone; the deltas are summed here.
    """
    plain = AutoModelForCausalLM.from_pretrained(base).eval()
    start = {name: tensor.clone().double() for name, tensor in plain.state_dict().items()}
    totals = [{name: tensor.clone() for name, tensor in start.items()} for _ in WEIGHTS]
    for k, path in enumerate(adapters):
        one = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), path)
        for name, tensor in one.merge_and_unload().state_dict().items():
            for total, weights in zip(totals, WEIGHTS, strict=True):
                total[name] += weights[k] * (tensor.double() - start[name])
    found = []
    for row, total in enumerate(totals):
        plain.load_state_dict({name: tensor.float() for name, tensor in total.items()})
        with torch.no_grad():
            found.append(plain(TOKENS).logits[row])
    return found


@pytest.mark.parametrize("arch", ["llama", "qwen2", "gpt2", "gemma", "gpt_neox"])
@pytest.mark.parametrize("kind", LORA)
def test_each_row_is_its_dense_sum(tmp_path: Path, arch: str, kind: str) -> None:
    base, adapters = make(tmp_path, arch, kind)
    soup = SoupModel.load(base, adapters, device="cpu")
    mixed = soup(TOKENS, weights=WEIGHTS).logits
    for row, expected in enumerate(dense_logits(base, adapters)):
        # 2e-5 here: the dense side itself rounds each merged weight to float32.
        torch.testing.assert_close(mixed[row], expected, atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_bases_of_many_kinds_have_rows_that_are_dense_sums(tmp_path: Path, kind: str) -> None:
    base, adapters = odd_soup(kind, tmp_path, values=3)
    soup = SoupModel.load(base, adapters, device="cpu")
    mixed = soup(TOKENS, weights=WEIGHTS).logits
    assert not torch.allclose(mixed, soup(TOKENS, weights=0 * WEIGHTS).logits, atol=1e-4)
    for row, expected in enumerate(dense_logits(base, adapters)):
        torch.testing.assert_close(mixed[row], expected, atol=2e-5, rtol=1e-5)
    merged = merge_exact([load_adapter(path) for path in adapters], WEIGHTS[0])
    got = peft_logits(base, save_merged(merged, tmp_path / "merged"))
    torch.testing.assert_close(got[0], mixed[0], atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("tokens", [3, 5, 12, 16])
def test_some_tokens_of_several_rows_are_refused(tokens: int) -> None:
    """An expert's share of 3 rows of 5 tokens: whose token is whose is not to be told."""
    mix = Mix()
    factors = Factors(torch.ones(2, 4), torch.ones(6, 2), 1.0)
    layer = SoupLayer(torch.nn.Linear(4, 6), [factors], mix, torch.float32)
    with mix.set(torch.ones(3, 1), 5), pytest.raises(AdapterError, match="rows mixed together"):
        layer(torch.ones(tokens, 4))


def test_corner_is_the_adapter_in_peft_and_zero_is_the_base(tmp_path: Path) -> None:
    base, adapters = make(tmp_path, "llama", "rslora")
    soup = SoupModel.load(base, adapters, device="cpu")
    for k, adapter in enumerate(adapters):
        corner = soup(TOKENS, weights=np.eye(3)[[k] * 3]).logits
        torch.testing.assert_close(corner, peft_logits(base, adapter), atol=1e-5, rtol=0)
    with torch.no_grad():
        plain = AutoModelForCausalLM.from_pretrained(base).eval()(TOKENS).logits
    torch.testing.assert_close(
        soup(TOKENS, weights=np.zeros((3, 3))).logits, plain, atol=1e-6, rtol=0
    )
    assert (plain - peft_logits(base, adapters[0])).abs().max() > 0.5  # the adapters do move logits


def test_soup_equals_peft_cat(tmp_path: Path) -> None:
    """PEFT `cat` of adapters without rsLoRA is exact; PEFT weighs deltas by weight * scale."""
    base, adapters = make(tmp_path, "llama", "plain")
    model = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(base), adapters[0], adapter_name="v0"
    )
    for k in (1, 2):
        model.load_adapter(adapters[k], adapter_name=f"v{k}")
    weights = [0.2, 0.5, 0.3]
    model.add_weighted_adapter(["v0", "v1", "v2"], weights, "soup", combination_type="cat")
    model.set_adapter("soup")
    with torch.no_grad():
        expected = model.eval()(TOKENS).logits
    soup = SoupModel.load(base, adapters, device="cpu")
    torch.testing.assert_close(
        soup(TOKENS, weights=[weights] * 3).logits, expected, atol=1e-5, rtol=0
    )


@pytest.mark.parametrize("arch", ["llama", "gpt2", "gpt_neox"])
@pytest.mark.parametrize("kind", LORA)
def test_exact_export_in_plain_peft_gives_the_soups_logits(
    tmp_path: Path, arch: str, kind: str
) -> None:
    base, adapters = make(tmp_path, arch, kind)
    weights = [0.6, -0.1, 0.5]
    merged = merge_exact([load_adapter(path) for path in adapters], weights)
    out = save_merged(merged, tmp_path / "export")
    soup = SoupModel.load(base, adapters, device="cpu")
    torch.testing.assert_close(
        peft_logits(base, out), soup(TOKENS, weights=[weights] * 3).logits, atol=1e-5, rtol=0
    )
    again = SoupModel.load(base, [out], device="cpu")  # our own reader agrees
    torch.testing.assert_close(
        again(TOKENS, weights=[[1.0]] * 3).logits, peft_logits(base, out), atol=1e-5, rtol=0
    )


def dense_delta(adapters: list[Path], weights: list[float], module: str) -> np.ndarray:
    total = 0.0
    for path, weight in zip(adapters, weights, strict=True):
        tensors = load_file(path / "adapter_model.safetensors")
        A = tensors[f"base_model.model.{module}.lora_A.weight"].double().numpy()
        B = tensors[f"base_model.model.{module}.lora_B.weight"].double().numpy()
        total = total + weight * 2.0 * B @ A  # alpha 8 / rank 4
    return total


def equal_adapters(folder: Path) -> tuple[Path, list[Path]]:
    base = tiny_causal("llama", folder / "base")
    return base, [random_adapter(base, folder / f"value{k}", seed=k) for k in range(2)]


def test_svd_error_is_the_numpy_svd_tail(tmp_path: Path) -> None:
    _, paths = equal_adapters(tmp_path)
    adapters, weights = [load_adapter(path) for path in paths], [0.7, 0.3]
    tail = total = 0.0
    for module in adapters[0].factors:
        squares = np.linalg.svd(dense_delta(paths, weights, module), compute_uv=False) ** 2
        tail, total = tail + squares[3:].sum(), total + squares.sum()
    merged = merge_svd(adapters, weights, rank=3)
    assert merged.rank == 3
    assert merged.relative_error == pytest.approx(np.sqrt(tail / total), rel=1e-6)
    assert 0.1 < merged.relative_error < 0.9
    assert merge_svd(adapters, weights, rank=8).relative_error < 1e-6  # rank sum r_k: exact
    module, factors = next(iter(merged.factors.items()))
    gap = (factors.B @ factors.A).double().numpy() - dense_delta(paths, weights, module)
    squares = np.linalg.svd(dense_delta(paths, weights, module), compute_uv=False) ** 2
    assert np.linalg.norm(gap) == pytest.approx(np.sqrt(squares[3:].sum()), rel=1e-4)


def test_svd_at_full_rank_loads_in_peft_with_the_soups_logits(tmp_path: Path) -> None:
    base, paths = equal_adapters(tmp_path)
    merged = merge_svd([load_adapter(path) for path in paths], [0.7, 0.3], rank=8)
    soup = SoupModel.load(base, paths, device="cpu")
    expected = soup(TOKENS, weights=[[0.7, 0.3]] * 3).logits
    got = peft_logits(base, save_merged(merged, tmp_path / "svd"))
    torch.testing.assert_close(got, expected, atol=3e-5, rtol=0)  # factors rounded to float32


def test_factor_average_error_against_dense_numpy(tmp_path: Path) -> None:
    base, paths = equal_adapters(tmp_path)
    weights = [0.5, 0.5]
    merged = merge_factor_average([load_adapter(path) for path in paths], weights)
    lost = total = 0.0
    for module in merged.factors:
        key = f"base_model.model.{module}.lora_"
        halves = [load_file(path / "adapter_model.safetensors") for path in paths]
        A = sum(0.5 * half[key + "A.weight"].double().numpy() for half in halves)
        B = sum(0.5 * half[key + "B.weight"].double().numpy() for half in halves)
        exact = dense_delta(paths, weights, module)
        lost, total = lost + np.sum((2.0 * B @ A - exact) ** 2), total + np.sum(exact**2)
    assert merged.relative_error == pytest.approx(np.sqrt(lost / total), rel=1e-5)
    assert merged.relative_error > 0.5
    soup = SoupModel.load(base, paths, device="cpu")
    got = peft_logits(base, save_merged(merged, tmp_path / "average"))
    assert (got - soup(TOKENS, weights=[weights] * 3).logits).abs().max() > 0.1


def test_ranks_of_an_exact_merge(tmp_path: Path) -> None:
    """Ranks 4 + 2 + 3 = 9; a weight of zero brings no rank: 4 + 3 = 7."""
    _, paths = make(tmp_path, "llama", "plain")
    adapters = [load_adapter(path) for path in paths]
    assert merge_exact(adapters, [0.2, 0.5, 0.3]).rank == 9
    assert merge_exact(adapters, [0.2, 0.0, 0.8]).rank == 7

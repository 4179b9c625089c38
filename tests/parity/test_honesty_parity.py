"""The honesty meter's figures against dense float64 sums, and against the merges that are saved.

Tolerance 1e-9: both sides are float64 linear algebra on matrices of norm 1 to 100; 1e-6 against the
merges, which stack their factors in float32.
"""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.tiny_models import random_adapter, tiny_causal
from vcsoup.errors import AdapterError, NotFoundError, WeightsError
from vcsoup.soup.adapters import load_adapter
from vcsoup.soup.honesty import (
    Core,
    cancels,
    cores,
    factor_average_error,
    layer_cosines,
    svd_errors,
)
from vcsoup.soup.merge import merge_factor_average, merge_svd

WEIGHTS = [0.5, 0.8, -0.2]
ALIKE = [{"seed": k} for k in range(3)]
MIXED = [
    {"seed": 0, "rank": 4, "alpha_pattern": {"0.mlp.down_proj": 3}},
    {"seed": 1, "rank": 2, "use_rslora": True},
    {"seed": 2, "rank": 3, "layers_to_transform": [1]},
]


def shelf(folder: Path, arch: str, settings: list[dict[str, object]]) -> list[Path]:
    base = tiny_causal(arch, folder / "base")
    return [random_adapter(base, folder / f"a{k}", **one) for k, one in enumerate(settings)]


def deltas(path: Path) -> dict[str, np.ndarray]:
    return {
        module: f.scale * f.B.double().numpy() @ f.A.double().numpy()
        for module, f in load_adapter(path).factors.items()
    }


def dense_soup(paths: list[Path], weights: list[float]) -> dict[str, np.ndarray]:
    total: dict[str, np.ndarray] = {}
    for path, weight in zip(paths, weights, strict=True):
        for module, delta in deltas(path).items():
            total[module] = total.get(module, 0.0) + weight * delta
    return total


@pytest.mark.parametrize("arch", ["llama", "gpt2", "qwen2", "gemma"])
@pytest.mark.parametrize("settings", [ALIKE, MIXED], ids=["alike", "mixed"])
def test_svd_errors_are_the_dense_tails(tmp_path: Path, arch: str, settings) -> None:
    paths = shelf(tmp_path, arch, settings)
    errors = svd_errors(cores(paths), WEIGHTS)
    squares = [
        np.linalg.svd(delta, compute_uv=False) ** 2 for delta in dense_soup(paths, WEIGHTS).values()
    ]
    total = sum(s.sum() for s in squares)
    for rank, error in enumerate(errors):
        tail = sum(s[rank:].sum() for s in squares)
        assert error == pytest.approx(np.sqrt(tail / total), abs=1e-7)
    assert errors[0] == 1.0
    assert errors[-1] == 0.0


def test_figures_are_those_that_the_merges_report(tmp_path: Path) -> None:
    paths = shelf(tmp_path, "llama", ALIKE)
    found, adapters = cores(paths), [load_adapter(path) for path in paths]
    assert svd_errors(found, WEIGHTS)[5] == pytest.approx(
        merge_svd(adapters, WEIGHTS, rank=5).relative_error, rel=1e-6
    )
    assert factor_average_error(found, WEIGHTS) == pytest.approx(
        merge_factor_average(adapters, WEIGHTS).relative_error, rel=1e-6
    )


def test_factor_average_against_dense(tmp_path: Path) -> None:
    paths = shelf(tmp_path, "gpt2", ALIKE)
    lost = total = 0.0
    parts = [load_adapter(path).factors for path in paths]
    for module, exact in dense_soup(paths, WEIGHTS).items():
        A = sum(w * p[module].A.double().numpy() for w, p in zip(WEIGHTS, parts, strict=True))
        B = sum(w * p[module].B.double().numpy() for w, p in zip(WEIGHTS, parts, strict=True))
        lost += np.square(2.0 * B @ A - exact).sum()  # alpha 8 / rank 4
        total += np.square(exact).sum()
    error = factor_average_error(cores(paths), WEIGHTS)
    assert error == pytest.approx(np.sqrt(lost / total), rel=1e-9)
    assert error > 0.5


def test_factor_average_of_unlike_adapters_is_none(tmp_path: Path) -> None:
    assert factor_average_error(cores(shelf(tmp_path, "llama", MIXED)), WEIGHTS) is None


def test_cosines_against_dense_layers(tmp_path: Path) -> None:
    """Each layer's modules of a delta laid end to end; adapter 2 leaves layer 0 alone."""
    paths = shelf(tmp_path, "llama", MIXED)
    found = layer_cosines(cores(paths))
    assert list(found) == ["layer 0", "layer 1", "all layers"]
    each = [deltas(path) for path in paths]
    modules = sorted(each[0])
    for name, chosen in {
        "layer 1": [m for m in modules if ".1." in m],
        "all layers": modules,
    }.items():
        flat = [
            np.concatenate([d[m].ravel() if m in d else np.zeros(each[0][m].size) for m in chosen])
            for d in each
        ]
        for i in range(3):
            for j in range(3):
                expected = flat[i] @ flat[j] / np.linalg.norm(flat[i]) / np.linalg.norm(flat[j])
                assert found[name][i, j] == pytest.approx(expected, abs=1e-9)
    assert np.isnan(found["layer 0"][2]).all()
    assert found["layer 0"][0, 0] == pytest.approx(1.0)


def test_an_adapter_against_itself_and_its_negative(tmp_path: Path) -> None:
    """The same factors: cosine 1; B with its sign turned: -1, and the even mix has no delta."""
    paths = shelf(tmp_path, "llama", [{"seed": 0}, {"seed": 0}])
    file = paths[1] / "adapter_model.safetensors"
    tensors = load_file(file)
    save_file({n: -t if "lora_B" in n else t for n, t in tensors.items()}, file)
    found = cores(paths)
    assert layer_cosines(found)["all layers"][0, 1] == pytest.approx(-1.0)
    assert svd_errors(found, [1.0, -1.0])[4] == pytest.approx(0.0, abs=1e-7)  # 2 * B A: rank 4


def test_adapters_that_cancel_leave_no_error_to_speak_of(tmp_path: Path) -> None:
    """One adapter twice with opposite weights: what float64 leaves of it is no soup to compare."""
    found = cores(shelf(tmp_path, "llama", [{"seed": 0}, {"seed": 0}, {"seed": 1}]))
    weights = [0.3, -0.3, 0.0]
    assert cancels(found, weights)
    assert not svd_errors(found, weights).any()
    assert factor_average_error(found, weights) == 0.0
    assert cancels(found, [0.0, 0.0, 0.0])
    for other in ([0.3, -0.2999, 0.0], [0.3, -0.3, 1e-5], [0.0, 0.0, 1e-9]):
        assert not cancels(found, other)
        assert svd_errors(found, other)[0] == 1.0


def test_a_factor_average_that_does_not_cancel_with_its_soup_is_infinitely_wrong() -> None:
    """Rank 1: B = 1, 1, 1 and A = 1, 2, -3 sum to 0, but their averages are 3 and 0: cancelled.

    With B = 1, 2, 3 and A = 1, 1, -1 too the sum is 0; the averages are 6 and 1.
    """
    both = {"ranks": (1, 1, 1), "scales": (1.0, 1.0, 1.0)}
    for B, A, expected in (([1, 1, 1], [1, 2, -3], 0.0), ([1, 2, 3], [1, 1, -1], math.inf)):
        core = Core(B=np.array([B], dtype=float), A=np.array([A], dtype=float), **both)
        assert cancels({"m": core}, [1.0, 1.0, 1.0])
        assert factor_average_error({"m": core}, [1.0, 1.0, 1.0]) == expected


def test_half_precision_files_are_read_exactly(tmp_path: Path) -> None:
    (path,) = shelf(tmp_path, "llama", [{"seed": 0}])
    file = path / "adapter_model.safetensors"
    tensors = load_file(file)
    for dtype in (torch.bfloat16, torch.float16):
        rounded = {name: tensor.to(dtype) for name, tensor in tensors.items()}
        save_file(rounded, file)
        core = cores([path])["model.layers.0.self_attn.q_proj"]
        A = rounded["base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"].double()
        np.testing.assert_allclose(core.A.T @ core.A, (A @ A.T).numpy(), rtol=0, atol=1e-9)


def test_refusals(tmp_path: Path) -> None:
    paths = shelf(tmp_path, "llama", ALIKE)
    with pytest.raises(WeightsError, match="expected 3 weights"):
        svd_errors(cores(paths), [1.0])
    with pytest.raises(NotFoundError, match=r"no adapter_config.json"):
        cores([tmp_path / "none"])
    (paths[0] / "adapter_model.safetensors").write_bytes(b"x")
    with pytest.raises(AdapterError, match="cannot be read"):
        cores(paths)

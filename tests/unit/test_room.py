"""Weights that no machine can hold are told of before they are loaded."""

import json
import struct
from pathlib import Path

import pytest
import torch

from tests.tiny_models import tiny_causal, tiny_classifier
from vcsoup.base_models.loading import load_base
from vcsoup.base_models.settings import BaseLoading
from vcsoup.errors import BaseModelError, RewardModelError
from vcsoup.rewards.loading import load_classifier
from vcsoup.rewards.spec import RewardSpec
from vcsoup.room import stored_numbers, why_no_room

TOLD = "its weights take 3,725,290.3 GiB in memory, and this machine has"
"""10^15 numbers of four bytes."""


def grown(folder: Path) -> str:
    """A model whose safetensors say that they hold 10^15 numbers; they end with the header."""
    whole = {"huge": {"dtype": "BF16", "shape": [10**15], "data_offsets": [0, 2 * 10**15]}}
    header = json.dumps(whole).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    return str(folder)


def test_what_is_stored_is_counted_without_loading_it(tmp_path):
    folder = tiny_classifier(tmp_path / "judge")
    assert 10_000 < stored_numbers(str(folder)) < 100_000
    assert stored_numbers(grown(folder)) == 10**15
    assert stored_numbers(str(tmp_path)) is None
    assert stored_numbers("org/not-on-this-machine") is None


def test_what_fits_is_not_spoken_of(tmp_path, caplog):
    assert why_no_room(str(tiny_classifier(tmp_path / "judge")), None, each=4) == ""
    assert not caplog.records


def test_a_reward_model_that_cannot_fit_is_refused(tmp_path):
    model = grown(tiny_classifier(tmp_path / "judge"))
    with pytest.raises(RewardModelError, match=f"{TOLD} .*; take a smaller one"):
        load_classifier(RewardSpec(model=model), torch.device("cpu"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="the memory is that of the GPU")
def test_a_base_that_cannot_fit_is_refused_in_the_numbers_it_is_loaded_in(tmp_path):
    base = grown(tiny_causal("llama", tmp_path / "base"))
    with pytest.raises(BaseModelError, match=f"{TOLD} .*; load it in bfloat16"):
        load_base(base)
    with pytest.raises(BaseModelError, match=r"its weights take 1,862,645\.1 GiB in memory"):
        load_base(base, BaseLoading(dtype="bfloat16"))

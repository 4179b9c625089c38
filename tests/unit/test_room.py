"""Weights that no machine can hold are told of before they are loaded."""

import json
import re
import struct
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from tests.tiny_models import tiny_causal, tiny_classifier
from tests.tiny_pairs import tiny_pairs
from vcsoup.base_models.loading import load_base
from vcsoup.base_models.settings import BaseLoading
from vcsoup.errors import BaseModelError, RewardModelError
from vcsoup.rewards.loading import load_classifier
from vcsoup.rewards.spec import RewardSpec
from vcsoup.room import machine_room, room_here, stored_numbers, why_no_room
from vcsoup.training.config import train_config
from vcsoup.training.need import trained_sizes, warn_of_memory
from vcsoup.training.rows import make_rows
from vcsoup.training.trainer import load_trainable, make_trainer

TOLD = "its weights take 3,725,290.3 GiB in memory, and this machine has"
"""10^15 numbers of four bytes."""


def grown(folder: Path) -> str:
    """A model whose safetensors say that they hold 10^15 numbers; they end with the header."""
    whole = {"huge": {"dtype": "BF16", "shape": [10**15], "data_offsets": [0, 2 * 10**15]}}
    header = json.dumps(whole).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    return str(folder)


def test_files_that_a_container_has_read_take_none_of_its_memory(tmp_path, monkeypatch):
    """Of a limit of 3 GB, 2.5 GB are counted as used, 2 GB of them files: 2.5 GB are free."""
    told = {"_LIMIT": "3000000000", "_USED": "2500000000"}
    told["_PARTS"] = "anon 500000000\nfile 2100000000\nactive_file 1500000000\n"
    told["_PARTS"] += "inactive_file 500000000\nshmem 100000000\n"
    for name, text in told.items():
        (tmp_path / name).write_text(text)
        monkeypatch.setattr(f"vcsoup.room.{name}", tmp_path / name)
    plenty = SimpleNamespace(available=8e9, total=9e9)
    monkeypatch.setattr("psutil.virtual_memory", lambda: plenty)
    assert machine_room()[1:3] == (2.5e9, 3e9)
    (tmp_path / "_PARTS").unlink()
    assert machine_room().free == 5e8


def test_what_torch_keeps_unused_on_a_gpu_is_free_for_it(monkeypatch):
    """7 of 10 are in nobody else's hands: 2 free, and 5 of the 8 that torch keeps."""
    told = {"is_available": True, "get_device_name": "one", "mem_get_info": (2, 10)}
    told |= {"memory_reserved": 8, "memory_allocated": 3, "device_count": 1}
    for name, answer in told.items():
        monkeypatch.setattr(torch.cuda, name, lambda answer=answer: answer)
    assert room_here() == ("one", 7, 10, 1)


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


@pytest.mark.skipif(torch.cuda.is_available(), reason="the memory is that of the GPU")
def test_a_pass_that_memory_does_not_hold_is_told_before_the_first(tmp_path, caplog):
    """The base is a tiny one, as if it had ten million layers."""
    config = train_config("demo", steps=1, batch_size=16, rank=2, holdout=0.0)
    tokenizer, model = load_trainable(str(tiny_causal("llama", tmp_path / "base")), config)
    rows = make_rows(tiny_pairs(16), config, tokenizer=tokenizer)
    sizes = trained_sizes(model, config)
    trainer = make_trainer(model, tokenizer, rows, config=config, scratch=tmp_path / "scratch")
    warn_of_memory(trainer, rows, sizes, config=config, loading=BaseLoading())
    assert not caplog.records
    large = replace(sizes, layers=10**7)
    warn_of_memory(trainer, rows, large, config=config, loading=BaseLoading())
    (said,) = caplog.messages
    assert re.match(r"a pass of 16 pairs of up to \d\d tokens may take [\d,]{4,}\.\d GiB", said)
    assert "lower micro_batch (now 0, 0 is the whole batch) or max_length" in said

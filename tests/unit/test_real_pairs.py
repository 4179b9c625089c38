"""Real pairs (hh-rlhf) go through whole: read, scored, filtered, trained, merged, measured.

The models are tiny, so the figures mean little; that nothing is lost and nothing breaks on real
texts is what counts.
"""

import json
from pathlib import Path

import numpy as np
from peft import PeftModel
from transformers import AutoModelForCausalLM

from tests.tiny_judges import fitted_judge
from tests.tiny_models import tiny_causal
from vcsoup.project_yaml import load_project_file
from vcsoup.running import run
from vcsoup.workspace import Workspace

FILE = """
project: real
base: base
values:
  harmless:
    data: {data}
    reward: {{model: judge, template: hh, max_length: 256}}
    filter: 0.3
  brief:
    data: {data}
    reward: {{kind: length, unit: characters, sign: -1}}
    filter: 0.3
training: {{preset: demo, steps: 3, batch_size: 4, rank: 4, max_length: 256, sample_tokens: 0}}
measuring: {{grid: 2, prompts: 6}}
export:
  - {{out: soup}}
"""


def test_real_pairs_go_through_whole(shared_data: Path, tmp_path: Path):
    source = shared_data / "hh_rlhf_harmless_base_300.jsonl"
    lines = [json.loads(line) for line in source.read_text(encoding="utf-8").splitlines()]
    _with_room_for_real_prompts(tiny_causal("llama", tmp_path / "base"))
    fitted_judge("gpt2", tmp_path / "judge")
    (tmp_path / "project.yaml").write_text(FILE.format(data=source))
    workspace = Workspace(tmp_path / "workspace")
    reports = run(workspace, load_project_file(tmp_path / "project.yaml"))
    assert {report.state for report in reports} == {"made"}
    project = workspace.project("real")
    info = project.datasets()["harmless"]
    assert info.report["rows"] == len(lines) == 300
    assert info.n + sum(info.report["counts"].values()) == 300
    assert info.report["format"] == "hh-rlhf dialogues"
    whole = {row["chosen"].rpartition("\n\nAssistant:")[2].strip() for row in lines}
    assert set(project.pairs("harmless")["chosen"]) <= whole
    gaps = project.gaps("harmless")
    assert gaps.shape == (info.n, 2)
    chosen, rejected = (
        [len(text) for text in project.pairs("harmless")[side]] for side in ("chosen", "rejected")
    )
    assert (np.sign(gaps[:, 1]) == np.sign(np.subtract(rejected, chosen))).all()
    for value, adapter in project.adapter_set("filtered").items():
        kept = project.filters()[value].count(project.gaps(value))
        assert 0 < adapter.manifest["n_pairs"] <= kept < info.n
    assert len(project.points()) == 4
    assert all(point.n_prompts == 6 for point in project.points())
    base = AutoModelForCausalLM.from_pretrained(tmp_path / "base")
    PeftModel.from_pretrained(base, tmp_path / "soup")
    assert all(_bytes(prompt) <= 2_000 for prompt in project.held_out_prompts())
    assert any(_bytes(prompt) > 2_000 for prompt in project.pairs("harmless")["prompt"])


def _with_room_for_real_prompts(base: Path) -> None:
    """Positions are rotary, so the context of the tiny base is a number in its configuration."""
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 2048}))


def _bytes(prompt: list[dict[str, str]]) -> int:
    return sum(len(turn["content"].encode()) for turn in prompt)

"""The memory that a run tells before it loads anything."""

from tests.tiny_models import tiny_causal, tiny_classifier
from vcsoup.monitor import SILENT
from vcsoup.project_yaml import load_project_file
from vcsoup.running.base_memory import base_memory, measuring_memory
from vcsoup.running.plan import Run
from vcsoup.running.run import set_up
from vcsoup.workspace import Workspace

FILE = """
project: mine
base: base
values:
  helpful: {reward: {model: one, label: 0, template: pair}}
  harmless: {reward: {model: one, label: 1, template: pair}}
  short: {reward: {model: other, label: 0, template: pair}}
  calm: {reward: {kind: length, sign: -1}}
"""


def test_measuring_holds_each_reward_model_once_beside_the_base(tmp_path):
    """Float32 as stored; the files hold some KiB of names besides."""
    tiny_causal("llama", tmp_path / "base")
    for seed, name in enumerate(("one", "other")):
        tiny_classifier(tmp_path / name, labels=2, seed=seed)
    (tmp_path / "project.yaml").write_text(FILE)
    file, workspace = load_project_file(tmp_path / "project.yaml"), Workspace(tmp_path / "w")
    here = Run(workspace, file, set_up(workspace, file), {}, SILENT, lambda line: None)
    stored = sum(
        (tmp_path / name / "model.safetensors").stat().st_size for name in ("one", "other")
    )
    beside = measuring_memory(here) - base_memory(here, "serving")
    assert 0.9 * stored < beside <= stored

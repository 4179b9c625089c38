"""Several values on one model: one pass, one copy, the same rewards as alone."""

import weakref
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaModel

from tests.tiny_judges import fitted_judge, start_tokenizer
from tests.tiny_pairs import Recorder, tiny_pairs
from vcsoup.engine.bench import Benches
from vcsoup.errors import RewardModelError
from vcsoup.monitor import StopRequested
from vcsoup.pipeline import score_project
from vcsoup.rewards.cache import RewardCache
from vcsoup.rewards.judge import load_judges
from vcsoup.rewards.model import RewardModel
from vcsoup.rewards.scoring import score_replies
from vcsoup.rewards.spec import RewardSpec
from vcsoup.workspace import ProjectConfig, Workspace

PAIRS = tiny_pairs(12)
ASKED = (PAIRS["prompt"].tolist(), PAIRS["chosen"].tolist())


@pytest.fixture(scope="module")
def specs(tmp_path_factory):
    folder = str(fitted_judge("gpt2", tmp_path_factory.mktemp("rm") / "rm", labels=3))
    return {
        "first": RewardSpec(model=folder, label=0),
        "brief": RewardSpec(kind="length", sign=-1),
        "third": RewardSpec(model=folder, label=2, sign=-1),
        "cut": RewardSpec(model=folder, label=2, max_length=9),
    }


@pytest.fixture
def passes(monkeypatch):
    """Counts replies that go through a model."""
    counted, forward = [], RewardModel._forward

    def counting(self, inputs):
        counted.append(len(inputs))
        return forward(self, inputs)

    monkeypatch.setattr(RewardModel, "_forward", counting)
    return counted


def alone(spec):
    return score_replies(*ASKED, {"v": spec})[:, 0]


def test_heads_share_a_pass_and_score_as_alone(specs, passes):
    expected = np.stack([alone(spec) for spec in specs.values()], axis=1)
    passes.clear()
    monitor = Recorder()
    rewards = score_replies(*ASKED, specs, monitor=monitor)
    np.testing.assert_allclose(rewards, expected, atol=1e-5)
    assert sum(passes) == 24  # twelve for `first` with `third`, twelve for `cut`
    ends = {stage: (done, total) for stage, done, total, _ in monitor.reports}
    assert ends == {f"scoring {value}": (12, 12) for value in specs}


def test_a_known_head_does_not_hide_an_unknown_one(specs, passes, tmp_path):
    cache = RewardCache(tmp_path)
    score_replies(*ASKED, {"first": specs["first"]}, cache=cache)
    both = score_replies(*ASKED, specs, cache=cache)
    np.testing.assert_allclose(both, score_replies(*ASKED, specs), atol=1e-5)
    passes.clear()
    again = score_replies(*ASKED, specs, cache=cache)
    assert passes == []
    np.testing.assert_array_equal(both, again)


def test_a_stopped_shared_pass_keeps_what_both_heads_said(specs, passes, tmp_path):
    cache, two = RewardCache(tmp_path), {v: specs[v] for v in ("first", "third")}
    pairs = tiny_pairs(700)
    asked = (pairs["prompt"].tolist(), [f"{a} {k}" for k, a in enumerate(pairs["chosen"])])
    with pytest.raises(StopRequested):
        score_replies(*asked, two, cache=cache, monitor=Recorder(stop_at=1))
    kept = sum(passes)
    assert 0 < kept < 700
    score_replies(*asked, two, cache=cache)
    assert sum(passes) == 700


def test_judges_share_one_copy_and_one_pass(specs, passes):
    expected = np.stack([alone(spec) for spec in specs.values()], axis=1)
    passes.clear()
    judges = load_judges(list(specs.values()))
    rewards = np.stack([judge.score(*ASKED) for judge in judges], axis=1)
    np.testing.assert_allclose(rewards, expected, atol=1e-5)
    assert sum(passes) == 24
    [(rows, batch)] = judges[2].batches(*ASKED)
    np.testing.assert_array_equal(batch, judges[2].score(*ASKED)[rows])
    assert judges[0].score([], []).shape == (0,)
    other = judges[2].score(["q"], ["another"])
    assert other == pytest.approx(score_replies(["q"], ["another"], {"v": specs["third"]})[0, 0])


def test_a_shared_model_pauses_between_batches_and_runs_once(specs, passes):
    """The engine answers others in the pauses; the second head reads what the first one asked."""
    first, _, third, _ = load_judges(list(specs.values()))
    expected = first.score(*ASKED)
    passes.clear()
    other = ASKED[0][::-1], ASKED[1][::-1]
    parts = list(first.batches(*other, tokens_per_batch=64))
    ran = len(passes)
    assert ran == len(parts) > 2
    rows = np.concatenate([rows for rows, _ in parts])
    np.testing.assert_allclose(
        np.concatenate([told for _, told in parts]), expected[::-1][rows], atol=1e-5
    )
    assert len(list(third.batches(*other, tokens_per_batch=64))) == len(parts)
    assert len(passes) == ran


def test_a_shared_pass_that_was_left_half_way_is_not_remembered(specs, passes):
    first, _, third, _ = load_judges(list(specs.values()))
    next(iter(first.batches(*ASKED, tokens_per_batch=64)))
    np.testing.assert_allclose(third.score(*ASKED), alone(specs["third"]), atol=1e-5)


def test_a_run_loads_no_model_twice_in_a_row_and_holds_one_at_a_time(specs, tmp_path, monkeypatch):
    """Three data sets: one model is loaded once; of two, the one in memory is asked first."""
    held, load = [], RewardModel.load.__func__

    def counting(cls, spec, *args, **options):
        assert [model for model in held if model() is not None] == []
        model = load(cls, spec, *args, **options)
        held.append(weakref.ref(model))
        return model

    monkeypatch.setattr(RewardModel, "load", classmethod(counting))
    for judges, loads in ((("first", "brief", "third"), 1), (("first", "brief", "cut"), 2 + 1 + 1)):
        workspace = Workspace(tmp_path / judges[2])
        rewards = {value: specs[value] for value in judges}
        config = ProjectConfig(name="p", base="base", values=judges, rewards=rewards)
        project = workspace.create_project(config)
        for place, value in enumerate(judges):
            rows = PAIRS.iloc[4 * place : 4 * place + 4].reset_index(drop=True)
            project.save_pairs(value, rows, source="tiny")
        held.clear()
        score_project(workspace, project)
        assert len(held) == loads
        for place, value in enumerate(judges):
            asked = [part[4 * place : 4 * place + 4] for part in ASKED]
            alone = score_replies(*asked, rewards)
            told = project.rewards(value)[[f"{judge}_chosen" for judge in judges]]
            np.testing.assert_allclose(told.to_numpy(), alone, atol=1e-5)


def test_the_engine_keeps_one_copy_for_the_heads_of_a_model(specs, tmp_path, monkeypatch):
    loads, load = [], RewardModel.load.__func__
    monkeypatch.setattr(
        RewardModel,
        "load",
        classmethod(lambda cls, spec, *a, **k: (loads.append(spec), load(cls, spec, *a, **k))[1]),
    )
    workspace = Workspace(tmp_path)
    config = ProjectConfig(name="p", base="base", values=tuple(specs), rewards=specs)
    project = workspace.create_project(config)
    benches = Benches(workspace)
    bench = SimpleNamespace(project=project)
    rewards = benches.score(bench, *ASKED)
    assert len(loads) == 2  # `first` and `third` read one copy; `cut` is cut elsewhere
    for column, spec in enumerate(specs.values()):
        np.testing.assert_allclose(rewards[:, column], alone(spec), atol=1e-5)


def test_a_label_that_no_head_has_is_named(specs):
    two = {"first": specs["first"], "ninth": specs["first"].model_copy(update={"label": 9})}
    with pytest.raises(RewardModelError, match=r"label 9 needs 10 logits but .* has 3"):
        score_replies(*ASKED, two)


def test_an_output_that_a_model_lacks_is_named(specs):
    with pytest.raises(RewardModelError, match="gives no 'score'; set output to a field"):
        alone(specs["first"].model_copy(update={"output": "score"}))


def test_a_score_head_with_its_bias_is_read(tmp_path):
    """safe-rlhf saves `model.*` and `score_head.*`; the reward is head(last token) + bias."""
    from safetensors.torch import load_file, save_file

    tokenizer = start_tokenizer()
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        pad_token_id=tokenizer.pad_token_id,
        initializer_range=0.15,
    )
    config.architectures = ["LlamaForScore"]
    config.score_dim, config.bias = 1, True
    torch.manual_seed(5)
    body = LlamaModel(config).eval()
    body.save_pretrained(tmp_path)
    config.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    head = {"score_head.weight": torch.randn(1, 32), "score_head.bias": torch.tensor([1.25])}
    weights = load_file(tmp_path / "model.safetensors")
    renamed = {f"model.{name.removeprefix('model.')}": value for name, value in weights.items()}
    save_file({**renamed, **head}, tmp_path / "model.safetensors", metadata={"format": "pt"})

    spec = RewardSpec(model=str(tmp_path), template="beaver", loader="score_head", sign=-1)
    ids = tokenizer("BEGINNING OF CONVERSATION: USER: Hi ASSISTANT:Ho")["input_ids"]
    with torch.no_grad():
        last = body(torch.tensor([ids])).last_hidden_state[0, -1]
    expected = -(head["score_head.weight"] @ last + 1.25).item()
    assert RewardModel.load(spec).score(["Hi"], ["Ho"])[0] == pytest.approx(expected, abs=1e-5)
    with pytest.raises(RewardModelError, match="no trained head"):
        RewardModel.load(spec.model_copy(update={"loader": "classifier"}))

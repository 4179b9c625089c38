"""`base look`, and the options of `project create` that say how a base is loaded."""

import json

import pytest
from typer.testing import CliRunner

from tests.tiny_models import tiny_causal, tiny_classifier
from vcsoup.base_models.settings import BaseLoading
from vcsoup.cli.entry import app
from vcsoup.errors import BaseModelError
from vcsoup.jobs import Jobs
from vcsoup.workspace import Workspace

CREATE = ["project", "create", "mine", "--value", "a", "--value", "b", "--base", "org/base"]


def run(*args, status=0):
    done = CliRunner().invoke(app, [str(arg) for arg in args])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == status, done.output
    return done.stdout


def test_how_a_base_is_loaded_is_kept_and_shown(tmp_path):
    options = ["--base-revision", "v1", "--base-dtype", "bfloat16", "--base-gradient-checkpointing"]
    run(*CREATE, *options, "-w", tmp_path)
    chosen = BaseLoading(revision="v1", dtype="bfloat16", gradient_checkpointing=True)
    assert Workspace(tmp_path).project("mine").config.loading == chosen
    shown = run("project", "show", "mine", "-w", tmp_path)
    assert "base org/base (revision v1, bfloat16, gradient checkpointing)" in shown
    told = json.loads(run("project", "show", "mine", "-w", tmp_path, "--json"))
    assert told["base_loading"] == chosen.model_dump()


def test_a_wrong_entry_is_refused_before_anything_is_made(tmp_path):
    with pytest.raises(BaseModelError, match="quantization = '3bit'"):
        run(*CREATE, "--base-quantization", "3bit", "-w", tmp_path)
    assert Workspace(tmp_path).projects() == []


def test_a_look_is_a_job_and_says_what_people_need(tmp_path):
    base = tiny_causal("gpt_neox", tmp_path / "base", chat=False)
    out = " ".join(run("base", "look", base, "--max-length", 64, "-w", tmp_path).split())
    assert "note: its tokenizer has no chat template" in out
    assert "architecture GPTNeoXForCausalLM" in out
    assert "attention layers query_key_value, dense" in out
    assert "training in float32, 16 pairs per pass of 64 tokens, rank 64:" in out
    assert "are free" in out
    (job,) = Jobs(Workspace(tmp_path).jobs_root).list(kind="look")
    assert (job.state, job.result["usable"]) == ("done", True)


def test_a_look_at_what_is_no_base_ends_with_status_one(tmp_path):
    judge = tiny_classifier(tmp_path / "judge")
    out = run("base", "look", judge, "-w", tmp_path, status=1)
    assert "fault: it is a GPT2ForSequenceClassification" in out
    assert "training in" not in out

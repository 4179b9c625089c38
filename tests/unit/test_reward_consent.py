"""A model's own code runs only after a consent to exactly that code."""

import json

import pytest

from tests.tiny_judges import fitted_judge
from vcsoup.errors import NotFoundError, RewardModelError
from vcsoup.rewards.consent import RISK, check_consent, consent_key
from vcsoup.rewards.model import RewardModel
from vcsoup.rewards.scoring import score_replies
from vcsoup.rewards.spec import RewardSpec
from vcsoup.workspace import Workspace
from vcsoup.workspace.consents import ConsentShelf

COMMIT = "0123456789abcdef" * 2 + "01234567"
CODE = """
from pathlib import Path
from transformers import LlamaForSequenceClassification

Path({mark!r}).touch()

class OwnJudge(LlamaForSequenceClassification):
    pass
"""


@pytest.fixture
def shelf(tmp_path):
    return ConsentShelf(tmp_path / "consents")


@pytest.fixture
def own_code(tmp_path):
    """A model whose code leaves a mark when it runs."""
    folder, mark = fitted_judge("llama", tmp_path / "rm"), tmp_path / "it-ran"
    (folder / "own_judge.py").write_text(CODE.format(mark=str(mark)))
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoModelForSequenceClassification": "own_judge.OwnJudge"}
    (folder / "config.json").write_text(json.dumps(config))
    return folder, mark


def test_nothing_runs_without_consent_and_all_runs_with_it(own_code, shelf):
    folder, mark = own_code
    spec = RewardSpec(model=str(folder), trust_remote_code=True)
    for load in (
        lambda: RewardModel.load(spec, consents=shelf.keys()),
        lambda: score_replies(["q"], ["a kind answer"], {"kind": spec}),
    ):
        with pytest.raises(RewardModelError, match="nobody agreed") as refused:
            load()
        assert RISK in str(refused.value)
        assert f"reward consent {folder}" in str(refused.value)
    assert not mark.exists()
    shelf.give(str(folder))
    model = RewardModel.load(spec, consents=shelf.keys())
    assert mark.exists()
    assert type(model.model).__name__ == "OwnJudge"
    assert score_replies(["q"], ["hm"], {"kind": spec}, consents=shelf.keys()).shape == (1, 1)


def test_a_consent_ends_when_the_code_changes(own_code, shelf):
    folder, mark = own_code
    shelf.give(str(folder))
    spec = RewardSpec(model=str(folder), trust_remote_code=True)
    check_consent(spec, shelf.keys())
    (folder / "deep").mkdir()
    (folder / "deep" / "more.py").write_text("evil = True")
    with pytest.raises(RewardModelError, match="nobody agreed"):
        RewardModel.load(spec, consents=shelf.keys())
    assert not mark.exists()


def test_code_from_another_repository_is_never_covered(own_code, shelf):
    folder, mark = own_code
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoModelForSequenceClassification": "other/repo--own_judge.OwnJudge"}
    (folder / "config.json").write_text(json.dumps(config))
    shelf.give(str(folder))
    spec = RewardSpec(model=str(folder), trust_remote_code=True)
    with pytest.raises(
        RewardModelError, match="takes its code from another repository, other/repo"
    ):
        RewardModel.load(spec, consents=shelf.keys())
    assert not mark.exists()


def test_a_hub_model_needs_a_commit(shelf):
    for revision in (None, "main", "v1.0", COMMIT[:39]):
        with pytest.raises(RewardModelError, match="give the full commit"):
            consent_key("org/model", revision)
    shelf.give("org/model", COMMIT)
    spec = RewardSpec(model="org/model", revision=COMMIT, trust_remote_code=True)
    check_consent(spec, shelf.keys())
    with pytest.raises(RewardModelError, match="nobody agreed"):
        check_consent(spec.model_copy(update={"model": "org/other"}), shelf.keys())
    with pytest.raises(RewardModelError, match="nobody agreed"):
        check_consent(spec.model_copy(update={"revision": COMMIT[::-1]}), shelf.keys())
    check_consent(spec.model_copy(update={"trust_remote_code": False, "revision": None}), ())


def test_consents_are_kept_listed_and_taken_back(tmp_path):
    workspace = Workspace(tmp_path / "w")
    given = workspace.consents.give("org/model", COMMIT)
    assert Workspace(tmp_path / "w").consents.load() == [given]
    assert (given.model, given.revision, given.risk) == ("org/model", COMMIT, RISK)
    workspace.consents.revoke("org/model", COMMIT)
    assert workspace.consents.load() == []
    with pytest.raises(NotFoundError, match="no consent was given for org/model"):
        workspace.consents.revoke("org/model", COMMIT)


def test_a_torn_consent_is_none(shelf, tmp_path):
    given = shelf.give("org/model", COMMIT)
    (tmp_path / "consents" / f"{given.key}.json").write_text('{"key": ')
    assert shelf.keys() == frozenset()


def test_a_model_that_needs_its_code_says_how_to_allow_it(own_code):
    folder, mark = own_code
    config = json.loads((folder / "config.json").read_text())
    config["model_type"] = "own-kind"
    config["auto_map"]["AutoConfig"] = "own_judge.OwnConfig"
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(RewardModelError, match="set trust_remote_code=true and agree"):
        RewardModel.load(RewardSpec(model=str(folder)))
    assert not mark.exists()

"""`reward check | suggest | presets | consent | consents`, and rules as rewards in a project."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tiny_judges import fitted_judge
from tests.tiny_pairs import tiny_pairs
from vcsoup.cli import main
from vcsoup.pipeline import score_project
from vcsoup.rewards.consent import RISK
from vcsoup.workspace import Workspace

Run = Callable[..., tuple[int, str, str]]
COMMIT = "a" * 40


@pytest.fixture
def run(tmp_path: Path, monkeypatch, capfd) -> Run:
    def run(*args: object) -> tuple[int, str, str]:
        """Run a command; return its exit status, output and error output."""
        monkeypatch.setattr(sys, "argv", ["vcsoup", *map(str, args)])
        monkeypatch.setenv("VCSOUP_WORKSPACE", str(tmp_path / "w"))
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capfd.readouterr()
        return int(end.value.code or 0), out, err

    return run


def create(run: Run, *rewards: str) -> None:
    named = [part for reward in rewards for part in ("--reward", reward)]
    values = [part for r in rewards for part in ("--value", r.partition("=")[0])]
    code, _, err = run("project", "create", "mine", "--base", "org/base", *values, *named)
    assert code == 0, err


def test_known_models_and_rules_are_named_in_short(run, tmp_path):
    known = "Ray2333/gpt2-large-helpful-reward_model"
    armo = "RLHFlow/ArmoRM-Llama3-8B-v0.1,head=beavertails-is-safe"
    create(
        run,
        f"helpful={known},max_length=512",
        f"safe={armo},revision={COMMIT}",
        "brief=kind=length,unit=characters,sign=-1",
        "asks=kind=pattern,pattern=\\?",
    )
    specs = Workspace(tmp_path / "w").project("mine").config.rewards
    assert (specs["helpful"].template, specs["helpful"].max_length) == ("hh", 512)
    assert (specs["safe"].label, specs["safe"].output) == (10, "rewards")
    assert (specs["brief"].kind, specs["brief"].sign) == ("length", -1)
    assert specs["asks"].pattern == "\\?"
    code, out, _ = run("project", "show", "mine")
    assert code == 0
    assert "length in characters" in out
    code, _, err = run("project", "create", "x", "--base", "b", "--value", "a", "--reward", "a=,")
    assert code == 2
    assert "is not VALUE=MODEL" in err


def test_rules_score_a_project(run, tmp_path):
    create(run, "brief=kind=length,sign=-1", "asks=kind=pattern,pattern=\\?")
    workspace = Workspace(tmp_path / "w")
    project = workspace.project("mine")
    pairs = tiny_pairs(20)
    project.save_pairs("brief", pairs, source="hand")
    assert score_project(workspace, project) == {"brief": 20}
    table = project.rewards("brief")
    assert table["brief_chosen"].tolist() == [-len(t.split()) for t in pairs["chosen"]]


def test_an_estimate_says_that_there_is_nothing_to_judge(run, tmp_path):
    create(run, "good=kind=column,column=score", "kind=kind=column,column=score")
    Workspace(tmp_path / "w").project("mine").save_pairs("good", tiny_pairs(3), source="hand")
    code, out, err = run("score", "--estimate", "--project", "mine")
    assert (code, out) == (0, "Nothing to judge: all scores come with the data.\n"), err


def test_scores_that_a_file_brings_are_rewards(run, tmp_path):
    """Pairs with score_chosen and score_rejected; the scores rank every pair, length does not."""
    rows = [
        {"prompt": f"q {k}", "chosen": "yes " * (k + 1), "rejected": "no", "score_chosen": k + 0.5}
        for k in range(12)
    ]
    file = tmp_path / "scored.jsonl"
    file.write_text("".join(json.dumps({**row, "score_rejected": -1}) + "\n" for row in rows))
    create(run, "good=kind=column,column=score", "brief=kind=length,sign=-1")
    assert run("data", "add", "good", file, "--project", "mine")[0] == 0
    code, out, err = run("reward", "check", "--project", "mine", "--json")
    assert code == 0, err
    told = {(f["check"], f["value"]): f["says"] for f in json.loads(out)["findings"]}
    assert (
        told[("agreement", "good")] == "scores in the data: score orders 100% of 12 pairs "
        "as their labels do"
    )
    workspace = Workspace(tmp_path / "w")
    project = workspace.project("mine")
    assert score_project(workspace, project) == {"good": 12}
    table = project.rewards("good").set_index("id")
    pairs = project.pairs("good").set_index("id")
    assert (table["good_rejected"] == -1).all()
    words = pairs["chosen"].str.split().str.len()
    assert (table["good_chosen"] == words.reindex(table.index) - 0.5).all()


def test_check_tells_a_turned_sign_and_exits_with_1(run, tmp_path):
    judge = fitted_judge("llama", tmp_path / "rm")
    create(run, f"kind={judge},sign=-1", "brief=kind=length,sign=-1")
    project = Workspace(tmp_path / "w").project("mine")
    project.save_pairs("kind", tiny_pairs(60), source="hand")
    code, out, _ = run("reward", "check", "--project", "mine", "--pairs", "40", "--json")
    figures = json.loads(out)
    assert (code, figures["faults"], figures["pairs"]) == (1, 1, {"kind": 40})
    worst = figures["findings"][0]
    assert (worst["check"], worst["value"], worst["remedy"]) == ("sign", "kind", "set sign=1")
    code, out, _ = run("reward", "check", "--project", "mine", "--value", "brief")
    assert code == 0
    assert "set sign=1" not in out


def test_what_check_found_is_kept_until_a_judge_changes(run, tmp_path):
    """The fix of the turned sign is applied as the command line writes it; nothing is left."""
    create(run, f"kind={fitted_judge('gpt2', tmp_path / 'rm')},sign=-1", "brief=kind=length")
    workspace = Workspace(tmp_path / "w")
    project = workspace.project("mine")
    project.save_pairs("kind", tiny_pairs(60), source="hand")
    assert run("reward", "check", "--project", "mine")[0] == 1
    checkup = project.checkup()
    assert checkup.pairs == {"kind": 60}
    [fault] = [finding for finding in checkup.findings if finding.level == "fault"]
    assert (fault.value, fault.fix) == ("kind", {"sign": 1})
    code, _, err = run("project", "reward", "kind=sign=1", "--project", "mine")
    assert code == 0, err
    project = workspace.project("mine")
    assert checkup.changed(project.config.rewards, project.datasets()) == {"kind"}
    assert run("reward", "check", "--project", "mine")[0] == 0
    assert not [f for f in project.checkup().findings if f.level == "fault"]


def test_judges_are_set_changed_and_taken_away_later(run, tmp_path):
    create(run, "brief=kind=length", "asks=kind=pattern,pattern=\\?")
    known = "PKU-Alignment/beaver-7b-v1.0-cost"
    code, out, err = run(
        "project", "reward", f"asks={known}", "brief=unit=characters", "--project", "mine", "--json"
    )
    assert code == 0, err
    shown = json.loads(out)
    assert (shown["asks"]["sign"], shown["asks"]["template"]) == (-1, "beaver")
    assert (shown["brief"]["kind"], shown["brief"]["unit"]) == ("length", "characters")
    code, out, _ = run("project", "reward", "--remove", "asks", "--project", "mine")
    assert code == 0
    assert "length in characters" in out
    assert list(Workspace(tmp_path / "w").project("mine").config.rewards) == ["brief"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("asks=sign=1", "asks has no judge to change"),
        ("brief=sign=2", "sign = 2"),
        ("other=kind=length", "has no value 'other'"),
        ("other=sign=1", "has no value 'other'"),
        ("brief=sing=1", "reward model sing = 1: there is no such entry; did you mean sign?"),
        ("brief=kind=length,label=x", "reward model label = 'x'"),
        ("brief", "is not VALUE=MODEL"),
    ],
)
def test_a_wrong_change_changes_nothing(run, tmp_path, text, message):
    create(run, "brief=kind=length", "asks=kind=refusal")
    assert run("project", "reward", "--remove", "asks", "--project", "mine")[0] == 0
    code, _, err = run("project", "reward", "brief=sign=-1", text, "--project", "mine")
    assert code == 2
    assert message in err
    assert Workspace(tmp_path / "w").project("mine").config.rewards["brief"].sign == 1


def test_a_project_without_reward_models_has_nothing_to_check(run):
    values = ("--value", "a", "--value", "b")
    assert run("project", "create", "mine", "--base", "org/base", *values)[0] == 0
    code, _, err = run("reward", "check", "--project", "mine")
    assert code == 2
    assert "has no reward model to check" in err


def test_suggest_writes_what_create_reads(run, tmp_path):
    judge = fitted_judge("gpt2", tmp_path / "rm", labels=3)
    code, out, _ = run("reward", "suggest", judge, "--json")
    assert code == 0
    heads = json.loads(out)["heads"]
    assert [head["label"] for head in heads.values()] == [0, 1, 2]
    code, out, _ = run("reward", "suggest", judge)
    options = [line.split()[-1] for line in out.splitlines() if "VALUE=" in line]
    create(run, *(o.replace("VALUE", f"v{k}", 1) for k, o in enumerate(options)))
    specs = Workspace(tmp_path / "w").project("mine").config.rewards
    assert {s.model_dump_json() for s in specs.values()} == {
        json.dumps(head, separators=(",", ":")) for head in heads.values()
    }


def test_presets_are_listed(run):
    code, out, _ = run("reward", "presets", "--json")
    assert code == 0
    signs = {entry["model"]: entry["sign"] for entry in json.loads(out)}
    assert signs["PKU-Alignment/beaver-7b-v1.0-cost"] == -1
    assert run("reward", "presets")[0] == 0


def test_consent_names_the_risk_and_is_taken_back(run):
    code, out, err = run("reward", "consent", "org/own", "--revision", "main", "--yes")
    assert (code, out) == (2, "")
    assert "give the full commit" in err
    code, out, _ = run("reward", "consent", "org/own", "--revision", COMMIT, "--yes")
    assert code == 0
    assert RISK in out
    listed = json.loads(run("reward", "consents", "--json")[1])
    assert [(entry["model"], entry["revision"]) for entry in listed] == [("org/own", COMMIT)]
    assert run("reward", "consent", "org/own", "--revision", COMMIT, "--revoke")[0] == 0
    assert run("reward", "consents")[1].startswith("no model may run code of its own")


def test_no_answer_is_no_consent(run, monkeypatch):
    monkeypatch.setattr("typer.confirm", lambda question: False)
    code, out, err = run("reward", "consent", "org/own", "--revision", COMMIT)
    assert code == 2
    assert RISK in out
    assert "nobody agreed" in err
    assert json.loads(run("reward", "consents", "--json")[1]) == []

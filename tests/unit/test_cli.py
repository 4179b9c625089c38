"""The command line without models: every verb's figures, and every mistake in one line.

`main()` runs in this process with real arguments; `test_cli_output.py` goes through a shell's ways.
"""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.app.fixture_project import add_adapter, full_project
from vcsoup.cli import main
from vcsoup.cli.serve import check_port
from vcsoup.errors import PortBusyError
from vcsoup.jobs import Jobs
from vcsoup.preferences.pairs import make_pairs
from vcsoup.workspace import Point, Project, Workspace, project_config
from vcsoup.workspace.tables import reward_columns

REPO = Path(__file__).parents[2]
VALUES = ("helpful", "harmless")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "w"


@pytest.fixture
def run(root: Path, monkeypatch, capfd) -> Run:
    def run(*args: object) -> tuple[int, str, str]:
        """Run a command; return its exit status, output and error output."""
        argv = ["vcsoup", *map(str, args), "--workspace", str(root)]
        monkeypatch.setattr(sys, "argv", argv)
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capfd.readouterr()
        return int(end.value.code or 0), out, err

    return run


@pytest.fixture
def refused(run: Run) -> Callable[..., str]:
    def refused(*args: object) -> str:
        """Run a command that must fail as a user's mistake; return its one line."""
        code, out, err = run(*args)
        assert (code, out) == (2, ""), (code, out, err)
        assert err.count("\n") == 1, err
        return err

    return refused


@pytest.fixture
def project(root: Path) -> Project:
    config = project_config(name="demo", values=VALUES, base="org/base", prompts=4)
    return Workspace(root).create_project(config)


def write_preferences(path: Path, n: int = 40) -> Path:
    rows = [{"prompt": f"Ask {i}", "chosen": f"Good {i}", "rejected": f"Bad {i}"} for i in range(n)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def fill(project: Project) -> None:
    """Two pairs per value, one that agrees and one on which the values disagree."""
    for value in VALUES:
        pairs = make_pairs([f"{value} a", f"{value} b"], ["yes", "yes"], ["no", "no"])
        project.save_pairs(value, pairs, source="hand")
        rewards = pairs[["id"]].copy()
        figures = np.array([[1.0, 1.0, -1.0, -1.0], [1.0, -1.0, -1.0, 1.0]])
        rewards[reward_columns(VALUES)] = figures
        project.save_rewards(value, rewards)


def test_create_list_and_show(run, root):
    base = root.parent / "base"
    base.mkdir()
    create = ("project", "create", "mine", "--value", "a", "--value", "b", "--base")
    assert "has no config.json" in run(*create, base)[2]
    assert "there is no folder /no/such" in run(*create, "/no/such")[2]
    (base / "config.json").write_text("{}")
    code, out, _ = run(
        *("project", "create", "mine", "--value", "helpful", "--value", "harmless"),
        *("--base", base, "--reward", "helpful=org/rm,template=hh,label=diff,sign=-1", "--json"),
    )
    made = json.loads(out)
    assert code == 0
    assert made["base"] == str(base.resolve())
    assert [entry["reward_model"] for entry in made["values"]] == ["org/rm", None]
    spec = Workspace(root).project("mine").config.rewards["helpful"]
    assert (spec.template, spec.label, spec.sign) == ("hh", "diff", -1)
    assert [entry["name"] for entry in json.loads(run("project", "list", "--json")[1])] == ["mine"]
    assert json.loads(run("project", "show", "mine", "--json")[1]) == made
    assert "helpful" in run("project", "show", "mine")[1]


def test_the_base_is_shown_and_changed(run, refused, root, project):
    """Another folder keeps how a base is loaded, but not the revision of the former one."""
    first = project.config.base
    assert run("project", "base")[1].strip() == first
    run("project", "base", "org/base", "--revision", "abc", "--dtype", "bfloat16")
    assert run("project", "base")[1].strip() == "org/base (revision abc, bfloat16)"
    assert "there is no folder /no/such" in refused("project", "base", "/no/such")
    assert "dtype" in refused("project", "base", "--dtype", "float7")
    base = root.parent / "base"
    base.mkdir()
    (base / "config.json").write_text("{}")
    told = json.loads(run("project", "base", base, "--json")[1])
    assert told == {"base": str(base.resolve()), "base_loading": {"dtype": "bfloat16"}}
    changed = Workspace(root).project("demo").config
    assert (changed.base, changed.loading.revision) == (str(base.resolve()), None)


def test_adapters_are_listed_and_a_former_one_stands_again(run, root):
    target = full_project(Workspace(root), prompts=0)
    recorded = target.adapter_sets()["filtered"]["helpful"].name
    add_adapter(target, "helpful", "filtered", recorded=False, seed=9)
    rows = json.loads(run("project", "adapters", "--json")[1])
    standing = [row["adapter"] for row in rows if row["stands"]]
    assert len(rows) == 7
    assert len(standing) == 6
    assert recorded not in standing
    code, out, _ = run("project", "adapters", "--use", recorded)
    assert code == 0
    (line,) = [line for line in out.splitlines() if recorded in line]
    assert line.split()[-3:-1] == ["yes", "yes"]
    assert target.adapter_sets()["filtered"]["helpful"].name == recorded
    assert "no complete adapter is called 'mine'" in run("project", "adapters", "--use", "mine")[2]


def test_add_reports_every_row_and_holds_prompts_out(run, project, tmp_path):
    """43 rows: 40 sound, one repeated, one without rejected, one with equal sides.

    A tenth of 40 prompts is 4; half of the wanted 4 prompts are this value's share.
    """
    path = write_preferences(tmp_path / "p.jsonl")
    with path.open("a") as file:
        file.write('{"prompt": "Ask 0", "chosen": "Good 0", "rejected": "Bad 0"}\n')
        file.write('{"prompt": "x", "chosen": "y", "rejected": null}\n')
        file.write('{"prompt": "x", "chosen": "y", "rejected": "y"}\n')
    code, out, _ = run("data", "add", "helpful", path, "--json")
    figures = json.loads(out)
    assert (code, figures["n"], figures["report"]["rows"]) == (0, 40, 43)
    assert [problem["row"] for problem in figures["report"]["problems"]] == [41, 42, 43]
    assert figures["held_out_prompts"] == 2
    out = run("data", "add", "harmless", write_preferences(tmp_path / "q.jsonl"))[1]
    assert "40 kept" in out
    assert len(project.held_out_prompts()) == 4


def test_bad_files_leave_the_data_set_as_it_was(run, refused, project, tmp_path):
    run("data", "add", "helpful", write_preferences(tmp_path / "p.jsonl"))
    before = project.datasets()
    poem = tmp_path / "poem.csv"
    poem.write_text("line,verse\n1,roses\n2,violets\n")
    said = refused("data", "add", "helpful", poem)
    assert "line, verse" in said
    assert "chosen and rejected" in said
    one_sided = tmp_path / "one.jsonl"
    one_sided.write_text('{"prompt": "a", "chosen": "b", "rejected": null}\n' * 3)
    assert "fill them" in refused("data", "add", "helpful", one_sided)
    assert "does not exist" in refused("data", "add", "helpful", tmp_path / "none.jsonl")
    assert "helpful, harmless" in refused("data", "add", "funny", tmp_path / "p.jsonl")
    assert project.datasets() == before


def test_filter_reports_and_stores(run, project):
    """Pair a has gaps [2, 2] and consistency 1; pair b has [2, -2] and consistency 0."""
    fill(project)
    code, out, _ = run("filter", "--json")
    first = json.loads(out)["filters"][0]
    assert code == 0
    assert (first["threshold"], first["pairs"], first["kept"], first["chance"]) == (0.0, 2, 2, 0.5)
    out = run("filter", "--value", "helpful", "--threshold", "0.5", "--json")[1]
    (only,) = json.loads(out)["filters"]
    assert (only["kept"], only["share"]) == (1, 0.5)
    assert project.thresholds() == {"helpful": 0.5, "harmless": 0.0}
    out = run("filter", "--value", "helpful", "--min-norm", "15", "--json")[1]
    (only,) = json.loads(out)["filters"]
    assert (only["share"], only["chance"]) == (0.0, 0.0), "neither has a pair that long"


def test_filter_refuses(refused, project):
    assert "vcsoup score --project demo" in refused("filter")
    fill(project)
    assert "2" in (said := refused("filter", "--threshold", "2"))
    assert "threshold" in said
    assert project.thresholds() == {"helpful": 0.0, "harmless": 0.0}
    assert "no value 'funny'" in refused("filter", "--value", "funny")


def put_points(project: Project) -> None:
    """Base (0, 0); corners (2, -1) and (-1, 2); middle (1, 1); a dominated one (0.5, 0.5)."""
    for value in VALUES:
        folder = project.adapter_dir(f"{value}-filtered-1")
        folder.mkdir()
        (folder / "adapter_model.safetensors").write_text(value)
        manifest = {"value": value, "group": "filtered"}
        (folder / "manifest.json").write_text(json.dumps(manifest))
    key = project.set_key(project.adapter_sets()["filtered"])
    for (helpful, harmless), rewards in {
        (0.0, 0.0): (0.0, 0.0),
        (1.0, 0.0): (2.0, -1.0),
        (0.0, 1.0): (-1.0, 2.0),
        (0.5, 0.5): (1.0, 1.0),
        (0.25, 0.75): (0.5, 0.5),
    }.items():
        figures = dict(zip(VALUES, rewards, strict=True))
        weights = {"helpful": helpful, "harmless": harmless}
        project.save_point(
            Point(
                **{"set_key": key, "group": "filtered", "weights": weights, "rewards": figures},
                **{"low": figures, "high": figures, "n_prompts": 16},
            )
        )


def test_front_by_hand(run, project):
    """Figures of the five points above.

    The reference is (-1, -1): of the boxes only the middle's, 2 x 2, has a volume; the corners lie
    on the reference's edges. Best balanced: the middle, one above the base on both.
    """
    put_points(project)
    code, out, _ = run("front", "--json", "--min", "harmless=0.4", "--maximise", "helpful")
    figures = json.loads(out)
    found = figures["sets"]["filtered"]
    assert code == 0
    assert figures["reference"] == {"helpful": -1.0, "harmless": -1.0}
    front = {tuple(point["weights"].values()) for point in found["front"]}
    assert front == {(1.0, 0.0), (0.0, 1.0), (0.5, 0.5)}
    assert found["hypervolume"] == pytest.approx(4.0)
    assert found["balanced"]["weights"] == {"helpful": 0.5, "harmless": 0.5}
    assert found["balanced"]["worst_gain"] == 1.0
    assert found["selected"]["weights"] == {"helpful": 0.5, "harmless": 0.5}
    text = run("front", "--min", "harmless=9", "--maximise", "helpful")[1]
    assert "helpful 0.5 + harmless 0.5" in text
    assert "no measured soup satisfies it" in text
    assert "prompts:" not in text


def test_front_says_that_soups_were_measured_on_different_prompts(run, project):
    """Means over other prompts differ whatever the soup: one of the six points has half of them."""
    put_points(project)
    (point, *_) = [p for p in project.points() if p.weights["helpful"] == 0.5]
    weights = {"helpful": 0.75, "harmless": 0.25}
    project.save_point(point.model_copy(update={"weights": weights, "n_prompts": 8}))
    found = json.loads(run("front", "--json")[1])["sets"]["filtered"]
    assert found["prompts"] == {"16": 5, "8": 1}
    told = "not all measured on the same prompts: 5 points on 16, 1 point on 8"
    assert told in run("front")[1]


def test_front_refuses(refused, project):
    assert "no measured points" in refused("front")
    put_points(project)
    assert "complete: filtered" in refused("front", "--group", "other")
    assert "no value of the project" in refused("front", "--maximise", "funny")
    assert "--maximise" in refused("front", "--min", "helpful=1")
    assert "not VALUE=REWARD" in refused("front", "--min", "helpful=x", "--maximise", "harmless")


def test_mistakes_about_soups(refused, project, tmp_path):
    put_points(project)
    out = tmp_path / "merged"
    said = refused("soup", "merge", "--weights", "helpful=0.5,harmless=0.6", "--out", out)
    assert "1.1" in said
    said = refused("soup", "merge", "--weights", "funny=1", "--out", out)
    assert "helpful" in said
    assert "--rank" in refused(
        *("soup", "merge", "--weights", "helpful=1", "--method", "svd", "--out", out)
    )
    assert "unknown" in refused(
        *("soup", "merge", "--weights", "helpful=1", "--method", "mean", "--out", out)
    )
    assert "--grid" in refused("evaluate")
    assert "0.5" in refused("evaluate", "--weights", "helpful=0.5")
    assert not out.exists()


def test_mistakes_about_training(refused, project):
    assert "has no pairs yet" in refused("train", "--value", "helpful")
    fill(project)
    assert "exclude each other" in refused("train", "--unfiltered", "--threshold", "0.1")
    assert "outside -1 to 1" in refused("train", "--threshold", "3")
    assert "choose auto, paper, demo" in refused("train", "--preset", "huge")
    assert "steps" in refused("train", "--steps", "0")
    assert project.adapters() == []


def test_mistakes_about_projects(refused, root, project):
    assert "choose one of demo" in refused("project", "show", "other")
    taken = ("project", "create", "demo", "--value", "a", "--value", "b", "--base", "x")
    assert "exists already" in refused(*taken)
    one = ("project", "create", "two", "--value", "a", "--base", "x")
    assert "at least 2" in refused(*one)
    both = ("project", "create", "two", "--value", "a", "--value", "b", "--base", "x")
    assert "VALUE=MODEL" in refused(*both, "--reward", "org/rm")
    assert "template" in refused(*both, "--reward", "a=org/rm,template=odd")
    assert "unknown values c" in refused(*both, "--reward", "c=org/rm")
    assert [p.name for p in Workspace(root).projects()] == ["demo"]


def test_scoring_nothing_is_refused_and_leaves_no_job(refused, root, project):
    assert "has no pairs to score" in refused("score")
    assert Jobs(root / "jobs").list() == []


def test_a_busy_port_names_itself_and_the_remedy(refused):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        for verb in ("app", "engine"):
            said = refused(verb, "--port", port)
            assert f"port {port}" in said
            assert "--port" in said
        with pytest.raises(PortBusyError):
            check_port(port)
    check_port(port)


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("train", "--steps", "many"), "'--steps': expected a whole number"),
        (("train", "--lr", "fast"), "'--lr': expected a number"),
        (("evaluate", "--grid", "0"), "'--grid': expected at least 1"),
        (("app", "--port", "70000"), "'--port': expected at most 65535"),
    ],
)
def test_what_an_option_expects_is_said_in_our_words(run, args, told):
    code, _, err = run(*args)
    assert (code, err.strip().splitlines()[-1]) == (2, f"Error: Invalid value for {told}")


def test_wrong_usage_is_status_2_too(run):
    assert run("train", "--stepz", "3")[0] == 2
    assert run("nonsense")[0] == 2


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_is_there_under_both_of_its_usual_names(run, flag):
    code, out, _ = run("project", "base", flag)
    assert code == 0
    assert re.fullmatch(r"Usage: .*vcsoup project base \[OPTIONS\] \[base\]", out.splitlines()[0])


def test_the_light_verbs_import_no_torch(root):
    program = (
        "import sys; sys.argv = ['vcsoup', 'project', 'list', '-w', sys.argv[1]]\n"
        "from vcsoup.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'transformers', 'peft', 'trl', 'streamlit'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program, str(root)], cwd=REPO, check=True)

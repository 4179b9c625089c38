"""From a project file to a measured front and exported soups, on every kind of base and judge.

A covering design: each base goes once through everything, each kind of judge is met at least twice,
and each file format of the samples once. The models are tiny, built and saved by the test.
"""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from tests.plain_peft import same_in_plain_peft
from tests.tiny_pairs import KIND
from tests.yaml_project import COVERING, FILE, PAIRS, write_pairs, write_project
from vcsoup.errors import AdapterError, JobError, TrainingError, VcsoupError
from vcsoup.monitor import StopRequested
from vcsoup.project_yaml import load_project_file
from vcsoup.running import dry_run, run
from vcsoup.running.plan import CHECKPOINTS
from vcsoup.running.run import changes
from vcsoup.workspace import Workspace

JUDGES = ("judge-helpful", "judge-harmless")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace")


@pytest.mark.parametrize(
    ("base", "judges"), COVERING, ids=[f"{base}-by-{a}-and-{b}" for base, (a, b) in COVERING]
)
def test_from_nothing_to_a_front_and_a_soup(base, judges, tmp_path, workspace):
    file = load_project_file(write_project(tmp_path, base, judges))
    assert {report.state for report in dry_run(workspace, file)} == {"to do"}
    assert workspace.projects() == []
    told = list[str]()
    reports = run(workspace, file, tell=told.append)
    assert {report.state for report in reports} == {"made"}
    project = workspace.project("mine")
    _scored_as_taught(project)
    _filtered_and_trained(project)
    (measured,) = [report for report in reports if report.stage == "measure"]
    assert measured.figures["front"]["points"] == 4  # the base, two corners, the middle
    assert any("4 points measured, " in line for line in told), told
    assert measured.cost.passes == 4 * 3 * 2
    _loads_in_plain_peft(tmp_path, project)
    again = run(workspace, file)
    assert {report.state for report in again} == {"there"}
    assert {report.state for report in dry_run(workspace, file)} == {"there"}


def _scored_as_taught(project) -> None:
    """The judges know kind words from rude ones, whatever the (partly wrong) labels say."""
    for value in project.values:
        kind = [set(text.split()) <= set(KIND) for text in project.pairs(value)["chosen"]]
        assert 0.5 < np.mean(kind) < 0.95
        agreed = (project.gaps(value) > 0) == np.array(kind)[:, None]
        assert (agreed.mean(axis=0) > 0.85).all(), agreed.mean(axis=0)
    assert [info.n for info in project.datasets().values()] == [PAIRS, PAIRS]
    assert project.datasets()["helpful"].title == "Kind answers"


def _filtered_and_trained(project) -> None:
    held_out = {json.dumps(prompt) for prompt in project.held_out_prompts()}
    for value, info in project.adapter_set("filtered").items():
        free = [json.dumps(prompt) not in held_out for prompt in project.pairs(value)["prompt"]]
        kept = project.filters()[value].mask(project.gaps(value)[free]).sum()
        assert info.manifest["n_pairs"] == kept
        assert kept < sum(free)
        assert info.manifest["steps_done"] == 4
    assert not (project.root / "checkpoints").exists() or not any(
        (project.root / "checkpoints").iterdir()
    )


def _loads_in_plain_peft(folder: Path, project) -> None:
    recipe = (folder / "soups" / "half" / "recipe.yaml").read_text()
    assert "weight: 0.5" in recipe
    adapters = [info.path for info in project.adapter_set("filtered").values()]
    same_in_plain_peft(folder / "base", adapters, folder / "soups" / "half", [0.5, 0.5])


def test_only_what_a_change_touches_is_made_again(tmp_path, workspace):
    """A threshold: one adapter and its soups. Another judge that keeps the same pairs: all soups.

    Fewer lines in a file: the pairs are read again, and are other ones.
    """
    path = write_project(tmp_path, "llama", ("gpt2", "gpt2"))
    both = FILE.replace("groups: [filtered]", "groups: [filtered, unfiltered]")
    path.write_text(both)
    run(workspace, load_project_file(path), until="measure")
    path.write_text(both.replace("filter: 0.2", "filter: -1.0"))
    changed = load_project_file(path)
    expected = ["adapter of helpful, filtered", "measured soups, filtered"]
    assert _open(dry_run(workspace, changed, until="measure"), "to do") == expected
    told: list[str] = []
    assert _open(run(workspace, changed, until="measure", tell=told.append), "made") == expected
    assert told[0] == "set: filter.helpful.threshold: -1.0 instead of 0.2"
    assert not [line for line in told[1:] if line.startswith("set:")]
    path.write_text(both.replace("label: diff", "label: 1").replace("filter: 0.2", "filter: -1.0"))
    [line] = changes(workspace, load_project_file(path))
    assert re.fullmatch(r"rewards\.\w+\.label: 1 instead of diff", line)
    judged = ["rewards of all pairs", "measured soups, filtered", "measured soups, unfiltered"]
    assert _open(run(workspace, load_project_file(path), until="measure"), "made") == judged
    before = workspace.project("mine").datasets()["helpful"].hash
    (tmp_path / "helpful.jsonl").write_text(
        "".join((tmp_path / "helpful.jsonl").read_text().splitlines(keepends=True)[:-8])
    )
    reports = run(workspace, load_project_file(path), until="data")
    assert _open(reports, "made") == ["pairs of helpful"]
    assert workspace.project("mine").datasets()["helpful"].hash != before


def test_a_file_that_is_changed_back_takes_its_former_adapter_and_soups_again(tmp_path, workspace):
    """Nothing is trained or measured anew, and what is exported is of the former adapter."""
    path = write_project(tmp_path, "llama", ("gpt2", "gpt2"))
    run(workspace, load_project_file(path))
    project = workspace.project("mine")
    former = [project.adapter_set("filtered"), (tmp_path / "soups/half/recipe.yaml").read_text()]
    path.write_text(FILE.replace("filter: 0.2", "filter: -1.0"))
    run(workspace, load_project_file(path))
    assert project.adapter_set("filtered") != former[0]
    path.write_text(FILE)
    run(workspace, load_project_file(path))
    recipe = (tmp_path / "soups/half/recipe.yaml").read_text()
    assert [project.adapter_set("filtered"), recipe] == former
    assert len(project.adapters()) == 3
    assert {report.state for report in run(workspace, load_project_file(path))} == {"there"}


def test_a_folder_that_was_moved_with_everything_in_it_has_only_its_exports_made_again(tmp_path):
    """Base, judges, data and workspace: all under other paths, none of them another one."""
    path = write_project(tmp_path / "here", "llama", ("gpt2", "gpt2"))
    run(Workspace(tmp_path / "here/w"), load_project_file(path))
    (tmp_path / "here").rename(tmp_path / "there")
    file = load_project_file(tmp_path / "there" / path.name)
    workspace = Workspace(tmp_path / "there/w")
    looked, made = dry_run(workspace, file), run(workspace, file)
    assert _open(looked, "to do") == _open(made, "made")
    assert {report.stage for report in made if report.state != "there"} <= {"export"}
    assert {report.state for report in dry_run(workspace, file)} == {"there"}


def test_another_seed_is_what_is_told_and_chosen_by(tmp_path, workspace):
    """Once both seeds are measured alike, the file's own decides, not the smaller one."""
    path = write_project(tmp_path, "llama", ("gpt2", "gpt2"))
    run(workspace, load_project_file(path), until="measure")
    path.write_text(FILE.replace("prompts: 3", "prompts: 3, seed: 1"))
    *_, measured = run(workspace, load_project_file(path), until="measure")
    project = workspace.project("mine")
    points = project.points(project.set_key(project.adapter_set("filtered")))
    bases = {point.seed: point.rewards for point in points if not any(point.weights.values())}
    assert bases[0] != bases[1]
    assert measured.figures["front"]["base"]["rewards"] == bases[1]


class Stopping:
    """Asks to stop in the training of harmless."""

    stop_requested = False

    def report(self, stage: str, done: int, total: int, **figures: object) -> None:
        self.stop_requested |= stage == "training harmless"


def test_a_run_that_is_stopped_in_its_last_step_says_so(tmp_path, workspace):
    """What there is of the adapter is kept, but the step is not told as made."""
    file = load_project_file(write_project(tmp_path, "llama", ("gpt2", "gpt2")))
    with pytest.raises(StopRequested, match="stopped in: adapter of harmless"):
        run(workspace, file, until="train", monitor=Stopping())
    assert workspace.project("mine").adapter_set("filtered")["harmless"].manifest["stopped"]
    assert _open(run(workspace, file, until="train"), "made") == ["adapter of harmless, filtered"]


def test_checkpoints_of_a_training_that_left_the_file_go_when_the_others_are_done(
    tmp_path, workspace
):
    """They stay while the file may be changed back: until its trainings are at their end."""
    path = write_project(tmp_path, "llama", ("gpt2", "gpt2"))
    with pytest.raises(StopRequested):
        run(workspace, load_project_file(path), until="train", monitor=Stopping())
    kept = workspace.project("mine").root / CHECKPOINTS
    path.write_text(FILE.replace("steps: 4", "steps: 3"))
    run(workspace, load_project_file(path), until="score")
    assert [one.name for one in kept.glob("*/harmless/*")]
    run(workspace, load_project_file(path), until="train")
    assert not kept.exists()


def test_a_second_run_of_a_project_at_the_same_time_is_refused(tmp_path, workspace):
    """They would write, and at their end remove, the same checkpoints."""
    file = load_project_file(write_project(tmp_path, "llama", ("gpt2", "gpt2")))
    told: list[str] = []

    def begin_another(line: str) -> None:
        if not told:
            with pytest.raises(JobError, match="another run of mine is going on") as refused:
                run(workspace, file, until="data")
            told.append(str(refused.value))

    run(workspace, file, until="data", tell=begin_another)
    assert told
    assert {report.state for report in run(workspace, file, until="data")} == {"there"}


def _open(reports, state: str) -> list[str]:
    return [report.title for report in reports if report.state == state]


@pytest.mark.parametrize(
    ("change", "to", "until", "told"),
    [
        ("base: base\n", "", "data", "names no base model; add `base:"),
        (
            "    data: {source: helpful.jsonl, title: Kind answers}\n",
            "",
            "data",
            "names no data for helpful, and the workspace has none; add `data:",
        ),
        ("helpful.jsonl", "helpfull.jsonl", "data", "helpfull.jsonl does not exist"),
        ("    reward: judge-helpful\n", "", "score", "no reward model"),
        ("reward: judge-helpful", "reward: {kind: column, column: score}", "export", "soups"),
        (
            "reward: judge-helpful",
            "reward: ./gone",
            "score",
            "reward model of helpful: there is no",
        ),
        (
            "reward: judge-helpful",
            "reward: plain",
            "score",
            "reward model of helpful: .*plain is a LlamaForCausalLM, not a sequence classifier",
        ),
        ("base: base\n", "base: ./gone\n", "train", "there is no folder .*gone; give a folder"),
        ("chosen: good", "chosen: god", "data", "harmless.csv has no row with chosen=god; it has"),
        (", title: Kind", ", aspect: safer, title: Kind", "data", "and no aspect 'safer'; leave"),
        (", title: Kind", ", folder: base, title: Kind", "data", "folder is about a data set of"),
        (", columns: {prompt: asked, chosen: good, rejected: bad}", "", "data", "no preference pa"),
        ("prompts: 3", "prompts: 1", "measure", "measuring.prompts is 1, and an interval needs"),
        ("base: base\n", "base: adapter\n", "train", "it is an adapter, not a whole model; merge"),
    ],
)
def test_what_is_missing_is_told_before_anything_is_made(
    change, to, until, told, tmp_path, workspace
):
    write_pairs(tmp_path)
    for name, holds in (("adapter", "adapter_config.json"), *((j, "config.json") for j in JUDGES)):
        (tmp_path / name).mkdir()
        (tmp_path / name / holds).write_text("{}")
        (tmp_path / name / "chat_template.jinja").write_text("{{ messages }}")
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}')
    path = tmp_path / "project.yaml"
    assert FILE.count(change) == 1
    path.write_text(FILE.replace(change, to))
    file = load_project_file(path)
    with pytest.raises(VcsoupError, match=told):
        dry_run(workspace, file, until=until)
    with pytest.raises(VcsoupError, match=told):
        run(workspace, file, until=until)
    assert all(not project.datasets() for project in workspace.projects())


def test_targets_that_the_base_does_not_have_are_told_before_anything_is_made(tmp_path, workspace):
    path = write_project(tmp_path, "llama", ("gpt2", "gpt2"))
    path.write_text(FILE.replace("rank: 4", "rank: 4, targets: attn"))
    for make in (dry_run, run):
        with pytest.raises(TrainingError, match=r"targets attn are no linear layers .*: q_proj,"):
            make(workspace, load_project_file(path))
    assert not workspace.project("mine").datasets()


def test_a_filter_that_keeps_too_few_pairs_is_told_before_any_value_is_trained(tmp_path, workspace):
    path = write_project(tmp_path, "llama", ("gpt2", "gpt2"))
    path.write_text(FILE.replace("min_norm: 0.1", "min_norm: 99"))
    with pytest.raises(TrainingError, match=r"harmless, filtered: 0 pairs .* one batch of 4"):
        run(workspace, load_project_file(path))
    assert workspace.project("mine").adapters() == []


def test_an_export_that_would_find_its_place_taken_is_told_before_anything_is_made(
    tmp_path, workspace
):
    write_pairs(tmp_path)
    for name in (*JUDGES, "taken"):
        (tmp_path / name).mkdir()
    (tmp_path / "taken" / "mine.txt").write_text("mine")
    (tmp_path / "note").write_text("mine")
    path = tmp_path / "project.yaml"
    for out, told in (
        ("{kind: card, out: note}", "note exists, and is no export"),
        ("{kind: card, out: taken}", "taken exists, and is no export"),
        ("{kind: recipe, out: note/recipe.yaml}", "cannot be made, since .*note is a file"),
        ("{kind: adapter, out: /}", "^/ exists, and is no export"),
    ):
        path.write_text(f"{FILE[: FILE.index('export:')]}export: [{out}]\n")
        file = load_project_file(path)
        for make in (dry_run, run, dry_run):  # of no project, and of one that is there
            with pytest.raises(AdapterError, match=told):
                make(workspace, file)
        assert not workspace.project("mine").datasets()
    assert (tmp_path / "note").read_text() == "mine"

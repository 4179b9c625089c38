"""Finding pairs by a piece of their text, in bounded steps; and a sample of the prompts."""

import pytest

from vcsoup.preferences.pair_search import search_file
from vcsoup.preferences.pairs import make_pairs, save_pairs
from vcsoup.preferences.prompt_sample import sample_prompts
from vcsoup.workspace import Workspace, project_config


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "w")


def raw_project(workspace):
    config = project_config(name="raw", values=("helpful", "harmless"), base="org/base")
    return workspace.create_project(config)


def test_a_search_in_steps_finds_what_one_pass_finds(workspace):
    """A step of no time reads one part; going on from there gives every hit once, in order."""
    project = raw_project(workspace)
    n = 20_000
    prompts = [f"number {i}" for i in range(n)]
    project.save_pairs("helpful", make_pairs(prompts, ["yes"] * n, ["no"] * n), source="test")
    path = project.pair_file("helpful")
    hits, start = [], 0
    while start < n:
        step = search_file(path, "NUMBER 77", start=start, seconds=0)
        hits += step.rows
        assert step.searched > start
        start = step.searched
    assert hits == [i for i in range(n) if f"number {i}".startswith("number 77")]
    assert hits == list(search_file(path, "number 77", seconds=60).rows)


def test_every_turn_and_both_answers_are_searched_literally(tmp_path):
    """One hit in an early turn, one in each answer; a dot is a dot, and case does not matter."""
    talk = [{"role": "user", "content": "An A.B here"}, {"role": "assistant", "content": "yes"}]
    talk.append({"role": "user", "content": "and then?"})
    prompts = [talk, "plain", "plain", "axb"]
    pairs = make_pairs(prompts, ["x", "say a.b", "x", "x"], ["y", "y", "\x00a.B\u202e", "y"])
    save_pairs(pairs, tmp_path / "pairs")
    found = search_file(tmp_path / "pairs", "a.b")
    assert (found.rows, found.searched, found.complete) == ((0, 1, 2), 4, True)
    assert search_file(tmp_path / "pairs", "a.b", start=1).rows == (1, 2)


def test_a_step_ends_when_it_has_found_enough(workspace):
    project = raw_project(workspace)
    n = 20_000
    project.save_pairs(
        "helpful", make_pairs(map(str, range(n)), ["yes"] * n, ["no"] * n), source="test"
    )
    step = search_file(project.pair_file("helpful"), "yes", seconds=60, most=10)
    assert 10 <= len(step.rows) == step.searched < n


def test_prompts_are_counted_whole_and_a_sample_says_its_size(workspace):
    """Four prompts: two equal ones, one that joins to the same words, one of three turns."""
    talk = [{"role": role, "content": role} for role in ("user", "assistant", "user")]
    system = [{"role": "system", "content": "a"}, {"role": "user", "content": "b"}]
    project = raw_project(workspace)
    pairs = make_pairs(["ab", "ab", system, talk], ["1", "2", "3", "4"], ["x"] * 4)
    project.save_pairs("helpful", pairs, source="test")
    found = sample_prompts(project.pair_file("helpful"))
    assert (found.seen, found.distinct) == (4, 3)
    assert found.turns == {1: 2, 2: 1, 3: 1}
    n = 5_000
    project.save_pairs(
        "harmless", make_pairs(map(str, range(n)), ["1"] * n, ["2"] * n), source="test"
    )
    part = sample_prompts(project.pair_file("harmless"), most=1_000)
    assert 500 <= part.seen == part.distinct <= 1_500

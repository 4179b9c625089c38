"""Project files: what is read, what is refused and how it is told, and the way back."""

import json
from pathlib import Path

import pytest

from vcsoup.errors import NotFoundError, ProjectFileError
from vcsoup.filtering import PairFilter
from vcsoup.preferences.column_map import ColumnMap
from vcsoup.project_file import ProjectFile
from vcsoup.project_yaml import dump_project_file, load_project_file, parse_project_file
from vcsoup.training.config import PRESETS

SHORT = """
project: mine
base: org/base
values:
  helpful:
    data: helpful.jsonl
    reward: Ray2333/gpt2-large-helpful-reward_model
    filter: 0.3
  brief:
    data: {source: org/pairs, split: test, aspect: safer}
    reward: {kind: length, sign: -1}
"""
LONG = """
project: mine
title: Kind and short
description: For the talk
base: {model: ./base, dtype: bfloat16, gradient_checkpointing: true}
scale: shared
values:
  helpful:
    data:
      source: pairs.csv
      columns: {prompt: question, chosen: good, rejected: bad}
      longest: 900
      title: Good answers
    reward: {model: org/judge, label: diff, max_length: 512}
    filter: {threshold: 0.5, min_norm: 0.2, flip: true}
  brief:
    data: pairs.csv
    reward: {model: LxzGordon/URM-LLaMa-3.1-8B, head: verbosity, sign: -1}
training: {preset: demo, steps: 20, targets: [q_proj, v_proj]}
groups: [filtered, unfiltered]
measuring: {grid: 4, prompts: 32, seed: 3}
export:
  - {out: soups/best}
  - {out: soups/mine, weights: {helpful: 0.25, brief: 0.75}, group: unfiltered, kind: model,
     dtype: bfloat16}
"""


def test_a_short_file_is_filled_up():
    read = parse_project_file(SHORT)
    helpful, brief = read.values["helpful"], read.values["brief"]
    assert list(read.values) == ["helpful", "brief"]
    assert helpful.reward.template == "hh"  # the preset of a known model
    assert helpful.filter == PairFilter(threshold=0.3)
    assert helpful.data.source == "helpful.jsonl"
    assert (brief.data.source, brief.data.split, brief.data.aspect) == (
        "org/pairs",
        "test",
        "safer",
    )
    assert brief.reward.title == "length in words"
    assert (read.training, read.groups) == (PRESETS["paper"], ("filtered",))
    config = read.config()
    assert (config.values, config.base) == (("helpful", "brief"), "org/base")
    assert config.prompts == 64


def test_a_long_file_says_everything():
    read = parse_project_file(LONG)
    assert read.values["helpful"].data.columns == "prompt=question,chosen=good,rejected=bad"
    assert read.values["brief"].reward.label == 4  # the head "verbosity" of its preset
    assert read.values["brief"].reward.trust_remote_code
    assert read.training == PRESETS["demo"].model_copy(
        update={"steps": 20, "targets": ("q_proj", "v_proj")}
    )
    assert read.config().loading.dtype == "bfloat16"
    best, mine = read.export
    assert best.weights is None
    assert (mine.weights, mine.group) == ({"helpful": 0.25, "brief": 0.75}, "unfiltered")


@pytest.mark.parametrize("text", [SHORT, LONG, "project: a\nvalues: {x: , y: {}}"])
def test_what_is_written_is_read_back_equal(text):
    read = parse_project_file(text)
    written = dump_project_file(read)
    assert parse_project_file(written) == read
    assert written.startswith("# A project of VC-Soup Lab.")
    assert len(written.splitlines()) < 60


def wrong(change: str, to: str) -> str:
    assert LONG.count(change) == 1
    return LONG.replace(change, to)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (wrong("scale: shared", "scales: shared"), "line 6: scales .* did you mean scale?"),
        (wrong("min_norm", "minnorm"), "line 15: minnorm is no key here; did you mean min_norm?"),
        (wrong("longest: 900", "longst: 900"), "line 12: longst .* did you mean longest?"),
        (wrong("max_length", "max_len"), "line 14: max_len .* did you mean max_length?"),
        (wrong("steps: 20", "stepz: 20"), "line 19: stepz .* did you mean steps?"),
        (wrong("preset: demo", "preset: huge"), "line 19: training.* choose one of paper, demo"),
        (wrong("grid: 4", "gird: 4"), "line 21: gird .* did you mean grid?"),
        (wrong("grid: 4", "grid: 0"), "line 21: measuring.grid = 0: expected at least 1"),
        (wrong("dtype: bfloat16, gr", "dtype: bf16, gr"), "line 5: base.dtype = 'bf16': "),
        (wrong("kind: model", "kind: modle"), "line 24: export.1.kind = 'modle'"),
        (wrong("head: verbosity", "head: kindness"), "line 18: .* has no head 'kindness'"),
        (wrong("brief: 0.75", "brif: 0.75"), "line 24: unknown value 'brif'"),
        (wrong("threshold: 0.5", "threshold: 5"), "line 15: values.helpful.filter.threshold = 5"),
        (
            wrong("groups: [filtered, unfiltered]", "groups: [filtered]"),
            "line 24: export soups/mine .*is not trained",
        ),
        (wrong("{out: soups/best}", "{weights: balanced}"), "line 23: export.0.out is missing"),
        ("project: a\nvalues: {x: {}}", "line 2: values"),
        ("project: A B\nvalues: {x: {}, y: {}}", "line 1: project = 'A B'"),
        ("project: A B\nvalues: {x: {}, y: {}}", "use a-z, 0-9 and '-' only"),
        ("project: a\nvalues: {x: {}}", "expected at least 2 items, got 1"),
        ("project: a\nvalues: {x: {filter: '0,2'}, y: {}}", "write a threshold such as 0.2, or"),
        (
            "project: a\nvalues: {x: {filter: [1]}, y: {}}",
            "line 2: .*expected `name: value` entries",
        ),
        ("project: a\nvalues: {x: {}, y: {}}\ngroups: 3", "line 3: groups = 3: expected a list"),
        ("project: a\ntitle: From: one", "line 2: no YAML .* in quotes what holds a colon"),
        ("values: {x: {}, y: {}}", "project.yaml: project is missing"),
        ("- a", "expected `name: value` lines, got list; .*project yaml demo"),
        ("project: a\nproject: b", "line 2: project stands in line 1 too"),
        ("values:\n  a: {}\n  a: {}\n", "line 3: a stands in line 2 too"),
        ("a: [", "line 1: no YAML"),
        ("a: !!python/name:os.system x", "line 1: no YAML"),
        ("a: !!bool 3", "project.yaml: no YAML"),
        ("a: !!timestamp soon", "project.yaml: no YAML"),
        ("project: 0x" + "f" * 5_000, "project.yaml: no YAML .a number of more than 64 bits"),
        ("? 0x" + "f" * 5_000 + "\n: 1", "project.yaml: no YAML .a number of more than 64 bits"),
        ("? [a]\n: 3", "line 1: no YAML .a name must be text"),
        ("a: 1\nx: &r {y: *r}", "line 2: y holds itself"),
        ("x: &r [1, *r]", "line 1: 1 holds itself"),
        ("x: &r {<<: *r}", "line 1: << holds itself"),
        ("x:" + "".join(f"\n{' ' * i}- " for i in range(1, 200)), "line 102: .*100 levels deep"),
        (wrong("preset: demo", "preset: [demo]"), "line 19: training.* choose one of paper, demo"),
        (wrong("prompt: question,", "prompt: [a],"), "line 11: values.helpful.data.columns"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text, told):
    with pytest.raises(ProjectFileError, match=told) as caught:
        parse_project_file(text)
    assert "\n" not in str(caught.value)


def nested(inner: str) -> str:
    """Eight levels of ten aliases each: a kilobyte that stands for a hundred million entries."""
    levels = (f"x{i}: &a{i} [{','.join([inner % (i - 1)] * 10)}]\n" for i in range(1, 9))
    return "x0: &a0 {k: 1}\n" + "".join(levels)


@pytest.mark.parametrize("inner", ["*a%d", "{<<: *a%d}"])
def test_aliases_of_aliases_are_refused_at_once(inner):
    with pytest.raises(ProjectFileError, match=r"line \d: .* than 100,000 entries"):
        parse_project_file(nested(inner))


def test_what_several_values_share_may_be_written_once():
    text = """
project: mine
values:
  a: {reward: &judge {kind: length, sign: -1}, data: &pairs {source: x, split: test}}
  b: {reward: *judge, data: {<<: *pairs, aspect: safer}}
"""
    read = parse_project_file(text)
    assert read.values["a"].reward == read.values["b"].reward
    assert read.values["b"].data == read.values["a"].data.model_copy(update={"aspect": "safer"})


@pytest.mark.parametrize("groups", ["unfiltered, filtered", "unfiltered filtered"])
def test_groups_may_be_one_text(groups):
    text = f"project: a\nvalues: {{x: {{}}, y: {{}}}}\ngroups: {groups}"
    assert parse_project_file(text).groups == ("unfiltered", "filtered")
    assert parse_project_file(text.replace(groups, "unfiltered")).groups == ("unfiltered",)


@pytest.mark.parametrize("columns", ["5", "[a]", "true"])
def test_columns_that_are_no_text_are_refused(columns):
    text = SHORT.replace("aspect: safer", f"columns: {columns}")
    with pytest.raises(ProjectFileError, match=r"line 10: values\.brief\.data\.columns"):
        parse_project_file(text)


@pytest.mark.parametrize("name", ["q, full", "a=b", " q ", 'the "q"', "{q}", "q\u2028"])
def test_a_mapping_names_any_column(name):
    content = {"prompt": name, "chosen": "good", "rejected": "bad"}
    text = SHORT.replace("aspect: safer", f"columns: {json.dumps(content)}")
    read = parse_project_file(text)
    assert ColumnMap.parse(read.values["brief"].data.columns).prompt == name
    assert parse_project_file(dump_project_file(read)) == read


@pytest.mark.parametrize(
    ("mix", "told"),
    [
        ("\n    weights:\n      helpful: 0.5\n      breif: 0.5", "line 16: unknown value 'breif'"),
        ("\n    weights:\n      brief: .nan", "line 14: weights must be finite"),
        ("\n    group: unfiltered", "line 14: export a .*is not trained"),
        ("\ngroups: [filtered, filtered]", "line 14: a group is named twice"),
    ],
)
def test_exports_that_do_not_fit_are_told_with_their_line(mix, told):
    with pytest.raises(ProjectFileError, match=told):
        parse_project_file(f"{SHORT.rstrip()}\nexport:\n  - out: a{mix}\n")


@pytest.mark.parametrize("other", ["a", "./a", "b/../a", "a/card.md", "{folder}/a", "."])
def test_two_exports_in_one_place_are_refused_with_their_line(tmp_path: Path, other):
    path = tmp_path / "project.yaml"
    text = f"{SHORT.rstrip()}\nexport:\n  - out: a\n  - kind: card\n    out: "
    path.write_text(text + other.format(folder=tmp_path))
    with pytest.raises(ProjectFileError, match=r"line 15: .* the place of another export, .*/a; "):
        load_project_file(path)
    path.write_text(f"{text}ab")
    assert len(load_project_file(path).export) == 2


@pytest.mark.parametrize("name", ["~nobody-of-that-name/x", "x" * 300, '"a\\0b"'])
def test_a_name_that_can_be_no_path_is_told(tmp_path: Path, name):
    for change in ("data: helpful.jsonl", "base: org/base"):
        path = tmp_path / "project.yaml"
        path.write_text(SHORT.replace(change, f"{change.partition(':')[0]}: {name}"))
        with pytest.raises(ProjectFileError, match=r"cannot be a path .*; "):
            load_project_file(path)


def test_a_key_given_by_mistake_is_not_repeated():
    text = SHORT.replace(
        "{kind: length, sign: -1}",
        "{kind: endpoint, url: http://127.0.0.1:1/v1, criterion: brief, model: m, "
        "key_env: sk-0123456789abcdef}",
    )
    with pytest.raises(ProjectFileError) as caught:
        parse_project_file(text)
    assert "sk-0123456789abcdef" not in str(caught.value)


def test_paths_start_at_the_file(tmp_path: Path):
    """Existing paths and those that look like one become absolute; hub ids stay."""
    (tmp_path / "base").mkdir()
    (tmp_path / "pairs.csv").touch()
    (tmp_path / "project.yaml").write_text(LONG)
    read = load_project_file(tmp_path / "project.yaml")
    assert read.base.model == str(tmp_path / "base")
    assert read.values["helpful"].data.source == str(tmp_path / "pairs.csv")
    assert read.values["helpful"].reward.model == "org/judge"
    assert [entry.out for entry in read.export] == [
        str(tmp_path / "soups" / "best"),
        str(tmp_path / "soups" / "mine"),
    ]


def test_a_file_that_cannot_be_read(tmp_path: Path):
    with pytest.raises(NotFoundError, match="project yaml demo"):
        load_project_file(tmp_path / "missing.yaml")
    (tmp_path / "picture.yaml").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(NotFoundError, match="no UTF-8 text"):
        load_project_file(tmp_path / "picture.yaml")


def test_every_key_is_explained():
    """The schema is the reference that `project yaml --schema` prints; no key without a word."""
    described = ProjectFile.model_json_schema()
    for name, field in described["$defs"]["DataEntry"]["properties"].items():
        assert field.get("description"), name

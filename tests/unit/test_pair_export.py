"""Exports: the exact pairs, the same bytes from everywhere, and texts that want to break out."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.tiny_pairs import Recorder
from vcsoup.errors import FilterError, NotFoundError, WorkspaceError
from vcsoup.filtering import PairFilter
from vcsoup.intake import preview_file, store_pairs
from vcsoup.monitor import StopRequested
from vcsoup.pair_export import ExportPlan, export_bytes, export_pairs
from vcsoup.preferences.pairs import make_pairs, pair_id
from vcsoup.preferences.readers import Reading, read_preferences
from vcsoup.workspace import Project, Workspace, project_config
from vcsoup.workspace.tables import reward_columns

VALUES = ("helpful", "harmless")
# Raw gaps of four pairs; both values' rewards have the same spread, so the consistency is
# 1, 0, -1 and 1 again.
GAPS = np.array([[2.0, 2.0], [2.0, -2.0], [-2.0, -2.0], [0.5, 0.5]])
STRICT = PairFilter(threshold=0.9)


def make_project(root: Path, pairs, gaps) -> Project:
    project = Workspace(root).create_project(
        project_config(name="demo", values=VALUES, base="org/base")
    )
    project.save_pairs("helpful", pairs, source="hand")
    rewards = pairs[["id"]].copy()
    rewards[reward_columns(VALUES)] = np.concatenate([gaps / 2, -gaps / 2], axis=1)
    project.save_rewards("helpful", rewards)
    return project


@pytest.fixture
def project(tmp_path) -> Project:
    pairs = make_pairs([f"q{i}" for i in range(4)], [f"c{i}" for i in range(4)], ["r"] * 4)
    return make_project(tmp_path / "w", pairs, GAPS)


def rows_of(project: Project, **fields) -> list[dict]:
    plan = ExportPlan(**{"pair_filter": STRICT} | fields)
    content = export_bytes(project, "helpful", plan)
    if plan.format == "parquet":
        return pq.read_table(pa.BufferReader(content)).to_pylist()
    return [json.loads(line) for line in content.decode().split("\n") if line]


def said(text: str, role: str = "assistant") -> list[dict[str, str]]:
    return [{"role": role, "content": text}]


@pytest.mark.parametrize("file_format", ["jsonl", "parquet"])
def test_kept_pairs_are_in_trl_explicit_format(project, file_format):
    assert rows_of(project, format=file_format) == [
        {"prompt": said("q0", "user"), "chosen": said("c0"), "rejected": said("r")},
        {"prompt": said("q3", "user"), "chosen": said("c3"), "rejected": said("r")},
    ]


@pytest.mark.parametrize("file_format", ["jsonl", "parquet"])
def test_flips_are_exchanged_among_the_kept_in_the_data_sets_order(project, file_format):
    flipping = PairFilter(threshold=0.9, flip=True)
    rows = rows_of(project, pair_filter=flipping, format=file_format)
    assert [(row["chosen"], row["rejected"]) for row in rows] == [
        (said("c0"), said("r")),
        (said("r"), said("c2")),
        (said("c3"), said("r")),
    ]


def test_dropped_pairs_say_why(project):
    """The norms: gaps are scaled by one number s per value, so both reasons name the same size."""
    rows = rows_of(project, side="dropped", pair_filter=PairFilter(threshold=0.9, min_norm=1.0))
    gaps = project.gaps("helpful")
    assert [row["id"] for row in rows] == [pair_id(f"q{i}", f"c{i}", "r") for i in (1, 2, 3)]
    assert [row["consistency"] for row in rows] == [0.0, -1.0, 1.0]
    assert [row["gap_helpful"] for row in rows] == gaps[1:, 0].tolist()
    assert [row["gap_harmless"] for row in rows] == gaps[1:, 1].tolist()
    assert rows[0]["reason"].startswith("harmless \N{MINUS SIGN}")
    assert rows[1]["reason"].endswith("the label may be flipped")
    assert rows[2]["reason"] == f"weak evidence: norm {np.hypot(*gaps[3]):.2f} below 1.00"
    assert {row["side"] for row in rows} == {"dropped"}
    assert rows[1]["chosen"] == said("c2")


def test_the_sides_divide_the_data_set(project):
    flipping = PairFilter(threshold=0.9, flip=True)
    sides = [row["side"] for row in rows_of(project, side="all", pair_filter=flipping)]
    assert sides == ["kept", "dropped", "flipped", "kept"]
    for pair_filter, counts in [
        (STRICT, {"kept": 2, "dropped": 2, "flips": 1, "all": 4}),
        (flipping, {"kept": 3, "dropped": 1, "flips": 1, "all": 4}),
        (PairFilter(threshold=0.9, min_norm=9.0), {"kept": 0, "dropped": 4, "flips": 0, "all": 4}),
    ]:
        for side, count in counts.items():
            assert len(rows_of(project, side=side, pair_filter=pair_filter)) == count


@pytest.mark.parametrize("threshold", [None, 0.0, -0.5])
def test_flips_need_a_threshold(project, tmp_path, threshold):
    plan = ExportPlan(side="flips", pair_filter=PairFilter(threshold=threshold))
    out = tmp_path / "flips.jsonl"
    with pytest.raises(FilterError, match="above 0"):
        export_pairs(project, "helpful", plan, out)
    assert not out.exists()


def test_an_empty_parquet_export_still_has_its_columns(project):
    plan = ExportPlan(format="parquet", pair_filter=PairFilter(threshold=0.9, min_norm=9.0))
    table = pq.read_table(pa.BufferReader(export_bytes(project, "helpful", plan)))
    assert (len(table), table.column_names) == (0, ["prompt", "chosen", "rejected"])


@pytest.mark.parametrize("file_format", ["jsonl", "parquet"])
@pytest.mark.parametrize("side", ["kept", "dropped", "all"])
def test_a_file_and_a_download_have_the_same_bytes(project, tmp_path, side, file_format):
    plan = ExportPlan(side=side, format=file_format, pair_filter=STRICT)
    first = export_pairs(project, "helpful", plan, tmp_path / "a")
    again = export_pairs(project, "helpful", plan, tmp_path / "new folder" / "b")
    assert first.path.read_bytes() == again.path.read_bytes()
    assert first.path.read_bytes() == export_bytes(project, "helpful", plan)
    assert (first.sha256, first.bytes) == (again.sha256, first.path.stat().st_size)


def test_a_stopped_export_leaves_the_former_file(project, tmp_path):
    out = tmp_path / "kept.jsonl"
    out.write_text("former")
    stop = Recorder()
    stop.stop_requested = True
    with pytest.raises(StopRequested):
        export_pairs(project, "helpful", ExportPlan(pair_filter=STRICT), out, monitor=stop)
    assert out.read_text() == "former"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["kept.jsonl"]
    heard = Recorder()
    export_pairs(project, "helpful", ExportPlan(pair_filter=STRICT), out, monitor=heard)
    assert heard.reports == [("exporting helpful", 4, 4, {})]


def test_what_cannot_be_exported(project, tmp_path):
    with pytest.raises(WorkspaceError, match="is a folder"):
        export_pairs(project, "helpful", ExportPlan(pair_filter=STRICT), tmp_path)
    with pytest.raises(NotFoundError, match="harmless has no pairs"):
        export_pairs(project, "harmless", ExportPlan(pair_filter=STRICT), tmp_path / "x")


HOSTILE = [
    "nul \x00 in the middle",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "# heading **bold** [link](javascript:alert(1)) $x^2$",
    "\N{RIGHT-TO-LEFT OVERRIDE}שלום\N{POP DIRECTIONAL FORMATTING} עולם",
    "line\nbreaks\r\nand\N{LINE SEPARATOR}more\x0bof\x85them",
    '"quotes", back\\slashes and {"json": [1]}',
    "\N{ZERO WIDTH JOINER}\N{PILE OF POO}\U0010ffff",
    "x" * 1_000_000,
]


@pytest.mark.parametrize("file_format", ["jsonl", "parquet"])
def test_texts_that_want_to_break_out_come_back_as_they_were(tmp_path, file_format):
    """Each hostile text stands in every place; all pairs agree, so all are kept."""
    n = len(HOSTILE)
    pairs = make_pairs(HOSTILE, HOSTILE, [f"no: {text}" for text in HOSTILE])
    gaps = np.linspace(1, 2, n)[:, None] * np.ones((1, 2))
    project = make_project(tmp_path / "w", pairs, gaps)
    plan = ExportPlan(format=file_format, pair_filter=STRICT)
    made = export_pairs(project, "helpful", plan, tmp_path / "kept")
    read = read_preferences(made.path)
    assert (read.report.rows, read.report.kept, made.pairs) == (n, n, n)
    assert read.pairs["id"].tolist() == pairs["id"].tolist()
    assert read.pairs["chosen"].tolist() == HOSTILE
    assert read.pairs["prompt"].tolist() == pairs["prompt"].tolist()


def test_lone_surrogates_never_get_into_a_project(tmp_path):
    """They are no text that a file can hold; reading reports the row, storing refuses the table."""
    path = tmp_path / "p.jsonl"
    good = {"prompt": "a", "chosen": "b", "rejected": "c"}
    bad = {"prompt": "a", "chosen": "half \ud83d", "rejected": "c"}
    path.write_text("".join(json.dumps(row) + "\n" for row in (good, bad)))
    report = read_preferences(path).report
    assert (report.rows, report.kept) == (2, 1)
    assert (report.problems[0].row, report.problems[0].column) == (2, "chosen")


@pytest.mark.parametrize("file_format", ["jsonl", "parquet"])
@pytest.mark.parametrize("name", ["hh", "sharegpt", "alpaca", "trl-implicit", "trl-text"])
def test_other_layouts_come_back_as_the_same_pairs(project, tmp_path, name, file_format):
    plan = ExportPlan(layout=name, format=file_format, pair_filter=STRICT)
    made = export_pairs(project, "helpful", plan, tmp_path / "out")
    again = read_preferences(made.path).pairs
    kept = project.pairs("helpful").iloc[[0, 3]]
    assert again["id"].tolist() == kept["id"].tolist()
    assert (made.pairs, made.unsaid) == (2, {})


def test_pairs_that_a_layout_cannot_say_are_left_out_and_counted(tmp_path):
    turns = [*said("a", "user"), *said("b"), *said("c", "user")]
    pairs = make_pairs([turns, "q1", "q2", "q3"], ["c"] * 4, ["r"] * 4)
    project = make_project(tmp_path / "w", pairs, GAPS)
    plan = ExportPlan(layout="stack-exchange", pair_filter=STRICT)
    made = export_pairs(project, "helpful", plan, tmp_path / "out")
    assert made.pairs == 1
    assert made.unsaid == {"prompt: 3 messages do not fit into one text": 1}
    with pytest.raises(FilterError, match="is for kept pairs, got the side dropped"):
        export_pairs(
            project, "helpful", plan.model_copy(update={"side": "dropped"}), tmp_path / "x"
        )


def test_flips_are_exchanged_in_every_layout(project, tmp_path):
    chosen = PairFilter(threshold=0.9, flip=True)
    plan = ExportPlan(layout="stack-exchange", pair_filter=chosen)
    made = export_pairs(project, "helpful", plan, tmp_path / "out")
    rows = [json.loads(line) for line in made.path.read_text().splitlines()]
    assert [row["response_j"] for row in rows] == ["c0", "r", "c3"]


def test_a_table_of_rewards_gives_the_measured_consistency(project, tmp_path):
    plan = ExportPlan(layout="vc-soup", format="csv", pair_filter=PairFilter(threshold=-1.0))
    made = export_pairs(project, "helpful", plan, tmp_path / "out")
    table = pd.read_csv(made.path)
    assert (made.pairs, made.unsaid) == (4, {})
    assert table["Consistency"].to_numpy() == pytest.approx(project.consistency("helpful"))
    assert table[["gap1", "gap2"]].to_numpy() == pytest.approx(project.gaps("helpful"))
    again = read_preferences(made.path)
    assert again.pairs["id"].tolist() == project.pairs("helpful")["id"].tolist()
    for k in (1, 2):
        said = again.scores[f"reward{k}_chosen"] - again.scores[f"reward{k}_rejected"]
        assert said.to_numpy() == pytest.approx(project.gaps("helpful")[:, k - 1])


def test_flips_take_their_rewards_along(project, tmp_path):
    chosen = PairFilter(threshold=0.9, flip=True)
    plan = ExportPlan(layout="vc-soup", format="csv", pair_filter=chosen)
    made = export_pairs(project, "helpful", plan, tmp_path / "out")
    table = pd.read_csv(made.path)
    assert table["chosen"].tolist() == ["c0", "r", "c3"]
    gaps = project.gaps("helpful")[[0, 2, 3]] * [[1], [-1], [1]]
    assert table[["gap1", "gap2"]].to_numpy() == pytest.approx(gaps)


RATED = [
    {"prompt": f"q{i}", "response": text, "helpfulness": rating, "correctness": 2, "verbosity": 1}
    for i in range(4)
    for text, rating in (("r", 0), (f"c{i}", 4 - (i == 1)))
]


@pytest.fixture
def rated(project, tmp_path) -> Project:
    """Return the project with pairs that came out of HelpSteer's rows."""
    path = tmp_path / "helpsteer.jsonl"
    path.write_text("\n".join(map(json.dumps, RATED)))
    rewards = project.rewards("helpful")
    store_pairs(project, "helpful", preview_file("helpful", path, Reading(aspect="helpfulness")))
    project.save_rewards("helpful", rewards.assign(id=project.pairs("helpful")["id"]))
    return project


@pytest.mark.parametrize("name", ["helpsteer", "ultrafeedback"])
@pytest.mark.parametrize("file_format", ["jsonl", "parquet"])
def test_ratings_that_came_with_the_data_are_written(rated, tmp_path, name, file_format):
    everything = PairFilter(threshold=-1.0)
    plan = ExportPlan(layout=name, format=file_format, pair_filter=everything)
    made = export_pairs(rated, "helpful", plan, tmp_path / "out")
    assert (made.pairs, made.unsaid) == (4, {})
    again = read_preferences(made.path, Reading(aspect="helpfulness"))
    assert again.pairs["id"].tolist() == rated.pairs("helpful")["id"].tolist()
    assert again.scores["helpfulness_chosen"].tolist() == [4.0, 3.0, 4.0, 4.0]
    assert again.scores["verbosity_rejected"].tolist() == [1.0] * 4


def test_without_ratings_the_rewards_are_aspects(project, tmp_path):
    """The third pair has the two answers the other way round for both values."""
    plan = ExportPlan(layout="ultrafeedback", pair_filter=PairFilter(threshold=-1.0))
    made = export_pairs(project, "helpful", plan, tmp_path / "out")
    assert (made.pairs, made.unsaid) == (3, {"would be read back as another pair": 1})
    again = read_preferences(made.path, Reading(aspect="helpful"))
    assert again.pairs["chosen"].tolist() == ["c0", "c1", "c3"]
    made = export_pairs(
        project, "helpful", plan.model_copy(update={"layout": "helpsteer"}), tmp_path / "out"
    )
    (reason,) = made.unsaid
    assert (made.pairs, made.unsaid[reason]) == (0, 4)
    assert reason.startswith("has no rating of helpfulness")


@pytest.mark.parametrize("plan", [{}, {"layout": "pku"}, {"side": "dropped"}])
def test_csv_is_for_texts_and_numbers(project, tmp_path, plan):
    wanted = ExportPlan(format="csv", pair_filter=STRICT, **plan)
    with pytest.raises(FilterError, match="csv holds kept pairs in the layouts trl-text"):
        export_pairs(project, "helpful", wanted, tmp_path / "out")
    assert not (tmp_path / "out").exists()

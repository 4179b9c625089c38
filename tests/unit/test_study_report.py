"""What the report says, word by word, from figures that are known."""

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from tests.published_study import STUDY_FILE, put_study
from vcsoup.errors import NotFoundError
from vcsoup.study.pictures import Bar, interval_picture
from vcsoup.study.published import (
    ABOUT,
    beside,
    load_published,
    newest_study,
    publish,
    shipped_study,
)
from vcsoup.study.report import page, write_report
from vcsoup.study.report_answer import in_short, statement

ROOT = Path(__file__).parents[2]
SIZED = "hypervolume, minus random filter of the same size"


@pytest.fixture
def known(tmp_path):
    put_study(tmp_path / "result")
    return load_published(tmp_path / "result")


def test_the_statement_says_what_the_intervals_allow(known):
    """0.3: +0.50 (0.30 to 0.70) to unfiltered; 0.6: -0.40, and -0.30 to random, both unclear."""
    told = statement(known).replace("\N{MINUS SIGN}", "-").splitlines()
    half = "better in 1 of 2, no clear difference in 1 of 2"
    assert told[0] == (
        "Soups of filtered policies against soups of unfiltered ones, by hypervolume: "
        f"{half}; by the worst value's gain: {half}."
    )
    assert "| 0.3 | +0.50 (+0.30 to +0.70) | +0.40 (+0.20 to +0.60) |" in told
    assert "| 0.6 | -0.40 (-1.00 to +0.20) | -0.30 (-0.90 to +0.30) |" in told
    assert "20 % wrong labels, 45 % in conflict" in told[7]
    elsewhere = "better in 4 of 8, no clear difference in 4 of 8"
    rivals = ("the unfiltered soup", "a random filter of the same size")
    assert told[-2:] == [f"| {rival} | {half} | {half} | {elsewhere} |" for rival in rivals]
    assert "by hypervolume in 4 other worlds |" in told[-4]


def test_a_difference_over_fewer_seeds_says_so(known):
    """Two of five seeds of the filter 0.6 were lost; 0.3 has all of them."""
    gaps = known.comparisons
    lost = gaps.assign(n_seeds=gaps["n_seeds"].mask(gaps["first"] == "filtered-0.6", 3))
    told = statement(replace(known, comparisons=lost)).replace("\N{MINUS SIGN}", "-")
    assert "| 0.3 | +0.50 (+0.30 to +0.70) | +0.40 (+0.20 to +0.60) |" in told
    assert "| 0.6 | -0.40 (-1.00 to +0.20), 3 seeds | -0.30 (-0.90 to +0.30), 3 seeds |" in told
    assert "5 training seeds (fewer where it is said) with" in told
    assert in_short(replace(known, comparisons=lost)).endswith("3 of 5 seeds could be compared.")
    assert "fewer" not in statement(known)
    assert "collapsed" not in statement(known)


def test_filters_of_another_scale_or_norm_are_told_against_the_plain_one(known):
    """0.6 becomes 0.3 with a least norm; its -0.40 to unfiltered is now also its gap to 0.3."""
    other = {"filtered-0.6": "filtered-0.3-norm1.5", "random-0.6": "random-0.3-norm1.5"}
    rows = known.rows.assign(arm=known.rows["arm"].replace(other))
    gaps = known.comparisons.replace({"first": other, "second": other})
    mine = gaps[(gaps["first"] == "filtered-0.3-norm1.5") & (gaps["second"] == "unfiltered")]
    gaps = pd.concat([gaps, mine.assign(second="filtered-0.3")])
    told = statement(replace(known, rows=rows, comparisons=gaps)).replace("\N{MINUS SIGN}", "-")
    plain = "the same threshold, usual scale, no least norm"
    assert (
        f"| filter | hypervolume, minus unfiltered | {SIZED} | hypervolume, minus {plain} |" in told
    )
    gap = "-0.40 (-1.00 to +0.20)"
    assert f"| 0.3-norm1.5 | {gap} | -0.30 (-0.90 to +0.30) | {gap} |" in told
    assert "| 0.3 | +0.50 (+0.30 to +0.70) | +0.40 (+0.20 to +0.60) |  |" in told
    assert f"| {plain} | no clear difference in 1 of 1 | no clear" in told
    assert "one per filter, and" in told


def test_the_page_has_every_world_every_comparison_and_every_failure(known):
    told = page(known, file="own/study.yaml")
    assert statement(known) in told
    for setting in STUDY_FILE.worlds.settings()[1:]:
        assert f"### {setting.title}" in told
    assert "80 comparisons are listed" in told  # 5 worlds x 4 pairs x 4 measures
    assert "about 4 of their intervals" in told
    assert "- one that failed" in told
    assert "40 of 80" in told
    assert "| filtered-0.3 | 2.50 (2.30 to 2.70) |" in told
    assert "| policy | 10 | 2.00 | 5 |" in told
    assert f"study own/study.yaml --only {STUDY_FILE.worlds.centre.name}/filtered-0.3" in told


def test_the_page_says_what_was_chosen_on_the_tuning_seeds(known):
    """2.5 at 0.3 beats 1.6 at 0.6; the factor average is no filter to choose.

    With 70 steps all figures are a fifth larger.
    """
    told = page(known, file="own/study.yaml")
    assert "tried on 1 tuning seed that" in told
    assert "Highest means: filtered-0.3 by hypervolume." in told
    assert "The embedded world's own threshold is 0.3." in told
    assert "the steps of a training: 40, 70. Highest means over the filters: 70 by hyper" in told
    assert "The study takes 40, the demo preset 100." in told
    assert "| filtered-0.3, 70 steps | 3.00 (2.90 to 3.10) | 1 |" in told


def test_the_report_is_written_with_its_pictures(known, tmp_path):
    files = write_report(tmp_path / "result", tmp_path / "docs", file="study.yaml")
    assert {path.name for path in files} == {
        "STUDY.md",
        "comparisons.md",
        "hypervolume.svg",
        "truth.svg",
        "worlds.svg",
    }
    for path in files:
        if path.suffix == ".svg":
            ET.parse(path)


def test_a_picture_puts_means_and_ends_where_they_belong():
    """Interval 0 to 2 around 1: its middle is the mark, and a wider one is wider."""
    bars = [Bar("a <b>", 0, 1.0, 0.0, 2.0), Bar("c", 1, 1.0, 0.5, 1.5)]
    svg = interval_picture(bars, series=("x", "y"), x_name="gain", title="t")
    root = ET.fromstring(svg)
    name = "{http://www.w3.org/2000/svg}"
    lines = [e for e in root.iter(f"{name}line") if e.get("stroke-width") == "2"]
    ends = [(float(line.get("x1")), float(line.get("x2"))) for line in lines]
    mark = next(e for e in root.iter(f"{name}circle") if float(e.get("cy")) > 40)
    assert float(mark.get("cx")) == pytest.approx(sum(ends[0]) / 2, abs=0.1)
    assert ends[0][1] - ends[0][0] == pytest.approx(2 * (ends[1][1] - ends[1][0]), abs=0.2)
    assert "a &lt;b&gt;" in svg


def test_one_seed_has_no_interval_in_the_picture():
    svg = interval_picture(
        [Bar("a", 0, 1.0, float("nan"), float("nan"))], series=["x"], x_name="x", title="t"
    )
    assert "nan" not in svg


def test_the_newest_study_of_a_workspace_goes_before_the_shipped_one(tmp_path):
    shipped = shipped_study() if (shipped_study() / ABOUT).is_file() else None
    assert newest_study(tmp_path) == shipped
    put_study(tmp_path / "studies" / "small" / "result")
    assert newest_study(tmp_path) == tmp_path / "studies" / "small" / "result"


def test_a_row_is_compared_with_the_result_beside_its_file(tmp_path):
    """Another study of the workspace is newer, and says nothing of this file."""
    put_study(tmp_path / "own")
    put_study(tmp_path / "studies" / "small" / "result")
    assert beside(tmp_path / "own" / "study.yaml", tmp_path) == tmp_path / "own"
    newest = tmp_path / "studies" / "small" / "result"
    assert beside(tmp_path / "other" / "study.yaml", tmp_path) == newest


def test_a_published_copy_is_the_result(known, tmp_path):
    publish(tmp_path / "result", tmp_path / "ships")
    copy = load_published(tmp_path / "ships")
    assert copy.rows.equals(known.rows)
    assert copy.study == known.study
    with pytest.raises(NotFoundError, match="holds no result"):
        load_published(tmp_path)


@pytest.mark.parametrize(
    ("tables", "report", "told_of"),
    [
        ("study", "STUDY.md", statement),
        ("study/filters", "filters/STUDY.md", in_short),
        ("study/longer", "longer/STUDY.md", in_short),
    ],
)
def test_the_readme_and_the_reports_say_what_the_shipped_tables_say(tables, report, told_of):
    known = load_published(ROOT / "assets" / tables)
    assert told_of(known) in (ROOT / "README.md").read_text(encoding="utf-8")
    told = page(known, file=f"assets/{tables}/study.yaml")
    assert (ROOT / "docs" / report).read_text(encoding="utf-8") == told

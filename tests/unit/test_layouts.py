"""What a layout cannot say is told, not bent; what it writes is read back as the same pair."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.format_samples import assistant, user
from vcsoup.errors import PreferenceFormatError
from vcsoup.export_layouts import LAYOUTS, lay_out, layout
from vcsoup.preferences.pair_format import Pair
from vcsoup.preferences.readers import Reading, read_preferences
from vcsoup.preferences.turns import RowFault

SYSTEM = {"role": "system", "content": "Be kind."}
RATINGS = {"helpfulness": (4.0, 1.0), "honesty": (0.5, 0.1), "overall_score": (7.5, 8.0)}
PLAIN = Pair([user("Sky?")], "Blue.", "Green.", RATINGS)
TURNS = PLAIN._replace(prompt=[user("Sky?"), assistant("Which?"), user("Ours.")])
WITH_SYSTEM = PLAIN._replace(prompt=[SYSTEM, user("Sky?")])


ONE_TEXT = {"trl-text", "trl-repeated", "trl-implicit-text"}
ONE_TEXT |= {"pku", "shp", "stack-exchange", "tldr", "ultrafeedback", "vc-soup"}
"""Layouts whose prompt is one text without marks for turns."""
MARKED = {"helpsteer", "helpsteer2-preference"}
"""Layouts whose prompt is one text in which a mark begins a turn."""
RATED = {"ultrafeedback", "helpsteer", "vc-soup"}
"""Layouts that say something of each answer."""


def can_say(pair, wanted):
    try:
        lay_out(pair, wanted)
    except RowFault:
        return False
    return True


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_writes_its_own_columns(name):
    wanted = layout(name)
    rows = lay_out(PLAIN, wanted)
    assert len(rows) == wanted.form.rows_per_pair
    for row in rows:
        assert sorted(row) == sorted(wanted.schema(list(RATINGS)).names)


@pytest.mark.parametrize(
    ("pair", "cannot"),
    [
        (TURNS, ONE_TEXT),
        (WITH_SYSTEM, ONE_TEXT | {"hh", "nectar", *MARKED}),
        (PLAIN._replace(chosen="Well.\n\nHuman: no"), {"hh"}),
        (PLAIN._replace(chosen="Sky? Blue.", rejected="Sky? Green."), {"trl-text"}),
        (PLAIN._replace(chosen="Well.\nYes.", rejected="Well.\nNo."), {"trl-implicit-text"}),
        (Pair([user("a"), user("b")], "c", "d", RATINGS), ONE_TEXT | {"alpaca"}),
        (
            PLAIN._replace(prompt=[user("\n\nHuman: a\n\nAssistant:")]),
            ONE_TEXT | {"hh", "nectar", *MARKED},
        ),
        (
            PLAIN._replace(prompt=[user("a\n<extra_id_1>Assistant\nb")]),
            {*MARKED, "pku", "shp", "stack-exchange"},
        ),
        (PLAIN._replace(scores={}), RATED),
        (PLAIN._replace(scores={"helpfulness": (4.0, 1.0)}), {"vc-soup"}),
        (PLAIN._replace(scores={"humor": (4.0, 1.0), "honesty": (0.0, 2.0)}), {"helpsteer"}),
        (
            PLAIN._replace(scores={"helpfulness": (1.0, 1.0), "coherence": (0.0, 2.0)}),
            RATED - {"vc-soup"},
        ),
    ],
)
def test_what_a_layout_cannot_say_is_refused(pair, cannot):
    refused = {name for name, wanted in LAYOUTS.items() if not can_say(pair, wanted)}
    assert refused == cannot


def test_pairs_of_one_prompt_stay_apart_where_a_row_is_an_answer(tmp_path):
    wanted = layout("helpsteer")
    pairs = [PLAIN, PLAIN._replace(chosen="Azure.", rejected="Red.")]
    rows = [row for pair in pairs for row in lay_out(pair, wanted)]
    pq.write_table(pa.Table.from_pylist(rows, schema=wanted.schema([])), tmp_path / "rows")
    result = read_preferences(tmp_path / "rows", Reading(aspect="helpfulness"))
    assert result.pairs["chosen"].tolist() == ["Blue.", "Azure."]
    assert not result.report.problems


def test_a_table_of_rewards_says_gaps_and_consistency():
    scores = {"helpful": (2.0, -1.0), "harmless": (0.5, 4.5)}
    (row,) = lay_out(PLAIN._replace(scores=scores), layout("vc-soup"))
    assert row == {
        **{"prompt": "Sky?", "chosen": "Blue.", "rejected": "Green."},
        **{"reward1_chosen": 2.0, "reward1_reject": -1.0, "gap1": 3.0},
        **{"reward2_chosen": 0.5, "reward2_reject": 4.5, "gap2": -4.0},
        "Consistency": pytest.approx(-1 / (5 * 2**0.5)),
    }


def test_only_flat_layouts_with_both_sides_are_offered_as_csv():
    flat = {name for name, wanted in LAYOUTS.items() if wanted.is_tabular}
    assert flat == {"trl-text", "trl-repeated", "trl-implicit-text", "hh", "vc-soup"}


def test_an_unknown_layout_names_the_known_ones():
    with pytest.raises(PreferenceFormatError, match="trl-explicit, trl-text"):
        layout("csv")

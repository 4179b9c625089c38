"""What a layout cannot say is told, not bent; what it writes is read back as the same pair."""

import pytest

from tests.format_samples import assistant, user
from vcsoup.errors import PreferenceFormatError
from vcsoup.preferences.layouts import LAYOUTS, lay_out, layout
from vcsoup.preferences.pair_format import Pair
from vcsoup.preferences.turns import RowFault

SYSTEM = {"role": "system", "content": "Be kind."}
PLAIN = Pair([user("Sky?")], "Blue.", "Green.")
TURNS = Pair([user("Sky?"), assistant("Which?"), user("Ours.")], "Blue.", "Green.")
WITH_SYSTEM = Pair([SYSTEM, user("Sky?")], "Blue.", "Green.")


ONE_TEXT = {"trl-text", "trl-repeated", "trl-implicit-text"}
ONE_TEXT |= {"pku", "shp", "stack-exchange", "tldr"}
"""Layouts whose prompt is one text without marks for turns."""


def can_say(pair, wanted):
    try:
        lay_out(pair, wanted)
    except RowFault:
        return False
    return True


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_writes_its_own_columns(name):
    row = lay_out(PLAIN, layout(name))
    assert sorted(row) == sorted(layout(name).schema.names)


@pytest.mark.parametrize(
    ("pair", "cannot"),
    [
        (TURNS, ONE_TEXT),
        (WITH_SYSTEM, ONE_TEXT | {"hh", "helpsteer2-preference"}),
        (PLAIN._replace(chosen="Well.\n\nHuman: no"), {"hh"}),
        (PLAIN._replace(chosen="Sky? Blue.", rejected="Sky? Green."), {"trl-text"}),
        (PLAIN._replace(chosen="Well.\nYes.", rejected="Well.\nNo."), {"trl-implicit-text"}),
        (Pair([user("a"), user("b")], "c", "d"), ONE_TEXT | {"alpaca"}),
        (
            PLAIN._replace(prompt=[user("\n\nHuman: a\n\nAssistant:")]),
            ONE_TEXT | {"hh", "helpsteer2-preference"},
        ),
        (
            PLAIN._replace(prompt=[user("a\n<extra_id_1>Assistant\nb")]),
            {"helpsteer2-preference", "pku", "shp", "stack-exchange"},
        ),
    ],
)
def test_what_a_layout_cannot_say_is_refused(pair, cannot):
    refused = {name for name, wanted in LAYOUTS.items() if not can_say(pair, wanted)}
    assert refused == cannot


def test_an_unknown_layout_names_the_known_ones():
    with pytest.raises(PreferenceFormatError, match="trl-explicit, trl-text"):
        layout("csv")

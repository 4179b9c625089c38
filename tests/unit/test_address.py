"""The address of the Consistency page: round trips, and nonsense that is named and left out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vcsoup.ui.address import Asked, own_part, read_address, write_address

VALUES = ("helpful", "harmless")

desks = st.builds(
    Asked,
    value=st.sampled_from(VALUES),
    thresholds=st.fixed_dictionaries({value: st.floats(-1, 1) for value in VALUES}),
    min_norm=st.integers(0, 400).map(lambda step: step / 20),
    flips=st.frozensets(st.sampled_from(VALUES)),
    scale=st.sampled_from(["dataset", "shared"]),
    view=st.sampled_from(["gaps", "map", "pairs", "flips", "sweep", "bias"]),
    pair=st.none() | st.from_regex("[0-9a-f]{16}", fullmatch=True),
)


@given(desks)
def test_what_is_written_is_read_again(desk):
    """Thresholds to the last bit: one that keeps the top x % is a pair's own consistency."""
    found = read_address(dict(write_address(desk)), VALUES)
    assert found.thresholds == desk.thresholds
    assert (found.value, found.scale, found.view, found.pair) == (
        *(desk.value, desk.scale, desk.view, desk.pair),
    )
    assert (found.min_norm or 0.0, found.flips or frozenset()) == (desk.min_norm, desk.flips)
    assert found.notes == ()


@pytest.mark.parametrize(
    ("query", "note"),
    [
        ({"tau.helpful": "high"}, "threshold 'high' of helpful is no number from -1 to 1"),
        ({"tau.helpful": "1.5"}, "threshold '1.5' of helpful is no number from -1 to 1"),
        ({"tau.helpful": "nan"}, "threshold 'nan' of helpful is no number from -1 to 1"),
        ({"tau.polite": "0.5"}, "'polite' is no value with scored pairs"),
        ({"norm": "-1"}, "norm '-1' is no number from 0 to 20"),
        ({"view": "<b>"}, "view '<b>' is none of gaps, map, pairs, flips, sweep, bias"),
        ({"scale": "own"}, "scale 'own' is none of dataset, shared"),
        ({"value": "polite"}, "value 'polite' is none of helpful, harmless"),
        ({"pair": "../etc"}, "pair '../etc' is no pair id of 16 hex digits"),
    ],
)
def test_nonsense_is_left_out_and_named(query, note):
    assert read_address(query, VALUES) == Asked(notes=(note,))


def test_a_bad_entry_does_not_take_the_good_ones_with_it():
    found = read_address({"tau.helpful": "0.25", "tau.harmless": "x", "view": "map"}, VALUES)
    assert (found.thresholds, found.view, len(found.notes)) == ({"helpful": 0.25}, "map", 1)


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=12)))
def test_no_address_stops_the_page(query):
    read_address(own_part(query), VALUES)

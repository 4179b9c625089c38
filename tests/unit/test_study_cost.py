"""What a study costs: measured where units are done, estimated by their steps where not."""

import pytest

from tests.study_text import parse_study
from vcsoup.study.cost import plan_cost
from vcsoup.study.plan import make_plan
from vcsoup.study.shelf import Shelf

SMALL = """
seeds: {reporting: [1, 2]}
worlds: {noise: [0.2], conflict: [0.45]}
arms: [unfiltered]
train: {steps: 10}
"""


@pytest.fixture
def plan():
    return make_plan(parse_study(SMALL), {"world": 0}, ("helpful", "harmless"))


def test_nothing_is_spent_before_anything_is_done(plan, tmp_path):
    """Two seeds of: a world, a base, two policies, a measured soup."""
    cost = plan_cost(plan, Shelf(tmp_path))
    assert {sort: row["units"] for sort, row in cost.items()} == {
        "world": 2,
        "measured points": 2,
        "policy": 4,
        "measured soup": 2,
        "total": 10,
    }
    assert cost["total"]["cpu_seconds"] == 0
    longer = make_plan(
        parse_study(SMALL.replace("10", "30")), {"world": 0}, ("helpful", "harmless")
    )
    more = plan_cost(longer, Shelf(tmp_path))
    assert more["policy"]["cpu_seconds_left"] > cost["policy"]["cpu_seconds_left"]
    assert more["world"] == cost["world"]


def test_what_is_done_tells_what_the_rest_will_cost(plan, tmp_path):
    """One policy of four is done at 2 s: three are left, 6 s."""
    shelf = Shelf(tmp_path)
    unit = next(unit for unit in plan.units.values() if unit.kind == "policy")
    with shelf.making(unit) as (_, figures):
        figures["tokens"] = 500
    record = shelf.path(unit) / "unit.json"
    spent = shelf.record(unit)["cost"]["cpu_seconds"]
    record.write_text(record.read_text().replace(f'"cpu_seconds": {spent}', '"cpu_seconds": 2.0'))
    policy = plan_cost(plan, shelf)["policy"]
    assert (policy["done"], policy["cpu_seconds"], policy["cpu_seconds_left"]) == (1, 2.0, 6.0)
    assert policy["tokens"] == 500

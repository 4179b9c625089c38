"""Money is said alike wherever it is said, and never with an exponent."""

import pytest

from vcsoup.cost import Cost
from vcsoup.numbers import money
from vcsoup.rewards.bill import Estimate


@pytest.mark.parametrize(
    ("amount", "told"),
    [
        (0.0, "0"),
        (0.0000213, "0.000021"),
        (0.00247, "0.0025"),
        (0.5, "0.5"),
        (9.96, "10"),
        (153.4, "150"),
        (1_999.0, "2,000"),
    ],
)
def test_an_estimate_has_two_digits(amount, told):
    assert money(amount) == told
    assert Cost(requests=2, money=amount).told() == f"2 requests, at most about {told} of money"
    assert Estimate(2, 100, 100, amount).words.endswith(f"cost about {told}")


def test_what_was_spent_has_four():
    assert [money(spent, 4) for spent in (0.00072, 12.3456, 123_456.0)] == [
        *("0.00072", "12.35", "123,500")
    ]

"""What a judge behind an endpoint is: its record, its name, and a key that never gets into it."""

import pytest

from vcsoup.errors import RewardModelError, WorkspaceError
from vcsoup.rewards.endpoint_fields import is_loopback
from vcsoup.rewards.spec import RewardSpec, reward_spec
from vcsoup.workspace import project_config

ASKED = {"kind": "endpoint", "url": "http://127.0.0.1:8000/v1", "model": "m", "criterion": "wit"}
SECRET = "sk-proj-4f9a8b7c6d5e"


def test_a_record_round_trips_and_says_who_judges():
    spec = RewardSpec(**ASKED, key_env="MY_KEY", input_price=0.15, output_price=0.6, most_cost=2)
    assert RewardSpec.model_validate_json(spec.model_dump_json()) == spec
    assert (spec.title, spec.host, spec.is_function) == ("m at 127.0.0.1", "127.0.0.1", False)


def test_an_address_is_taken_as_people_paste_it():
    for pasted in ("http://h/v1/", " http://h/v1 ", "http://h/v1/chat/completions"):
        assert RewardSpec(**{**ASKED, "url": pasted}).url == "http://h/v1"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"url": ""}, "needs a url"),
        ({"url": "ftp://host"}, "expected http://HOST"),
        ({"url": "host:8000/v1"}, "expected http://HOST"),
        ({"url": "http://host:99999/v1"}, "expected http://HOST"),
        ({"url": "http://ho st/v1"}, "expected http://HOST"),
        ({"url": "https://me:pass@host/v1"}, "without a password"),
        ({"url": f"https://host/v1?key={SECRET}"}, "without a password"),
        ({"model": ""}, "the name that the endpoint knows its model by"),
        ({"criterion": " "}, "needs a criterion"),
        ({"most_cost": 1.0}, "most_cost needs input_price and output_price"),
        ({"input_price": -1}, "input_price = -1"),
        ({"at_once": 0}, "at_once = 0"),
        ({"kind": "model"}, "url belongs to kind endpoint"),
    ],
)
def test_wrong_fields_are_one_line(fields, words):
    with pytest.raises(RewardModelError) as caught:
        reward_spec(**{**ASKED, **fields})
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "fields",
    [
        {"key_env": SECRET},
        {"key_env": "AKIAIOSFODNN7EXAMPLE"},
        {"key_env": f"export KEY={SECRET}"},
        {"api_key": SECRET},
        {"key": SECRET},
        {"url": f"https://me:{SECRET}@host/v1"},
    ],
)
def test_a_key_is_refused_and_not_repeated(fields):
    given = {**ASKED, **fields}
    with pytest.raises(RewardModelError) as alone:
        reward_spec(**given)
    with pytest.raises(WorkspaceError) as within:
        project_config(name="p", values=("a", "b"), base="org/base", rewards={"a": given})
    for error in (alone.value, within.value, alone.value.__cause__):
        assert SECRET not in str(error)
        assert "AKIA" not in str(error)
    assert next(iter(fields)) in str(alone.value)


def test_the_cache_key_covers_what_decides_an_answer_and_nothing_else():
    spec = RewardSpec(**ASKED)
    others = {"url": "http://h/v1", "model": "n", "criterion": "warmth"}
    same = {
        "key_env": "KEY",
        "input_price": 1.0,
        "output_price": 1.0,
        "most_cost": 1.0,
        "requests_per_minute": 9,
        "at_once": 9,
        "timeout": 9.0,
        "answer_tokens": 9,
        "sign": -1,
    }
    named = {spec.model_copy(update={field: new}).fingerprint() for field, new in others.items()}
    assert len(named | {spec.fingerprint()}) == 4
    for field, new in same.items():
        assert spec.model_copy(update={field: new}).fingerprint() == spec.fingerprint(), field


def test_other_kinds_keep_the_names_of_their_rewards():
    """The fields of endpoints came later; rewards that a cache holds must still be found."""
    assert RewardSpec(model="org/x").fingerprint() == "25a90dee611f0dd3"


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("[::1]", True),
        ("LOCALHOST", True),
        ("0.0.0.0", False),
        ("192.168.0.7", False),
        ("127.0.0.1.example.org", False),
        ("localhost.example.org", False),
        ("api.example.org", False),
    ],
)
def test_only_this_machine_is_this_machine(host, here):
    assert is_loopback(f"http://{host}:8000/v1") is here

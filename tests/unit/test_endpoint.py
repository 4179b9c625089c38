"""Judging by an endpoint, against a real server on this machine that misbehaves on order.

The stand-in's honest score is the length of the reply, so "aaa" has 3.
"""

import logging
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.standin_judge import StandinJudge, Told, honest, standin_judge
from tests.tiny_pairs import Recorder
from vcsoup.errors import RewardModelError, UnscoredRepliesError
from vcsoup.monitor import Silent, StopRequested
from vcsoup.rewards import endpoint_client
from vcsoup.rewards.cache import RewardCache, reply_key
from vcsoup.rewards.endpoint import EndpointJudge
from vcsoup.rewards.judge import load_judges
from vcsoup.rewards.saved_answers import BATCH
from vcsoup.rewards.scoring import score_replies
from vcsoup.rewards.spec import RewardSpec

KEY = "sk-stand-in-0123456789"


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(endpoint_client, "_FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(endpoint_client, "_LONGEST_GROWN_S", 0.02)
    with standin_judge() as judge:
        yield judge


def rate(server: StandinJudge, replies: list[str], **fields) -> list[float]:
    return EndpointJudge(server.spec(**fields)).rate(["q"] * len(replies), replies).tolist()


def kept_of(cache: RewardCache, server: StandinJudge, replies: list[str]) -> int:
    keys = [reply_key("q", reply) for reply in replies]
    return int(np.isfinite(cache.lookup(server.spec().fingerprint(), keys)).sum())


def wait_until_kept(
    cache: RewardCache, server: StandinJudge, replies: list[str], wanted: int
) -> None:
    until = time.monotonic() + 20
    while kept_of(cache, server, replies) != wanted:
        assert time.monotonic() < until
        time.sleep(0.02)


def words(n: int) -> list[str]:
    """N different replies."""
    return [f"{row:x}" * (1 + row % 7) + "." for row in range(n)]


def test_replies_are_scored_in_their_places_and_each_is_asked_once(server):
    replies = ["aaa", "a", "aaa", "aaaaaaaaaaaaaa"]
    judge = EndpointJudge(server.spec(sign=-1))
    assert judge.score(["q"] * 4, replies).tolist() == [-3, -1, -3, -10]
    assert sorted(server.replies()) == sorted(set(replies))
    rows, scored = zip(*judge.batches(["q"] * 4, replies), strict=True)
    assert sorted(np.concatenate(rows).tolist()) == [0, 1, 2, 3]
    assert np.concatenate(scored)[np.argsort(np.concatenate(rows))].tolist() == [-3, -1, -3, -10]


def test_a_question_is_asked_in_a_way_that_gives_the_same_answer_again(server):
    rate(server, ["aaa"], model="judge-2", answer_tokens=9, criterion="how warm it is")
    (body,) = server.bodies
    assert body["model"] == "judge-2"
    assert (body["temperature"], body["seed"], body["max_tokens"]) == (0.0, 0, 9)
    assert body["response_format"]["json_schema"]["schema"]["required"] == ["score"]
    assert "how warm it is" in body["messages"][0]["content"]
    mark = reply_key("q", "aaa")[:12]
    assert body["messages"][1]["content"].endswith(f"<<<reply {mark}>>>\naaa\n<<<end {mark}>>>")


def test_so_many_are_under_way_at_once_and_no_more(server):
    server.always = Told(delay=0.05)
    assert rate(server, words(12), at_once=3) == [honest(word) for word in words(12)]
    assert server.at_once == 3


def test_a_rate_limit_is_kept(server):
    """1200 a minute are one each 50 ms: twenty take 950 ms, less the way of the first one."""
    rate(server, words(20), requests_per_minute=1200, at_once=8)
    assert server.times[-1] - server.times[0] > 0.5


def test_a_busy_server_is_left_alone_for_as_long_as_it_asks(server, caplog):
    server.script = [Told(429, headers={"Retry-After": "1"})]
    assert rate(server, ["aaa", "aa", "a"], at_once=1) == [3, 2, 1]
    assert len(server.bodies) == 4
    assert server.times[1] - server.times[0] >= 1.0
    assert "answered 429: " in caplog.text


def test_failures_that_pass_are_tried_again(server):
    server.script = [Told(500), Told(503), Told(429), Told(delay=2.0)]
    judge = EndpointJudge(server.spec(at_once=1, timeout=0.5))
    assert judge.rate(["q"], ["aaa"]).tolist() == [3]
    assert judge.bill.requests == 5


def test_a_server_that_is_busy_for_long_loses_no_reply(server):
    server.script = [Told(429)] * 12
    assert rate(server, ["aaa", "aa"], at_once=1) == [3, 2]
    assert len(server.bodies) == 14


def test_a_server_that_stays_broken_ends_the_run_and_says_so(server):
    server.always = Told(500, "no memory")
    with pytest.raises(RewardModelError) as caught:
        rate(server, words(20))
    assert "gave no usable score for 10 replies in a row" in str(caught.value)
    assert "answered 500" in str(caught.value)
    assert "no memory" in str(caught.value)


def test_no_server_at_all_is_said(monkeypatch):
    monkeypatch.setattr(endpoint_client, "_FIRST_WAIT_S", 0.01)
    spec = RewardSpec(kind="endpoint", url="http://127.0.0.1:9/v1", model="m", criterion="wit")
    said = r"http://127\.0\.0\.1:9/v1 gave no answer \(.+\), 3 times\. Start the server, or check"
    with pytest.raises(RewardModelError, match=said):
        EndpointJudge(spec).rate(["q"] * 20, words(20))


def test_a_server_that_has_answered_and_goes_away_is_waited_for_longer(monkeypatch):
    monkeypatch.setattr(endpoint_client, "_FIRST_WAIT_S", 0.01)
    with standin_judge() as server:
        judge = EndpointJudge(server.spec())
        assert judge.rate(["q"], ["aaa"]).tolist() == [3]
    with pytest.raises(RewardModelError, match=r"no usable score for 10 replies.*, 6 times"):
        judge.rate(["q"] * 20, words(20))


def test_an_unusable_answer_is_asked_for_again_otherwise(server):
    server.script = [Told(text="I would say 8 or 9."), Told(text=" "), Told(text="Score: 8/10")]
    assert rate(server, ["aaa"]) == [8]
    assert [(body["seed"], body["temperature"]) for body in server.bodies] == [
        (0, 0),
        (1, 1),
        (2, 1),
    ]


def test_a_reply_without_a_usable_answer_is_nan_and_the_log_says_why(server, caplog):
    server.script = [Told(text="ten"), Told(text="11"), Told(text="[]")]
    rewards = rate(server, ["bad one", "aaa"], at_once=1)
    assert np.isnan(rewards[0])
    assert rewards[1] == 3
    assert "for the reply 'bad one': the answer '[]' is no score from 1 to 10" in caplog.text


@pytest.mark.parametrize("way", ["score", "batches"])
def test_a_reply_without_an_answer_is_said_when_all_others_are_scored_and_kept(
    server, tmp_path, way
):
    """Soups need every reply: the first is asked three times, the rest is in the cache then."""
    server.script = [Told(text="no")] * 3
    cache, replies = RewardCache(tmp_path), ["bad", "aaaa", "aa"]
    judge = EndpointJudge(server.spec(at_once=1), cache=cache)
    with pytest.raises(UnscoredRepliesError) as caught:
        list(getattr(judge, way)(["q"] * 3, replies))
    said = "gave no usable score for 1 of 3 replies, the first of them reply 1; the last time: "
    assert f"{said}the answer 'no' is no score from 1 to 10" in str(caught.value)
    assert np.array_equal(caught.value.rewards, [np.nan, 4, 2], equal_nan=True)
    assert server.replies() == ["bad", "bad", "bad", "aaaa", "aa"]
    assert kept_of(cache, server, replies) == 2
    assert judge.score(["q"] * 3, replies).tolist() == [3, 4, 2]
    assert server.replies()[5:] == ["bad"]


def test_a_cut_answer_names_the_remedy(server, caplog):
    server.always = Told(text='{"sco', finish="length")
    assert np.isnan(rate(server, ["aaa"], answer_tokens=3)[0])
    assert "cut at 3 tokens; raise answer_tokens" in caplog.text


@pytest.mark.parametrize(
    "refused", [("response_format",), ("seed", "temperature"), ("max_tokens", "response_format")]
)
def test_fields_that_a_server_does_not_take_are_left_out_from_then_on(server, refused):
    server.refuses = refused
    assert rate(server, words(6), at_once=1) == [honest(word) for word in words(6)]
    assert len(server.bodies) == 6 + len(refused)
    assert not set(refused) & set(server.bodies[-1])
    assert ("max_completion_tokens" in server.bodies[-1]) == ("max_tokens" in refused)


def test_a_question_that_is_refused_for_itself_is_nan_and_the_others_go_on(server):
    """Too long, say: tried once more without the answer's form, which stays for the others."""
    server.script = [Told(400, "too long"), Told(400, "too long")]
    rewards = rate(server, ["bad", "aa"], at_once=1)
    assert np.isnan(rewards[0])
    assert rewards[1] == 2
    assert "response_format" in server.bodies[-1]


def test_a_text_that_is_too_long_takes_the_limit_of_answers_off_no_request(server, caplog):
    """The long one would fit without the 64 tokens of an answer; its error names both limits."""
    server.context = 1000
    rewards = rate(server, ["aa", "x" * 3300, "aaa"], at_once=1)
    assert np.array_equal(rewards, [2, np.nan, 3], equal_nan=True)
    assert [body.get("max_tokens") for body in server.bodies] == [64] * 4
    assert "response_format" in server.bodies[-1]
    assert "is too large: 64. This model's maximum context length is 1000" in caplog.text


def test_a_server_that_takes_a_limit_under_neither_name_is_not_asked_without_one(server, caplog):
    server.refuses = ("max_tokens", "max_completion_tokens")
    assert np.isnan(rate(server, ["aaa"])[0])
    assert all({"max_tokens", "max_completion_tokens"} & set(body) for body in server.bodies)
    assert "unsupported parameter: max_completion_tokens" in caplog.text


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (Told(401, "who are you"), "It wants another key: name key_env"),
        (Told(404, "no such model"), "has a model 'stand-in'"),
        (Told(307, headers={"Location": "http://127.0.0.1:9/v1"}), "Check the url"),
        (Told(429, "insufficient_quota"), "pay in"),
        (Told(402, "no credit"), "pay in"),
        (Told(429, headers={"Retry-After": "86400"}), "asks to wait 86,400 s"),
    ],
)
def test_what_no_other_try_can_mend_ends_the_run_at_once(server, told, words):
    server.always = told
    with pytest.raises(RewardModelError) as caught:
        rate(server, ["aaa", "aa"], at_once=1)
    assert words in str(caught.value)
    assert len(server.bodies) == 1


def test_the_key_comes_from_the_environment_and_goes_to_the_server_alone(
    server, monkeypatch, tmp_path, caplog
):
    """The server repeats the key in an error and in an answer; neither reaches log or message."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("STAND_IN_KEY", f"{KEY}\n")
    server.script = [Told(500, f"bad key {KEY}"), Told(text=f"no {KEY}")]
    cache = RewardCache(tmp_path)
    judge = EndpointJudge(server.spec(key_env="STAND_IN_KEY", at_once=1), cache=cache)
    assert judge.rate(["q"], ["aaa"]).tolist() == [3]
    assert {headers["authorization"] for headers in server.headers} == {f"Bearer {KEY}"}
    server.always = Told(403, f"{KEY} is not allowed")
    with pytest.raises(RewardModelError, match=r"\*\*\* is not allowed.*key in STAND_IN_KEY"):
        judge.rate(["q"], ["aa"])
    assert KEY not in caplog.text
    assert not [path for path in tmp_path.rglob("*.*") if KEY.encode() in path.read_bytes()]


@pytest.mark.parametrize("held", [None, "", "ключ"])
def test_a_missing_key_is_said_before_anything_is_sent(server, tmp_path, monkeypatch, held):
    """Missed only where something is sent; whoever makes replies first hears it before that."""
    cache, spec = RewardCache(tmp_path), server.spec(key_env="STAND_IN_KEY")
    monkeypatch.setenv("STAND_IN_KEY", KEY)
    EndpointJudge(spec, cache=cache).rate(["q"], ["aaa"])
    if held is None:
        monkeypatch.delenv("STAND_IN_KEY", raising=False)
    else:
        monkeypatch.setenv("STAND_IN_KEY", held)
    judge = EndpointJudge(spec, cache=cache)
    assert judge.rate(["q"], ["aaa"]).tolist() == [3]
    for asks in (lambda: judge.rate(["q"] * 2, ["aaa", "a"]), lambda: load_judges([spec])):
        with pytest.raises(RewardModelError, match="environment variable STAND_IN_KEY holds none"):
            asks()
    assert len(server.bodies) == 1


def test_a_second_run_asks_nothing(server, tmp_path):
    cache, replies = RewardCache(tmp_path), words(20)
    first = score_replies(["q"] * 20, replies, {"long": server.spec()}, cache=cache)
    again = {"long": server.spec(at_once=1), "short": server.spec(sign=-1)}
    second = score_replies(["q"] * 20, replies, again, cache=cache)
    assert len(server.bodies) == 20
    np.testing.assert_array_equal(second, np.hstack([first, -first]))
    score_replies(["q"] * 20, replies, {"long": server.spec(criterion="wit")}, cache=cache)
    assert len(server.bodies) == 40


def test_unusable_answers_are_not_kept(server, tmp_path):
    server.script = [Told(text="no")] * 3
    cache = RewardCache(tmp_path)
    spec = {"long": server.spec(at_once=1)}
    assert np.isnan(score_replies(["q"], ["aaa"], spec, cache=cache)[0, 0])
    assert score_replies(["q"], ["aaa"], spec, cache=cache)[0, 0] == 3


def test_the_cap_ends_the_run_and_what_is_there_is_kept(server, tmp_path):
    """A request costs 105 tokens, 105 of a millionth of 1e4: 1.05; 10 pays for some nine."""
    prices = {"input_price": 1e4, "output_price": 1e4, "answer_tokens": 5}
    cache, monitor = RewardCache(tmp_path), Recorder()
    judge = EndpointJudge(server.spec(most_cost=10, **prices), cache=cache)
    with pytest.raises(RewardModelError, match="before it costs more than most_cost = 10"):
        judge.rate(["q"] * 20, words(20), monitor=monitor)
    asked = len(server.bodies)
    assert 5 <= asked <= 9
    assert judge.bill.cost == pytest.approx(1.05 * asked)
    wait_until_kept(cache, server, words(20), asked)
    rate_all = EndpointJudge(server.spec(), cache=cache).rate(["q"] * 20, words(20))
    assert len(server.bodies) == 20
    assert np.isfinite(rate_all).all()


def test_progress_tells_requests_tokens_and_cost(server):
    monitor = Recorder()
    spec = server.spec(input_price=1e4, output_price=0)
    score_replies(["q"] * 9, words(9), {"long": spec}, monitor=monitor)
    first = monitor.reports[0]
    assert first[:3] == ("scoring long", 0, 9)
    assert str(first[3]["expected"]).startswith("9 requests, about 1,")
    stage, done, total, figures = monitor.reports[-1]
    assert (stage, done, total) == ("scoring long", 9, 9)
    assert figures == {"requests": 9, "under_way": 0, "tokens": 945, "cost": 9.0}


def test_a_stop_is_heard_while_the_server_is_slow_and_answers_under_way_are_kept(server, tmp_path):
    class Impatient(Silent):
        stop_requested = property(lambda self: len(server.bodies) == 4)

        def report(self, stage, done, total, **figures):
            self.figures = figures

    server.always = Told(delay=1.0)
    cache, monitor = RewardCache(tmp_path), Impatient()
    with pytest.raises(StopRequested, match="scoring was stopped at 0 of 20"):
        EndpointJudge(server.spec(), cache=cache).rate(["q"] * 20, words(20), monitor=monitor)
    assert monitor.figures == {"requests": 4, "under_way": 4, "tokens": 0}
    wait_until_kept(cache, server, words(20), 4)
    assert len(server.bodies) == 4


SCORE = """
import sys
from pathlib import Path
from vcsoup.rewards.cache import RewardCache
from vcsoup.rewards.endpoint import EndpointJudge
from vcsoup.rewards.spec import RewardSpec

spec = RewardSpec.model_validate_json(sys.argv[1])
replies = sys.stdin.read().split()
EndpointJudge(spec, cache=RewardCache(Path(sys.argv[2]))).rate(["q"] * len(replies), replies)
"""


def test_a_kill_loses_one_batch_at_most_and_nothing_is_paid_for_twice(server, tmp_path):
    server.always = Told(delay=0.02)
    replies, spec = words(120), server.spec()
    command = [sys.executable, "-c", SCORE, spec.model_dump_json(), str(tmp_path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, cwd=Path(__file__).parents[2])
    process.stdin.write(" ".join(replies).encode())
    process.stdin.close()
    while len(server.bodies) < 60:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    asked = len(server.bodies)
    cache = RewardCache(tmp_path)
    kept = kept_of(cache, server, replies)
    assert asked < 120
    assert asked - kept <= BATCH + spec.at_once
    again = score_replies(["q"] * 120, replies, {"long": spec}, cache=cache)
    assert again[:, 0].tolist() == [honest(reply) for reply in replies]
    assert len(server.bodies) - asked == 120 - kept


def test_judges_of_soups_look_into_the_cache_too(server, tmp_path):
    cache = RewardCache(tmp_path)
    specs = [server.spec(), RewardSpec(kind="length"), server.spec(criterion="wit")]
    for _ in range(2):
        judges = load_judges(specs, cache=cache)
        assert [judge.score(["q"], ["a b"]).tolist() for judge in judges] == [[3], [2], [3]]
    assert len(server.bodies) == 2


def test_nothing_is_sent_to_another_machine_without_consent():
    spec = RewardSpec(
        kind="endpoint", url="https://judge.example/v1", model="m", criterion="wit", key_env="K"
    )
    with pytest.raises(RewardModelError) as caught:
        score_replies(["q"], ["a"], {"v": spec})
    said = str(caught.value)
    assert "will be sent to https://judge.example/v1" in said
    assert "reward consent https://judge.example/v1" in said

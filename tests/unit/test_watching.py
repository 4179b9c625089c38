"""Following a task of the engine from a thread: superseding, cancelling, a dying engine."""

import threading
import time

import pytest

from vcsoup.errors import EngineError, EngineGoneError
from vcsoup.ui.pouring import Glass, Round, make_pourer, replies_of, rewards_of
from vcsoup.ui.watching import MOST_RESTARTS, Calls, Watch

CALLS = Calls(
    start=lambda client, request: client.start(request),
    look=lambda client, name: client.look(name),
    cancel=lambda client, name: client.cancelled.append(name),
)


class Scripted:
    """An engine in memory; `looks` are answers or errors, the last one stays."""

    def __init__(self, *looks):
        self.looks, self.started, self.cancelled = list(looks), [], []

    def start(self, request):
        self.started.append(request)
        return f"t{len(self.started)}"

    def look(self, name):
        look = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(look, Exception):
            raise look
        return look


def until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_task_is_followed_to_its_end():
    engine = Scripted({"state": "sampling", "text": "a"}, {"state": "done", "text": "ab"})
    watch = Watch(lambda: engine, CALLS)
    assert watch.seen.state == "idle"
    watch.start("x")
    assert watch.seen.active
    until(lambda: watch.seen.state == "done")
    assert watch.seen.told["text"] == "ab"
    assert (engine.started, engine.cancelled, watch.seen.restarts) == (["x"], [], 0)


def test_an_engine_that_dies_is_started_again_and_the_task_with_it():
    """The first engine dies after one look; what was read stays visible while the next starts."""
    first = Scripted({"state": "sampling", "text": "half"}, EngineGoneError("gone"))
    second = Scripted({"state": "queued"}, {"state": "done", "text": "whole"})
    engines, seen = [first, second], []

    def connect():
        if len(engines) == 1:
            seen.append(watch.seen)
        return engines.pop(0)

    watch = Watch(connect, CALLS)
    watch.start("x")
    until(lambda: watch.seen.state == "done")
    assert (seen[0].state, seen[0].told["text"], seen[0].restarts) == ("restarting", "half", 1)
    assert (watch.seen.told["text"], watch.seen.restarts) == ("whole", 1)
    assert second.started == ["x"]


def test_a_cancelled_task_starts_no_engine_again():
    """The engine dies while it is told that nobody wants the task any more."""

    class Dying(Scripted):
        def look(self, name):
            watch.cancel()
            ended.append(threading.current_thread())
            return {"state": "sampling"}

    def gone(client, name):
        raise EngineGoneError("gone")

    engines, ended = [Dying({})], []

    def connect():
        return engines.pop()

    watch = Watch(connect, Calls(CALLS.start, CALLS.look, gone))
    faults = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("threading.excepthook", lambda args: faults.append(args.exc_value))
        watch.start("x")
        until(lambda: ended and not ended[0].is_alive())
    assert (watch.seen.state, faults) == ("cancelled", [])


def test_an_engine_that_always_dies_fails_in_the_end():
    connections = []

    def connect():
        connections.append(Scripted(EngineGoneError("the engine does not answer")))
        return connections[-1]

    watch = Watch(connect, CALLS)
    watch.start("x")
    until(lambda: not watch.seen.active)
    assert (watch.seen.state, watch.seen.error) == ("failed", "the engine does not answer")
    assert len(connections) == MOST_RESTARTS + 1


def test_a_refusal_is_not_tried_again():
    engine = Scripted(EngineError("weights must sum to one"))
    watch = Watch(lambda: engine, CALLS)
    watch.start("x")
    until(lambda: watch.seen.state == "failed")
    assert watch.seen.error == "weights must sum to one"
    assert engine.started == ["x"]


def test_a_fault_of_ours_is_told_and_stays_loud(recwarn):
    def connect():
        raise ZeroDivisionError("oops")

    watch = Watch(connect, CALLS)
    with pytest.MonkeyPatch.context() as patch:
        loud = []
        patch.setattr("threading.excepthook", lambda args: loud.append(args.exc_type))
        watch.start("x")
        until(lambda: loud)
    assert loud == [ZeroDivisionError]
    assert "ZeroDivisionError: oops" in watch.seen.error


def test_a_new_task_supersedes_the_old_one_and_cancel_ends_it():
    engine = Scripted({"state": "sampling"})
    watch = Watch(lambda: engine, CALLS)
    watch.start("old")
    until(lambda: engine.started == ["old"] and watch.seen.state == "sampling")
    watch.start("new")
    until(lambda: engine.cancelled == ["t1"])
    until(lambda: watch.seen.state == "sampling")
    assert watch.seen.request == "new"
    watch.cancel()
    assert watch.seen.state == "cancelled"
    until(lambda: engine.cancelled == ["t1", "t2"])


def test_a_table_is_asked_for_with_all_its_soups():
    class Tables(Scripted):
        def start_table(self, **body):
            return self.start(body)

        table = Scripted.look

    told = {"state": "done", "replies": [["a", "b"]], "rewards": [[{"kind": 1.0}, None]]}
    engine = Tables(told)
    pourer = make_pourer(lambda: engine)
    assert (replies_of(pourer.seen), rewards_of(pourer.seen)) == ([], [])
    glasses = (Glass("base", "filtered", {"kind": 0.0}), Glass("x", "other", {"kind": 2.0}))
    pourer.start(Round("p", ("How?",), glasses, seed=7, score=False))
    assert replies_of(pourer.seen) in ([["", ""]], [["a", "b"]])
    until(lambda: pourer.seen.state == "done")
    assert engine.started == [
        {
            "project": "p",
            "prompts": ["How?"],
            "soups": [
                {"group": "filtered", "weights": {"kind": 0.0}},
                {"group": "other", "weights": {"kind": 2.0}},
            ],
            "seed": 7,
            "score": False,
            "free": True,
        }
    ]
    assert replies_of(pourer.seen) == [["a", "b"]]
    assert rewards_of(pourer.seen)[0][0] == {"kind": 1.0}


def test_waiting_ends_with_the_news_with_the_end_or_in_time():
    """Words come at the third look; a task that fails has none and is not waited for."""
    looks = [{"state": "queued"}, {"state": "sampling"}, {"state": "sampling", "text": "a"}]
    watch = Watch(lambda: engine, CALLS)
    engine = Scripted(*looks)
    watch.start("x")
    watch.wait(lambda seen: bool(seen.told.get("text")), 10)
    assert watch.seen.told["text"] == "a"
    engine = Scripted(EngineError("no such adapters"))
    watch.cancel()
    watch = Watch(lambda: engine, CALLS)
    watch.start("y")
    watch.wait(lambda seen: bool(seen.told.get("text")), 10)
    assert watch.seen.error == "no such adapters"
    watch.wait(lambda seen: False, 0.01)

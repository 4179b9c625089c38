"""Parts that run side by side: all is yielded, faults reach the caller, closing ends everything."""

import itertools
import threading

import pytest
import torch

from vcsoup.soup.streams import side_by_side


def test_everything_of_all_parts_comes_each_in_its_own_order():
    """Two parts of 50 and 3 items: 53 come, and those of a part in its order."""
    parts = [((0, item) for item in range(50)), ((1, item) for item in range(3))]
    found = list(side_by_side(parts, threads=2))
    assert [item for part, item in found if part == 0] == list(range(50))
    assert [item for part, item in found if part == 1] == [0, 1, 2]
    assert len(found) == 53


def test_parts_really_run_at_the_same_time():
    """Each part waits for the other at a barrier; one after the other would never pass it."""
    barrier = threading.Barrier(2, timeout=20)

    def part(name):
        barrier.wait()
        yield name

    assert sorted(side_by_side([part("a"), part("b")], threads=2)) == ["a", "b"]


def test_a_fault_reaches_the_caller_and_ends_the_others():
    """One part raises, the other would go on for ever."""

    def broken():
        yield 1
        raise ValueError("broke")

    before = set(threading.enumerate())
    with pytest.raises(ValueError, match="broke"):
        list(side_by_side([broken(), itertools.count()], threads=2))
    assert set(threading.enumerate()) <= before


def test_closing_ends_endless_parts_and_gives_torch_its_threads_back():
    """Three items are taken of an endless part; then no thread is left."""
    before, threads = set(threading.enumerate()), torch.get_num_threads()
    running = side_by_side([itertools.count(), itertools.count()], threads=threads)
    assert len(list(itertools.islice(running, 3))) == 3
    running.close()
    assert set(threading.enumerate()) <= before
    assert torch.get_num_threads() == threads

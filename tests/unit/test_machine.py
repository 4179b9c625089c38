"""What a heavy command sets on its machine, and that a user's own choice stays."""

import ctypes

import pytest

from vcsoup import machine


class Glibc:
    """Remembers what mallopt was told."""

    def __init__(self) -> None:
        self.told: dict[int, int] = {}

    def mallopt(self, what: int, value: int) -> int:
        self.told[what] = value
        return 1


@pytest.fixture
def glibc(monkeypatch):
    for name in machine._OWN:
        monkeypatch.delenv(name, raising=False)
    made = Glibc()
    monkeypatch.setattr(machine, "_libc", lambda: made)
    return made


def test_freed_memory_stays(glibc):
    machine.keep_memory()
    assert glibc.told == {-4: 0, -1: 2**31 - 1}


def test_a_users_own_choice_stays(glibc, monkeypatch):
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "131072")
    machine.keep_memory()
    assert glibc.told == {}


def test_other_systems_are_left_alone(monkeypatch):
    def missing(_name: str) -> ctypes.CDLL:
        raise OSError("no such library")

    monkeypatch.setattr(ctypes, "CDLL", missing)
    assert machine._libc() is None
    machine.keep_memory()

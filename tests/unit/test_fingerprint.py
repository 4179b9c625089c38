"""What a large file hashes to is remembered, and never wrongly."""

import hashlib

import pytest

from vcsoup import fingerprint
from vcsoup.fingerprint import known_fingerprint, model_fingerprint


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A model folder whose weights count as large, and a process that has hashed nothing."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(fingerprint, "_LARGE", 1000)
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    (model / "model.safetensors").write_bytes(b"a" * 2000)
    forget()
    return model


def forget():
    """Be another process: what this one has in memory is gone."""
    fingerprint._hash_files.cache_clear()


def test_the_name_is_that_of_the_bytes(folder):
    """sha256 over "name:size", newline and the file's own sha256, file by file in order."""
    expected = hashlib.sha256()
    for name, content in (("config.json", b"{}"), ("model.safetensors", b"a" * 2000)):
        expected.update(f"{name}:{len(content)}\n".encode() + hashlib.sha256(content).digest())
    first = model_fingerprint(str(folder))
    forget()
    assert first == model_fingerprint(str(folder)) == expected.hexdigest()[:16]


def test_large_files_are_read_once_for_all_processes(folder, monkeypatch):
    assert known_fingerprint(str(folder)) is None
    named = model_fingerprint(str(folder))
    forget()
    read = []
    digest = hashlib.file_digest
    monkeypatch.setattr(
        hashlib, "file_digest", lambda file, kind: read.append(file.name) or digest(file, kind)
    )
    assert known_fingerprint(str(folder)) == named
    assert read == [str(folder / "config.json")]


def test_a_changed_file_is_read_again(folder):
    named = model_fingerprint(str(folder))
    (folder / "model.safetensors").write_bytes(b"b" * 2000)
    forget()
    assert known_fingerprint(str(folder)) is None
    assert model_fingerprint(str(folder)) != named


def test_a_spoilt_note_or_no_cache_folder_only_costs_time(folder, tmp_path, monkeypatch):
    named = model_fingerprint(str(folder))
    (note,) = (tmp_path / "cache").rglob("*.json")
    note.write_text("{")
    forget()
    assert model_fingerprint(str(folder)) == named
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    forget()
    assert model_fingerprint(str(folder)) == named
    assert known_fingerprint(str(folder)) is None


def test_a_small_model_or_a_hub_id_is_always_known(folder):
    (folder / "model.safetensors").write_bytes(b"a" * 20)
    assert known_fingerprint(str(folder)) == model_fingerprint(str(folder))
    assert known_fingerprint("org/m", revision="v1") == model_fingerprint("org/m", revision="v1")


def test_a_folder_of_a_user_whom_nobody_knows_is_not_there():
    """As in a shell, the name stays as it is; a base recorded elsewhere stops no screen."""
    assert known_fingerprint("~no such user/m") == model_fingerprint("~no such user/m")

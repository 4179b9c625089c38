"""What a reward model is: its record and the name of its content."""

import hashlib
import shutil

import pytest

from vcsoup.errors import RewardModelError
from vcsoup.fingerprint import model_fingerprint
from vcsoup.rewards.spec import RewardSpec, reward_spec


def test_json_round_trip():
    spec = RewardSpec(model="org/rm", template="hh", label="diff", sign=-1)
    assert RewardSpec.model_validate_json(spec.model_dump_json()) == spec


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "reward model model"),
        ({"model": " "}, "reward model model = ' '"),
        (
            {"model": "m", "template": "chatty"},
            "template = 'chatty': expected 'chat', 'pair'",
        ),
        ({"model": "m", "sign": 0}, "sign = 0"),
        ({"model": "m", "label": -1}, "label"),
        ({"model": "m", "pooling": "mean"}, "pooling = 'mean'"),
    ],
)
def test_wrong_fields_are_one_line(fields, words):
    with pytest.raises(RewardModelError) as caught:
        reward_spec(**fields)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "rm"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


def test_a_fingerprint_names_content_not_place(folder, tmp_path):
    first = model_fingerprint(str(folder))
    (folder / "README.md").write_text("words change nothing")
    moved = shutil.copytree(folder, tmp_path / "elsewhere")
    assert model_fingerprint(str(moved)) == first
    (moved / "model.safetensors").write_bytes(b"Weights")
    assert model_fingerprint(str(moved)) != first


def test_two_files_that_swap_their_content_are_another_model(folder, tmp_path):
    other = shutil.copytree(folder, tmp_path / "other")
    (other / "config.json").write_bytes(b"weights")
    (other / "model.safetensors").write_text("{}")
    assert model_fingerprint(str(other)) != model_fingerprint(str(folder))


def test_the_cache_key_covers_all_that_changes_raw_rewards(folder):
    spec = RewardSpec(model=str(folder))
    changes = [{"template": "pair"}, {"label": 1}, {"label": "diff"}, {"max_length": 512}]
    keys = {spec.model_copy(update=change).fingerprint() for change in changes}
    assert len(keys | {spec.fingerprint()}) == 5
    assert spec.model_copy(update={"sign": -1}).fingerprint() == spec.fingerprint()


def test_only_a_layout_that_reads_texts_otherwise_than_before_gets_other_names(folder):
    """Rewards kept under the plain name, a digest of content and fields, would be taken again."""
    for template, same in {"pair": True, "reversed": False}.items():
        spec = RewardSpec(model=str(folder), template=template)
        fields = spec.model_dump_json(exclude={"model", "revision", "sign", "trust_remote_code"})
        plain = hashlib.sha256(f"{model_fingerprint(str(folder))}\n{fields}".encode()).hexdigest()
        assert (spec.fingerprint() == plain[:16]) is same


def test_hub_models_differ_by_revision():
    names = {RewardSpec(model="o/m", revision=r).fingerprint() for r in (None, "main", "v2")}
    assert len(names) == 2

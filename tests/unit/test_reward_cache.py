"""Rewards kept by content: found again, whole or absent, merged without loss."""

import numpy as np

from vcsoup.rewards.cache import RewardCache, reply_key


def test_what_was_added_is_found_and_the_rest_is_nan(tmp_path):
    cache = RewardCache(tmp_path)
    cache.add("m", ["a", "b"], np.array([1.5, -2.0], dtype=np.float32))
    found = RewardCache(tmp_path).lookup("m", ["b", "x", "a", "b"])
    np.testing.assert_array_equal(found, np.float32([-2.0, np.nan, 1.5, -2.0]))
    assert np.isnan(cache.lookup("other", ["a"])).all()
    assert cache.lookup("m", []).shape == (0,)


def test_unfinished_shards_are_invisible(tmp_path):
    cache = RewardCache(tmp_path)
    cache.add("m", ["a"], np.float32([1.0]))
    (tmp_path / "m" / ".half.partial").write_bytes(b"PAR1 torn")
    np.testing.assert_array_equal(cache.lookup("m", ["a"]), np.float32([1.0]))


def test_compacting_loses_nothing(tmp_path):
    cache = RewardCache(tmp_path)
    for number in range(20):
        cache.add("m", [f"k{number}", "again"], np.float32([number, 7.0]))
    cache.compact("m")
    assert len(list((tmp_path / "m").glob("*.parquet"))) == 1
    found = cache.lookup("m", [f"k{number}" for number in range(20)] + ["again"])
    np.testing.assert_array_equal(found, np.float32([*range(20), 7.0]))


def test_few_shards_are_left_alone(tmp_path):
    cache = RewardCache(tmp_path)
    for number in range(3):
        cache.add("m", [str(number)], np.float32([number]))
    cache.compact("m")
    assert len(list((tmp_path / "m").glob("*.parquet"))) == 3


def test_keys_tell_prompt_from_reply_and_role_from_role():
    keys = {
        reply_key("a", "b"),
        reply_key("b", "a"),
        reply_key("ab", ""),
        reply_key([{"role": "system", "content": "a"}], "b"),
        reply_key("é", "b"),
        reply_key("\ud800", "b"),
    }
    assert len(keys) == 6
    assert {len(key) for key in keys} == {32}

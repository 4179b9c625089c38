"""Data sets of the hub, on a server of this test: looked at, fetched, added, refused, offline."""

import gzip
import io
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.standin_hub import TOKEN, standin_hub
from vcsoup.errors import HubError, HubUnreachableError
from vcsoup.hub import finding
from vcsoup.hub.dataset_id import HubData, as_hub_id
from vcsoup.hub.fetching import origin_of
from vcsoup.preferences.readers import read_preferences
from vcsoup.workspace import Workspace, project_config

ROOT = Path(__file__).parents[2]
CARD = b"""---
configs:
- config_name: daily
  default: true
  data_files:
  - split: train
    path: data/train-*.jsonl
  - split: test
    path: data/test.jsonl
- config_name: nightly
  data_files: night/*.jsonl.gz
---
"""


def rows(n, word):
    return [{"prompt": f"{word} {i}?", "chosen": f"Yes {i}.", "rejected": "No."} for i in range(n)]


def lines(n, word):
    return "\n".join(map(json.dumps, rows(n, word))).encode()


def parquet(table):
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(table), out)
    return out.getvalue()


def safe_rlhf(n):
    answers = {"response_0": "So.", "response_1": "No."}
    labels = {"better_response_id": 0, "safer_response_id": 1}
    return [{"prompt": f"How {i}?", **answers, **labels} for i in range(n)]


def fill(hub):
    """Put the repositories of these tests on a hub; return the commits that are asked about."""
    files = {
        "README.md": CARD,
        "data/train-0.jsonl": lines(3, "Sky"),
        "data/train-1.jsonl": lines(4, "Sea"),
        "data/test.jsonl": lines(2, "Sun"),
        "night/a.jsonl.gz": gzip.compress(lines(5, "Moon")),
    }
    old = hub.add("org/prefs", files | {"data/train-0.jsonl": lines(9, "Old")}, revision="v1")
    new = hub.add("org/prefs", files)
    folders = {"good/train.jsonl": lines(2, "Good"), "bad/train.jsonl": lines(3, "Bad")}
    hub.add("org/folders", folders)
    pictures = [{"image": {"bytes": b"\0" * 50, "path": "x"}, **row} for row in safe_rlhf(6)]
    hub.add("org/safe", {"train.parquet": parquet(pictures)})
    hub.add("org/gated", {"a.jsonl": lines(2, "Gated")}, gated=True)
    hub.add("org/open-to-me", {"a.jsonl": lines(2, "Mine")}, gated=True, accepted=True)
    hub.add("org/private", {"a.jsonl": lines(2, "Private")}, private=True)
    mixed = [{"prompt": "q", "chosen": "a", "rejected": n} for n in ("b", 1, [2])]
    hub.add("org/mixed", {"a.jsonl": "\n".join(map(json.dumps, mixed)).encode()})
    hub.add("org/text", {"README.md": b"# Nothing here\n"})
    hub.add("org/script", {"script.py": b"raise SystemExit(9)", "a.jsonl": lines(2, "Code")})
    return {"old": old, "new": new}


def run(hub, home, steps, **changes):
    env = {**os.environ, **hub.environment(home), **changes}
    env["VCSOUP_WORKSPACE"] = str(home / "w")
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "hub_commands.py"), json.dumps(steps)],
        env={**env, "PYTHONPATH": str(ROOT)},
        cwd=home,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.rpartition("\n=====\n")[2])


def data(*args, **step):
    return {"args": ["data", *args], **step}


MINE = {"env": {"HF_TOKEN": TOKEN}}
NOBODY = {"env": {"HF_TOKEN": ""}}
ONLINE = {
    "a stopped download": {"stop": "downloading bytes", "repo": "org/prefs"},
    "stopped rows": {"stop": "fetching rows", "repo": "org/prefs"},
    "look": data("look", "org/prefs"),
    "look as data": data("look", "org/prefs", "--config", "nightly", "--json"),
    "look at folders": data("look", "org/folders", "--folder", "bad"),
    "add": data("add", "helpful", "org/prefs"),
    "add a part": data(
        "add", "harmless", "org/prefs", "--config", "nightly", "--limit", "3", "--title", "Night"
    ),
    "another revision": data("fetch", "org/prefs", "old.parquet", "--revision", "v1"),
    "a split": data("fetch", "org/prefs", "test.parquet", "--split", "test", "--json"),
    "a folder": data("fetch", "org/folders", "bad.parquet", "--folder", "bad"),
    "a large one": data("fetch", "org/prefs", "large.parquet", large=10),
    "all of a large one": data("fetch", "org/prefs", "all.parquet", "--limit", "0", large=10),
    "an aspect": data("add", "helpful", "org/safe", "--aspect", "safer", "--preview"),
    "no aspect": data("add", "helpful", "org/safe", "--preview"),
    "gated": data("fetch", "org/gated", "x", **NOBODY),
    "terms not accepted": data("fetch", "org/gated", "x", **MINE),
    "terms accepted": data("fetch", "org/open-to-me", "mine.parquet", **MINE),
    "private": data("fetch", "org/private", "x", **NOBODY),
    "private and mine": data("fetch", "org/private", "private.parquet", **MINE),
    "missing": data("add", "helpful", "org/nowhere", **NOBODY),
    "no such revision": data("fetch", "org/prefs", "x", "--revision", "v9"),
    "no such config": data("fetch", "org/prefs", "x", "--config", "weekly"),
    "no such split": data("fetch", "org/prefs", "x", "--split", "dev"),
    "no such folder": data("fetch", "org/folders", "x", "--folder", "harmles"),
    "no folder at all": data("fetch", "org/text", "x", "--folder", "harmless"),
    "no data": data("fetch", "org/text", "x"),
    "mixed types": data("add", "helpful", "org/mixed", "--preview"),
    "mixed rows": data("fetch", "org/mixed", "mixed.parquet"),
    "code": data("fetch", "org/script", "code.parquet"),
    "a large one with code": data("fetch", "org/script", "x", large=10),
    "into a folder": data("fetch", "org/prefs", "."),
    "a path with a split": data("add", "helpful", "pairs.jsonl", "--split", "test"),
}
OFFLINE = {
    "fetch": data("fetch", "org/prefs", "cached.parquet"),
    "another revision": data("fetch", "org/prefs", "cached-old.parquet", "--revision", "v1"),
    "look": data("look", "org/prefs"),
    "add": data("add", "helpful", "org/prefs", "--preview"),
    "never fetched": data("fetch", "org/gated", "x"),
}


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Run every command once, with the hub and then without it."""
    home = tmp_path_factory.mktemp("hub")
    config = project_config(name="demo", values=("helpful", "harmless"), base="org/base", prompts=1)
    Workspace(home / "w").create_project(config)
    with standin_hub() as hub:
        commits = fill(hub)
        online = run(hub, home, list(ONLINE.values()))
    # The hub has gone: whoever asks it now is refused the connection.
    ways = ({"HF_HUB_OFFLINE": "1"}, {"HF_HUB_OFFLINE": "0"})
    with ThreadPoolExecutor() as pool:
        steps = list(OFFLINE.values())
        offline, gone = pool.map(lambda way: run(hub, home, steps, **way), ways)
    said = dict(zip(ONLINE, online, strict=True))
    said |= {f"offline: {name}": told for name, told in zip(OFFLINE, offline, strict=True)}
    said |= {f"gone: {name}": told for name, told in zip(OFFLINE, gone, strict=True)}
    return {"home": home, "commits": commits, **said}


def prompts(told, name):
    return pq.read_table(told["home"] / name)["prompt"].to_pylist()


def as_data(step):
    """Return the figures of `--json`, which follow the lines of progress."""
    return json.loads("{" + step[1].partition("\n{")[2])


def project(told):
    return Workspace(told["home"] / "w").project("demo")


def test_a_look_lists_parts_and_first_rows(told):
    status, said = told["look"]
    assert status == 0
    assert [line.split() for line in said.splitlines() if line.strip().startswith(("daily", "n"))][
        :3
    ] == [["daily", "train", "-"], ["daily", "test", "-"], ["nightly", "train", "-"]]
    assert f"org/prefs, commit {told['commits']['new'][:8]}" in said
    assert "The first rows of daily, train:\nformat: TRL explicit" in said
    assert "Sky 0?" in said


def test_a_look_as_data(told):
    found = as_data(told["look as data"])
    assert found["hub"]["configs"] == {
        "daily": {"train": None, "test": None},
        "nightly": {"train": None},
    }
    assert (found["hub"]["config"], found["hub"]["split"]) == ("nightly", "train")
    assert (found["format"], found["columns"]) == ("TRL explicit", ["prompt", "chosen", "rejected"])
    assert [row["pair"]["chosen"] for row in found["first"]] == ["Yes 0.", "Yes 1.", "Yes 2."]


def test_a_folder_that_holds_a_set_of_its_own(told):
    assert "folders, one for each `--folder`: bad, good" in told["look at folders"][1]
    assert "Bad 0?" in told["look at folders"][1]
    assert prompts(told, "bad.parquet") == [f"Bad {i}?" for i in range(3)]


def test_added_pairs_know_their_commit(told):
    assert "7 rows read as TRL explicit, 7 kept" in told["add"][1]
    info = project(told).datasets()["helpful"]
    assert info.n == 7
    origin = info.report["origin"]
    assert origin["revision"] == told["commits"]["new"]
    assert (origin["repo"], origin["config"], origin["split"]) == ("org/prefs", "daily", "train")
    assert info.source == f"org/prefs, config daily, split train, commit {origin['revision'][:8]}"


def test_a_configuration_and_a_limit(told):
    info = project(told).datasets()["harmless"]
    assert (info.n, info.title) == (3, "Night")
    pairs = project(told).pairs("harmless")
    assert pairs["prompt"][2] == [{"role": "user", "content": "Moon 2?"}]
    assert "first 3 rows" in info.source


def test_a_branch_or_tag_is_resolved(told):
    assert prompts(told, "old.parquet")[0] == "Old 0?"
    assert len(prompts(told, "old.parquet")) == 13
    assert origin_of(told["home"] / "old.parquet").revision == told["commits"]["old"]


def test_a_split(told):
    assert prompts(told, "test.parquet") == ["Sun 0?", "Sun 1?"]
    assert as_data(told["a split"])["rows"] == 2


def test_of_a_large_data_set_the_first_rows_are_streamed(told):
    """Four rows are the limit of this test: three of the first file, one of the second."""
    assert prompts(told, "large.parquet") == ["Sky 0?", "Sky 1?", "Sky 2?", "Sea 0?"]
    assert "first 4 rows" in told["a large one"][1]
    assert len(prompts(told, "all.parquet")) == 7


def test_what_a_file_asks_is_asked_of_the_hub_too(told):
    assert "--aspect better" in told["no aspect"][1]
    assert "6 rows read as PKU-SafeRLHF (safer), 6 kept" in told["an aspect"][1]


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("gated", "is gated; log in with `hf auth login` (or set HF_TOKEN) and accept its terms"),
        ("terms not accepted", "is gated; accept its terms at http://127.0.0.1"),
        ("private", "the hub has no data set org/private that you may read"),
        ("missing", "the hub has no data set org/nowhere that you may read; check its name"),
        ("no such revision", "has no revision 'v9'; give a branch, tag or commit"),
        ("no such config", "has no configuration 'weekly'; choose one of daily, nightly"),
        ("no such split", "has no split 'dev'; choose one of train, test"),
        ("no such folder", "has no folder 'harmles'; choose one of bad, good"),
        ("no folder at all", "org/text has no folder 'harmless', and none to choose; leave it out"),
        ("no data", "cannot be read as a table"),
        ("a large one with code", "scripts are no longer supported"),
        ("into a folder", ". is a folder; name a file to write the rows to"),
        ("a path with a split", "--split is about a data set of the hub"),
    ],
)
def test_refusals_are_one_sentence_that_says_what_to_do(told, step, words):
    status, said = told[step]
    assert status == 2
    (line,) = [line for line in said.splitlines() if line.startswith("vcsoup: ")]
    assert words in line


def test_a_column_of_mixed_types_keeps_its_texts_as_they_are(told):
    """`datasets` keeps such a column as JSON text, in which the text "b" has quotes around it."""
    status, said = told["mixed types"]
    assert status == 0
    assert "3 rows read as TRL explicit, 1 kept, 2 reported (1 unreadable, 1 one-sided)" in said
    pairs = read_preferences(told["home"] / "mixed.parquet").pairs
    assert pairs["rejected"].tolist() == ["b"]


def test_code_that_comes_with_data_is_never_run(told):
    """The script would end the process with status 9."""
    assert told["code"][0] == 0
    assert prompts(told, "code.parquet") == ["Code 0?", "Code 1?"]


def test_who_may_read_it_reads_it(told):
    assert len(prompts(told, "mine.parquet")) == len(prompts(told, "private.parquet")) == 2


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("a stopped download", "the download was stopped; what is here stays in the cache; False"),
        ("stopped rows", "fetching was stopped after 0 rows; nothing was stored; False"),
    ],
)
def test_a_request_to_stop_is_heard_and_leaves_no_file(told, step, words):
    assert told[step] == [0, words]


@pytest.mark.parametrize("way", ["offline", "gone"])
def test_without_the_hub_the_copy_on_this_machine_is_read_and_that_is_said(told, way):
    status, said = told[f"{way}: fetch"]
    assert status == 0
    commits = told["commits"]
    cached = "the hub cannot be reached: read the copy of org/prefs in the cache, commit"
    assert f"{cached} {commits['new'][:8]}" in said
    assert prompts(told, "cached.parquet") == [f"Sky {i}?" for i in range(3)] + [
        f"Sea {i}?" for i in range(4)
    ]
    assert f"{cached} {commits['old'][:8]}" in told[f"{way}: another revision"][1]
    assert prompts(told, "cached-old.parquet")[0] == "Old 0?"
    assert cached in told[f"{way}: add"][1]
    assert "The first rows of daily, train:" in told[f"{way}: look"][1]


@pytest.mark.parametrize("way", ["offline", "gone"])
def test_without_a_copy_it_is_said_how_to_get_one(told, way):
    status, said = told[f"{way}: never fetched"]
    assert status == 2
    assert "no whole copy of org/gated is in the cache" in said
    assert "`hf download --repo-type dataset org/gated`" in said


@pytest.mark.parametrize(
    ("typed", "repo"),
    [
        ("org/name", "org/name"),
        ("hf://datasets/org/name", "org/name"),
        ("hf://datasets/name", "name"),
        ("name", ""),
        ("folder/pairs.jsonl", ""),
        ("folder/pairs.csv.GZ", ""),
        ("folder/pairs.feather", ""),
        ("../org/name", ""),
        ("org/name/more", ""),
        ("~/name", ""),
        ("hf://datasets/../etc", ""),
        ("https://huggingface.co/datasets/org/name", "org/name"),
        ("https://huggingface.co/datasets/org/name/viewer/default/train?p=2", "org/name"),
        ("https://hf.co/datasets/org/name/tree/main/", "org/name"),
        ("https://huggingface.co/datasets/org/name/tree/older", ""),
        ("https://huggingface.co/datasets/org/name/blob/main/train.csv", ""),
        ("https://elsewhere.example/datasets/org/name", ""),
    ],
)
def test_ids_are_told_from_paths(typed, repo):
    assert as_hub_id(typed) == repo


def test_a_path_that_exists_is_no_id(tmp_path, monkeypatch):
    (tmp_path / "org" / "name").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert as_hub_id("org/name") == ""
    assert as_hub_id("org/nmae") == ""  # a slip in a path is no reason to ask the hub
    assert as_hub_id("hf://datasets/org/name") == "org/name"


def test_a_copy_without_a_folder_says_nothing_of_the_hub(tmp_path, monkeypatch):
    """As what another program fetched in part."""
    (tmp_path / "good").mkdir()
    (tmp_path / "good" / "rows.jsonl").write_text("{}")
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: str(tmp_path))
    told = "^the copy on this machine of org/folders has no folder 'bad'; choose one of good$"
    with pytest.raises(HubError, match=told):
        finding._cached(HubData("org/folders", folder="bad"), HubUnreachableError("offline"))

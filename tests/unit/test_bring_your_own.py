"""The guide "bring your own": its commands are run as they stand, on tiny models under its names.

Of the other texts every command is at least parsed against the command line, so that no option in
them can be gone.
"""

import json
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import typer

from tests.tiny_judges import fitted_judge
from tests.tiny_models import tiny_causal
from tests.tiny_pairs import tiny_pairs
from vcsoup.cli import main
from vcsoup.cli.entry import app
from vcsoup.project_entries import DataEntry, ExportEntry, MeasuringEntry
from vcsoup.project_file import ProjectFile
from vcsoup.project_yaml import parse_project_file
from vcsoup.workspace import Workspace

REPO = Path(__file__).parents[2]
GUIDE = REPO / "docs" / "bring_your_own.md"
TEXTS = [REPO / "README.md", *sorted((REPO / "docs").glob("*.md"))]
# The guide's names, and what stands under them here; its lengths, and shorter ones.
HERE = {
    "Qwen/Qwen2.5-0.5B-Instruct": "./base",
    "Ray2333/gpt2-large-helpful-reward_model": "./judge-helpful",
    "Ray2333/gpt2-large-harmless-reward_model": "./judge-harmless",
    "{preset: paper, steps: 200}": "{preset: demo, steps: 2, batch_size: 2, sample_tokens: 0}",
    "{grid: 4, prompts: 32}": "{grid: 2, prompts: 2}",
    "--steps 200": "--steps 2 --batch-size 2 --set sample_tokens=0",
    "--grid 4 --n-prompts 32": "--grid 2 --n-prompts 2",
}


def blocks(path: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)


def commands(path: Path) -> Iterator[list[str]]:
    """Every command of ours in a text, its continued lines joined, without what it pipes into."""
    for block in blocks(path, "bash"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            words = words[: next((k for k, w in enumerate(words) if w in (">", "|")), len(words))]
            if words[:1] == ["vcsoup"]:
                yield words[1:]
            elif words[1:3] == ["-m", "vcsoup"]:
                yield words[3:]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_every_command_of_a_text_can_be_parsed(path):
    for words in commands(path):
        _parse(words)


def _parse(words: list[str]) -> None:
    command, rest = typer.main.get_command(app), list(words)
    context = command.make_context("vcsoup", rest[:1], resilient_parsing=True)
    while hasattr(command, "commands"):
        assert rest, words
        assert rest[0] in command.commands, f"vcsoup {' '.join(words)}: no verb {rest[0]}"
        command = command.commands[rest.pop(0)]
    command.make_context(" ".join(words), rest, parent=context)


@pytest.fixture
def brought(tmp_path: Path, monkeypatch) -> Path:
    """A folder with everything that the guide names, as the working folder."""
    tiny_causal("llama", tmp_path / "base")
    fitted_judge("gpt2", tmp_path / "judge-helpful")
    fitted_judge("gpt2", tmp_path / "judge-harmless")
    pairs = tiny_pairs(40, noise=0.2)
    lines = map(json.dumps, pairs.drop(columns="id").to_dict("records"))
    (tmp_path / "helpful.jsonl").write_text("\n".join(lines))
    both = {
        "prompt": [prompt[0]["content"] for prompt in pairs["prompt"]],
        "response_0": pairs["chosen"],
        "response_1": pairs["rejected"],
        "better_response_id": 0,
        "safer_response_id": [place % 2 for place in range(len(pairs))],
    }
    pd.DataFrame(both).to_parquet(tmp_path / "both.parquet")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VCSOUP_WORKSPACE", str(tmp_path / "workspace"))
    return tmp_path


def test_the_guide_works_as_it_is_written(brought, monkeypatch, capsys):
    (file,) = blocks(GUIDE, "yaml")
    (brought / "project.yaml").write_text(_here(file))
    told = [_here(shlex.join(words)) for words in commands(GUIDE)]
    assert len(told) > 15
    for line in told:
        monkeypatch.setattr(sys, "argv", ["vcsoup", *shlex.split(line)])
        with pytest.raises(SystemExit) as end:
            main()
        assert not end.value.code, f"vcsoup {line}: {capsys.readouterr().err}"
    for path in ("soups/best/adapter_model.safetensors", "soups/half/model.safetensors"):
        assert (brought / path).is_file()
    assert (brought / "my-soup" / "adapter_config.json").is_file()
    by_file, by_hand = map(Workspace(brought / "workspace").project, ("kind-and-safe", "mine"))
    assert {info.hash for info in by_file.datasets().values()} == {
        info.hash for info in by_hand.datasets().values()
    }
    assert len(by_file.points()) == 2 * 4
    assert parse_project_file((brought / "mine.yaml").read_text()).project == "mine"


def _here(text: str) -> str:
    for name, stands in HERE.items():
        text = text.replace(name, stands)
    return text


def test_the_guide_names_every_key():
    """Its table and the record say the same."""
    table = "\n".join(line for line in GUIDE.read_text().splitlines() if line.startswith("| `"))
    for record in (ProjectFile, DataEntry, MeasuringEntry, ExportEntry):
        for name in record.model_fields:
            assert re.search(rf"[`{{ ]{name}[`,}}]", table), f"{name} is not in the guide's table"

"""Make the embedded world from nothing but a seed: data, models, recorded results, card.

Same data for the same seed; weights may differ in the last bits between machines. A build that was
killed goes on where it stopped: every part is written aside and renamed, and parts that exist are
taken as they are. The finished bundle replaces the former one as a whole.
"""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedTokenizerFast

from vcsoup.demo.bundle import MANIFEST, Bundle, RecordedPoint, adapter_name
from vcsoup.demo.card import write_card
from vcsoup.demo.checks import policy_figures, reward_model_figures
from vcsoup.demo.judges import train_reward_model
from vcsoup.demo.models import train_base, train_tokenizer
from vcsoup.demo.open_demo import open_demo
from vcsoup.demo.pairs import PAIRS_PER_VALUE, draw_pairs
from vcsoup.demo.run import GROUPS, THRESHOLD, run_method
from vcsoup.demo.samples import take_samples
from vcsoup.demo.world import VALUES, PromptSplit, split_prompts
from vcsoup.monitor import SILENT, Monitor
from vcsoup.preferences.pairs import save_pairs
from vcsoup.workspace import Project, Workspace

TIMES = "times.json"  # seconds by part, while building


def build_bundle(out: Path, *, seed: int = 0, monitor: Monitor = SILENT) -> dict[str, Any]:
    """Build the embedded world.

    Args:
        out: Bundle folder, replaced when the build is complete; the unfinished one is kept beside
            it as `<out>.building-<seed>`.
        seed: Source of all data and initial weights.
        monitor: Hears about every stage.

    Returns:
        The card: every figure that was measured.
    """
    stage = out.with_name(f"{out.name}.building-{seed}")
    stage.mkdir(parents=True, exist_ok=True)
    split = split_prompts(_rng(seed, 0))
    _make_data(stage / "data", split, seed)
    _make_models(stage, split, seed, monitor)
    contents = Bundle(
        seed=seed,
        values=VALUES,
        thresholds=dict.fromkeys(VALUES, THRESHOLD),
        held_out=tuple(prompt for _, prompt in split.held_out),
    )
    _write(stage / MANIFEST, contents.model_dump_json(indent=1))
    with _timed(stage, "checks"):
        figures = {
            "reward models": reward_model_figures(stage, split, _rng(seed, 7)),
            "base policy": policy_figures(stage, split, seed=seed),
        }
    with _timed(stage, "method"):
        figures["method"], contents = _record_method(stage, contents, monitor)
    figures["seconds"] = json.loads((stage / TIMES).read_text(encoding="utf-8"))
    (stage / TIMES).unlink()
    write_card(stage, contents, figures)
    _write(stage / MANIFEST, contents.model_dump_json(indent=1))
    _replace(stage, out)
    return figures


def _make_data(folder: Path, split: PromptSplit, seed: int) -> None:
    folder.mkdir(exist_ok=True)
    for i, value in enumerate(VALUES):
        path = folder / f"{value}.parquet"
        if not path.exists():
            pairs = draw_pairs(value, split.train, PAIRS_PER_VALUE, _rng(seed, 1 + i))
            save_pairs(pairs, path)


def _make_models(stage: Path, split: PromptSplit, seed: int, monitor: Monitor) -> None:
    folder = stage / "models"
    folder.mkdir(exist_ok=True)
    base = folder / "base"

    def make_base(out: Path) -> None:
        train_tokenizer(split.train, out, rng=_rng(seed, 4))
        tokenizer = PreTrainedTokenizerFast.from_pretrained(out)
        train_base(split.train, tokenizer, out, rng=_rng(seed, 5), monitor=monitor)

    torch.manual_seed(seed)
    _once(stage, base, make_base)
    for i, value in enumerate(VALUES):
        torch.manual_seed(seed + 1 + i)
        train = partial(train_reward_model, value, split.train, base, rng=_rng(seed, 10 + i))
        _once(stage, folder / f"reward-{value}", partial(train, monitor=monitor))


def _record_method(
    stage: Path, contents: Bundle, monitor: Monitor
) -> tuple[dict[str, Any], Bundle]:
    """Run the whole method on the new world and take its results into the bundle."""
    scratch = stage.with_name(f"{stage.name}.workspace")
    workspace = Workspace(scratch)
    project = open_demo(workspace, bundle=stage, recorded=False)
    result = run_method(workspace, project, monitor=monitor)
    for value in VALUES:
        rewards = project.rewards(value)
        assert rewards is not None  # run_method has just scored them
        rewards.to_parquet(stage / "data" / f"{value}-rewards.parquet", compression="zstd")
    names = [_take_adapter(project, stage, value, group) for group in GROUPS for value in VALUES]
    points = tuple(
        RecordedPoint(**point.model_dump(exclude={"set_key", "recorded"}))
        for point in project.points()
    )
    take_samples(project, stage)
    shutil.rmtree(scratch)
    return result, contents.model_copy(update={"adapters": tuple(names), "points": points})


def _take_adapter(project: Project, stage: Path, value: str, group: str) -> str:
    name = adapter_name(value, group)
    source = project.adapter_sets()[group][value].path
    target = stage / "adapters" / name
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    for file, field in (
        ("adapter_config.json", "base_model_name_or_path"),
        ("manifest.json", "base"),
    ):
        entries = json.loads((target / file).read_text(encoding="utf-8"))
        _write(target / file, json.dumps({**entries, field: "models/base"}, indent=1))
    return name


def _once(stage: Path, path: Path, make: Callable[[Path], None]) -> None:
    """Make a folder aside and rename it; do nothing where it exists."""
    if path.exists():
        return
    aside = path.with_name(f".{path.name}")
    shutil.rmtree(aside, ignore_errors=True)
    with _timed(stage, path.name):
        make(aside)
    aside.rename(path)


@contextmanager
def _timed(stage: Path, part: str) -> Iterator[None]:
    """Note how long the block took, so that a resumed build still knows what it cost."""
    started = time.monotonic()
    yield
    path = stage / TIMES
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    _write(path, json.dumps({**known, part: round(time.monotonic() - started)}))


def _replace(stage: Path, out: Path) -> None:
    former = out.with_name(f"{out.name}.former")
    if out.exists():
        out.rename(former)
    stage.rename(out)
    shutil.rmtree(former, ignore_errors=True)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.aside")
    aside.write_text(text + "\n", encoding="utf-8")
    aside.replace(path)


def _rng(seed: int, stream: int) -> np.random.Generator:
    return np.random.default_rng([seed, stream])

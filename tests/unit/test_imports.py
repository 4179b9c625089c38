"""Data flows one way through the rooms, and so do imports."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODELS = {"torch", "transformers", "peft", "trl", "datasets", "accelerate"}
PROCESSES = {"subprocess", "multiprocessing"}
# Arrays in, arrays out: these know neither disk nor process nor screen.
PURE = [
    "vcsoup/consistency.py",
    "vcsoup/retention.py",
    "vcsoup/scoring_progress.py",
    "vcsoup/pair_statistics.py",
    "vcsoup/word_diff.py",
    "vcsoup/gap_shapes.py",
    "vcsoup/soup/weights.py",
    "vcsoup/evaluation/front.py",
    "vcsoup/evaluation/intervals.py",
    "vcsoup/evaluation/summary.py",
    "vcsoup/evaluation/comparison.py",
    "vcsoup/evaluation/chord.py",
    "vcsoup/evaluation/front_picture.py",
    "vcsoup/evaluation/report.py",
    "vcsoup/soup/export_card.py",
    "vcsoup/soup/export_texts.py",
    "vcsoup/evaluation/predict.py",
    "vcsoup/evaluation/explore.py",
    "vcsoup/evaluation/choice.py",
    "vcsoup/evaluation/win_rates.py",
    "vcsoup/filtering.py",
    "vcsoup/sweep.py",
    "vcsoup/reasons.py",
    "vcsoup/numbers.py",
    "vcsoup/set_aside.py",
    "vcsoup/export_layouts.py",
    "vcsoup/export_layout_rows.py",
    "vcsoup/export_rows.py",
    "vcsoup/preferences/pair_format.py",
    "vcsoup/preferences/formats.py",
    "vcsoup/preferences/labelled.py",
    "vcsoup/preferences/rated.py",
    "vcsoup/preferences/detection.py",
    "vcsoup/preferences/aspect_match.py",
    "vcsoup/preferences/column_map.py",
    "vcsoup/preferences/column_paths.py",
    "vcsoup/preferences/arrow_soundness.py",
    "vcsoup/preferences/json_cells.py",
    "vcsoup/preferences/pair_notes.py",
    "vcsoup/preferences/read_report.py",
    "vcsoup/preferences/refusals.py",
    "vcsoup/rewards/agreement.py",
    "vcsoup/rewards/bill.py",
    "vcsoup/rewards/endpoint_fields.py",
    "vcsoup/rewards/endpoint_question.py",
    "vcsoup/rewards/examples.py",
    "vcsoup/rewards/findings.py",
    "vcsoup/rewards/functions.py",
    "vcsoup/rewards/heads.py",
    "vcsoup/rewards/pace.py",
    "vcsoup/rewards/presets.py",
    "vcsoup/rewards/suggest.py",
    *(str(path.relative_to(ROOT)) for path in (ROOT / "vcsoup" / "plots").glob("*.py")),
]
ROOMS = ["preferences", "rewards", "consistency", "base_models", "training", "soup", "evaluation"]


def sources(*patterns: str) -> list[Path]:
    found = [path for pattern in patterns for path in ROOT.glob(pattern)]
    assert found, patterns
    return found


def imported(path: Path, *, anywhere: bool = True) -> set[str]:
    """Return the dotted names that a file imports; with anywhere=False only at its top level."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = ast.walk(tree) if anywhere else tree.body
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def roots(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("name", PURE)
def test_pure_modules_know_neither_disk_nor_process_nor_screen(name):
    names = imported(ROOT / name)
    assert not roots(names) & ({"streamlit", "sqlalchemy", "httpx", "os"} | MODELS | PROCESSES)
    rooms = ("workspace", "jobs", "engine", "ui", "cli", "pipeline")
    assert not [n for n in names if n.startswith(tuple(f"vcsoup.{room}" for room in rooms))]


def test_streamlit_stays_in_the_screens():
    for path in sources("vcsoup/**/*.py"):
        if "ui" not in path.relative_to(ROOT).parts:
            assert "streamlit" not in roots(imported(path)), path


def test_processes_are_started_in_jobs_alone():
    for path in sources("app.py", "pages/*.py", "vcsoup/**/*.py"):
        if "jobs" not in path.relative_to(ROOT).parts:
            assert not roots(imported(path)) & PROCESSES, path


def test_screens_workspace_and_jobs_do_not_import_the_model_libraries():
    patterns = ("ui", "plots", "workspace", "jobs", "preferences")
    for path in sources("app.py", "pages/*.py", *(f"vcsoup/{room}/*.py" for room in patterns)):
        assert not roots(imported(path)) & MODELS, path


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_imports_a_later_one(room):
    """Preferences -> rewards -> consistency -> base models -> training -> soup -> evaluation."""
    later = tuple(f"vcsoup.{name}" for name in ROOMS[ROOMS.index(room) + 1 :])
    for path in (
        sources(f"vcsoup/{room}*") if room == "consistency" else sources(f"vcsoup/{room}/*.py")
    ):
        assert not [name for name in imported(path) if name.startswith(later or ("-",))], path


def test_the_command_line_and_the_hub_load_models_only_when_they_must():
    for path in sources("vcsoup/cli/*.py", "vcsoup/hub/*.py"):
        assert not roots(imported(path, anywhere=False)) & MODELS, path

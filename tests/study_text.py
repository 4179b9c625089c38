"""A study written in a test, read from a file as `python -m vcsoup study` reads it."""

import tempfile
from pathlib import Path

from vcsoup.study.study_file import StudyFile, load_study


def parse_study(text: str) -> StudyFile:
    """Read a study; messages call it study.yaml."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "study.yaml"
        path.write_text(text, encoding="utf-8")
        return load_study(path)

"""The process that paints the screens must not load the model libraries: they take seconds."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
VISITS = """
import sys
from streamlit.testing.v1 import AppTest

app = AppTest.from_file("vcsoup/ui/start.py", default_timeout=60).run()
for page in ("home", "data", "consistency", "train", "soup", "compare"):
    app.switch_page(f"../../pages/{page}.py").run()
    assert not app.exception, (page, app.exception)
    assert app.title, page
for step in ("data", "cone", "adapters", "soup", "front"):
    app.query_params.update(present="1", step=step)
    app.run()
    assert not app.exception, (step, app.exception)
heavy = {"torch", "transformers", "peft", "trl", "datasets", "accelerate"} & set(sys.modules)
assert not heavy, heavy
"""


def test_all_pages_run_without_the_model_libraries(workspace):
    from tests.app.fixture_project import full_project

    full_project(workspace, prompts=0)
    script = VISITS.replace("vcsoup/ui/start.py", str(ROOT / "vcsoup" / "ui" / "start.py"))
    ran = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]

"""Which adapter stands for a value: Soup and Train let a former one, and its soups, come back."""

import json

import pytest

from tests.app import fixture_runs as made
from tests.app.fixture_project import add_adapter, full_project


@pytest.fixture
def project(workspace):
    """Recorded sets with 22 points each; nothing to answer, so no engine starts."""
    return full_project(workspace, prompts=0)


def texts(app) -> str:
    return "\n".join(element.value for element in (*app.markdown, *app.caption))


def train_anew(project, created: str, **manifest) -> str:
    """Shelve a newer helpful adapter; returns its name."""
    former = {info.name for info in project.adapters()}
    add_adapter(project, "helpful", "filtered", recorded=False, seed=len(former))
    (name,) = {info.name for info in project.adapters()} - former
    path = project.adapter_dir(name) / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"created": created} | manifest))
    return name


def test_choosing_the_recorded_adapter_brings_its_soups_back(project, visit):
    app = visit("soup")
    assert "adapter_demo_filtered_helpful" not in [box.key for box in app.selectbox]
    recorded = project.adapter_sets()["filtered"]["helpful"].name
    own = train_anew(project, "2026-11-01T10:00", stopped=True, steps_done=40)
    app = visit("soup")
    assert project.points(project.set_key(project.adapter_sets()["filtered"])) == []
    box = app.selectbox(key="adapter_demo_filtered_helpful")
    assert box.value == own
    assert box.options == [
        f"{own}: 01 Nov, 10:00 UTC, threshold 0.30, stopped at step 40",
        f"{recorded}: recorded, threshold 0.30",
    ]
    box.set_value(recorded).run()
    assert not app.exception
    assert app.selectbox(key="adapter_demo_filtered_helpful").value == recorded
    assert project.adapter_sets()["filtered"]["helpful"].name == recorded
    assert len(project.points(project.set_key(project.adapter_sets()["filtered"]))) == 22
    train_anew(project, "2026-11-02T10:00")
    assert visit("soup").selectbox(key="adapter_demo_filtered_helpful").value != recorded


def test_the_lineage_of_a_run_says_whether_its_adapter_is_used(workspace, project, visit):
    first, second = (made.finished(workspace, "helpful") for _ in range(2))
    earlier = train_anew(project, "2026-11-01T10:00", job=first.id)
    later = train_anew(project, "2026-11-02T10:00", job=second.id)

    def lineage(run: str):
        app = visit("train", run=run)
        return app.segmented_control(key="run_part").set_value("Lineage").run()

    assert "in use" in texts(lineage(second.id))
    app = lineage(first.id)
    assert "in use" not in texts(app)
    assert later in app.button(key=f"use_{earlier}").help.replace("\\", "")
    app.button(key=f"use_{earlier}").click().run()
    assert project.adapter_sets()["filtered"]["helpful"].name == earlier
    assert "in use" in texts(app)
    assert f"use_{later}" in [button.key for button in lineage(second.id).button]

"""A run sent from the page to a real Ray of two nodes on this machine, and seen with its node."""

import re
import sys
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import end, free_port, start
from tests.faults.scene import ENVIRONMENT, Scene
from tests.ray_cluster import TwoNodes, two_node_ray
from vcsoup.jobs.ray_settings import RaySettings

pytestmark = pytest.mark.skipif(
    find_spec("ray") is None, reason="Ray is not installed: pip install 'ray[default]'"
)
PATIENCE_MS = 150_000


@pytest.fixture
def scene(tmp_path: Path, monkeypatch) -> Scene:
    for name, text in ENVIRONMENT.items():
        monkeypatch.setenv(name, text)
    return Scene(tmp_path, steps=8)


def second_node(ray: TwoNodes) -> str:
    """Ask Ray for the id of the node that is not the head."""
    answer = httpx.get(
        f"{ray.address}/api/v0/nodes", headers={"Authorization": f"Bearer {ray.token}"}
    )
    nodes = answer.json()["data"]["result"]["result"]
    (found,) = [node["node_id"] for node in nodes if not node["is_head_node"]]
    return found


def test_a_run_goes_to_ray_from_the_page(page: Page, scene: Scene, monkeypatch):
    with two_node_ray() as ray:
        # Looking at the jobs here may be what wakes the queue's runner, which needs the token.
        monkeypatch.setenv("RAY_AUTH_TOKEN", ray.token)
        RaySettings(address=ray.address).save(scene.jobs.root)
        url = f"http://127.0.0.1:{free_port()}"
        command = [sys.executable, "-m", "vcsoup", "app", "--port", url.rpartition(":")[2]]
        server = start(
            [*command, "--workspace", str(scene.workspace.root)], url, RAY_AUTH_TOKEN=ray.token
        )
        try:
            _send_and_watch(page, url, scene, second_node(ray)[:8])
        finally:
            end(server)
            scene.close()
        told = [path for path in scene.workspace.root.rglob("*.json*")]
        assert not [path for path in told if ray.token in path.read_text(errors="replace")]


def _send_and_watch(page: Page, url: str, scene: Scene, node: str) -> None:
    page.goto(f"{url}/train?project=demo")
    page.get_by_text("Ray", exact=True).click(timeout=PATIENCE_MS)
    page.locator(".st-key-start_runs button").click()
    scene.wait(lambda: scene.jobs.list(), "the run of the page")
    (job,) = scene.jobs.list()
    assert job.launcher == "ray"
    page.goto(f"{url}/train?project=demo&run={job.id}")
    expect(page.get_by_text(re.compile(f"node {node}"))).to_be_visible(timeout=PATIENCE_MS)
    done = page.locator(".stMarkdown", has_text=re.compile(r"\bdone\s*$")).first
    expect(done).to_be_visible(timeout=PATIENCE_MS)
    assert (job.state, job.attempt, job.error) == ("done", 1, None)
    assert scene.end_of(job).loss < 0.69
    assert "training helpful" in "\n".join(job.log_tail())

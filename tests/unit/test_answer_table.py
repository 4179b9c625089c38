"""The engine's table of answers: the same replies and rewards as sampling and scoring alone."""

import time

import numpy as np
import pytest
from fastapi.testclient import TestClient

from tests.tiny_project import tiny_project
from vcsoup.engine.bench import Benches
from vcsoup.engine.owner import Owner
from vcsoup.engine.server import create_app
from vcsoup.engine.table import AnswerTable, TableRequest
from vcsoup.preferences.pairs import as_messages
from vcsoup.rewards.model import RewardModel
from vcsoup.soup.model import SoupModel
from vcsoup.soup.sampling import sample
from vcsoup.workspace import Workspace

PROMPTS = ["How do I plan a party?", "Tell me a joke."]
SOUPS = [{"helpful": 0.0, "harmless": 0.0}, {"helpful": 1.0}, {"helpful": 0.25, "harmless": 0.75}]
REQUEST = {
    "project": "demo",
    "prompts": PROMPTS,
    "soups": [{"weights": weights} for weights in SOUPS],
    "seed": 4,
    "max_new_tokens": 12,
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("table")
    workspace = Workspace(folder / "workspace")
    tiny_project(workspace, folder)
    return workspace


@pytest.fixture
def client(workspace: Workspace):
    owner = Owner()
    app = create_app(workspace, owner, token="secret")
    with TestClient(app, headers={"Authorization": "Bearer secret"}) as client:
        yield client
    owner.close()


def ended(client: TestClient, name: str) -> dict:
    deadline = time.monotonic() + 60
    while (seen := client.get(f"/tables/{name}").json())["state"] in (
        "queued",
        "sampling",
        "scoring",
    ):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return seen


def test_a_table_is_what_sampling_and_scoring_each_alone_give(client, workspace):
    seen = ended(client, client.post("/tables", json=REQUEST).json()["id"])
    assert (seen["state"], seen["error"]) == ("done", None)
    project = workspace.project("demo")
    adapters = project.adapter_sets()["filtered"]
    paths = [adapters[value].path for value in project.values]
    soup = SoupModel.load(project.config.base, paths, device="cpu")
    for place, weights in enumerate(SOUPS):
        row = [[weights.get(value, 0.0) for value in project.values]]
        for p, prompt in enumerate(PROMPTS):
            (alone,) = sample(soup, [prompt], row, seed=4, max_new_tokens=12)
            assert seen["replies"][p][place] == alone
    for value in project.values:
        judge = RewardModel.load(project.config.rewards[value], "cpu")
        asked = [as_messages(prompt) for prompt in PROMPTS for _ in SOUPS]
        wanted = judge.score(asked, [reply for row in seen["replies"] for reply in row])
        found = [cell[value] for row in seen["rewards"] for cell in row]
        np.testing.assert_allclose(found, wanted, atol=1e-4)  # batched == alone to 1e-4


def test_without_scores_and_with_free_weights(client):
    odd = {**REQUEST, "soups": [{"weights": {"helpful": 1.5, "harmless": -0.25}}], "score": False}
    refused = client.post("/tables", json=odd)
    assert (refused.status_code, "must not be negative" in refused.json()["error"]) == (400, True)
    seen = ended(client, client.post("/tables", json={**odd, "free": True}).json()["id"])
    assert seen["state"] == "done"
    assert seen["rewards"] == [[None], [None]]
    assert all(reply for row in seen["replies"] for reply in row)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"prompts": []}, "prompts"),
        ({"prompts": ["ok", "  "]}, "a prompt is empty"),
        ({"prompts": ["x"] * 64, "soups": [{"weights": {"helpful": 1}}] * 5}, "more than 256"),
        ({"soups": [{"weights": {"kind": 1.0}}]}, "unknown value 'kind'"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_bad_requests_are_refused_with_one_line(client, change, said):
    answer = client.post("/tables", json={**REQUEST, **change})
    assert answer.status_code in (400, 422)
    assert said in answer.json()["error"]


def test_unknown_groups_and_tables(client):
    lost = {**REQUEST, "soups": [{"group": "nope", "weights": {"helpful": 1.0}}]}
    seen = ended(client, client.post("/tables", json=lost).json()["id"])
    assert seen["state"] == "failed"
    assert "no complete adapter set 'nope'" in seen["error"]
    assert client.get("/tables/never").status_code == 404


def test_a_cancelled_table_ends(client):
    slow = {**REQUEST, "max_new_tokens": 200}
    name = client.post("/tables", json=slow).json()["id"]
    assert client.delete(f"/tables/{name}").json()["state"] == "cancelled"
    assert client.get(f"/tables/{name}").json()["state"] == "cancelled"
    assert ended(client, client.post("/tables", json=REQUEST).json()["id"])["state"] == "done"


def test_a_failure_after_cancelling_is_not_told(workspace):
    table = AnswerTable(Benches(workspace), TableRequest(**REQUEST), np.zeros((3, 2)))
    table.cancel()
    table.fail("too late")
    assert (table.state, table.error) == ("cancelled", None)

"""A data set of the hub on the Data page: what was found, what is asked, which job comes next."""

import io
import json

import pytest

from vcsoup.hub.dataset_id import HubOrigin
from vcsoup.jobs import Jobs, job_worker
from vcsoup.workspace import ProjectConfig
from vcsoup.workspace.incoming import Incoming

FOUND = {
    "repo": "org/prefs",
    "revision": "0123456789abcdef",
    "bytes": 3 * 2**30,
    "cached": False,
    "folders": ["bad", "good"],
    "folder": "",
    "configs": {"daily": {"train": 1200, "test": 30}, "nightly": {"dev": None}},
    "config": "daily",
    "split": "train",
    "first_rows": 20_000,
    "problem": "",
}
ROW = {
    "row": 1,
    "pair": {
        "prompt": [{"role": "user", "content": "Sky?"}],
        "chosen": "Blue.",
        "rejected": "Green.",
    },
    "problem": "",
}
SEEN = {"format": "TRL explicit", "aspects": [], "columns": ["prompt"], "first": [ROW]}


@pytest.fixture
def started(monkeypatch):
    """Return the arguments of every job that the page starts; none runs, the look stands in."""
    args = []

    def start(self, command, **about):
        args.append(command)
        return self.list()[0]

    monkeypatch.setattr(Jobs, "start", start)
    return args


@pytest.fixture
def looked(workspace, visit):
    """Return a function that opens the page once a look has found something."""
    config = ProjectConfig(name="raw", values=("helpful", "harmless"), base="org/base")
    workspace.create_project(config)

    def open_page(**changes):
        about = {"kind": "data", "title": "Looking", "project": "raw", "args": ["data", "look"]}
        with job_worker(**about, jobs_root=workspace.jobs_root, slot=False) as worker:
            inside = {} if changes.get("problem") else SEEN
            worker.finish({"hub": {**FOUND, **changes}, **inside})
        place = str(workspace.incoming.receive(io.BytesIO()))
        arriving = Incoming("raw", "helpful", "org/prefs", place, True, worker.path.name)
        options = {"step": "look", "options": ("--longest=12",)}
        workspace.incoming.put(Incoming(**{**vars(arriving), **options}))
        return visit("data", value="helpful", view="add")

    return open_page


def text(app):
    return " | ".join(part.value for part in [*app.markdown, *app.caption, *app.info, *app.warning])


def test_what_was_found_and_which_part_is_fetched(looked, started, workspace):
    app = looked()
    assert "**org/prefs**, 3.0 GiB, commit 01234567" in text(app)
    assert "The first rows of daily, train, read as TRL explicit" in text(app)
    assert app.dataframe[-1].value["chosen"].tolist() == ["Blue."]
    assert app.selectbox(key="hub_helpful_split_daily").options == [
        "train (1,200 rows)",
        "test (30 rows)",
    ]
    assert app.number_input(key="hub_helpful_limit").value == 20_000
    app.selectbox(key="hub_helpful_config").set_value("nightly").run()
    app.number_input(key="hub_helpful_limit").set_value(500).run()
    app.button(key="hub_fetch").click().run()
    ((verb, what, *options, mark, source, out),) = started
    assert (verb, what, mark, source) == ("data", "fetch", "--", "hf://datasets/org/prefs")
    assert {"--config=nightly", "--split=dev", "--limit=500"} <= set(options)
    assert "--revision=0123456789abcdef" in options
    arriving = workspace.incoming.find("raw", "helpful")
    assert (arriving.step, arriving.file, arriving.options) == ("fetch", out, ("--longest=12",))


def test_another_folder_is_looked_into_anew(looked, started):
    app = looked(configs={"default": {"train": None}}, config="default")
    app.selectbox(key="hub_helpful_folder").set_value("good").run()
    assert not [button for button in app.button if button.key == "hub_fetch"]
    app.button(key="hub_look").click().run()
    ((verb, what, *options, _, source),) = started
    assert (verb, what, source) == ("data", "look", "hf://datasets/org/prefs")
    assert "--folder=good" in options


def test_a_copy_and_a_problem_are_said_and_it_can_be_left(looked, workspace):
    app = looked(cached=True, problem="org/prefs cannot be read as a table", configs={})
    assert "The hub cannot be reached; this is the copy on this machine." in text(app)
    assert "cannot be read as a table" in text(app)
    assert app.button(key="hub_fetch").disabled
    app.button(key="hub_discard").click().run()
    assert workspace.incoming.find("raw", "helpful") is None


def test_what_is_no_id_starts_nothing(looked, started, workspace, visit):
    looked()
    workspace.incoming.drop(workspace.incoming.find("raw", "helpful"))
    app = visit("data", value="helpful", view="add")
    app.text_input(key="hub_repo_helpful").set_value("not an id")
    next(button for button in app.button if button.label == "Look it up").click().run()
    assert "write it as org/name" in app.error[0].value
    assert started == []


@pytest.fixture
def fetched(workspace, visit):
    """Return a function that opens the wizard once rows for several values are here."""
    workspace.create_project(
        ProjectConfig(name="raw", values=("helpful", "harmless"), base="org/base")
    )

    def open_page(content):
        origin = HubOrigin("org/both", "default", "train", "", "0123456789ab", 3, 3, False)
        about = {"kind": "data", "title": "Fetching", "project": "raw", "args": ["data", "fetch"]}
        with job_worker(**about, jobs_root=workspace.jobs_root, slot=False) as worker:
            worker.finish({**origin.to_dict(), "path": "somewhere"})
        place = str(workspace.incoming.receive(io.BytesIO(content)))
        coming = Incoming("raw", "", "org/both", place, True, worker.path.name, step="fetch")
        workspace.incoming.put(coming)
        return visit("new", project="raw", step="data")

    return open_page


def safe_rlhf(n):
    answers = {"response_0": "So.", "response_1": "No."}
    labels = {"better_response_id": 0, "safer_response_id": 1}
    rows = [{"prompt": f"How {i}?", **answers, **labels} for i in range(n)]
    return "\n".join(map(json.dumps, rows)).encode()


def test_few_rows_for_several_values_are_stored_at_once(fetched, started, workspace):
    app = fetched(safe_rlhf(3))
    assert app.segmented_control(key="wizard_way").value == "One file for several values"
    app.button(key="shared_raw_store").click().run()
    project = workspace.project("raw")
    chosen = {value: project.pairs(value)["chosen"].tolist() for value in project.values}
    assert chosen == {"helpful": ["So."] * 3, "harmless": ["No."] * 3}
    assert "org/both, split train" in project.datasets()["helpful"].source
    assert started == []
    assert not list((workspace.root / "incoming").iterdir())


def test_aspects_are_offered_by_their_names(fetched):
    """The entries of a list are no Markdown: an underscore stays one."""
    aspects = ("instruction_following", "honesty")
    told = [
        {"response": f"It is {n}.", "annotations": {aspect: {"Rating": n} for aspect in aspects}}
        for n in ("1", "5")
    ]
    app = fetched(json.dumps({"instruction": "Sky?", "completions": told}).encode())
    offered = app.selectbox(key="shared_raw_of_helpful").options
    assert "instruction_following" in offered


def test_a_data_set_of_one_preference_is_not_for_several_values(fetched, workspace):
    row = {"prompt": "Sky?", "chosen": "Blue.", "rejected": "Green."}
    app = fetched(json.dumps(row).encode())
    assert "org/both holds one preference" in text(app)
    app.button(key="shared_back").click().run()
    assert workspace.incoming.find("raw", "") is None
    assert not list((workspace.root / "incoming").iterdir())

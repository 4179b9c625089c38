"""What the clinic found is kept with what it looked at, and is stale once that changed."""

from tests.tiny_pairs import tiny_pairs
from vcsoup.rewards.clinic import check_rewards
from vcsoup.rewards.spec import RewardSpec, changed_spec
from vcsoup.workspace import Project, ProjectConfig, Workspace
from vcsoup.workspace.checkups import Checkup, checkup_of

JUDGES = {
    "brief": RewardSpec(kind="length", sign=-1),
    "asks": RewardSpec(kind="pattern", pattern="o"),
    "plain": RewardSpec(kind="readability"),
}


def checked(tmp_path) -> tuple[Project, Checkup]:
    """A project of rules with pairs of one value, and what the clinic says of it."""
    config = ProjectConfig(name="mine", values=tuple(JUDGES), base="org/base", rewards=JUDGES)
    project = Workspace(tmp_path / "w").create_project(config)
    project.save_pairs("brief", tiny_pairs(40), source="hand")
    data = project.datasets()
    found = check_rewards(JUDGES, {value: project.pairs(value) for value in data})
    return project, checkup_of(found, judges=JUDGES, data=data)


def test_a_record_comes_back_as_it_was(tmp_path):
    project, checkup = checked(tmp_path)
    assert project.checkup() is None
    project.save_checkup(checkup)
    again = Workspace(tmp_path / "w").project("mine").checkup()
    assert again == checkup
    assert [len(row) for row in again.correlations] == [3, 3, 3]
    assert all(again.correlations[k][k] == 1 for k in range(3))


def test_values_that_say_nothing_have_no_correlation(tmp_path):
    """No answer holds a question mark, so that value's gaps are all alike."""
    rules = {**JUDGES, "asks": RewardSpec(kind="pattern", pattern=r"\?")}
    found = check_rewards(rules, {"brief": tiny_pairs(20)})
    record = checkup_of(found, judges=rules, data={})
    assert record.correlations[0][1] is None
    assert record.correlations[0][2] is not None


def test_a_changed_judge_or_data_set_is_told_by_value(tmp_path):
    project, checkup = checked(tmp_path)

    def changed() -> set[str]:
        return set(checkup.changed(project.config.rewards, project.datasets()))

    assert changed() == set()
    project.set_reward("asks", changed_spec(JUDGES["asks"], sign=-1))
    assert changed() == {"asks"}
    project.set_reward("plain", None)
    assert changed() == {"asks", "plain"}
    project.set_reward("asks", JUDGES["asks"])
    project.save_pairs("brief", tiny_pairs(12), source="other")
    assert changed() == {"brief", "plain"}


def test_a_damaged_record_counts_as_none(tmp_path):
    project, checkup = checked(tmp_path)
    project.save_checkup(checkup)
    (project.root / "checkup.json").write_text('{"findings": 3')
    assert project.checkup() is None
    (project.root / "checkup.json").write_text('{"findings": 3}')
    assert project.checkup() is None

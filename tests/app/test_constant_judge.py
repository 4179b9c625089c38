"""A judge that says the same of every answer: all pages open and lead to where that is mended."""

import pytest

from tests.app.fixture_project import full_project


@pytest.mark.parametrize("name", ["home", "data", "consistency", "train", "soup", "compare"])
def test_every_page_opens_and_names_the_value(name, workspace, visit):
    project = full_project(workspace, n=40)
    for value in project.values:
        rewards = project.rewards(value)
        project.save_rewards(value, rewards.assign(harmless_chosen=10.0, harmless_rejected=10.0))
    app = visit(name)
    assert [title.value for title in app.title]
    assert "step 1 of 5, pairs" in " ".join(element.value for element in app.markdown)
    told = [error.value for error in app.error]
    assert all("the rewards of harmless are all 10 in the pairs of" in said for said in told)
    assert all("scale the gaps over all data sets (shared)" in said for said in told)
    assert bool(told) == (name in ("consistency", "data", "train"))
    if name == "home":
        said = "the judge of harmless says the same of all answers in the pairs of "
        said += "helpful, harmless, humorous"
        assert said in " ".join(caption.value for caption in app.caption)
    if name == "data":
        judges = visit("data", view="judges")
        assert "Change" in [button.label for button in judges.button]

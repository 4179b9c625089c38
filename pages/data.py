"""Data: which pairs do I have, are they sound? Datasets, scoring, reading, statistics, adding."""

from vcsoup.ui import data_page, state
from vcsoup.ui.demo_offer import no_project
from vcsoup.ui.shell import header

project = state.chosen_project()
header(
    "Which pairs do I have, are they sound?",
    "One preference dataset per value: add it, read it, see what was left out, and let the reward "
    "models score it.",
    state.where_it_stands(project) if project else None,
)
if project is None:
    no_project("its pairs then show here")
else:
    data_page.show(project)

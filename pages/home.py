"""Home: where does my project stand? Project picker, the pipeline as five cards, the demo."""

import streamlit as st

from vcsoup.errors import VcsoupError
from vcsoup.ui import home, state
from vcsoup.ui.literal import message
from vcsoup.ui.pipeline import standing
from vcsoup.ui.shell import header

try:
    project, trouble = state.chosen_project(), None
except VcsoupError as error:
    project, trouble = None, str(error)

if project is None:
    header(
        "Balance several human values in one model",
        "VC-Soup Lab filters preference pairs by value consistency, trains one adapter per value, "
        "and mixes the adapters into a model of your choice.",
    )
    if trouble:
        st.error(message(trouble), icon=":material/error:")
    home.welcome()
else:
    stages = state.pipeline(project)
    header(
        "Where does my project stand?",
        "Five steps from preference pairs to a model that balances your values.",
        standing(project, stages),
    )
    home.picker(project)
    home.cards(stages)
    st.space("small")
    home.front(project)
    home.more()

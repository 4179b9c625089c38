"""The app's front door: `streamlit run app.py` (or `python -m vcsoup app`).

`st.App` serves the script in `vcsoup/ui/start.py`, which holds the page configuration and the
navigation. It is not this file because Streamlit treats a `pages/` folder beside the *main script*
as its old kind of multipage app: a deep link as the first visit would run that page alone, without
the shell. The main script lives where no such folder is, so every visit runs the shell first.
"""

import streamlit as st

app = st.App("vcsoup/ui/start.py")

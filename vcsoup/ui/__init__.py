"""The screens' state, widgets and theme; with `app.py` and `pages/` the only code on streamlit.

No module here imports torch or transformers: the app must paint within seconds
(`tests/app/test_no_torch.py`).
"""

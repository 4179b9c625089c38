"""Inline components (`st.components.v2`): small pieces of the screens that run in the browser.

Each reads its html, css and js from files beside it, once. What users wrote reaches the browser
only through `data`, and the scripts set it by `textContent`: it is never html.
"""

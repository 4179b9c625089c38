"""Tables and numbers to Plotly figures: pure functions, no disk, no streamlit, no torch."""

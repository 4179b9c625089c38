"""From replies to rewards: one reward model per value, batched, with a cache that survives a kill.

`spec` says what judges a value and how to ask it (torch-free): a model, a column of the data, or a
function of the reply. `presets` and `suggest` help to write it; `consent` guards a model's own
code. `judge` loads it, `model` asks it, `cache` keeps the answers; `scoring` makes the rewards
table that `vcsoup.consistency` and the workspace read. `clinic` tells whether it is asked rightly.
"""

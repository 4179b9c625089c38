"""From replies to rewards: one reward model per value, batched, with a cache that survives a kill.

`spec` says what a reward model is and how to ask it (torch-free); `model` asks it; `cache` keeps
the answers; `scoring` makes the rewards table that `vcsoup.consistency` and the workspace read.
"""

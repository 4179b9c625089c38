"""From pairs to an adapter: one value's LoRA DPO, with or without the consistency filter.

`config` is torch-free; which pairs are kept is decided before, in `vcsoup.filtering`. `dpo` trains:
`rows` orders the pairs, `trainer` sets up trl's `DPOTrainer`, `watch` reports and guards against
collapse.
"""

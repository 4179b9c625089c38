"""From pairs to an adapter: one value's LoRA DPO, with or without the consistency filter.

`config` and `filtering` are torch-free. `dpo` trains: `rows` orders the pairs, `trainer` sets up
trl's `DPOTrainer`, `watch` reports and guards against collapse.
"""

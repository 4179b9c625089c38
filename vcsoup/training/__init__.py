"""From pairs to an adapter: one value's LoRA DPO, with or without the consistency filter.

`config` and `filtering` are torch-free. `dpo` trains: `rows` orders the pairs, `trainer` sets up
trl's `DPOTrainer`, `watch` reports and guards against collapse.
"""

import os

# trl reports every trainer it makes unless this is set before huggingface_hub is imported.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

"""VC-Soup Lab: balance several human values in one language model.

Score preference pairs with one reward model per value, keep the pairs on which the values agree,
train one LoRA policy per value, combine the adapters linearly, keep the Pareto-optimal soups.
Method: Xu et al., VC-Soup, arXiv:2603.18113.
"""

import os

# Both are read when torch and huggingface_hub are loaded, so they must be set first. Sleeping
# instead of spinning at barriers made training beside another busy process twenty times faster.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # trl reports each trainer otherwise

__version__ = "0.1.0"

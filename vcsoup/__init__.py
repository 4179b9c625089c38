"""VC-Soup Lab: balance several human values in one language model.

Score preference pairs with one reward model per value, keep the pairs on which the values agree,
train one LoRA policy per value, combine the adapters linearly, keep the Pareto-optimal soups.
Method: Xu et al., VC-Soup, arXiv:2603.18113.
"""

__version__ = "0.1.0"

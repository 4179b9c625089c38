"""The model card (README.md) of an exported soup: what is in it, what was measured, how to load it.

Plain data in, Markdown out. Every number is measured or exactly computed; what was not measured
is said to be so. Names from users reach the text only inside code spans.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from vcsoup.soup.export_recipe import AdapterPart, Recipe

_LOADING = {
    "adapter": """\
```python
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer{more}

base = AutoModelForCausalLM.from_pretrained({base!r}{arguments})
model = PeftModel.from_pretrained(base, "THIS_FOLDER")
tokenizer = AutoTokenizer.from_pretrained({base!r}{revision})
```""",
    "model": """\
```python
from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("THIS_FOLDER")
tokenizer = AutoTokenizer.from_pretrained("THIS_FOLDER")
```""",
}


@dataclass(frozen=True)
class Measured:
    """A measured point as the card shows it; figures in the reward models' units.

    Attributes:
        rewards, low, high: Per value, mean and ends of the 95 % interval.
        n_prompts: Held-out prompts behind them.
        seed: Seed of the sampling.
        recorded: Whether it came with the project's bundle instead of this machine.
    """

    rewards: Mapping[str, float]
    low: Mapping[str, float]
    high: Mapping[str, float]
    n_prompts: int
    seed: int
    recorded: bool


def model_card(
    recipe: Recipe,
    *,
    soup: Measured | None,
    base: Measured | None,
    reward_models: Mapping[str, str],
    picture: str = "",
) -> str:
    """Write the card.

    Args:
        recipe: What is exported.
        soup: The soup's measured point; None says that it was not measured.
        base: The base's, for comparison.
        reward_models: Name of the reward model per value.
        picture: File name of the front's picture beside the card; "" for none.

    Returns:
        Markdown with a YAML head. "{relative_error}" stands for the figure that building measures
        (`vcsoup.soup.export.build` puts it in).
    """
    mix = " + ".join(f"{part.value} {part.weight:g}" for part in recipe.adapters if part.weight)
    parts = [
        _head(recipe),
        f"# A soup of {len(recipe.adapters)} values: {mix or 'the base'}",
        f"Project {_code(recipe.project)}, {_code(recipe.group)} adapters, mixed linearly into "
        f"{_code(recipe.base.model)} (content {_code(recipe.base.hash)}) with VC-Soup Lab, after "
        "the method of arXiv:2603.18113.",
        "## What is in it",
        _adapters(recipe),
        f"{_kind(recipe)} Relative error against the exact soup: {{relative_error}}.",
        "## What was measured",
        *_rewards(recipe, soup, base, reward_models),
        *([f"![Measured soups, the front and this one]({picture})"] if picture else []),
        "## Loading it",
        _loading(recipe),
        "## Making it again",
        "`recipe.yaml` names base and adapters by content; "
        "`python -m vcsoup soup build recipe.yaml --out FOLDER` builds this folder from them and "
        "refuses when one of them differs.",
    ]
    return "\n\n".join(parts) + "\n"


def _head(recipe: Recipe) -> str:
    head: dict[str, Any] = {"base_model": recipe.base.model}
    head["library_name"] = "peft" if recipe.kind == "adapter" else "transformers"
    head["tags"] = ["vc-soup", "model-soup", "lora"]
    return f"---\n{yaml.safe_dump(head, sort_keys=False, allow_unicode=True)}---"


def _loading(recipe: Recipe) -> str:
    base = recipe.base
    return _LOADING[recipe.kind].format(
        base=base.model,
        arguments=base.arguments,
        revision=base.at_revision,
        more=base.more_imports,
    )


def _kind(recipe: Recipe) -> str:
    kept = recipe.base.quantization
    if recipe.kind == "model":
        told = f"A full model in {recipe.dtype}: the soup's delta is added to the base's weights."
        if kept:
            told += (
                f" The base was kept in {kept[0]} bits while its soups were measured; its weights "
                "here are those, written out again, not the published ones."
            )
        return told
    return _method(recipe) + (
        f" It was trained and measured beside the base in {kept[0]} bits; beside the published "
        "weights it answers a little differently."
        if kept
        else ""
    )


def _method(recipe: Recipe) -> str:
    return {
        "exact": "One PEFT adapter, exact: the factors of all adapters side by side.",
        "svd": f"One PEFT adapter of rank {recipe.rank}: the best approximation of that rank.",
        "factor average": "One PEFT adapter that averages the factors A and B separately, as "
        "published soup code does. That is *not* the sum of the adapters.",
    }[recipe.method]


def _adapters(recipe: Recipe) -> str:
    rows = [
        "| value | weight | adapter's content | trained from | threshold | dataset |",
        "|---|---|---|---|---|---|",
        *(_adapter_row(part) for part in recipe.adapters),
    ]
    return "\n".join(rows)


def _adapter_row(part: AdapterPart) -> str:
    on = part.trained_on
    pairs = "unknown" if on.pairs is None else f"{on.pairs:,} pairs"
    pairs += f" of {on.pairs_all:,}" if on.pairs is not None and on.pairs_all else ""
    threshold = "none" if on.threshold is None else f"{on.threshold:g} ({on.scale or 'dataset'})"
    data = _code(on.data_hash) if on.data_hash else "unknown"
    cells = [_code(part.value), f"{part.weight:g}", _code(part.hash), pairs, threshold, data]
    return "| " + " | ".join(cells) + " |"


def _rewards(
    recipe: Recipe,
    soup: Measured | None,
    base: Measured | None,
    reward_models: Mapping[str, str],
) -> list[str]:
    if soup is None:
        return ["This soup was not measured before it was exported."]
    rows = ["| value | mean reward (95 % interval) | base | reward model |", "|---|---|---|---|"]
    for part in recipe.adapters:
        value = part.value
        judge = _code(reward_models[value]) if value in reward_models else "unknown"
        rows.append(
            f"| {_code(value)} | {_interval(soup, value)} | "
            f"{_interval(base, value) if base else 'not measured'} | {judge} |"
        )
    origin = "Recorded when the project's bundle was built" if soup.recorded else "Measured"
    told = (
        f"{origin} on {soup.n_prompts} held-out prompts with sampling seed {soup.seed}; intervals "
        "by bootstrap over prompts."
    )
    about = [] if recipe.method == "exact" else ["The figures are those of the exact soup."]
    return ["\n".join(rows), " ".join([told, *about])]


def _interval(point: Measured, value: str) -> str:
    return f"{point.rewards[value]:.3f} ({point.low[value]:.3f} to {point.high[value]:.3f})"


def _code(text: str) -> str:
    """A code span; a backtick or a line break in the text would end it."""
    return "`" + " ".join(text.replace("`", "'").replace("|", "/").split()) + "`"

"""A recipe in the words of other tools: mergekit's YAML, and a script that needs only peft.

Both give exactly the soup's weights. Torch-free: they are texts.
"""

import yaml

from vcsoup.errors import AdapterError
from vcsoup.soup.export_recipe import Recipe

MERGEKIT_VERSION = "0.1.4"
"""Whose syntax `mergekit_yaml` writes: `base+lora` references and `task_arithmetic`."""

_MERGEKIT_HEADER = f"""\
# The soup for mergekit ({MERGEKIT_VERSION}): base + sum of weight * (base+adapter - base), exact.
#   mergekit-yaml THIS_FILE FOLDER --lora-merge-dtype float32
# Without --lora-merge-dtype each adapter is first merged in the dtype of the base's files.
"""

_MERGEKIT_KEPT = """\
# The soup was measured beside a base in 8 or 4 bits; mergekit takes the base's published weights.
"""

_SNIPPET = '''\
"""The soup's sliders with plain peft, exact: every adapter stays loaded, a slider scales its part.

{title}
"""

import torch
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from transformers import AutoModelForCausalLM, AutoTokenizer{more}

BASE = {base!r}
ADAPTERS = {adapters}
SOUP = {soup}

tokenizer = AutoTokenizer.from_pretrained(BASE{revision})
model = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32{arguments})
first, *others = ADAPTERS
model = PeftModel.from_pretrained(model, ADAPTERS[first], adapter_name=first)
for name in others:
    model.load_adapter(ADAPTERS[name], adapter_name=name)
model.base_model.set_adapter(list(ADAPTERS))  # all active at once: their deltas add up
model.eval()

layers = [module for module in model.modules() if isinstance(module, LoraLayer)]
full = [dict(layer.scaling) for layer in layers]  # alpha / r (or alpha / sqrt(r)) of each adapter


def set_sliders(weights):
    """Mix the adapters: weights by value; 0 leaves a value out, any number is allowed."""
    for layer, scaling in zip(layers, full):
        for name in scaling:
            layer.scaling[name] = weights.get(name, 0.0) * scaling[name]


set_sliders(SOUP)

if __name__ == "__main__":
    prompt = [{{"role": "user", "content": "How do I boil an egg?"}}]
    if tokenizer.chat_template:
        text = tokenizer.apply_chat_template(
            prompt, add_generation_prompt=True, tokenize=False, enable_thinking=False
        )
    else:
        text = prompt[0]["content"]
    tokens = tokenizer(text, return_tensors="pt", add_special_tokens=not tokenizer.chat_template)
    reply = model.generate(**tokens, max_new_tokens=64, do_sample=True, temperature=0.7)
    print(tokenizer.decode(reply[0, tokens.input_ids.shape[1] :], skip_special_tokens=True))
'''


def mergekit_yaml(recipe: Recipe) -> str:
    """The soup as a mergekit configuration: task arithmetic over `base+adapter` references.

    Task arithmetic adds weight * (model - base) without normalising, so weights of any sign and
    sum mean what they mean here; mergekit's `linear` would divide by their sum.

    Args:
        recipe: Any recipe; its `kind`, `method` and `rank` do not matter to mergekit.

    Returns:
        YAML text.

    Raises:
        AdapterError: a path with "+" or "@", which mergekit reads as more than a path.
    """
    for path in (recipe.base.model, *(part.path for part in recipe.adapters)):
        if "+" in path or "@" in path:
            raise AdapterError(
                f"mergekit cannot name {path}: it reads '+' as base+adapter and '@' as a revision; "
                "move the folder to a path without them"
            )
    base = recipe.base.model + (f"@{recipe.base.revision}" if recipe.base.revision else "")
    content = {
        "merge_method": "task_arithmetic",
        "base_model": base,
        "models": [
            {
                "model": f"{base}+{part.path}",
                "parameters": {"weight": part.weight},
            }
            for part in recipe.adapters
        ],
        "parameters": {"normalize": False},
        "dtype": recipe.dtype,
    }
    header = _MERGEKIT_HEADER + (_MERGEKIT_KEPT if recipe.base.quantization else "")
    return header + yaml.safe_dump(content, sort_keys=False, width=1000)


def peft_snippet(recipe: Recipe) -> str:
    """A Python script that loads the adapters with plain peft and sets the sliders.

    Args:
        recipe: Any recipe.

    Returns:
        Source text; running it samples one reply, importing it leaves `model`, `tokenizer` and
        `set_sliders`.
    """
    mix = ", ".join(f"{value} {weight:g}" for value, weight in recipe.soup.items())
    return _SNIPPET.format(
        title=f"{recipe.project}, {recipe.group} adapters: {mix}.",
        base=recipe.base.model,
        arguments=recipe.base.arguments,
        revision=recipe.base.at_revision,
        more=recipe.base.more_imports,
        adapters=_dict({part.value: part.path for part in recipe.adapters}),
        soup=_dict(recipe.soup),
    )


def _dict(entries: dict[str, str] | dict[str, float]) -> str:
    lines = [f"    {key!r}: {value!r}," for key, value in entries.items()]
    return "\n".join(["{", *lines, "}"])

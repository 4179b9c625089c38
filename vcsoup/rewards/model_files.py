"""Read what a model says about itself, without loading it: configuration and chat template.

From a local folder or the hub (through its cache, so it also works offline once a model was
fetched). Reads JSON and text only, and of weights whether they are whole; never runs a model's
code. Torch-free.
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vcsoup.errors import HubError, RewardModelError
from vcsoup.home_paths import from_home
from vcsoup.hub.addresses import model_named
from vcsoup.hub.refusals import hub_errors

_HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?", re.ASCII)
_NO_CONFIG = "has no config.json; give a folder or hub id of a transformers model"
MERGE_FIRST = (
    "merge it into its base with peft's merge_and_unload, and save that with the tokenizer"
)
_ADAPTER = f"is an adapter, not a whole model; {MERGE_FIRST}"


@dataclass(frozen=True)
class ModelFiles:
    """What lies beside a model's weights.

    Attributes:
        config: `config.json`.
        tokenizer: `tokenizer_config.json`; empty when there is none.
        chat_template: The chat template's text; empty when there is none.
    """

    config: dict[str, Any]
    tokenizer: dict[str, Any] = field(default_factory=dict)
    chat_template: str = ""

    @property
    def foreign_code(self) -> str:
        """The other repository whose code the model asks for; empty when there is none."""
        named = [*_flat(self.config.get("auto_map")), *_flat(self.tokenizer.get("auto_map"))]
        return next((name.partition("--")[0] for name in named if "--" in name), "")


def read_model_files(model: str, revision: str | None = None) -> ModelFiles:
    """Read a model's configuration.

    Args:
        model: Local folder or hub id.
        revision: Of a hub id.

    Raises:
        RewardModelError: no such model, no access, no network, an adapter without its base, or a
            configuration that is no JSON.
    """
    if why := why_no_model(model):
        raise RewardModelError(why)
    config = _text(model, "config.json", revision)
    if config is None:
        adapted = _text(model, "adapter_config.json", revision) is not None
        raise RewardModelError(f"{model} {_ADAPTER if adapted else _NO_CONFIG}")
    tokenizer = _as_json(model, _text(model, "tokenizer_config.json", revision) or "{}")
    template = _text(model, "chat_template.jinja", revision) or tokenizer.get("chat_template")
    if isinstance(template, list):  # several named ones; the first is the default
        template = template[0].get("template", "") if template else ""
    return ModelFiles(_as_json(model, config), tokenizer, template or "")


def why_no_model(model: str) -> str:
    """Say why a folder holds no model of transformers; empty where it may, and for hub ids.

    Example:
        >>> why_no_model("/no/such/folder").partition(";")[0], why_no_model("org/judge")
        ('there is no folder /no/such/folder', '')
    """
    if no_such_folder(model):
        return (
            f"there is no folder {model}; give one with config.json, or a hub id such as org/model"
        )
    folder = from_home(model)
    if folder.is_file():
        return f"{model} is a file; give the folder that holds it"
    if not folder.is_dir() and not _HUB_ID.fullmatch(model):
        return f"there is no folder {model}, and no id of the hub looks so: they are like org/model"
    if not folder.is_dir() or (folder / "config.json").is_file():
        return ""
    adapted = (folder / "adapter_config.json").is_file()
    return f"{model} {_ADAPTER if adapted else _NO_CONFIG}"


def check_whole(model: str, revision: str | None = None) -> None:
    """Make sure that a model is no adapter: its base is named but not known by content.

    Raises:
        RewardModelError: it is one, or there is no such model on the hub.
    """
    if not no_such_folder(model) and _text(model, "adapter_config.json", revision) is not None:
        raise RewardModelError(f"reward model {model} {_ADAPTER}")


def full_name(model: str) -> str:
    """Make a local folder independent of the working folder; a hub id stays as it is.

    Of a page of the hub it is the id.

    Example:
        >>> full_name(" org/judge "), full_name("https://huggingface.co/org/judge")
        ('org/judge', 'org/judge')
    """
    name = model_named(model.strip().strip("\"'"))  # paths are pasted with their quotes
    path = from_home(name)
    return str(path.resolve()) if path.is_dir() else name


def no_such_folder(model: str) -> bool:
    """Tell whether a name is written as a folder's and there is none.

    Example:
        >>> no_such_folder("/no/such/folder"), no_such_folder("org/judge")
        (True, False)
    """
    return model.startswith(("/", "~", ".")) and not from_home(model).is_dir()


def why_not_loaded(model: str, error: Exception) -> str:
    """Say on one line what kept a model from loading.

    Transformers takes a folder that is not there for a misspelt hub id.
    """
    if no_such_folder(model):
        return "there is no such folder"
    return (str(error).splitlines() or [type(error).__name__])[0]


def damaged_weights(model: str, revision: str | None, error: Exception) -> str:
    """Say that a model's safetensors cannot be read, which of them, and what to do.

    Args:
        model: Local folder or hub id.
        revision: Of a hub id.
        error: What safetensors said; it names no file.
    """
    folder = from_home(model)
    said = " ".join(str(error).split())
    if folder.is_dir():
        files = [str(path) for path in sorted(folder.glob("*.safetensors")) if _is_damaged(path)]
        where, again = ", ".join(files) or str(folder), "download or copy it again"
    else:
        named = f" --revision {revision}" if revision else ""
        where = f"the copy of {model} on this machine"
        again = f"fetch it again with `hf download {model}{named} --force-download`"
    return f"{where} is incomplete or damaged ({said}); {again}"


def _is_damaged(path: Path) -> bool:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy"):
            return False
    except SafetensorError:
        return True


def _text(model: str, name: str, revision: str | None) -> str | None:
    folder = from_home(model)
    if folder.is_dir():
        path = folder / name
        return path.read_text(encoding="utf-8") if path.is_file() else None
    try:
        return _text_of_hub(model, name, revision)
    except HubError as error:
        raise RewardModelError(str(error)) from error


def _text_of_hub(model: str, name: str, revision: str | None) -> str | None:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    with hub_errors(model, kind="model", revision=revision):
        try:
            path = hf_hub_download(model, name, revision=revision)
        except LocalEntryNotFoundError:
            if name == "config.json":
                raise
            return None
        except EntryNotFoundError:
            return None
    return Path(path).read_text(encoding="utf-8")


def _as_json(model: str, text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise RewardModelError(
            f"a configuration file of {model} is no JSON ({error}); fetch the model again"
        ) from error
    return found if isinstance(found, dict) else {}


def _flat(auto_map: Any) -> list[str]:
    """Every code reference in an `auto_map`, whose entries are names or lists of names."""
    if isinstance(auto_map, str):
        return [auto_map]
    if isinstance(auto_map, dict):
        return [name for entry in auto_map.values() for name in _flat(entry)]
    if isinstance(auto_map, list | tuple):
        return [name for entry in auto_map for name in _flat(entry)]
    return []

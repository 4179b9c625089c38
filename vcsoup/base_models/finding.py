"""Find a base on disk, on the hub or in the hub's cache, and bring its small files here.

The hub is asked first. When it is out of reach the copy in the cache is taken, and whoever asks is
told. Nothing large is downloaded: of the weights only the headers are read. Torch-free.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vcsoup.errors import BaseModelError, HubError, HubUnreachableError
from vcsoup.home_paths import from_home
from vcsoup.hub.refusals import hub_errors
from vcsoup.rewards.model_files import no_such_folder

_SMALL = ("*.json", "*.jinja", "*.txt", "*.model", "*.tiktoken")
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I8": 1, "U8": 1, "F8_E4M3": 1, "F8_E5M2": 1}
_NEAR = 5


@dataclass(frozen=True)
class BaseFiles:
    """Where a base lies, and what lies there.

    Attributes:
        model: What was asked for.
        source: "folder", "hub", or "cache" for the hub's copy on this machine.
        folder: Configuration and tokenizer, on this machine.
        commit: Of a hub id; "" for a folder.
        names: Every file.
        parameters: Numbers stored in safetensors -> how many, by format such as "BF16"; empty
            where there are no safetensors.
    """

    model: str
    source: Literal["folder", "hub", "cache"]
    folder: Path
    commit: str
    names: tuple[str, ...]
    parameters: Mapping[str, int]

    @property
    def pickles(self) -> tuple[str, ...]:
        """Weights that are pickles, which could run code when they are read."""
        return tuple(name for name in self.names if name.endswith(_PICKLES) and "/" not in name)

    @property
    def stored(self) -> str:
        """The format that most of the stored numbers have; "" without safetensors."""
        return max(self.parameters, key=lambda name: self.parameters[name], default="")

    @property
    def bytes(self) -> int:
        """Size of the stored weights."""
        return sum(_BYTES.get(name, 4) * count for name, count in self.parameters.items())


def find_base(model: str, revision: str | None = None) -> BaseFiles:
    """Find a base.

    Args:
        model: Folder or hub id.
        revision: Of a hub id.

    Raises:
        BaseModelError: no such folder, or safetensors that cannot be read.
        HubError: gated, private, missing (with names that are near), no such revision; or out of
            reach and no copy is here.
    """
    folder = from_home(model)
    if folder.is_dir():
        return _in_folder(model, folder.resolve(), source="folder")
    if no_such_folder(model) or folder.is_file():
        raise BaseModelError(
            f"there is no folder {model}; give a folder with config.json and safetensors, or a hub "
            "id such as org/model"
        )
    try:
        return _on_hub(model, revision)
    except HubUnreachableError as error:
        return _in_cache(model, revision, error)


def _on_hub(model: str, revision: str | None) -> BaseFiles:
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import NotASafetensorsRepoError, SafetensorsParsingError

    api = HfApi()
    try:
        with hub_errors(model, kind="model", revision=revision):
            api.auth_check(model)
            info = api.model_info(model, revision=revision)
            commit = str(info.sha)
            folder = snapshot_download(model, revision=commit, allow_patterns=list(_SMALL))
            found = api.get_safetensors_metadata(model, revision=commit)
            parameters = {str(kind): n for kind, n in found.parameter_count.items()}
    except NotASafetensorsRepoError:
        parameters = {}
    except SafetensorsParsingError as error:
        raise BaseModelError(f"the safetensors of {model} cannot be read ({error})") from error
    except HubError as error:
        raise _with_near_names(error, model) from error
    names = tuple(sorted(file.rfilename for file in info.siblings or ()))
    return BaseFiles(model, "hub", Path(folder), commit, names, parameters)


def _in_cache(model: str, revision: str | None, why: HubUnreachableError) -> BaseFiles:
    from huggingface_hub import snapshot_download

    try:
        with hub_errors(model, kind="model", revision=revision):
            folder = Path(snapshot_download(model, revision=revision, local_files_only=True))
    except HubUnreachableError as error:
        raise HubUnreachableError(
            f"{str(why).partition(';')[0]}, and no whole copy of {model} is in the cache of this "
            f"machine; connect and fetch it once with `hf download {model}`, or give a folder"
        ) from error
    return _in_folder(model, folder, source="cache")


def _in_folder(model: str, folder: Path, *, source: Literal["folder", "cache"]) -> BaseFiles:
    from huggingface_hub import get_local_safetensors_metadata
    from huggingface_hub.errors import NotASafetensorsRepoError, SafetensorsParsingError

    try:
        found = get_local_safetensors_metadata(folder)
        parameters = {str(kind): n for kind, n in found.parameter_count.items()}
    except (NotASafetensorsRepoError, FileNotFoundError):
        parameters = {}
    except SafetensorsParsingError as error:
        raise BaseModelError(
            f"the safetensors of {model} cannot be read ({error}); copy the folder again"
        ) from error
    names = tuple(
        sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    )
    commit = folder.name if source == "cache" else ""
    return BaseFiles(model, source, folder, commit, names, parameters)


def _with_near_names(error: HubError, model: str) -> HubError:
    """The same refusal, with models of a similar name where it says that there is no such one."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    why = error.__cause__
    if not isinstance(why, RepositoryNotFoundError) or isinstance(why, GatedRepoError):
        return error
    near: list[str] = []
    with suppress(Exception):  # a help, not worth another error
        wanted = model.rpartition("/")[2]
        near = [found.id for found in HfApi().list_models(search=wanted, limit=_NEAR)]
    return type(error)(f"{error}; near names: {', '.join(near)}") if near else error

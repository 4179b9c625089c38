"""Choose a base model: a folder or hub id, how it is loaded, and a look at it before that.

The look is the job `python -m vcsoup base look`, so the page neither waits nor imports a model
library, and what was found is there again after a refresh. It begins by itself: it loads nothing.
Storing the choice is up to the caller.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

import pandas as pd
import streamlit as st

from vcsoup.base_models.settings import AS_ALWAYS, BaseLoading, base_loading
from vcsoup.jobs import Job, Jobs
from vcsoup.numbers import count, memory
from vcsoup.rewards.model_files import full_name, why_no_model
from vcsoup.ui.literal import literal, message
from vcsoup.ui.shell import shown_errors
from vcsoup.workspace import Workspace

_SHOWN = {"fault": st.error, "warning": st.warning, "note": st.info}
_ICONS = {"fault": ":material/error:", "warning": ":material/warning:", "note": ":material/info:"}
_LABELS = {
    "dtype": "Numbers",
    "quantization": "Bits of its layers",
    "device_map": "Placement",
    "gradient_checkpointing": "Gradient checkpointing",
}
_WORDS = {"none": "as they are", "8bit": "8 bits", "4bit": "4 bits", "auto": "automatic"}
_OVER = ("stopping", "stopped")  # looks that their own form ended
_PLACES = {"none": "one device", "auto": "spread over all GPUs"}


@dataclass(frozen=True)
class BaseChoice:
    """A base as it was chosen.

    Attributes:
        base: Folder or hub id.
        loading: How it is brought into memory.
        look: What `base look` found with these settings; None while it looks, and where that was
            stopped or failed.
        looking: Whether it looks just now.
    """

    base: str
    loading: BaseLoading
    look: Mapping[str, Any] | None = None
    looking: bool = False

    @property
    def trouble(self) -> str:
        """What keeps the base from being used, for people; empty when nothing is known to."""
        if self.looking:
            return "A few seconds: the base is looked at first."
        if self.look is not None and not self.look["usable"]:
            return "This base cannot be used as it is; the message above says why."
        return ""


def base_form(
    key: str, workspace: Workspace, *, start: BaseChoice | None = None, values: int = 2
) -> BaseChoice | None:
    """Draw the form.

    Args:
        key: Prefix of the widgets' keys.
        workspace: Where the look runs as a job.
        start: What the form shows first.
        values: How many values there are: so many adapters are served beside the base.

    Returns:
        The base as it stands on the screen; None while none is named or a setting is wrong.
    """
    with shown_errors():
        named, revision = st.columns([3, 1])
        typed = named.text_input(
            "Folder or hub id",
            start.base if start else "",
            key=f"{key}_base",
            placeholder="/models/my-base or org/model",
            help="A causal language model of transformers with safetensors.",
            persist_state="session",
        )
        settings = start.loading if start else AS_ALWAYS
        with revision:
            asked = ask_revision(key, settings.revision)
        loading = base_loading({"revision": asked, **_settings(key, settings)})
        if not typed.strip():
            st.caption("Name a folder that holds a model, or a model of the hub such as org/model.")
            return None
        base = full_name(typed)
        if why := why_no_model(base):
            st.warning(message(_sentence(why)), icon=":material/warning:")
            return None
        args = look_args(base, loading, workspace, values=values)
        found, looking = _look(key, Jobs(workspace.jobs_root), args)
        return BaseChoice(base, loading, found, looking)
    return None


def ask_revision(key: str, start: str | None) -> str:
    """Ask which revision of a hub model is meant; empty for the usual one."""
    return st.text_input(
        "Revision",
        start or "",
        key=f"{key}_revision",
        placeholder="main",
        help="Branch, tag or commit of a hub model; a commit makes results repeatable.",
        persist_state="session",
    )


def look_args(
    base: str, loading: BaseLoading, workspace: Workspace, *, values: int = 2
) -> list[str]:
    """Write the command that looks at a base.

    Args:
        base: Folder or hub id.
        loading: How it is brought into memory.
        workspace: Where the command runs as a job.
        values: How many adapters are served beside it.

    Returns:
        The arguments behind `python -m vcsoup`.
    """
    options = [
        f"--{name.replace('_', '-')}" + ("" if entry is True else f"={entry}")
        for name, entry in loading.model_dump().items()
    ]
    served = [f"--values={values}"] if values != 2 else []  # as many as the command's default
    where = [*served, "--workspace", str(workspace.root)]
    # Options first, then "--": a name that begins with a hyphen is no option.
    return ["base", "look", *options, *where, "--", base]


def _settings(key: str, start: BaseLoading) -> dict[str, Any]:
    """The choices of loading behind an expander."""
    with st.expander("How it is loaded", icon=":material/memory:"):
        columns = st.columns(3)
        return {
            name: _field(name, start, key, columns[place % 3]) for place, name in enumerate(_LABELS)
        }


def _field(name: str, start: BaseLoading, key: str, where: Any) -> Any:
    field, usual = BaseLoading.model_fields[name], getattr(start, name)
    common = {
        "label": _LABELS[name],
        "key": f"{key}_{name}",
        "help": field.description,
        "persist_state": "session",
    }
    if get_origin(field.annotation) is Literal:
        options = list(get_args(field.annotation))
        words = _PLACES if name == "device_map" else _WORDS
        return where.selectbox(
            **common,
            options=options,
            index=options.index(usual),
            format_func=lambda entry: words.get(entry, entry),
        )
    return where.checkbox(**common, value=usual)


def _look(key: str, jobs: Jobs, args: list[str]) -> tuple[Mapping[str, Any] | None, bool]:
    """What the newest look with these settings found, and whether it is under way.

    It begins here where there is none, unless someone ended it.
    """
    job = jobs.newest("look", fits=lambda one: one.args == args and one.state not in _OVER)
    if job is None and st.session_state.get(f"{key}_ended") != args:
        _begin(key, jobs, args)
    looking = job is not None and job.active
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if looking:
            st.button(
                "Stop looking",
                key=f"{key}_stop",
                icon=":material/stop_circle:",
                on_click=_end,
                args=(key, job),
            )
        elif st.button(
            "Look again" if job else "Look at it",
            key=f"{key}_look",
            icon=":material/search:",
            help="Reads what it is and whether it fits this machine; loads nothing.",
        ):
            _begin(key, jobs, args)
    if job is None:
        st.caption("Nobody has looked at it; whether it can be used shows when it is loaded.")
        return None, False
    if looking:
        st.fragment(run_every=0.5)(_waiting)(job)
        return None, True
    if not job.result:
        st.error(message(str(job.error)), icon=":material/error:")
        return None, False
    _show(job.result)
    return job.result, False


def _begin(key: str, jobs: Jobs, args: list[str]) -> None:
    """Start a look and draw anew; the one before, which nobody waits for any more, ends."""
    kept = f"{key}_begun"
    if (former := st.session_state.get(kept)) is not None:
        former.stop(grace=1)
    st.session_state.pop(f"{key}_ended", None)
    st.session_state[kept] = jobs.start(args, kind="look", title=f"Looking at {args[-1]}")
    st.rerun()


def _end(key: str, job: Job) -> None:
    """Stop a look that somebody does not want to wait for."""
    job.stop(grace=1)
    st.session_state[f"{key}_ended"] = job.args


def _waiting(job: Job) -> None:
    if not job.active:
        st.rerun()
    st.caption(":material/hourglass_top: Reading its configuration, tokenizer and headers.")


def _show(found: Mapping[str, Any]) -> None:
    if "architecture" in found:
        st.markdown(_facts(found))
    for problem in found["problems"]:
        said = " ".join(_sentence(part) for part in (problem["says"], problem["remedy"]) if part)
        _SHOWN[problem["level"]](message(said), icon=_ICONS[problem["level"]])
    if found["usable"]:
        _memory(found["memory"])
        alone = f"; attention alone: {_names(found['attention'])}" if found["attention"] else ""
        st.caption(f"Layers that adapters can change: {_names(found['targets'])}{alone}.")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _names(layers: Sequence[str]) -> str:
    return ", ".join(literal(name) for name in layers)


def _facts(found: Mapping[str, Any]) -> str:
    context = f"{count(found['context'])} tokens of context" if found["context"] else "no bound"
    parts = [
        f"**{literal(found['architecture'])}**",
        f"{count(found['parameters'])} parameters",
        f"{found['layers']} layers",
        context,
        f"vocabulary of {count(found['vocabulary'])}",
        "a chat template" if found["chat_template"] else "no chat template",
    ]
    if found["stored"]:
        parts.append(f"{memory(found['stored_bytes'])} stored as {literal(found['stored'])}")
    return ", ".join(parts) + "."


def _memory(uses: Mapping[str, Mapping[str, Any]]) -> None:
    """Memory by part, training and serving side by side, and what there is."""
    shown = pd.DataFrame([_row(use, told) for use, told in uses.items()]).fillna("")
    st.dataframe(
        shown,
        hide_index=True,
        alt="Memory that training and serving take, by part",
        column_config={name: st.column_config.TextColumn(name) for name in shown},
    )
    told = uses["training"]
    room, load = told["room"], told["load"]
    here = literal(_sentence(room["name"])[:-1])
    st.caption(
        f"Training: {load['pairs']} pairs per pass of {count(load['tokens'])} tokens, rank "
        f"{load['rank']}. Serving: {load['values']} adapters, {load['rows']} replies at once. "
        f"{here}: {memory(room['free'])} of {memory(room['total'])} are free."
    )


def _row(use: str, told: Mapping[str, Any]) -> dict[str, str]:
    parts = {name: memory(size) for name, size in told["parts"].items()}
    summed = {"together": memory(told["total"]), "on this machine": str(told["verdict"])}
    return {"for": f"{use}, {told['dtype']}", **summed, **parts}

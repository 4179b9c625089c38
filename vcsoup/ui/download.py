"""Take a soup along: adapters, a full model, and the texts that make it again elsewhere.

Folders are made by jobs and offered as soon as they are there: they are written aside and renamed,
so they are whole or absent, and their names hold the adapters' key, the weights and the kind, so an
old export is never offered for a new soup. Texts are made at the click.
"""

import hashlib
import io
import zipfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import streamlit as st

from vcsoup.errors import VcsoupError
from vcsoup.exports import TEXTS, export_text, soup_recipe
from vcsoup.jobs import Job
from vcsoup.soup.export_recipe import Recipe
from vcsoup.ui import honesty, state
from vcsoup.ui.export_choice import Choice, choose
from vcsoup.ui.literal import message
from vcsoup.ui.mixer import weights_text
from vcsoup.ui.runs_words import progress_text
from vcsoup.ui.shell import shown_errors, trying
from vcsoup.workspace import Project

FloatArray = npt.NDArray[np.float64]

MOST_ZIPPED = 400_000_000
"""Bytes of a folder that is offered as a zip; larger ones stay on this machine's disk."""
_LONGEST_MIX = 120
_TEXT_BUTTONS = {
    "recipe": ("Recipe", "YAML that names base and adapters by content and builds this again."),
    "card": ("Model card", "What is in the soup, what was measured, how to load it."),
    "mergekit": ("mergekit", "YAML for mergekit 0.1.4, the same weights exactly."),
    "snippet": ("Python", "A script with these sliders that needs only peft."),
}


@dataclass(frozen=True)
class Export:
    """A soup to export: of which project and group, with which weights, how, into which folder."""

    project: str
    group: str
    weights: str
    choice: Choice
    folder: Path

    @property
    def file_name(self) -> str:
        """Name of the zip, readable."""
        return f"{self.project}-{self.group}-{mix_name(self.weights)}{self.choice.suffix}.zip"


def mix_name(weights: str) -> str:
    """Write weights as a part of a file's name, which has 255 bytes: very long ones by a digest.

    Example:
        >>> mix_name("helpful=0.5,harmless=0.5")
        'helpful-0.5-harmless-0.5'
    """
    mix = weights.replace("=", "-").replace(",", "-")
    if len(mix) <= _LONGEST_MIX:
        return mix
    return f"soup-{hashlib.sha256(weights.encode()).hexdigest()[:12]}"


def export_args(export: Export) -> list[str]:
    """Write the command that makes the folder.

    Returns:
        The arguments behind `python -m vcsoup`.
    """
    args = ["soup", "export", "--project", export.project, "--group", export.group, "--free"]
    args += ["--weights", export.weights, *export.choice.args, "--out", str(export.folder)]
    return [*args, "--workspace", str(state.workspace().root)]


def show(project: Project, group: str, weights: FloatArray) -> None:
    """Offer the exports of the current soup beside the honesty meter."""
    with shown_errors():
        found = honesty.figures(project, group, weights)
        left, right = st.columns([5, 6], gap="large")
        with left:
            st.subheader("Take it with you", anchor=False)
            choice = choose(found)
            export = _export(project, group, weights, choice)
            job = _job(export)
            active = job is not None and job.active
            st.fragment(run_every=0.5 if active else None)(_offer)(export, active)
            _texts(project, group, weights, choice)
        with right:
            honesty.show(project, group, weights, rank=choice.rank)


def zipped(folder: Path, name: str) -> bytes:
    """Pack the files of a folder.

    Args:
        folder: An adapter folder.
        name: The folder's name inside the zip.

    Returns:
        The zip file's content.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, Path(name) / path.relative_to(folder))
    return content.getvalue()


def _export(project: Project, group: str, weights: FloatArray, choice: Choice) -> Export:
    text = weights_text(weights, project.values)
    mix = mix_name(text).replace(".", "_")
    name = f"{state.set_key(project, group)}-{mix}{choice.suffix}"
    return Export(project.name, group, text, choice, project.root / "merged" / name)


def _offer(export: Export, was_active: bool) -> None:
    with shown_errors():
        job = _job(export)
        if export.folder.is_dir():
            _download(export)
        elif job is not None and job.active:
            if not was_active:
                st.rerun()  # from now on the page looks by itself
            done, text = progress_text(job)
            st.progress(done, text=text)
            return
        else:
            if job is not None and job.error:
                st.error(message(job.error), icon=":material/error:")
            # One button per form, which starts what it was drawn for: a click on it while the page
            # is drawn for another form is neither lost nor taken for that one.
            st.button(
                "Merge this soup",
                icon=":material/merge:",
                key=f"merge{export.choice.suffix}",
                type="primary",
                on_click=trying,
                args=(_start, export),
            )
        if was_active and not (job and job.active):
            st.rerun()


def _download(export: Export) -> None:
    if _size(export.folder) > MOST_ZIPPED:
        st.caption("It is large, so it stays on this machine:")
        st.code(str(export.folder), language=None, wrap_lines=True)
        return
    noun = "model" if export.choice.kind == "model" else "adapter"
    st.download_button(
        f"Download the {noun}",
        data=lambda: zipped(export.folder, export.file_name.removesuffix(".zip")),
        file_name=export.file_name,
        mime="application/zip",
        type="primary",
        icon=":material/download:",
        on_click="ignore",
        key="download",
    )
    load = "AutoModelForCausalLM.from_pretrained(folder)"
    if noun == "adapter":
        load = "PeftModel.from_pretrained(base, folder)"
    st.caption(f"{export.weights}. `{load}` loads it; card, picture and recipe are inside.")


def _texts(project: Project, group: str, weights: FloatArray, choice: Choice) -> None:
    st.caption("Or as a text:")
    recipe = soup_recipe(project, group, weights, **choice.recipe)
    names = [recipe.base.model, *(part.path for part in recipe.adapters)]
    unsayable = any(sign in name for name in names for sign in "+@")
    with st.container(horizontal=True, gap="small"):
        for kind, (label, told) in _TEXT_BUTTONS.items():
            blocked = kind == "mergekit" and unsayable
            st.download_button(
                label,
                data=partial(_text, project, recipe, kind),
                file_name=TEXTS[kind],
                mime="text/plain",
                on_click="ignore",
                icon=":material/description:",
                disabled=blocked,
                help="mergekit cannot name paths with + or @." if blocked else told,
                key=f"text_{kind}",
            )


def _text(project: Project, recipe: Recipe, kind: str) -> str:
    """Make the text at the click; what goes wrong then becomes the text."""
    try:
        return export_text(project, recipe, kind)
    except VcsoupError as error:
        return f"# not made: {error}\n"


def _start(export: Export) -> None:
    state.jobs().start(
        export_args(export),
        kind="export",
        title=f"soup of {export.group} adapters",
        project=export.project,
        meta={"folder": str(export.folder)},
    )


def _job(export: Export) -> Job | None:
    """Return the newest job that makes this folder."""
    folder = str(export.folder)
    return state.jobs().newest(
        "export", export.project, fits=lambda job: job.meta.get("folder") == folder
    )


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

"""The merged adapter as a zip: made by a job, offered as soon as its folder is there.

The folder is written aside and renamed (`vcsoup.soup.merge`), so it is whole or absent; its name
holds the adapters' key and the weights, so an old merge is never offered for a new soup.
"""

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import streamlit as st

from vcsoup.jobs import Job
from vcsoup.ui import state
from vcsoup.ui.mixer import weights_text
from vcsoup.ui.shell import shown_errors
from vcsoup.workspace import Project

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Merge:
    """A soup to merge: of which project and group, with which weights, into which folder."""

    project: str
    group: str
    weights: str
    folder: Path

    @property
    def file_name(self) -> str:
        """Name of the zip, readable."""
        mix = self.weights.replace("=", "-").replace(",", "-")
        return f"{self.project}-{self.group}-{mix}.zip"


def merge_args(merge: Merge) -> list[str]:
    """Write the command that merges a soup exactly into one PEFT adapter.

    Returns:
        The arguments behind `python -m vcsoup`.
    """
    args = ["soup", "merge", "--project", merge.project, "--group", merge.group]
    args += ["--weights", merge.weights, "--out", str(merge.folder)]
    return [*args, "--workspace", str(state.workspace().root)]


def show(project: Project, group: str, weights: FloatArray) -> None:
    """Offer to merge the current soup, and the file once it is there."""
    st.subheader("Take it with you", anchor=False)
    st.caption("One plain PEFT adapter: exactly the sum of the weighted adapters.")
    text = weights_text(weights, project.values)
    mix = text.replace("=", "-").replace(",", "-").replace(".", "_")
    folder = project.root / "merged" / f"{state.set_key(project, group)}-{mix}"
    merge = Merge(project.name, group, text, folder)
    job = _job(merge)
    active = job is not None and job.active
    st.fragment(run_every=0.5 if active else None)(_offer)(merge, active)


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


def _offer(merge: Merge, was_active: bool) -> None:
    with shown_errors():
        job = _job(merge)
        if merge.folder.is_dir():
            _download(merge)
        elif job is not None and job.active:
            st.button("Merging", icon=":material/hourglass:", disabled=True, key="merging")
            return
        else:
            if job is not None and job.error:
                st.error(job.error, icon=":material/error:")
            if st.button("Merge this soup", icon=":material/merge:", key="merge"):
                _start(merge)
                st.rerun()
        if was_active and not (job and job.active):
            st.rerun()


def _download(merge: Merge) -> None:
    st.download_button(
        "Download the adapter",
        data=lambda: zipped(merge.folder, merge.file_name.removesuffix(".zip")),
        file_name=merge.file_name,
        mime="application/zip",
        type="primary",
        icon=":material/download:",
        on_click="ignore",
        key="download",
    )
    st.caption(f"{merge.weights}. `PeftModel.from_pretrained(base, folder)` loads it.")


def _start(merge: Merge) -> None:
    state.jobs().start(
        merge_args(merge),
        kind="merge",
        title=f"soup of {merge.group} adapters",
        project=merge.project,
        meta={"folder": str(merge.folder)},
    )


def _job(merge: Merge) -> Job | None:
    """Return the newest job that merges into this folder."""
    known = state.jobs().list(kind="merge", project=merge.project)
    return next((job for job in known if job.meta.get("folder") == str(merge.folder)), None)

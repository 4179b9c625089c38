"""Which export: adapter or model, with its error said beside it before anything is made."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from vcsoup.numbers import plain

KINDS = ("exact", "svd", "average", "model")
LABELS = {
    "exact": "Adapter, exact",
    "svd": "Adapter of a smaller rank",
    "average": "Adapter, factor average",
    "model": "Full model",
}
DTYPES = ("float32", "bfloat16", "float16")


@dataclass(frozen=True)
class Choice:
    """One way of exporting.

    Attributes:
        name: One of `KINDS`.
        rank: Of the smaller adapter, else None.
        dtype: Of the full model.
    """

    name: str = "exact"
    rank: int | None = None
    dtype: str = "float32"

    @property
    def kind(self) -> str:
        """What comes out: "adapter" or "model"."""
        return "model" if self.name == "model" else "adapter"

    @property
    def suffix(self) -> str:
        """What tells its folder from the exact adapter's of the same soup."""
        return {
            "exact": "",
            "svd": f"-rank-{self.rank}",
            "average": "-factor-average",
            "model": f"-model-{self.dtype}",
        }[self.name]

    @property
    def recipe(self) -> dict[str, Any]:
        """The choices of `Recipe`."""
        method = {"svd": "svd", "average": "factor average"}.get(self.name, "exact")
        return {"kind": self.kind, "method": method, "rank": self.rank, "dtype": self.dtype}

    @property
    def args(self) -> list[str]:
        """The options of `python -m vcsoup soup export`."""
        args = ["--as", self.kind]
        if self.name == "svd":
            return [*args, "--method", "svd", "--rank", str(self.rank)]
        if self.name == "average":
            return [*args, "--method", "factor-average"]
        return [*args, "--dtype", self.dtype] if self.name == "model" else args


def choose(found: Mapping[str, Any] | None) -> Choice:
    """Let the user choose; every way says its error.

    Args:
        found: From `honesty_figures`; None while it is not known.
    """
    names = [name for name in KINDS if name != "average" or _average(found) is not None]
    rank = st.session_state.get("export_rank")
    name = st.radio(
        "Export as",
        names,
        format_func=LABELS.__getitem__,
        captions=[_caption(name, found, rank) for name in names],
        key="export_kind",
        persist_state="session",
        label_visibility="collapsed",
    )
    if name == "svd":
        return Choice("svd", rank=_rank(found))
    if name == "model":
        return Choice("model", dtype=_dtype())
    return Choice(str(name))


def _rank(found: Mapping[str, Any] | None) -> int:
    most = max(2, int(found["rank"]) if found else 256)
    usual = min(16, most - 1)
    return int(
        st.slider(
            "Rank",
            1,
            most,
            usual,
            key="export_rank",
            persist_state="session",
            help="The best adapter of this rank, by singular values; smaller files, some error.",
        )
    )


def _dtype() -> str:
    chosen = st.segmented_control(
        "Numbers of the model",
        DTYPES,
        default="float32",
        required=True,
        key="export_dtype",
        persist_state="session",
        help="float32 answers as the engine does. Half precision rounds the small changes that "
        "the adapters make; the error is measured while merging and written into its card.",
    )
    return str(chosen)


def _caption(name: str, found: Mapping[str, Any] | None, rank: object) -> str:
    if name == "model":
        return "The base with the soup merged into its weights; loads without peft."
    if found is None:
        return {"exact": "Error 0.", "svd": "The error is not computed yet."}.get(name, "")
    if name == "exact":
        return f"Error 0: all factors side by side, rank {found['rank']}."
    if name == "average":
        return (
            f"Error {plain(float(_average(found) or 0.0), 3)}: averages A and B separately, as "
            "published soup code does. Not the sum of the adapters."
        )
    at = rank if isinstance(rank, int) else min(16, max(2, int(found["rank"])) - 1)
    errors = found["ranks"]
    return f"Error {plain(float(errors[min(at, len(errors) - 1)]), 3)} at rank {at}."


def _average(found: Mapping[str, Any] | None) -> float | None:
    return found["exports"][-1]["relative_error"] if found else None

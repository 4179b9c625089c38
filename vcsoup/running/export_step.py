"""The last step of a run: a soup leaves the workspace, as a folder or as a text.

What lies there already is this very soup when its recipe (or its text) is the same, word by word.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vcsoup.cost import Cost
from vcsoup.errors import NotFoundError
from vcsoup.exports import RECIPE, TEXTS, error_told, export_folder, export_text, soup_recipe
from vcsoup.front_figures import front_figures
from vcsoup.project_entries import ExportEntry
from vcsoup.running import own_exports
from vcsoup.running.plan import Run, Stage, Step
from vcsoup.running.soup_steps import MeasureStep, TrainStep
from vcsoup.soup.adapter_settings import MANIFEST_FILE
from vcsoup.soup.export_recipe import Recipe, recipe_text
from vcsoup.workspace.files import replacing


@dataclass(frozen=True)
class ExportStep:
    """Take one soup out of the workspace."""

    entry: ExportEntry
    stage: Stage = "export"

    @property
    def title(self) -> str:
        """What it makes."""
        return f"{self.entry.kind} {self.entry.out}"

    def stands_on(self, other: Step) -> bool:
        """On the adapters of its group, and on what is measured of them."""
        group = self.entry.group
        return isinstance(other, TrainStep | MeasureStep) and group in (None, other.group)

    def is_done(self, run: Run) -> bool:
        """Whether what lies there is this very soup."""
        return self._written() == self._wanted(run, self._recipe(run))

    def cost(self, run: Run, *, timed: bool) -> Cost | None:
        """Nothing worth telling."""
        return None

    def make(self, run: Run) -> dict[str, Any]:
        """Build it, in place of an older export of this run at the same path."""
        recipe, out = self._recipe(run), Path(self.entry.out)
        own_exports.check_free(run.project, out)
        figures: dict[str, Any] = {"weights": recipe.soup}
        if self.entry.kind in TEXTS:
            with replacing(out) as aside:
                aside.write_text(self._wanted(run, recipe), encoding="utf-8")
        else:
            own_exports.remove_unfinished(out)
            built = own_exports.beside(out)
            figures = export_folder(run.project, recipe, built, monitor=run.monitor)
            own_exports.put_in_place(built, out)
        own_exports.note(run.project, out)
        told = ", ".join(filter(None, [str(out), error_told(figures)]))
        return {"told": told, **figures, "path": str(out)}

    def _written(self) -> str:
        out = Path(self.entry.out)
        is_text = self.entry.kind in TEXTS
        if not is_text and not (out / MANIFEST_FILE).is_file():  # the last file of a whole folder
            return ""
        try:
            return (out if is_text else out / RECIPE).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return ""

    def _wanted(self, run: Run, recipe: Recipe) -> str:
        kind = self.entry.kind
        return export_text(run.project, recipe, kind) if kind in TEXTS else recipe_text(recipe)

    def _recipe(self, run: Run) -> Recipe:
        entry = self.entry
        group = entry.group or run.file.groups[0]
        kind = entry.kind if entry.kind not in TEXTS else "adapter"
        choices = {"kind": kind, "method": entry.method, "rank": entry.rank, "dtype": entry.dtype}
        weights = entry.weights or _balanced(run, group)
        return soup_recipe(
            run.project, group, [weights.get(value, 0.0) for value in run.project.values], **choices
        )


def _balanced(run: Run, group: str) -> dict[str, float]:
    """Weights of the measured soup whose worst gain over the base is largest."""
    seed = run.file.measuring.seed
    found = front_figures(run.project, [group], seed=seed)["sets"][group]
    if found["balanced"] is None:
        raise NotFoundError(f"no soup of {group} is measured beside the base; measure a grid first")
    weights: dict[str, float] = found["balanced"]["weights"]
    return weights

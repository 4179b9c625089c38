"""The table that `make faults` prints: per sort of fault, how many, what was lost, what resumed."""

from dataclasses import dataclass, field

COLUMNS = (
    *("injected", "amid a checkpoint", "artefacts lost", "half-written listed"),
    *("runs hit", "did not resume", "vague errors"),
)


@dataclass
class Row:
    """One sort of fault.

    Attributes:
        fault: What was done.
        injected: How often.
        amid: How many of them left a half-written checkpoint behind.
        lost: What was whole before and not after, one line each.
        half: What was listed as whole and could not be read, one line each.
        runs: The runs that were hit; one may be hit by several sorts of faults.
        stuck: Runs that did not come to the uninterrupted run's end, one line each.
        vague: Errors that are not one line with a remedy.
        furthest: Largest difference of a resumed run's losses and weights to the uninterrupted's.
    """

    fault: str
    injected: int = 0
    amid: int = 0
    lost: list[str] = field(default_factory=list)
    half: list[str] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    vague: list[str] = field(default_factory=list)
    furthest: float = 0.0

    @property
    def clean(self) -> bool:
        """True when nothing was lost, nothing half-written listed, all resumed, errors helped."""
        return not (self.lost or self.half or self.stuck or self.vague)


def table(rows: list[Row]) -> str:
    """Return the rows as text, with a total and, below it, every complaint."""
    width = max(len(row.fault) for row in rows) + 2
    total = Row("all")
    for row in rows:
        total.injected += row.injected
        total.amid += row.amid
        total.runs += row.runs
        total.lost += row.lost
        total.half += row.half
        total.stuck += row.stuck
        total.vague += row.vague
        total.furthest = max(total.furthest, row.furthest)
    lines = ["fault".ljust(width) + "  ".join(COLUMNS) + "  largest difference"]
    for row in [*rows, total]:
        figures = [row.injected, row.amid, len(row.lost), len(row.half), len(set(row.runs))]
        figures += [len(row.stuck), len(row.vague)]
        cells = [
            str(figure).rjust(len(name)) for figure, name in zip(figures, COLUMNS, strict=True)
        ]
        lines.append(row.fault.ljust(width) + "  ".join(cells) + f"  {row.furthest:18.1e}")
    complaints = [
        f"{row.fault}: {word}: {line}"
        for row in rows
        for word, found in (
            *(("lost", row.lost), ("half-written", row.half)),
            *(("did not resume", row.stuck), ("vague", row.vague)),
        )
        for line in found
    ]
    return "\n".join([*lines, *complaints])

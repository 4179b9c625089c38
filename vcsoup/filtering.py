"""Which pairs of a value's dataset are worth training on: the filter of VC-Soup, section 3.

Torch-free and pure: gaps in, masks out. The same record drives the command line, the pages, the
exports and the manifest of a run, so that each can say exactly what it kept. What a whole range of
thresholds would keep is in `vcsoup.sweep`.
"""

from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from vcsoup.consistency import keep_mask, value_consistency
from vcsoup.errors import FilterError, GapShapeError, first_fault
from vcsoup.gap_shapes import BoolArray, as_table
from vcsoup.preferences.pairs import pair_id
from vcsoup.sweep import gap_norms, likely_flips


class PairFilter(BaseModel):
    """Keep the pairs on which the values agree, and agree strongly enough.

    Example:
        >>> gaps = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])
        >>> PairFilter(threshold=0.5).mask(gaps)
        array([ True, False, False])
        >>> PairFilter().mask(gaps)
        array([ True,  True,  True])
        >>> PairFilter(threshold=0.5, flip=True).flipped(gaps)
        array([False, False,  True])
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: Annotated[float, Field(ge=-1, le=1)] | None = Field(
        None, description="Keep pairs with consistency at or above this; none keeps all."
    )
    min_norm: float = Field(
        0.0,
        ge=0,
        allow_inf_nan=False,
        description="Keep pairs whose gap vector is at least this long, in sigmas.",
    )
    flip: bool = Field(
        False,
        description="Also keep likely label flips (consistency at or below minus the threshold), "
        "their answers exchanged.",
    )

    @model_validator(mode="after")
    def _flips_are_apart(self) -> "PairFilter":
        if self.flip and not (self.threshold or 0.0) > 0.0:
            came = "none" if self.threshold is None else f"{self.threshold:g}"
            raise ValueError(
                f"label flips need a threshold above 0, got {came}; raise it or leave flips out"
            )
        return self

    def mask(self, gaps: npt.ArrayLike) -> BoolArray:
        """Say which pairs are kept as they are.

        Args:
            gaps: Scaled reward gaps, shape (n, K), in standard deviations.

        Returns:
            Keep mask, shape (n,); never a flipped pair.

        Raises:
            GapShapeError: fewer than two values, or a non-finite entry.
        """
        kept = gap_norms(gaps) >= self.min_norm
        if self.threshold is None:
            return kept
        return kept & keep_mask(value_consistency(gaps), self.threshold)

    def flipped(self, gaps: npt.ArrayLike) -> BoolArray:
        """Say which pairs are kept with their answers exchanged: none unless `flip`.

        Args:
            gaps: Scaled reward gaps, shape (n, K), in standard deviations.

        Returns:
            Shape (n,); no pair is both here and in `mask`.
        """
        if not self.flip or self.threshold is None:
            return np.zeros(len(as_table(gaps, "gaps")), dtype=np.bool_)
        strong = gap_norms(gaps) >= self.min_norm
        return strong & likely_flips(value_consistency(gaps), self.threshold)

    def count(self, gaps: npt.ArrayLike) -> int:
        """How many pairs are trained on: kept as they are, or exchanged."""
        return int(self.mask(gaps).sum() + self.flipped(gaps).sum())


def pair_filter(**fields: Any) -> PairFilter:
    """Make a `PairFilter`; a wrong field is a one-line error.

    Raises:
        FilterError: names the field, what came and what is expected.

    Example:
        >>> pair_filter(threshold=0.5).threshold
        0.5
    """
    try:
        return PairFilter(**fields)
    except ValidationError as error:
        fault = first_fault(error)
        came = f"{fault.where} = {fault.came!r}: " if fault.where else ""
        raise FilterError(f"filter: {came}{fault.reason}; correct this entry") from error


def mean_gaps(
    gaps: npt.NDArray[np.floating[Any]], kept: BoolArray, exchanged: BoolArray | None = None
) -> tuple[float, ...]:
    """Mean gap per value of the pairs that are trained on, an exchanged one with its gaps turned.

    Args:
        gaps: Reward gaps in standard deviations, shape (n, K).
        kept: Pairs kept as they are, shape (n,).
        exchanged: Pairs kept with their answers exchanged, shape (n,), none of them in `kept`.

    Returns:
        K means; nan where no pair is trained on.

    Example:
        >>> gaps = np.array([[1.0, 3.0], [1.0, -1.0], [-2.0, -1.0]])
        >>> wanted = PairFilter(threshold=0.5, flip=True)
        >>> mean_gaps(gaps, wanted.mask(gaps), wanted.flipped(gaps))
        (1.5, 2.0)
    """
    signs = kept.astype(np.int8)
    if exchanged is not None:
        signs -= exchanged
    size = int(np.count_nonzero(signs))
    if not size:
        return (float("nan"),) * gaps.shape[1]
    sums = (np.multiply(column, signs).sum(dtype=np.float64) for column in gaps.T)
    return tuple(float(total) / size for total in sums)


def keep_pairs(
    pairs: pd.DataFrame, gaps: npt.ArrayLike, *, pair_filter: PairFilter
) -> pd.DataFrame:
    """Take the pairs that the filter keeps, in their order.

    Args:
        pairs: Canonical pair table, n rows.
        gaps: Scaled reward gaps of the same rows, shape (n, K).
        pair_filter: What to keep.

    Returns:
        The kept rows with a fresh index; likely flips, where the filter wants them, with their
        answers exchanged and the id of that content (a pair that was labelled both ways comes out
        twice). `pairs` is left as it is.

    Raises:
        GapShapeError: as many gaps as pairs were expected.
    """
    table = np.asarray(gaps, dtype=np.float64)
    if len(pairs) != len(table):
        raise GapShapeError(
            f"{len(pairs)} pairs came with {len(table)} rows of gaps; score the dataset again"
        )
    flipped = pair_filter.flipped(table)
    wanted = pair_filter.mask(table) | flipped
    kept = pairs.loc[wanted].reset_index(drop=True)
    rows = np.flatnonzero(flipped[wanted])
    return exchange_answers(kept, rows) if len(rows) else kept


def exchange_answers(pairs: pd.DataFrame, rows: npt.NDArray[np.intp]) -> pd.DataFrame:
    """Exchange chosen and rejected in some rows of a pair table, and name those rows anew.

    Args:
        pairs: Canonical pair table.
        rows: Positions of the rows to exchange.

    Returns:
        A new table with a fresh index; the id of an exchanged row is that of its new content.
    """
    columns = {name: pairs[name].tolist() for name in ("id", "chosen", "rejected")}
    for row in rows:
        chosen, rejected = columns["rejected"][row], columns["chosen"][row]
        columns["chosen"][row], columns["rejected"][row] = chosen, rejected
        columns["id"][row] = pair_id(pairs["prompt"].iloc[row], chosen, rejected)
    return pairs.assign(
        **{
            name: pd.Series(cells, dtype="str", index=pairs.index)
            for name, cells in columns.items()
        }
    )

"""Which pairs of a value's dataset a run trains on: the consistency filter (VC-Soup, section 3).

Torch-free and pure: gaps in, mask out. The same record drives the command line, the Train page and
the manifest, so that a run can always say what it kept.
"""

from typing import Annotated

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from vcsoup.consistency import keep_mask, value_consistency
from vcsoup.errors import GapShapeError

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


class PairFilter(BaseModel):
    """Keep the pairs on which the values agree, and agree strongly enough.

    Example:
        >>> PairFilter(threshold=0.5).mask(np.array([[1.0, 1.0], [1.0, -1.0]]))
        array([ True, False])
        >>> PairFilter().mask(np.array([[1.0, 1.0], [1.0, -1.0]]))
        array([ True,  True])
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: Annotated[float, Field(ge=-1, le=1)] | None = Field(
        None, description="Keep pairs with consistency at or above this; none keeps all."
    )
    min_norm: float = Field(
        0.0, ge=0, description="Keep pairs whose gap vector is at least this long, in sigmas."
    )

    def mask(self, gaps: FloatArray) -> BoolArray:
        """Say which pairs are kept.

        Args:
            gaps: Scaled reward gaps, shape (n, K), in standard deviations.

        Returns:
            Keep mask, shape (n,).
        """
        kept = np.linalg.norm(gaps, axis=1) >= self.min_norm
        if self.threshold is None:
            return np.asarray(kept)
        return np.asarray(kept & keep_mask(value_consistency(gaps), self.threshold))


def keep_pairs(pairs: pd.DataFrame, gaps: FloatArray, *, pair_filter: PairFilter) -> pd.DataFrame:
    """Take the pairs that the filter keeps, in their order.

    Args:
        pairs: Canonical pair table, n rows.
        gaps: Scaled reward gaps of the same rows, shape (n, K).
        pair_filter: What to keep.

    Returns:
        The kept rows with a fresh index; `pairs` is left as it is.

    Raises:
        GapShapeError: as many gaps as pairs were expected.
    """
    if len(pairs) != len(gaps):
        raise GapShapeError(
            f"{len(pairs)} pairs came with {len(gaps)} rows of gaps; score the dataset again"
        )
    return pairs.loc[pair_filter.mask(gaps)].reset_index(drop=True)

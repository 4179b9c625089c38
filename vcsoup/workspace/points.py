"""Measured points: the mean reward per value of one soup on held-out prompts.

A point belongs to a set of adapters and judges (`set_key`), weights and a sampling seed. Measuring
the same soup on more prompts replaces the point; on fewer, the better-measured one stays. Points
whose judges' files or prompts became others are set aside, so that none is compared with new ones.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select, update
from sqlalchemy.dialects.sqlite import insert

from vcsoup.errors import UnknownValueError
from vcsoup.workspace.files import now
from vcsoup.workspace.records import POINTS, Records

MOST_SEED = 2**63 - 1
"""The largest seed that a stored point can have."""
ASIDE = "-former"
"""What the name of an adapter set ends in where points of former judges or prompts are kept."""


class Point(BaseModel):
    """One measured soup; `rewards`, `low` and `high` are in the reward models' units."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    set_key: str = Field(description="Which adapters and judges: `Project.set_key`.")
    group: str = Field(description="The adapters' group, such as 'filtered'.")
    weights: dict[str, float] = Field(description="Weight per value; empty or zeros: the base.")
    rewards: dict[str, float] = Field(description="Mean reward per value.")
    low: dict[str, float] = Field(description="Lower end of the interval per value.")
    high: dict[str, float] = Field(description="Upper end of the interval per value.")
    n_prompts: int = Field(ge=1, description="Held-out prompts behind the means.")
    seed: int = 0
    recorded: bool = Field(False, description="Came with the bundle, not measured here.")
    created: str = Field(default_factory=now, description="UTC, ISO 8601.")
    label: str | None = Field(None, description="A name for people, such as 'base'.")
    judged: str = Field(
        "", description="Which reward models and prompts (`pipeline.judging_key`); '' not recorded."
    )


class PointTable:
    """The points of one project."""

    def __init__(self, records: Records, project: str, values: Sequence[str]) -> None:
        self._records = records
        self._project = project
        self._values = tuple(values)

    def save(self, point: Point) -> None:
        """Store a point, unless the same soup is stored with more prompts.

        Raises:
            UnknownValueError: the point's values are not the project's.
        """
        self._check_values(point)
        row = {
            "project": self._project,
            "set_key": point.set_key,
            "weights_key": weights_key(point.weights, self._values),
            "seed": point.seed,
            "n_prompts": point.n_prompts,
            "created": point.created,
            "content": point.model_dump_json(),
        }
        statement = insert(POINTS).values(row)
        statement = statement.on_conflict_do_update(
            index_elements=list(POINTS.primary_key),
            set_={name: statement.excluded[name] for name in ("n_prompts", "created", "content")},
            where=statement.excluded.n_prompts >= POINTS.c.n_prompts,
        )
        with self._records.write() as connection:
            connection.execute(statement)

    def set_aside(self, points: Sequence[Point]) -> None:
        """Keep points apart: nobody finds them under their set's name any more."""
        with self._records.write() as connection:
            for point in points:
                of_this = (
                    (POINTS.c.project == self._project)
                    & (POINTS.c.set_key == point.set_key)
                    & (POINTS.c.weights_key == weights_key(point.weights, self._values))
                    & (POINTS.c.seed == point.seed)
                )
                moved = update(POINTS).where(of_this).prefix_with("OR REPLACE")
                connection.execute(moved.values(set_key=f"{point.set_key}{ASIDE}"))

    def load(self, set_key: str | None = None) -> list[Point]:
        """Return the points, oldest first; only those of one adapter set when given."""
        query = select(POINTS.c.content).where(POINTS.c.project == self._project)
        if set_key is not None:
            query = query.where(POINTS.c.set_key == set_key)
        with self._records.read() as connection:
            contents = connection.execute(query.order_by(POINTS.c.created)).scalars().all()
        return [_read(content) for content in contents]

    def _check_values(self, point: Point) -> None:
        for figures in (point.rewards, point.low, point.high):
            if set(figures) != set(self._values):
                raise UnknownValueError(
                    f"point has rewards of {', '.join(sorted(figures)) or 'no value'}; expected "
                    f"exactly {', '.join(self._values)}; measure it with this project's models"
                )
        if unknown := sorted(set(point.weights) - set(self._values)):
            raise UnknownValueError(
                f"point has a weight for {', '.join(unknown)}; "
                f"the project's values are {', '.join(self._values)}"
            )


@lru_cache(maxsize=16_384)
def _read(content: str) -> Point:
    """A point as it was stored; pages ask for the same ones at every turn, and none may change."""
    return Point.model_validate_json(content)


def weights_key(weights: Mapping[str, float], values: Sequence[str]) -> str:
    """Name weights to six decimals in the project's order of values; a missing weight is zero.

    Example:
        >>> weights_key({"harmless": 0.5, "helpful": 0.5}, ["helpful", "harmless"])
        '0.500000,0.500000'
        >>> weights_key({}, ["helpful", "harmless"])
        '0.000000,0.000000'
    """
    # Adding 0.0 after rounding turns -0.0 into 0.0.
    return ",".join(f"{round(float(weights.get(value, 0.0)), 6) + 0.0:.6f}" for value in values)


def one_per_soup(points: Sequence[Point], values: Sequence[str]) -> dict[str, Point]:
    """Return of each soup the point to believe, by `weights_key`: the last of `worst_to_best`."""
    return {weights_key(point.weights, values): point for point in worst_to_best(points)}


def worst_to_best(points: Sequence[Point]) -> list[Point]:
    """Sort points so that the one to believe comes last.

    Points of the seed that most soups share come last, because soups are compared on the same
    random numbers; then those of more prompts; then newer ones.
    """
    seeds = Counter(point.seed for point in points)
    return sorted(points, key=lambda p: (seeds[p.seed], -p.seed, p.n_prompts, p.created))

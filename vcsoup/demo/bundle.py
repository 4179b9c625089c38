"""Where the embedded world lies and what is in it.

    assets/demo/models/base, reward-<value>   ordinary transformers folders
    assets/demo/data/<value>.parquet          pairs; <value>-rewards.parquet their rewards
    assets/demo/data/samples.parquet          rewards behind the points, prompt by prompt
    assets/demo/adapters/<value>-<group>      PEFT adapters, "filtered" and "unfiltered"
    assets/demo/card.json, card.md            every figure that the build measured
    assets/demo/bundle.json                   contents, thresholds, points; written last

Torch-free: pages open the demo through it.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from vcsoup.errors import NotFoundError
from vcsoup.rewards.spec import RewardSpec

MANIFEST = "bundle.json"


class RecordedPoint(BaseModel):
    """A point that the build measured; figures in the reward models' units."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    group: str
    weights: dict[str, float]
    rewards: dict[str, float]
    low: dict[str, float]
    high: dict[str, float]
    n_prompts: int
    seed: int
    created: str
    label: str | None = None


class Bundle(BaseModel):
    """The contents of a bundle folder.

    Attributes:
        seed: What the build drew everything from.
        values: Value names, in order.
        thresholds: The threshold per value behind the "filtered" adapters.
        held_out: The prompts that no model was trained on.
        adapters: Folder names below `adapters/`.
        points: Recorded points.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int
    values: tuple[str, ...]
    thresholds: dict[str, float]
    held_out: tuple[str, ...]
    adapters: tuple[str, ...] = ()
    points: tuple[RecordedPoint, ...] = ()


def adapter_name(value: str, group: str) -> str:
    """Name of a recorded adapter; those that users train are numbered from one."""
    return f"{value}-{group}-0"


def judge_spec(models: Path, value: str) -> RewardSpec:
    """A value's reward model, in the bundle's folder of models or a copy of it."""
    return RewardSpec(model=str(models / f"reward-{value}"), max_length=512)


def bundle_folder() -> Path:
    """The bundle that ships with the project."""
    return Path(__file__).parents[2] / "assets" / "demo"


def read_bundle(folder: Path) -> Bundle:
    """Read a bundle's manifest.

    Raises:
        NotFoundError: the folder holds no complete bundle.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise NotFoundError(
            f"no embedded world in {folder} ({MANIFEST} is missing); "
            "check out assets/demo again or build it with `python -m vcsoup demo build`"
        )
    return Bundle.model_validate_json(path.read_text(encoding="utf-8"))

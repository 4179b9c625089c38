"""Whether a run's base can be trained, and the memory that it takes, told before it is loaded.

Measuring also holds the reward models, each once however many values read it.
"""

from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from vcsoup.base_models.memory import Load
from vcsoup.base_models.settings import BaseLoading
from vcsoup.errors import BaseModelError
from vcsoup.project_file import ProjectFile
from vcsoup.room import stored_numbers
from vcsoup.running.plan import Run
from vcsoup.training.config import check_targets
from vcsoup.workspace import ProjectConfig

if TYPE_CHECKING:
    from vcsoup.base_models.looking import BaseLook


def check_base(config: ProjectConfig, file: ProjectFile) -> list[str]:
    """Refuse a base that no adapter can be trained on.

    Returns:
        What else is worth a warning, a sentence each.

    Raises:
        BaseModelError: what stands in the way, and what to do about it.
        TrainingError: targets of the training that this base does not have.
        HubError: the hub has no such model for you, or cannot be reached and no copy is here.
    """
    look = _look(config.base, config.loading, _load(config, file))
    fault = next((problem for problem in look.problems if problem.level == "fault"), None)
    if fault is not None:
        raise BaseModelError(f"base model {config.base}: {fault.says}; {fault.remedy}")
    check_targets(file.training.targets, look.figures["targets"])
    warnings = [problem for problem in look.problems if problem.level == "warning"]
    return [f"base model {config.base}: {one.says}; {one.remedy}" for one in warnings]


def base_memory(run: Run, use: Literal["training", "serving"]) -> int | None:
    """Return bytes that training or serving takes, by the base's files; None when not known."""
    config = run.project.config
    told = _look(config.base, config.loading, _load(config, run.file)).memory.get(use)
    return int(told["total"]) if told else None


def measuring_memory(run: Run) -> int | None:
    """Return bytes that measuring takes: base, adapters and reward models; None when not known.

    Reward models compute in float32 on a CPU; on a GPU large ones may take less.
    """
    served = base_memory(run, "serving")
    specs = [spec for spec in run.project.config.rewards.values() if spec.kind == "model"]
    models = {spec.pass_fingerprint(): spec for spec in specs}.values()
    judges = [stored_numbers(spec.model, spec.revision) for spec in models]
    if served is None or None in judges:
        return None
    return served + 4 * sum(filter(None, judges))


def _load(config: ProjectConfig, file: ProjectFile) -> Load:
    training = file.training
    return Load(
        training.rank,
        training.micro_batch or training.batch_size,
        training.max_length,
        dropout=bool(training.dropout),
        values=len(config.values),
    )


@lru_cache(maxsize=4)
def _look(base: str, loading: BaseLoading, load: Load) -> "BaseLook":
    from vcsoup.base_models.looking import look_at_base

    return look_at_base(base, loading, load=load)

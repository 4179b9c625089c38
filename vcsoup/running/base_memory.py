"""Memory that a run's base takes, told before it is loaded."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

from vcsoup.base_models.memory import Load
from vcsoup.base_models.settings import BaseLoading
from vcsoup.running.plan import Run


def base_memory(run: Run, use: Literal["training", "serving"]) -> int | None:
    """Return bytes that training or serving takes, by the base's files; None when not known."""
    config, loading = run.file.training, run.project.config.loading
    load = Load(
        config.rank,
        config.micro_batch or config.batch_size,
        config.max_length,
        dropout=bool(config.dropout),
        values=len(run.project.values),
    )
    told = _memory_of(run.project.config.base, loading, load).get(use)
    return int(told["total"]) if told else None


@lru_cache(maxsize=4)
def _memory_of(base: str, loading: BaseLoading, load: Load) -> Mapping[str, Mapping[str, Any]]:
    from vcsoup.base_models.looking import look_at_base

    return look_at_base(base, loading, load=load).memory

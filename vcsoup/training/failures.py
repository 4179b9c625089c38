"""What machines do to a training, as one line with a remedy: no memory, no disk, no permission.

torch, safetensors and the operating system word the same trouble in many ways; a person needs to
know what to do. Anything that is not recognised stays as it is, and loud.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vcsoup.errors import TrainingError, VcsoupError
from vcsoup.training.config import TrainConfig

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EROFS, errno.EACCES, errno.EPERM}
_FULL_TOLD = ("No space left", "os error 28", "Disk quota", "File too large", "os error 27")
_WRITING_TOLD = ("PytorchStreamWriter", "inline_container", "file write failed", "iostream error")
_FORBIDDEN_TOLD = ("Read-only file system", "Permission denied", "os error 30", "os error 13")
_MEMORY_TOLD = ("out of memory", "can't allocate memory", "DefaultCPUAllocator")


@contextmanager
def explained(config: TrainConfig, folder: Path) -> Iterator[None]:
    """Turn the machine's failures inside the block into a `TrainingError`.

    Args:
        config: What could be made smaller.
        folder: Where the run writes.
    """
    try:
        yield
    except VcsoupError:
        raise
    except Exception as error:
        if told := _explanation(error, config, folder):
            raise TrainingError(told) from error
        raise


def _explanation(error: Exception, config: TrainConfig, folder: Path) -> str | None:
    told, number = str(error), getattr(error, "errno", None)
    named = getattr(error, "filename", None)
    folder = Path(str(named)).parent if named else folder
    if number in _FULL or _any(told, _FULL_TOLD) or _any(told, _WRITING_TOLD):
        return f"the disk of {folder} is full; free some space, then resume this run"
    if number in _FORBIDDEN or _any(told, _FORBIDDEN_TOLD):
        return f"{folder} cannot be written; make it writable, then resume this run"
    if isinstance(error, MemoryError) or _any(told, _MEMORY_TOLD):
        passes = config.micro_batch or config.batch_size
        return (
            f"memory ran out at {passes} pairs per pass of up to {config.max_length} tokens; lower "
            f"micro_batch (now {config.micro_batch}, 0 is the whole batch) or max_length"
        )
    return None


def _any(told: str, words: tuple[str, ...]) -> bool:
    return any(word in told for word in words)

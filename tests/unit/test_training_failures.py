"""What the machine does to a run is told in one line, with a remedy."""

import errno
from pathlib import Path

import pytest
import torch

from vcsoup.errors import TrainingError
from vcsoup.training.config import train_config
from vcsoup.training.failures import explained

FULL = "the disk of here is full; free some space, then resume this run"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), FULL),
        (OSError(errno.EFBIG, "File too large"), FULL),
        (RuntimeError("Error while serializing: I/O error: ... (os error 28)"), FULL),
        (RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 64"), FULL),
        (OSError(errno.EROFS, "Read-only file system", "there/x.pt"), "there cannot be written"),
        (PermissionError(errno.EACCES, "Permission denied"), "here cannot be written; make it"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried ..."), "lower micro_batch .now 4"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "memory ran out at 4 pairs"),
        (MemoryError(), "or max_length"),
    ],
)
def test_known_trouble_gets_a_remedy(error, words):
    with pytest.raises(TrainingError, match=words) as caught, explained(config(), Path("here")):
        raise error
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is error


def config():
    return train_config("paper", batch_size=8, micro_batch=4)


def test_other_trouble_stays_loud():
    with pytest.raises(ZeroDivisionError), explained(config(), Path("here")):
        raise ZeroDivisionError
    with pytest.raises(TrainingError, match="as it was"), explained(config(), Path("here")):
        raise TrainingError("as it was")

"""Which of a model's numbers is a value's reward: one head, or the difference of two. Pure."""

import numpy as np
import numpy.typing as npt

from vcsoup.errors import RewardModelError
from vcsoup.rewards.spec import RewardSpec

FloatArray = npt.NDArray[np.float32]


def read_label(logits: FloatArray, spec: RewardSpec) -> FloatArray:
    """Take one value's raw reward, without the sign, from all that a model says.

    Args:
        logits: Shape (n, heads).
        spec: Its `label` names the head.

    Returns:
        Shape (n,), float32.

    Raises:
        RewardModelError: no such head.

    Example:
        >>> read_label(np.float32([[1, 4]]), RewardSpec(model="org/rm", label="diff"))
        array([3.], dtype=float32)
    """
    check_label(spec, logits.shape[1])
    if spec.label == "diff":
        return np.asarray(logits[:, 1] - logits[:, 0], dtype=np.float32)
    return np.asarray(logits[:, spec.label], dtype=np.float32)


def signed_rewards(rows: npt.NDArray[np.intp], raw: FloatArray, spec: RewardSpec) -> FloatArray:
    """Apply the sign to raw rewards of some replies.

    Raises:
        RewardModelError: one is no finite number; names the reply, by its row from 1.
    """
    if not np.isfinite(raw).all():
        raise RewardModelError(
            f"reward model {spec.model} gave no finite number for reply "
            f"{int(rows[~np.isfinite(raw)][0]) + 1}; leave this reply out or take another model"
        )
    return raw * np.float32(spec.sign)


def check_label(spec: RewardSpec, heads: int) -> None:
    """Make sure that a model with so many heads has the one that `spec.label` names.

    Raises:
        RewardModelError: it has not.
    """
    needed = 2 if spec.label == "diff" else spec.label + 1
    if heads < needed:
        raise RewardModelError(
            f"label {spec.label!r} needs {needed} logits but reward model {spec.model} has "
            f"{heads}; set label to one it has"
        )

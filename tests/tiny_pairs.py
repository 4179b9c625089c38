"""Small preference tables that a tiny model can learn from, and monitors that listen or stop."""

import hashlib

import numpy as np
import pandas as pd

KIND = ("sure", "gladly", "here", "is", "a", "kind", "answer")
RUDE = ("no", "go", "away", "this", "was", "rude", "talk")


def tiny_pairs(n: int, *, seed: int = 0, noise: float = 0.0) -> pd.DataFrame:
    """`n` pairs whose chosen side uses kind words and whose rejected side uses rude ones.

    A share `noise` of them, drawn at random, is labelled the other way round.
    """
    rng = np.random.default_rng(seed)

    def words(vocabulary: tuple[str, ...]) -> str:
        return " ".join(rng.choice(vocabulary, size=rng.integers(3, 8)))

    rows = [
        {
            "id": hashlib.sha256(f"{seed}:{index}".encode()).hexdigest()[:16],
            "prompt": [{"role": "user", "content": f"question {index}"}],
            "chosen": words(KIND),
            "rejected": words(RUDE),
        }
        for index in range(n)
    ]
    for row in rows:
        if rng.random() < noise:
            row["chosen"], row["rejected"] = row["rejected"], row["chosen"]
    return pd.DataFrame(rows, columns=["id", "prompt", "chosen", "rejected"])


class Recorder:
    """A monitor that keeps every report, and asks to stop once `stop_at` units are done.

    `within` limits that to the stages whose name begins so.
    """

    def __init__(self, stop_at: int | None = None, *, within: str = "") -> None:
        self.reports: list[tuple[str, int, int, dict[str, object]]] = []
        self.stop_requested = False
        self._stop_at, self._within = stop_at, within

    def report(self, stage: str, done: int, total: int, **figures: object) -> None:
        self.reports.append((stage, done, total, figures))
        counts = stage.startswith(self._within)
        if counts and self._stop_at is not None and done >= self._stop_at:
            self.stop_requested = True

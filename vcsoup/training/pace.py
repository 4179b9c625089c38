"""How fast a run is, step by step, and what it holds in memory."""

import time

import psutil
import torch


class Pace:
    """Tokens per second of each step: all tokens of prompts and answers, padding left out."""

    def __init__(self) -> None:
        self.slowest = 0.0  # seconds of the longest step or look
        self._since = time.monotonic()
        self._tokens = 0.0

    def begin(self) -> None:
        """A step or a look begins."""
        self._since = time.monotonic()

    def end(self, logs: dict[str, float]) -> dict[str, float]:
        """A step has ended; return its pace, nothing when the trainer counts no tokens."""
        total = float(logs.get("num_tokens", 0.0))
        read, self._tokens = total - self._tokens, total
        seconds = self.passed()
        return {"tokens_per_s": read / seconds} if read > 0 and seconds > 0 else {}

    def passed(self) -> float:
        """Seconds since the step or look began."""
        seconds = time.monotonic() - self._since
        self.slowest = max(self.slowest, seconds)
        return seconds


def memory() -> dict[str, float]:
    """What this process holds now, in MB (10^6 bytes); on a GPU also the most it held there."""
    held = {"memory_mb": psutil.Process().memory_info().rss / 1e6}
    if torch.cuda.is_available():
        held["gpu_memory_mb"] = torch.cuda.max_memory_allocated() / 1e6
    return held

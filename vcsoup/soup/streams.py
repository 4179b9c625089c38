"""Work that goes on side by side on the processor's cores, each part on a thread of its own.

Decoding a small model is many short operations. Two threads inside each of them wait for each
other after every one; two batches with a core each never do. Parameters are shared, nothing is
copied. `vcsoup.soup.sampling` decides when this pays.
"""

import queue
import threading
from collections.abc import Generator, Iterator, Sequence
from typing import TypeVar

import torch

T = TypeVar("T")
_ENDED = object()


def side_by_side(parts: Sequence[Iterator[T]], *, threads: int) -> Generator[T]:
    """Run iterators at the same time and yield what they give, as it comes.

    Closing this iterator ends all of them after the item at hand.

    Args:
        parts: What to run, each on a thread of its own.
        threads: Torch's threads, divided among the parts; given back at the end.

    Raises:
        BaseException: what one of the parts raised; the others end then.
    """
    news: queue.SimpleQueue[object] = queue.SimpleQueue()
    stop = threading.Event()

    def run(part: Iterator[T]) -> None:
        torch.set_num_threads(max(1, threads // len(parts)))
        try:
            for item in part:
                news.put(item)
                if stop.is_set():
                    break
            news.put(_ENDED)
        except BaseException as error:
            news.put(_Fault(error))

    workers = [threading.Thread(target=run, args=(part,), daemon=True) for part in parts]
    for worker in workers:
        worker.start()
    try:
        running = len(workers)
        while running:
            item = news.get()
            if isinstance(item, _Fault):
                raise item.error
            if item is _ENDED:
                running -= 1
            else:
                yield item  # type: ignore[misc]
    finally:
        stop.set()
        for worker in workers:
            worker.join()
        torch.set_num_threads(threads)  # the parts' choice is also that of threads to come


class _Fault:
    """What a part raised, on its way to the caller's thread."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

"""The one thread that touches models: it runs all tasks, interleaved at the level of tokens.

A task is a generator. It yields `Rows` when it wants replies decoded and is sent their tokens; what
it does in between (loading, scoring) it does on this thread. Rows that wait together and fit
together share one decoding batch; batches in flight take turns step by step, so a long reply of one
session does not hold up a short one of another, and no lock is needed anywhere.
"""

import logging
import queue
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from vcsoup.errors import VcsoupError
from vcsoup.soup.decoding import Decoding, Sampler, check_lengths
from vcsoup.soup.model import SoupModel
from vcsoup.soup.prompts import FloatArray

logger = logging.getLogger(__name__)

Tokens = list[int]


@dataclass(frozen=True)
class Rows:
    """Replies that a task wants.

    Attributes:
        soup: Which model.
        prompts: n token lists.
        weights: Shape (n, K).
        uniforms: Shape (n, >= max_new_tokens).
        sampler: How tokens are chosen.
        on_token: Hears (row, token) as they come; True ends that row.
    """

    soup: SoupModel
    prompts: Sequence[Sequence[int]]
    weights: FloatArray
    uniforms: FloatArray
    sampler: Sampler
    on_token: Callable[[int, int], bool | None] | None = None

    def __post_init__(self) -> None:
        """Refuse prompts that cannot be answered before they join a batch with others."""
        check_lengths(self.soup, self.prompts, self.sampler.max_new_tokens)


Steps = Generator[Rows, list[Tokens], None]


class Task(Protocol):
    """Work for the owner."""

    @property
    def cancelled(self) -> bool:
        """True once nobody wants the result any more."""
        ...

    def steps(self) -> Steps:
        """Do the work; yield `Rows`, receive their tokens."""
        ...

    def fail(self, error: str) -> None:
        """Hear why the work broke off, in one line."""
        ...


class Owner:
    """Runs tasks on a thread of its own."""

    def __init__(self) -> None:
        self._inbox: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._wanted: list[_Order] = []
        self._flights: list[_Flight] = []
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="model owner", daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """True while tasks wait or run."""
        return bool(self._flights or self._wanted or not self._inbox.empty())

    def submit(self, task: Task) -> None:
        """Queue a task; returns at once."""
        self._inbox.put(task)

    def close(self) -> None:
        """Stop after the step at hand; unfinished tasks are dropped."""
        self._closing = True
        self._inbox.put(None)
        self._thread.join(timeout=30)

    def _run(self) -> None:
        while not self._closing:
            self._take_in()
            for order in self._wanted:
                self._board(order)
            self._wanted = []
            for flight in list(self._flights):
                self._fly(flight)

    def _take_in(self) -> None:
        """Begin all tasks that wait; without work, sleep until one comes."""
        while not self._closing:
            try:
                task = self._inbox.get(block=not (self._flights or self._wanted))
            except queue.Empty:
                return
            if task is not None and not task.cancelled:
                self._advance(task, task.steps(), None)

    def _advance(self, task: Task, steps: Steps, tokens: list[Tokens] | None) -> None:
        try:
            rows = steps.send(tokens) if tokens is not None else next(steps)
            self._wanted.append(_Order(task, steps, rows))
        except StopIteration:
            return
        except VcsoupError as error:
            task.fail(str(error))
        except Exception as error:
            logger.exception("a task broke off")
            task.fail(_one_line(error))

    def _board(self, order: "_Order") -> None:
        """Put an order into a batch that has not taken off and fits, else into a new one."""
        for flight in self._flights:
            if not flight.decoding and flight.fits(order.rows):
                flight.orders.append(order)
                return
        self._flights.append(_Flight([order]))

    def _fly(self, flight: "_Flight") -> None:
        try:
            flight.step()
        except Exception as error:
            known = isinstance(error, VcsoupError)
            if not known:
                logger.exception("a decoding batch broke off")
            self._flights.remove(flight)
            for order in flight.orders:
                order.task.fail(str(error) if known else _one_line(error))
            return
        for order in flight.landed():
            if order.task.cancelled:
                order.steps.close()
            else:
                self._advance(order.task, order.steps, order.tokens)
        if not flight.orders:
            self._flights.remove(flight)


@dataclass
class _Order:
    """Rows that a task waits for."""

    task: Task
    steps: Steps
    rows: Rows
    tokens: list[Tokens] = field(default_factory=list)


class _Flight:
    """One decoding batch and the orders in it, in the order of its rows."""

    def __init__(self, orders: list[_Order]) -> None:
        self.orders = orders
        self.decoding: Decoding | None = None
        self._starts: dict[int, int] = {}

    def fits(self, rows: Rows) -> bool:
        """Whether these rows can share the batch: same model, same sampler."""
        first = self.orders[0].rows
        return rows.soup is first.soup and rows.sampler == first.sampler

    def step(self) -> None:
        """Sample one token for every unfinished row; prepare the batch the first time."""
        if self.decoding is None:
            self.decoding = self._take_off()
        for order in self.orders:
            if order.task.cancelled:
                self._end(order)
        for row, token in self.decoding.step():
            order, own_row = self._owner_of(row)
            if order.rows.on_token and order.rows.on_token(own_row, token):
                self.decoding.stop(row)

    def landed(self) -> list[_Order]:
        """Take out the orders whose rows are all finished, with their tokens."""
        done = [order for order in self.orders if self.decoding.finished[self._span(order)].all()]
        for order in done:
            order.tokens = self.decoding.replies[self._span(order)]
        self.orders = [order for order in self.orders if order not in done]
        return done

    def _take_off(self) -> Decoding:
        rows = [order.rows for order in self.orders]
        start = 0
        for order in self.orders:
            self._starts[id(order)] = start
            start += len(order.rows.prompts)
        width = rows[0].sampler.max_new_tokens
        return Decoding(
            rows[0].soup,
            [prompt for part in rows for prompt in part.prompts],
            np.concatenate([part.weights for part in rows]),
            uniforms=np.concatenate([part.uniforms[:, :width] for part in rows]),
            sampler=rows[0].sampler,
        )

    def _span(self, order: _Order) -> slice:
        start = self._starts[id(order)]
        return slice(start, start + len(order.rows.prompts))

    def _owner_of(self, row: int) -> tuple[_Order, int]:
        for order in self.orders:
            span = self._span(order)
            if span.start <= row < span.stop:
                return order, row - span.start
        raise LookupError(f"row {row} belongs to no order")

    def _end(self, order: _Order) -> None:
        span = self._span(order)
        for row in range(span.start, span.stop):
            self.decoding.stop(row)


def _one_line(error: Exception) -> str:
    first = (str(error).splitlines() or [""])[0]
    return f"the engine broke off ({type(error).__name__}: {first}); its log says more"

"""The one thread that touches models: it runs all tasks, interleaved at the level of tokens.

A task is a generator. It yields `Rows` when it wants replies decoded and is sent their tokens; it
yields None to let others have a turn (between batches of scoring, say); what it does in between it
does on this thread, and no lock is needed anywhere. All rows of a model are in one running batch
(`vcsoup.engine.batch`): they join and leave it at any step, urgent ones first.
"""

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from weakref import WeakKeyDictionary

from vcsoup.engine.batch import Batch
from vcsoup.errors import EngineBusyError, VcsoupError
from vcsoup.soup.decoding import Reply, Sampler, check_lengths
from vcsoup.soup.drafts import Drafts
from vcsoup.soup.model import SoupModel
from vcsoup.soup.prompts import FloatArray

logger = logging.getLogger(__name__)

Tokens = list[int]
MOST_TASKS = 128  # waiting or running; more are refused until some have ended


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
        urgent: So many of the rows, the first ones, are read by somebody while they grow: they
            join the batch before all others.
    """

    soup: SoupModel
    prompts: Sequence[Sequence[int]]
    weights: FloatArray
    uniforms: FloatArray
    sampler: Sampler
    on_token: Callable[[int, int], bool | None] | None = None
    urgent: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be answered before it joins a batch with others."""
        check_lengths(self.soup, self.prompts, self.sampler.max_new_tokens)
        self.soup.rows(self.weights, len(self.prompts))


Steps = Generator[Rows | None, list[Tokens] | None, None]


class Task(Protocol):
    """Work for the owner."""

    @property
    def cancelled(self) -> bool:
        """True once nobody wants the result any more."""
        ...

    def steps(self) -> Steps:
        """Do the work; yield `Rows`, receive their tokens; yield None to let others work."""
        ...

    def fail(self, error: str) -> None:
        """Hear why the work broke off, in one line."""
        ...


@dataclass(eq=False)
class _Job:
    """A task that has begun, and the replies that it waits for."""

    task: Task
    steps: Steps
    rows: Rows | None = None
    replies: list[Reply] = field(default_factory=list)
    places: dict[Reply, int] = field(default_factory=dict)

    def want(self, rows: Rows) -> None:
        """Make the replies for these rows."""
        self.rows = rows
        self.replies = [
            Reply(*own, rows.sampler)
            for own in zip(rows.prompts, rows.weights, rows.uniforms, strict=True)
        ]
        self.places = {reply: row for row, reply in enumerate(self.replies)}

    def hear(self, reply: Reply, token: int) -> None:
        """Tell the task of a token; it may end the reply."""
        on_token = self.rows.on_token if self.rows else None
        if on_token and reply in self.places and on_token(self.places[reply], token):
            reply.finished = True
            del self.places[reply]  # what the same pass still gave is not told

    def drop(self) -> None:
        """End all replies."""
        for reply in self.replies:
            reply.finished = True


class Owner:
    """Runs tasks on a thread of its own."""

    def __init__(self, *, most_tasks: int = MOST_TASKS) -> None:
        """Start the thread.

        Args:
            most_tasks: How many tasks may wait or run at a time.
        """
        self._most = most_tasks
        self._inbox: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._unfinished: set[int] = set()
        self._lock = threading.Lock()
        self._paused: deque[_Job] = deque()
        self._waiting: list[_Job] = []
        self._batches: dict[SoupModel, Batch] = {}
        self._drafts: WeakKeyDictionary[SoupModel, Drafts] = WeakKeyDictionary()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="model owner", daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """True while tasks wait or run."""
        return bool(self._unfinished)

    def submit(self, task: Task) -> None:
        """Queue a task; returns at once.

        Raises:
            EngineBusyError: too many tasks wait or run.
        """
        with self._lock:
            if len(self._unfinished) >= self._most:
                raise EngineBusyError(
                    f"the engine works on {self._most} requests already; try again in a moment"
                )
            self._unfinished.add(id(task))
        self._inbox.put(task)

    def close(self) -> None:
        """Stop after the step at hand; unfinished tasks are dropped."""
        self._closing = True
        self._inbox.put(None)
        self._thread.join(timeout=30)

    def _run(self) -> None:
        while not self._closing:
            self._take_in()
            self._drop_cancelled()
            for soup, batch in list(self._batches.items()):
                self._turn(soup, batch)
            for job in [job for job in self._waiting if all(r.finished for r in job.replies)]:
                self._waiting.remove(job)
                self._advance(job, [reply.tokens for reply in job.replies])
            if self._paused:
                self._advance(self._paused.popleft(), None)

    def _take_in(self) -> None:
        """Begin all tasks that wait; without work, sleep until one comes."""
        while not self._closing:
            try:
                task = self._inbox.get(block=not (self._waiting or self._paused))
            except queue.Empty:
                return
            if task is not None:
                self._advance(_Job(task, task.steps()), None)

    def _drop_cancelled(self) -> None:
        for job in [job for job in (*self._waiting, *self._paused) if job.task.cancelled]:
            (self._waiting if job in self._waiting else self._paused).remove(job)
            job.drop()
            job.steps.close()
            self._forget(job)

    def _advance(self, job: _Job, tokens: list[Tokens] | None) -> None:
        """Let a task work until it wants rows or pauses."""
        job.rows = None
        try:
            if job.task.cancelled:
                raise StopIteration
            for reply in job.replies:
                reply.check_whole()
            rows = job.steps.send(tokens)
            if rows is None:
                self._paused.append(job)
                return
            job.want(rows)
            if rows.soup not in self._batches:
                drafts = self._drafts.setdefault(rows.soup, Drafts())
                self._batches[rows.soup] = Batch(rows.soup, drafts)
            self._batches[rows.soup].want(job.replies, urgent=rows.urgent)
            self._waiting.append(job)
        except StopIteration:
            job.steps.close()
            self._forget(job)
        except Exception as error:
            self._fail(job, error)

    def _turn(self, soup: SoupModel, batch: Batch) -> None:
        """One pass of a batch; all its tasks hear of their tokens, and all fail if it breaks."""
        jobs = {reply: job for job in self._waiting for reply in job.replies}
        try:
            new = batch.turn()
        except Exception as error:
            del self._batches[soup]
            for job in [job for job in self._waiting if job.rows and job.rows.soup is soup]:
                self._waiting.remove(job)
                self._fail(job, error)
            return
        for reply, token in new:
            self._hear(jobs[reply], reply, token)
        if batch.idle:
            del self._batches[soup]

    def _hear(self, job: _Job, reply: Reply, token: int) -> None:
        if job not in self._waiting:
            return
        try:
            job.hear(reply, token)
        except Exception as error:
            self._waiting.remove(job)
            job.drop()
            self._fail(job, error)

    def _fail(self, job: _Job, error: Exception) -> None:
        if isinstance(error, VcsoupError):
            job.task.fail(str(error))
        else:
            logger.error("a task broke off", exc_info=error)
            first = (str(error).splitlines() or [""])[0]
            kind = type(error).__name__
            job.task.fail(f"the engine broke off ({kind}: {first}); its log says more")
        self._forget(job)

    def _forget(self, job: _Job) -> None:
        with self._lock:
            self._unfinished.discard(id(job.task))

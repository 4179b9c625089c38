"""The running batch of one model: who joins when.

Urgent replies, which somebody reads while they grow, join at the next turn. The others join in
groups, when places are free: a group's prompts are read in one pass, which holds everybody up for
about as long as a few steps take. Finished replies serve later ones as drafts.
"""

from collections import deque
from collections.abc import Sequence

from vcsoup.soup.decoding import Decoding, Reply
from vcsoup.soup.drafts import Drafts
from vcsoup.soup.model import SoupModel

ROWS = 256  # replies in flight; past this, CPU kernels gain nothing
_GROUP = 32  # replies that join in one turn


class Batch:
    """Replies in flight on one model, and those that wait for a place."""

    def __init__(self, soup: SoupModel, drafts: Drafts) -> None:
        """Begin without any."""
        self._decoding, self._drafts = Decoding(soup), drafts
        self._urgent: deque[Reply] = deque()
        self._patient: deque[Reply] = deque()

    @property
    def idle(self) -> bool:
        """True when no reply waits or grows."""
        replies = (*self._urgent, *self._patient, *self._decoding.replies)
        return all(reply.finished for reply in replies)

    def want(self, replies: Sequence[Reply], *, urgent: int) -> None:
        """Queue replies, the first `urgent` of them before all that are not."""
        self._urgent.extend(replies[:urgent])
        self._patient.extend(replies[urgent:])

    def turn(self) -> list[tuple[Reply, int]]:
        """Let replies join, or give each in flight a token; returns (reply, token) as they came."""
        self._decoding.drop_finished()
        flying, joining = self._decoding.replies, self._next()
        if joining:
            for reply in joining:
                reply.draft = self._drafts.suggest(reply)
            new = self._decoding.join(joining)
        else:
            new = self._decoding.step()
        for reply in (*flying, *joining):
            if reply.finished:
                self._drafts.learn(reply)
        return new

    def _next(self) -> list[Reply]:
        """Who joins now; nobody when it is time for a step."""
        free = ROWS - len(self._decoding.replies)
        room = free >= min(_GROUP, ROWS, len(self._patient))
        waiting = self._urgent or (self._patient if room else deque[Reply]())
        joining: list[Reply] = []
        while waiting and free > len(joining) < _GROUP:
            reply = waiting.popleft()
            if not reply.finished:  # its task was cancelled
                joining.append(reply)
        return joining

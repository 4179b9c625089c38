"""Rows of tokens that begin alike, as a tree in which every shared token stands once.

A pair's two answers begin with the same prompt, and prompts may begin with the same preamble. What
a decoder makes of a token depends on the tokens before it alone, so one pass over the tree gives
what a pass over each row would give. The tree is one line of tokens: a node is followed by the rows
that end below it. There is no padding. Pure; `vcsoup.rewards.shared_prompts` runs a model over it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
Stretch = tuple[int, int]  # of the line: from, up to and without

LEAST_SHARED = 8  # tokens that are worth a node: `benchmarks/scoring.py --break-even`
_LOOKING = 256  # tokens of short rows whose attention is one product, most of it masked


@dataclass(frozen=True)
class Look:
    """One attention product.

    Attributes:
        queries: The tokens that look: rows below one node, or one node.
        keys: What they look at: the nodes above, then `queries` itself.
        alone: Whether `queries` is one node with nothing above: plain causal attention.
    """

    queries: Stretch
    keys: tuple[Stretch, ...]
    alone: bool


@dataclass(frozen=True)
class TokenTree:
    """The line of T tokens that n rows share.

    Attributes:
        tokens: Shape (T,).
        positions: Each token's position in the rows that it is of, shape (T,).
        nodes: Each token's node, shape (T,).
        ends: Where each row's last token stands in the line, shape (n,).
        looks: All attention products; their queries follow one another along the line.
    """

    tokens: IntArray
    positions: IntArray
    nodes: IntArray
    ends: IntArray
    looks: tuple[Look, ...]


def token_tree(rows: Sequence[Sequence[int]]) -> TokenTree:
    """Lay rows out as a tree.

    Args:
        rows: n rows of tokens, none empty, in any order.

    Example:
        >>> prompt = list(range(20))
        >>> tree = token_tree([[*prompt, 7, 8], [*prompt, 9]])
        >>> len(tree.tokens), tree.ends.tolist(), tree.positions[-3:].tolist()
        (23, [21, 22], [20, 21, 20])
    """
    order, shared = _in_order(rows)
    line = _Line([rows[row] for row in order], shared)
    ends = np.empty(len(rows), dtype=np.int64)
    ends[order] = line.ends
    tokens, positions, nodes = (np.concatenate(parts) for parts in zip(*line.parts, strict=True))
    return TokenTree(tokens, positions, nodes, ends, tuple(line.looks))


def tree_batches(rows: Sequence[Sequence[int]], tokens: int) -> Iterator[npt.NDArray[np.intp]]:
    """Cut rows into batches whose trees hold a number of tokens, rows that begin alike together.

    Args:
        rows: n rows of tokens.
        tokens: A tree stays at or below this (but one row always goes).

    Yields:
        Row numbers; together every row once.

    Example:
        >>> [rows.tolist() for rows in tree_batches([[1, 2], [5], [1, 3]], 3)]
        [[0, 2], [1]]
    """
    order, shared = _in_order(rows)
    lengths = np.array([len(rows[row]) for row in order], dtype=np.int64)
    start = 0
    while start < len(order):
        new = lengths[start:] - shared[start:]
        new[0] = lengths[start]
        sizes = np.cumsum(new)
        stop = start + max(1, int(np.searchsorted(sizes, tokens, side="right")))
        if stop < len(order):  # part where least is shared, but leave no batch half empty
            first = start + 1 + int(np.searchsorted(sizes, tokens // 2, side="right"))
            places = np.arange(min(first, stop), stop + 1)
            stop = int(places[::-1][np.argmin(shared[places[::-1]])])
        yield order[start:stop]
        start = stop


class _Line:
    """Builds the line from rows in lexicographic order."""

    def __init__(self, rows: Sequence[Sequence[int]], shared: IntArray) -> None:
        self._rows = [np.asarray(row, dtype=np.int64) for row in rows]
        self._shared, self._length, self._nodes = shared, 0, 0
        self._repeats = np.array(
            [place > 0 and row == rows[place - 1] for place, row in enumerate(rows)]
        )
        self.ends = np.zeros(len(rows), dtype=np.int64)
        self.parts: list[tuple[IntArray, IntArray, IntArray]] = []
        self.looks: list[Look] = []
        ahead: list[tuple[Stretch, Stretch, tuple[Stretch, ...]]] = [((0, len(rows)), (0, 0), ())]
        while ahead:  # a stack: a node's rows are laid out right behind it
            group, cut, above = ahead.pop()
            if cut[1]:
                above = _joined(above, self._put([(group, cut)], above))
            leaves, inner = self._children(group, cut[1])
            for some in self._together(leaves):
                self._put(some, above)
            ahead += [(child, span, above) for child, span in reversed(inner)]

    def _children(
        self, group: Stretch, depth: int
    ) -> tuple[list[tuple[Stretch, Stretch]], list[tuple[Stretch, Stretch]]]:
        """(Rows, their tokens from `depth` on): rows that share no more, and nodes that do."""
        leaves: list[tuple[Stretch, Stretch]] = []
        inner: list[tuple[Stretch, Stretch]] = []
        start, stop = group
        while start < stop and len(self._rows[start]) == depth:  # it ends in the node itself
            start += 1
        near = slice(start + 1, stop)
        apart = (self._shared[near] < depth + LEAST_SHARED) & ~self._repeats[near]
        apart = np.flatnonzero(apart) + start + 1
        for first, last in zip([start, *apart], [*apart, stop], strict=True):
            if first == last:
                continue
            together = self._shared[first + 1 : last]
            cut = int(together.min()) if len(together) else len(self._rows[first])
            ends_here = len(self._rows[last - 1]) == cut
            (leaves if ends_here else inner).append(((int(first), int(last)), (depth, cut)))
        return leaves, inner

    def _together(
        self, leaves: list[tuple[Stretch, Stretch]]
    ) -> Iterator[list[tuple[Stretch, Stretch]]]:
        """Leaves whose attention is one product."""
        some: list[tuple[Stretch, Stretch]] = []
        size = 0
        for leaf in leaves:
            new = leaf[1][1] - leaf[1][0]
            if some and size + new > _LOOKING:
                yield some
                some, size = [], 0
            some.append(leaf)
            size += new
        if some:
            yield some

    def _put(self, nodes: list[tuple[Stretch, Stretch]], above: tuple[Stretch, ...]) -> Stretch:
        begin = self._length
        for (first, last), (start, stop) in nodes:
            positions = np.arange(start, stop, dtype=np.int64)
            number = np.full(stop - start, self._nodes, dtype=np.int64)
            self.parts.append((self._rows[first][start:stop], positions, number))
            self._length += stop - start
            self._nodes += 1
            for row in range(first, last):
                if len(self._rows[row]) == stop:
                    self.ends[row] = self._length - 1
        queries = (begin, self._length)
        alone = len(nodes) == 1 and not above
        self.looks.append(Look(queries, _joined(above, queries), alone))
        return queries


def _joined(above: tuple[Stretch, ...], new: Stretch) -> tuple[Stretch, ...]:
    """Stretches with one more, which lengthens the last where it follows it."""
    if above and above[-1][1] == new[0]:
        return (*above[:-1], (above[-1][0], new[1]))
    return (*above, new)


def _in_order(rows: Sequence[Sequence[int]]) -> tuple[npt.NDArray[np.intp], IntArray]:
    """Row numbers in lexicographic order, and how many tokens each shares with the one before."""
    order = np.array(sorted(range(len(rows)), key=lambda row: list(rows[row])), dtype=np.intp)
    arrays = [np.asarray(rows[row], dtype=np.int64) for row in order]
    shared = np.zeros(len(rows), dtype=np.int64)
    for place, (one, other) in enumerate(pairwise(arrays), start=1):
        both = min(len(one), len(other))
        differ = np.flatnonzero(one[:both] != other[:both])
        shared[place] = differ[0] if len(differ) else both
    return order, shared

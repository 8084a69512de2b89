"""Joins over streams that the databases have sorted: constant memory, however long the history."""

import heapq
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

Row = tuple[Any, ...]
_KEY = itemgetter(0)


def merged(*streams: Iterable[Row]) -> Iterator[Row]:
    """Streams sorted by their first column as one stream sorted by it."""
    return heapq.merge(*streams, key=_KEY)


def joined(left: Iterable[Row], right: Iterable[Row]) -> Iterator[tuple[list[Row], list[Row]]]:
    """For each value of the first column, in order: the rows of the left and of the right stream that have it."""
    lefts, rights = groupby(left, _KEY), groupby(right, _KEY)
    this, that = next(lefts, None), next(rights, None)
    while this or that:
        if this and (that is None or this[0] < that[0]):
            yield list(this[1]), []
            this = next(lefts, None)
        elif that and (this is None or that[0] < this[0]):
            yield [], list(that[1])
            that = next(rights, None)
        elif this and that:
            yield list(this[1]), list(that[1])
            this, that = next(lefts, None), next(rights, None)

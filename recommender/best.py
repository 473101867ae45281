"""The best of many places by their values, where they come in blocks; ties by place.

Pure: no files, no clock.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# As many times as many as are wanted may wait to be compared.
_MOST_WAITING = 4
_SORTED_AT_ONCE = 128


class Best:
    """The best places of each query, of blocks that come one after another."""

    def __init__(self, queries: int, wanted: int) -> None:
        self._wanted = wanted
        self._places = np.zeros((queries, 0), np.int64)
        self._values = np.zeros((queries, 0), np.float32)
        # What is not below the last of the best so far: query, place and value of each.
        self._more: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]] = []

    def add(self, block: NDArray[np.int64], values: NDArray[np.float32]) -> None:
        """Take in the values of some places, shape (queries, len(block))."""
        if self._values.shape[1] < self._wanted:
            self._join(np.broadcast_to(block, values.shape), values)
            return
        queries, columns = np.nonzero(values >= self._values[:, -1:])
        self._more.append((queries, block[columns], values[queries, columns]))
        if sum(len(each) for each, _, _ in self._more) > self._values.size * _MOST_WAITING:
            self._settle()

    def found(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Places and values of the best, each of shape (queries, wanted)."""
        self._settle()
        return self._places, self._values

    def _settle(self) -> None:
        if not self._more:
            return
        queries, places, values = (np.concatenate(each) for each in zip(*self._more, strict=True))
        self._more = []
        order = np.argsort(queries, kind="stable")
        queries = queries[order]
        columns = np.arange(len(queries)) - np.searchsorted(queries, queries)
        shape = (len(self._values), int(columns.max(initial=-1)) + 1)
        more_places, more_values = np.zeros(shape, np.int64), np.full(shape, -np.inf, np.float32)
        more_places[queries, columns] = places[order]
        more_values[queries, columns] = values[order]
        self._join(more_places, more_values)

    def _join(self, places: NDArray[np.int64], values: NDArray[np.float32]) -> None:
        self._places, self._values = best_of(
            np.concatenate([self._places, places], axis=1),
            np.concatenate([self._values, values], axis=1),
            self._wanted,
        )


def best_of(
    places: NDArray[np.int64], values: NDArray[np.float32], wanted: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The best of each row, best first, ties by place."""
    # What sorting needs takes several times the room of the values.
    parts = [
        _best_of(
            places[start : start + _SORTED_AT_ONCE], values[start : start + _SORTED_AT_ONCE], wanted
        )
        for start in range(0, max(len(values), 1), _SORTED_AT_ONCE)
    ]
    return np.concatenate([each for each, _ in parts]), np.concatenate([each for _, each in parts])


def _best_of(
    places: NDArray[np.int64], values: NDArray[np.float32], wanted: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    if values.shape[1] > 4 * wanted:
        # Keep all that tie with the last of the best, or the edge would depend on the order.
        edge = -np.partition(-values, wanted - 1, axis=1)[:, wanted - 1 : wanted]
        most = int((values >= edge).sum(axis=1).max())
        part = np.argpartition(-values, min(most, values.shape[1] - 1), axis=1)[:, :most]
        places = np.take_along_axis(places, part, axis=1)
        values = np.take_along_axis(values, part, axis=1)
    order = np.lexsort((places, -values), axis=1)[:, :wanted]
    return np.take_along_axis(places, order, axis=1), np.take_along_axis(values, order, axis=1)

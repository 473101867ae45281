"""Values that wait on disk, by a key: what a run needs of every article and memory need not hold.

The file has no name and goes when it is closed, however the process ends. Knows nothing of what
the values are: who makes a spool says how they become bytes.
"""

from __future__ import annotations

import os
import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Generic, TypeVar, overload

import numpy as np
from numpy.typing import DTypeLike, NDArray

from recommender.closing import Closing
from recommender.errors import IndexStoreError
from recommender.files import TEMPORARY_SUFFIX, advice_on

Value = TypeVar("Value")

_BATCH = 500


class Spool(Closing, Generic[Value]):
    """Values by key, put down in any order and taken up in the order of the keys.

    Parameters
    ----------
    folder : Path
        Where there is room for them: of an index, also one that is not there yet.
    encode, decode : callable
        A value as bytes, and back.

    Raises
    ------
    IndexStoreError
        If the disk is full; also from `put`.
    """

    def __init__(
        self, folder: Path, encode: Callable[[Value], bytes], decode: Callable[[bytes], Value]
    ) -> None:
        self._folder = folder
        self._encode, self._decode = encode, decode
        self._places: dict[str, tuple[int, int]] = {}
        self._end = 0
        try:
            self._file = _open_beside(folder)
        except OSError as error:
            raise _failed(self._folder, error) from error

    def put(self, key: str, value: Value) -> None:
        """Put a value down, in the place of one of the same key."""
        data = self._encode(value)
        try:
            self._file.write(data)
        except OSError as error:
            raise _failed(self._folder, error) from error
        self._places[key] = (self._end, len(data))
        self._end += len(data)

    def forget(self, keys: Iterable[str]) -> None:
        """Drop values; keys that are not there are passed over."""
        for key in keys:
            self._places.pop(key, None)

    def get(self, keys: Iterable[str]) -> list[Value]:
        """The values of keys, in their order.

        Raises
        ------
        KeyError
            If a key is not there.
        """
        try:
            self._file.flush()
            return [self._read(*self._places[key]) for key in keys]
        except OSError as error:
            raise _failed(self._folder, error) from error

    def keys(self) -> list[str]:
        """All keys, sorted."""
        return sorted(self._places)

    def batches(self, size: int = _BATCH) -> Iterator[list[Value]]:
        """All values in the order of their keys, some at a time."""
        keys = self.keys()
        for start in range(0, len(keys), size):
            yield self.get(keys[start : start + size])

    def values(self) -> SpooledValues[Value]:
        """All values as a sequence in the order of their keys, each read when it is asked for."""
        return SpooledValues(self)

    def __contains__(self, key: object) -> bool:
        return key in self._places

    def __len__(self) -> int:
        return len(self._places)

    def close(self) -> None:
        """Give the room back."""
        # What a full disk did not take is of no use any more.
        with suppress(OSError):
            self._file.close()

    def _read(self, start: int, length: int) -> Value:
        return self._decode(os.pread(self._file.fileno(), length, start))


class SpooledValues(Sequence[Value]):
    """The values of a spool as they were when this was made; none is held in memory."""

    def __init__(self, spool: Spool[Value]) -> None:
        self._spool = spool
        self._keys = spool.keys()

    @overload
    def __getitem__(self, index: int) -> Value: ...
    @overload
    def __getitem__(self, index: slice) -> list[Value]: ...
    def __getitem__(self, index: int | slice) -> Value | list[Value]:
        if isinstance(index, slice):
            return self._spool.get(self._keys[index])
        return self._spool.get([self._keys[index]])[0]

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[Value]:
        for start in range(0, len(self._keys), _BATCH):
            yield from self[start : start + _BATCH]


class SpooledArrays(Closing):
    """Arrays of one type that wait on disk, each read when it is asked for.

    Parameters
    ----------
    folder : Path
        As of a `Spool`.
    dtype : dtype
    """

    def __init__(self, folder: Path, dtype: DTypeLike) -> None:
        self._folder, self._dtype = folder, np.dtype(dtype)
        self._ends = array("q", [0])
        try:
            self._file = _open_beside(folder)
        except OSError as error:
            raise _failed(folder, error) from error

    def append(self, values: NDArray[Any]) -> None:
        """Put an array down behind those that are there."""
        data = np.ascontiguousarray(values, self._dtype)
        try:
            self._file.write(data.tobytes())
        except OSError as error:
            raise _failed(self._folder, error) from error
        self._ends.append(self._ends[-1] + data.nbytes)

    def finish(self) -> None:
        """To be called when all are there, before the first is read."""
        try:
            self._file.flush()
        except OSError as error:
            raise _failed(self._folder, error) from error

    def __getitem__(self, number: int) -> NDArray[Any]:
        start, end = self._ends[number], self._ends[number + 1]
        try:
            data = os.pread(self._file.fileno(), end - start, start)
        except OSError as error:
            raise _failed(self._folder, error) from error
        return np.frombuffer(data, self._dtype)

    def __len__(self) -> int:
        return len(self._ends) - 1

    def close(self) -> None:
        """Give the room back."""
        # What a full disk did not take is of no use any more.
        with suppress(OSError):
            self._file.close()


def _failed(folder: Path, error: OSError) -> IndexStoreError:
    return IndexStoreError(
        f"{folder}: articles cannot be put by on this disk ({error.strerror or error}); "
        f"nothing was changed; {advice_on(error)}"
    )


def _open_beside(folder: Path) -> IO[bytes]:
    place = folder
    while not place.is_dir() and place != place.parent:
        place = place.parent
    if not os.access(place, os.W_OK | os.X_OK):
        return tempfile.TemporaryFile(suffix=TEMPORARY_SUFFIX)
    return tempfile.TemporaryFile(dir=place, suffix=TEMPORARY_SUFFIX)

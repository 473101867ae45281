"""How an exported list differs from the one before, and which pages must be made anew for it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal

from recommender.closing import Closing
from recommender.errors import ExportError
from recommender.exports.entries import Shown

# New list; an article came or went; only order, a title or an address changed; list removed.
Kind = Literal["new", "members", "shown", "gone"]
Difference = Literal["", "numbers", "new", "members", "shown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A page that must be made anew.

    Attributes
    ----------
    id, url : str
        Of the article whose page it is; the address may be unknown when its list is gone.
    kind : {"new", "members", "shown", "gone"}
    """

    id: str
    url: str
    kind: Kind


Tell = Callable[[Sequence[Change]], None]


def difference(old: Sequence[Shown] | None, new: Sequence[Shown]) -> Difference:
    """How a list differs from the one that was there; similarities alone change no page."""
    if old is None:
        return "new"
    if {each.id for each in old} != {each.id for each in new}:
        return "members"
    if [(each.id, each.shown) for each in old] != [(each.id, each.shown) for each in new]:
        return "shown"
    return "numbers" if list(old) != list(new) else ""


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What an export did.

    Attributes
    ----------
    lists, empty : int
        Lists that are there now, and how many of them hold nothing.
    new, members, shown, gone : int
        Changes, by kind.
    numbers : int
        Lists of which only similarities changed, or the reason for being short.
    """

    lists: int = 0
    empty: int = 0
    new: int = 0
    members: int = 0
    shown: int = 0
    gone: int = 0
    numbers: int = 0
    _kinds: tuple[str, ...] = field(default=("new", "members", "shown", "gone"), repr=False)

    @property
    def changed(self) -> int:
        """Lists that gained or lost an article."""
        return self.new + self.members + self.gone

    @property
    def pages(self) -> int:
        """Pages that must be made anew."""
        return self.changed + self.shown

    def count(self, difference: Difference, *, empty: bool) -> None:
        """Take one list into account."""
        self.lists += 1
        self.empty += empty
        if difference:
            setattr(self, difference, getattr(self, difference) + 1)


class ChangeLog(Closing):
    """A file with one JSON line for each page that must be made anew.

    Lines are added to what is there, and are safely on disk before a list is replaced: what an
    interrupted run changed is not forgotten. Whoever has refreshed the pages deletes the file.

    Raises
    ------
    ExportError
        If the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def __call__(self, changes: Sequence[Change]) -> None:
        """Add lines."""
        try:
            if self._file is None:
                self._file = self._path.open("ab")
            for each in changes:
                line = {"id": each.id, "url": each.url, "change": each.kind}
                self._file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise ExportError(
                f"cannot write {self._path}: {error.strerror or error}; no list was replaced since"
            ) from error


def forget(changes: Sequence[Change]) -> None:
    """Tell nobody."""

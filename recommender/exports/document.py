"""All lists in one JSON file, for a site that is built anew from files.

The first line says what the file is; each of the next is one article's list, by its id, so that
the file is read and written line by line. It is replaced whole, or not at all.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import BinaryIO

from recommender.errors import ExportError
from recommender.exports.changes import Change, Outcome, Tell, difference, forget
from recommender.exports.disk import cannot_write, is_temporary, temporary_beside
from recommender.exports.entries import GENERATOR, SCHEMA_VERSION, Entry, to_json

_BEGINNING = f'{{"generator":"{GENERATOR}","version":{SCHEMA_VERSION},'.encode()
_END = b"}}\n"
_TOLD = 1_000


class JsonDocument:
    """The target of one JSON file.

    Parameters
    ----------
    path : Path
        In a folder that is there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def name(self) -> str:
        """The file."""
        return str(self._path)

    def write(
        self, entries: Iterable[Entry], *, state: str, tell: Tell = forget, dry_run: bool = False
    ) -> Outcome:
        """Make the file hold these lists; see `Target`."""
        temporary = temporary_beside(self._path)
        try:
            self._check_ours()
            with nullcontext() if dry_run else temporary.open("xb") as file:
                if file is not None:
                    fcntl.flock(file, fcntl.LOCK_EX)
                outcome = self._compare(entries, file, state, tell)
                if file is not None:
                    file.flush()
                    os.fsync(file.fileno())
                changed = outcome.pages + outcome.numbers or not self._path.exists()
                if file is not None and changed:
                    temporary.replace(self._path)
            if not dry_run:
                self._remove_leftovers()
        except OSError as error:
            raise cannot_write(self._path, error) from error
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
        return outcome

    def _check_ours(self) -> None:
        if not self._path.exists():
            return
        if not self._path.is_file():
            raise ExportError(f"{self._path} is no file; name another one for the lists")
        with self._path.open("rb") as file:
            beginning = file.read(len(_BEGINNING))
        if beginning and not beginning.startswith(_BEGINNING[:25]):
            raise ExportError(
                f"{self._path} was written by something else; move it, or name another file"
            )

    def _compare(
        self, entries: Iterable[Entry], file: BinaryIO | None, state: str, tell: Tell
    ) -> Outcome:
        """Write all lists, and find those that differ; both files are in the order of the ids."""
        outcome = Outcome()
        changes: list[Change] = []
        before = self._read()
        old = next(before, None)

        def note(change: Change) -> None:
            changes.append(change)
            if len(changes) >= _TOLD:
                tell(changes)
                changes.clear()

        def note_gone(entry: Entry) -> None:
            outcome.gone += 1
            note(Change(id=entry.id, url=entry.url, kind="gone"))

        if file is not None:
            file.write(_BEGINNING + f'"state":{json.dumps(state)},"lists":{{\n'.encode())
        for number, entry in enumerate(entries):
            while old is not None and old.id < entry.id:
                note_gone(old)
                old = next(before, None)
            known = old if old is not None and old.id == entry.id else None
            kind = difference(known.compared() if known else None, entry.compared())
            if not kind and known is not None and known != entry:
                kind = "shown" if known.url != entry.url else "numbers"
            outcome.count(kind, empty=not entry.items)
            if kind and kind != "numbers":
                note(Change(id=entry.id, url=entry.url, kind=kind))
            old = next(before, None) if known is not None else old
            if file is not None:
                line = f"{to_json({entry.id: entry.to_dict()})[1:-1]}\n"
                file.write((("," if number else "") + line).encode())
        while old is not None:
            note_gone(old)
            old = next(before, None)
        if file is not None:
            file.write(_END)
        tell(changes)
        return outcome

    def _read(self) -> Iterator[Entry]:
        """The lists that are there, in the order of their ids, as far as they can be read."""
        try:
            with self._path.open("rb") as file:
                if not file.readline().startswith(_BEGINNING):
                    return
                last = ""
                for line in file:
                    if line == _END:
                        return
                    entry = Entry.from_dict(*json.loads(b"{%s}" % line.lstrip(b",")).values())
                    if entry.id <= last:
                        return
                    last = entry.id
                    yield entry
        except FileNotFoundError:
            return
        except (KeyError, TypeError, ValueError, RecursionError):
            # Not as we wrote it: the rest is written anew.
            return

    def _remove_leftovers(self) -> None:
        """Remove what killed runs have left; a run that is at work holds its file."""
        for path in self._path.parent.glob(f".{self._path.name}.*.tmp"):
            if not is_temporary(path.name):
                continue
            with suppress(OSError), path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()

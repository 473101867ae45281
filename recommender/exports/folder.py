"""A folder with one JSON file an article, from which pages read without anything of ours running.

Each file is whole at any moment and touched only when its list differs. A file is known as ours
by how it begins, so that files of others are never changed or removed; where one of them has the
name that a list needs, the export stops.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import Any

from recommender.errors import ExportError
from recommender.exports.changes import Change, Difference, Outcome, Tell, difference, forget
from recommender.exports.disk import alone, cannot_write, is_temporary, put_many, sync_all
from recommender.exports.entries import GENERATOR, SCHEMA_VERSION, Entry, to_json
from recommender.exports.naming import file_name, may_be_ours

LOCK_NAME = ".recommender-export"
_BATCH = 1_000
_BEGINNING = f'{{"generator":"{GENERATOR}",'.encode()


class JsonFolder:
    """The target of one JSON file an article.

    Parameters
    ----------
    folder : Path
        Made when missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def name(self) -> str:
        """The folder."""
        return str(self._folder)

    def write(
        self, entries: Iterable[Entry], *, state: str, tell: Tell = forget, dry_run: bool = False
    ) -> Outcome:
        """Make the folder hold these lists; see `Target`."""
        try:
            if self._folder.exists() and not self._folder.is_dir():
                raise ExportError(f"{self._folder} is a file; lists go into a folder")
            if not dry_run:
                self._folder.mkdir(parents=True, exist_ok=True)
            with nullcontext() if dry_run else alone(self._folder / LOCK_NAME):
                there = self._ours()
                outcome = Outcome()
                for batch in _batches(entries):
                    self._put(batch, there, outcome, state=state, tell=tell, dry_run=dry_run)
                self._remove(there, outcome, tell=tell, dry_run=dry_run)
                if not dry_run and outcome.pages + outcome.numbers:
                    sync_all(self._folder)
        except OSError as error:
            raise cannot_write(Path(error.filename or self._folder), error) from error
        return outcome

    def _ours(self) -> set[str]:
        """Names of the files we wrote."""
        if not self._folder.exists():
            return set()
        return {path.name for path in self._folder.iterdir() if self._is_ours(path)}

    def _is_ours(self, path: Path) -> bool:
        if not may_be_ours(path.name) or not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(len(_BEGINNING)) == _BEGINNING

    def _put(
        self,
        batch: list[Entry],
        there: set[str],
        outcome: Outcome,
        *,
        state: str,
        tell: Tell,
        dry_run: bool,
    ) -> None:
        """Write those of a batch that differ; what is met is taken out of `there`."""
        changes: list[Change] = []
        files: list[tuple[Path, bytes]] = []
        for entry in batch:
            path = self._folder / file_name(entry.id)
            old = self._read(path) if path.name in there else None
            if path.name not in there and path.exists():
                raise ExportError(
                    f"{path} is in the way: something else wrote it; move it, or name a folder "
                    "for the lists alone"
                )
            there.discard(path.name)
            kind = _difference(old, entry)
            outcome.count(kind, empty=not entry.items)
            if not kind:
                continue
            files.append((path, _rendered(entry, state)))
            if kind != "numbers":
                changes.append(Change(id=entry.id, url=entry.url, kind=kind))
        tell(changes)
        if not dry_run:
            put_many(files, self._folder)

    def _remove(self, left: set[str], outcome: Outcome, *, tell: Tell, dry_run: bool) -> None:
        """Remove lists of articles that are gone."""
        for names in _batches(sorted(left)):
            old = [(name, self._read(self._folder / name)) for name in names]
            # A file that is ours by its beginning only was not finished by anybody: it stays.
            gone = [(name, each) for name, each in old if each and file_name(each.id) == name]
            outcome.gone += len(gone)
            tell([Change(id=each.id, url=each.url, kind="gone") for _, each in gone])
            for name, _ in gone if not dry_run else ():
                (self._folder / name).unlink(missing_ok=True)
        if not dry_run:
            # Of a run that was killed.
            for path in self._folder.iterdir():
                if is_temporary(path.name) and may_be_ours(path.name[1:-13]):
                    path.unlink(missing_ok=True)

    def _read(self, path: Path) -> Entry | None:
        """The list in a file of ours; `None` when it cannot be read as one."""
        try:
            data: dict[str, Any] = json.loads(path.read_bytes())
            return Entry.from_dict(data) if data["version"] == SCHEMA_VERSION else None
        except (FileNotFoundError, KeyError, TypeError, ValueError, RecursionError):
            return None


def _difference(old: Entry | None, new: Entry) -> Difference:
    kind = difference(None if old is None else old.compared(), new.compared())
    if kind or old is None:
        return kind
    if old.url != new.url:
        return "shown"
    return "numbers" if old != new else ""


def _rendered(entry: Entry, state: str) -> bytes:
    data = {"generator": GENERATOR, "version": SCHEMA_VERSION, "state": state, **entry.to_dict()}
    return to_json(data).encode() + b"\n"


def _batches(values: Iterable[Any]) -> Iterator[list[Any]]:
    waiting = iter(values)
    while batch := list(islice(waiting, _BATCH)):
        yield batch

"""`recommender copy`: a whole index in another folder, of one state, whatever writers do.

The database comes from SQLite's backup inside one read transaction, the search files are those
that this state names: they are held open before anything is copied, so that a writer who deletes
them takes nothing away. All is made beside the target under another name, checked, and gets its
name last. Knows nothing of other machines: shipping a folder is the work of rsync.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
import shlex
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from recommender import inspection
from recommender.errors import (
    ConfigError,
    IndexCorrupt,
    IndexIncompatible,
    IndexLocked,
    IndexStoreError,
    RecommenderError,
)
from recommender.files import swap_folders, sync_folder, workplace_of, write_whole
from recommender.filesystem import network_file_system
from recommender.generation import remove_unnamed_files, write_generation
from recommender.progress import Progress
from recommender.rights import forbidden, obstacle, owners_of
from recommender.search import IndexState, Searcher
from recommender.store import (
    LOCK_NAME,
    SourceSnapshot,
    Store,
    Writer,
    WriterLock,
    give_as,
    is_index_file,
    is_purging,
    make_folder,
    rewrite,
    seal,
    secure,
    set_purging,
    source_snapshot,
)

logger = logging.getLogger("recommender")

_REMOTE = re.compile(r"(?:[\w.-]+@)?[\w.-]+:|[a-z+]+://")
_STEP = 1 << 22
_ATTEMPTS = 5
# Beside the bytes of the files: what the file system needs for itself.
_SPARE = 16 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """What `copy` made.

    Attributes
    ----------
    path : Path
    articles : int
    change : int
        Number of the change whose state was copied; one more where an erasure was ended in it.
    bytes : int
        Size of all files.
    rewritten : bool
        Whether search files were missing or damaged in the source and were made anew.
    """

    path: Path
    articles: int
    change: int
    bytes: int
    rewritten: bool


def copy(
    source: Path, destination: Path, *, replace: bool, verify: bool, progress: Progress
) -> Copy:
    """Copy an index; see `Recommender.copy`."""
    target = _checked_target(source, destination, replace=replace)
    network = network_file_system(target.parent)
    if network:
        logger.warning(
            "%s is on a network file system (%s): keep copies there, serve none from it",
            target.parent,
            network,
        )
    with Store.open(source) as store, _workplace(target) as folder:
        rewritten = _fill(store, folder, progress)
        made = _checked(folder, verify=verify, progress=progress, rewritten=rewritten)
        _hand_over(folder, target if target.is_dir() else source, destination)
        _put_in_place(folder, target, replace=replace)
    return Copy(
        path=destination,
        articles=made.articles,
        change=made.change,
        bytes=made.bytes,
        rewritten=rewritten,
    )


def _checked_target(source: Path, destination: Path, *, replace: bool) -> Path:
    """The folder a copy is to become, if it may."""
    words = str(destination)
    try:
        taken = destination.is_symlink() or destination.exists()
        if _REMOTE.match(words) and not taken:
            raise ConfigError(
                f"{words} looks like another machine: copy to a local folder, then ship that "
                "with rsync"
            )
        target = destination.resolve()
        own = source.resolve()
        if target == own:
            raise ConfigError(f"{destination} is the index itself; choose another place")
        if own in target.parents or target in own.parents:
            raise ConfigError(
                f"{destination} and {source} lie one in the other; choose another place"
            )
        if destination.is_symlink() and not destination.exists():
            raise ConfigError(f"{destination} is a link to nothing; remove it or choose another")
        entries = sorted(each.name for each in target.iterdir()) if taken else []
    except NotADirectoryError as error:
        raise ConfigError(f"{destination} is no folder; choose another place") from error
    except (OSError, RuntimeError, ValueError) as error:
        raise ConfigError(f"{destination} cannot be looked at ({error})") from error
    if entries and not replace:
        raise ConfigError(
            f"{destination} holds something already; choose another place, or say --replace "
            "(replace=True) to put the copy in the place of an index"
        )
    strange = [name for name in entries if not is_index_file(name)]
    if strange:
        raise ConfigError(
            f"{destination} is not replaced, for it holds what is no part of an index "
            f"({strange[0]!r}); choose another place"
        )
    return target


@contextmanager
def _workplace(target: Path) -> Iterator[Path]:
    """An empty folder beside the target, for this process alone; gone when a copy fails."""
    folder = workplace_of(target)
    make_folder(folder)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            held = os.path.samestat(os.fstat(descriptor), folder.stat())
        except OSError:
            held = False
        if not held:
            raise IndexLocked(f"{target}: another process is copying to it; try again")
        try:
            # What a killed run has left.
            for leftover in folder.iterdir():
                leftover.unlink()
            yield folder
        except RecommenderError:
            raise
        except OSError as error:
            raise IndexStoreError(
                f"{folder}: the copy cannot be written ({error.strerror or error}); nothing was "
                "changed; free space or choose another place"
            ) from error
        finally:
            # After the exchange the folder of this name is the one that was replaced.
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(descriptor)


def _fill(store: Store, folder: Path, progress: Progress) -> bool:
    """Write one state of a store into an empty folder; whether search files were made anew."""
    for attempt in range(_ATTEMPTS):
        with source_snapshot(store) as state, ExitStack() as stack:
            try:
                files = _open_files(store, state, stack)
            except FileNotFoundError:
                # A writer has put another generation in its place between two of our steps.
                if attempt + 1 < _ATTEMPTS:
                    continue
                files = {}
            purging = is_purging(store)
            _check_space(state, files, folder, twice=purging)
            state.write(folder, lambda done, total: progress("database", done, total))
            whole = _copy_files(files, state, folder, progress)
        break
    if not whole:
        logger.warning("%s: search files are missing or damaged; made anew in the copy", store.path)
        _rewrite_files(folder)
    if purging:
        logger.warning(
            "%s: an erasure in it is not over; it is in the copy, for the index run "
            '"recommender remove --purge"',
            store.folder,
        )
        _finish_erasure(folder)
    seal(folder)
    (folder / LOCK_NAME).unlink(missing_ok=True)
    return not whole


def _open_files(store: Store, state: SourceSnapshot, stack: ExitStack) -> dict[str, BinaryIO]:
    """The search files of a state by name, held open: deleting them takes nothing away."""
    if state.generation is None:
        return {}
    files: dict[str, BinaryIO] = {}
    for name, _ in sorted(state.generation.files.values()):
        path = store.folder / name
        try:
            files[name] = stack.enter_context(path.open("rb"))
        except PermissionError as error:
            raise forbidden(store.folder, obstacle(path) or path) from error
    return files


def _check_space(
    state: SourceSnapshot, files: dict[str, BinaryIO], folder: Path, *, twice: bool
) -> None:
    size = state.size() + sum(os.fstat(each.fileno()).st_size for each in files.values())
    # A database that is written anew needs twice its size for a moment, and its log as much.
    needed = size + _SPARE + (2 * state.size() if twice else 0)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise IndexStoreError(
            f"{folder.parent}: the copy needs {needed / 1e6:,.0f} MB and {free / 1e6:,.0f} MB are "
            f"free ({size / 1e6:,.0f} MB of files, and what the work and the file system need); "
            "nothing was changed; free space or choose another place"
        )


def _copy_files(
    files: dict[str, BinaryIO], state: SourceSnapshot, folder: Path, progress: Progress
) -> bool:
    """Copy search files; whether all are there and are what was recorded."""
    if state.generation is None or not files:
        return False
    total = sum(os.fstat(each.fileno()).st_size for each in files.values())
    done = 0

    def parts(file: BinaryIO) -> Iterator[bytes]:
        nonlocal done
        while part := file.read(_STEP):
            done += len(part)
            progress("search files", done, max(total, done))
            yield part

    for name, checksum in sorted(state.generation.files.values()):
        if write_whole(folder / name, parts(files[name])) != checksum:
            return False
        # A file of this name never changes: with its time kept, the next release can link it. The
        # database does change, and may do so without another size: it has the time of the copy.
        status = os.fstat(files[name].fileno())
        os.utime(folder / name, ns=(status.st_atime_ns, status.st_mtime_ns))
    return True


def _rewrite_files(folder: Path) -> None:
    with Writer.open_for_writing(folder) as writer:
        with writer.transaction():
            state = IndexState.read(writer)
            info, _, _ = write_generation(writer, state.centres, kind=state.options.vectors)
        remove_unnamed_files(folder, info)
        writer.checkpoint()


def _finish_erasure(folder: Path) -> None:
    """End in a copy what is not over in the index: nobody else has the copy open."""
    with Writer.open_for_writing(folder) as writer:
        secure(writer)
        rewrite(writer)
        writer.checkpoint()
        with writer.transaction():
            set_purging(writer, None)
        writer.checkpoint()


def _checked(folder: Path, *, verify: bool, progress: Progress, rewritten: bool) -> Copy:
    """Open the copy as its readers will, and read it whole if that is wanted."""
    with Store.open(folder) as store:
        searcher = Searcher(store)
        with store.snapshot():
            state = searcher.state
            problems = inspection.verify(searcher, progress) if verify else []
            if problems:
                raise IndexCorrupt(
                    f"the copy was not made, for the index is damaged: {problems[0]}"
                    + (f" (and {len(problems) - 1:,} more)" if len(problems) > 1 else "")
                )
            articles = store.count()
    return Copy(
        path=folder,
        articles=articles,
        change=state.counter,
        bytes=sum(each.stat().st_size for each in folder.iterdir()),
        rewritten=rewritten,
    )


def _hand_over(folder: Path, pattern: Path, destination: Path) -> None:
    """Whoever reads and writes what is replaced, else the source, can do so with the copy."""
    left = give_as(folder, pattern)
    if left:
        owner, group = owners_of(pattern)
        named = f"{owner if 'owner' in left else ''}:{group if 'group' in left else ''}".rstrip(":")
        logger.warning(
            "%s: the copy could not be given to %s, as %s is; let root run: chown -R %s %s",
            destination,
            named,
            pattern,
            named,
            shlex.quote(str(destination)),
        )


def _warn_of_another_format(target: Path) -> None:
    try:
        Store.open(target).close()
    except IndexIncompatible as error:
        logger.warning("%s: an index that this version cannot read is replaced: %s", target, error)
    except RecommenderError:
        # A copy is what mends a damaged one.
        pass


def _put_in_place(folder: Path, target: Path, *, replace: bool) -> None:
    sync_folder(folder)
    if not (replace and target.is_dir() and any(target.iterdir())):
        # Fails where somebody has put something there meanwhile.
        folder.rename(target)
        sync_folder(target.parent)
        return
    # Nobody may be writing to the index that goes; a writer who waits locks the new one.
    lock = WriterLock.acquire(target, timeout=30.0)
    try:
        _warn_of_another_format(target)
        swap_folders(folder, target)
        sync_folder(target.parent)
    finally:
        with suppress(OSError):
            lock.abandon()

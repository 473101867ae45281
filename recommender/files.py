"""Files that are complete or not there, mapped after they have been checked whole, and watched."""

from __future__ import annotations

import ctypes
import errno
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from weakref import finalize

import numpy as np
import xxhash
from numpy.typing import NDArray

from recommender.checked import remember, was_checked
from recommender.errors import IndexCorrupt, IndexStoreError
from recommender.rights import forbidden, obstacle

FILE_MODE = 0o640
# Of renameat2(2), Linux.
_AT_THIS_FOLDER = -100
_EXCHANGE = 2

# Of a file that is not finished; a killed writer may leave one.
TEMPORARY_SUFFIX = ".tmp"
_STEP = 1 << 22
_ADVICE = {
    errno.ENOSPC: "free space and run the command again",
    errno.EDQUOT: "free space or have the quota raised, and run the command again",
    errno.EROFS: "the file system is read-only, mount it for writing first",
    errno.EACCES: "run this as the user who owns the index",
    errno.EPERM: "run this as the user who owns the index",
}


def write_whole(path: Path, parts: Iterable[bytes | memoryview]) -> str:
    """Write a file under another name, put it safely on disk, and give it its name.

    Returns
    -------
    str
        XXH3-128 checksum of the content, in hexadecimal.

    Raises
    ------
    IndexStoreError
        If the disk is full or the folder cannot be written; nothing is left behind.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{TEMPORARY_SUFFIX}")
    digest = xxhash.xxh3_128()
    try:
        # Never wider than it will be, not even while it is written.
        with open(temporary, "xb", opener=_narrow) as file:
            for part in parts:
                digest.update(part)
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(FILE_MODE)
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise IndexStoreError(
            f"cannot write {path}: {error.strerror or error}; nothing was changed; "
            f"{advice_on(error)}"
        ) from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return digest.hexdigest()


def _narrow(path: str, flags: int) -> int:
    return os.open(path, flags, FILE_MODE)


def advice_on(error: OSError) -> str:
    """What to do about a file that cannot be written."""
    return _ADVICE.get(error.errno or 0, "look at the disk, then run the command again")


def sync_folder(folder: Path) -> None:
    """Put the names in a folder safely on disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def workplace_of(target: Path) -> Path:
    """Where a copy to a folder is made; what lies there when no copy runs is a leftover."""
    return target.with_name(f".{target.name}.copying")


def swap_folders(new: Path, old: Path) -> None:
    """Give each of two folders the name of the other.

    One step of the kernel where it can; else there is nothing of the second name for an instant,
    in which those who have files open go on with them.
    """
    exchange = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if exchange is not None:
        names = (os.fsencode(new), os.fsencode(old))
        if exchange(_AT_THIS_FOLDER, names[0], _AT_THIS_FOLDER, names[1], _EXCHANGE) == 0:
            return
    aside = new.with_name(f"{new.name}.aside")
    old.rename(aside)
    new.rename(old)
    aside.rename(new)


class Watch:
    """Tells whether a mapped file is still as it was when the watch began.

    Touching a page that a shortened file has lost kills the process (SIGBUS): who searches a
    mapping asks first. A file that is deleted or replaced by name stays as it is for those who
    have it mapped, and one that is written into does not. It must not begin to be watched after
    it is mapped.

    Raises
    ------
    OSError
        If the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # Held open: a name may lead to another file at any time.
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        finalize(self, os.close, self._descriptor).atexit = False
        self._before = os.fstat(self._descriptor)

    def unchanged(self) -> bool:
        """Whether nobody has written into the file."""
        now, before = os.fstat(self._descriptor), self._before
        return (now.st_size, now.st_mtime_ns) == (before.st_size, before.st_mtime_ns)

    def has_its_name(self) -> bool:
        """Whether the name still leads to this file."""
        try:
            return os.path.samestat(self._path.stat(), self._before)
        except OSError:
            return False


def checked_bytes(path: Path, checksum: str, *, anew: bool = False) -> NDArray[np.uint8]:
    """Map a file for reading, after its XXH3-128 checksum was compared.

    Of a file of hundreds of megabytes that happens once on each machine, or when `anew` is true.

    Raises
    ------
    IndexCorrupt
        If the file is missing or empty, or its content is not what was written.
    IndexForbidden
        If this process may not read it.
    """
    return watched_bytes(path, checksum, anew=anew)[0]


def watched_bytes(
    path: Path, checksum: str, *, anew: bool = False
) -> tuple[NDArray[np.uint8], Watch]:
    """As `checked_bytes`, with what tells whether the file is still the same."""
    try:
        watch = Watch(path)
        data = np.memmap(path, dtype=np.uint8, mode="r")
    except FileNotFoundError as error:
        raise IndexCorrupt(f"{path}: the file is missing") from error
    except PermissionError as error:
        raise forbidden(path.parent, obstacle(path) or path) from error
    except (OSError, ValueError) as error:
        raise IndexCorrupt(f"{path}: the file cannot be mapped ({error})") from error
    if not watch.has_its_name():
        raise IndexCorrupt(f"{path}: the file was replaced while it was opened")
    if not anew and was_checked(path, checksum):
        return data, watch
    digest = xxhash.xxh3_128()
    for start in range(0, len(data), _STEP):
        digest.update(data[start : start + _STEP].data)
    if digest.hexdigest() != checksum:
        raise IndexCorrupt(f"{path}: the checksum differs from the recorded one")
    remember(path, checksum)
    return data, watch

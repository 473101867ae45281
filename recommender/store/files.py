"""Folders and files of an index: their modes, whatever the umask, and durable renames."""

from __future__ import annotations

import contextlib
import os
import pwd
from pathlib import Path

from recommender.errors import IndexStoreError
from recommender.store.schema import FILE_MODE, FOLDER_MODE, database_path


def make_folder(folder: Path) -> None:
    """Make an index folder when it is missing; one that is there keeps its mode.

    Raises
    ------
    IndexStoreError
        If it cannot be made.
    """
    try:
        if folder.is_dir():
            return
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(exist_ok=True)
        folder.chmod(FOLDER_MODE)
        sync_folder(folder.parent)
    except OSError as error:
        raise IndexStoreError(
            f"{folder}: the index folder cannot be made ({error.strerror}); choose another place "
            "or mend the rights"
        ) from error


def check_writable(folder: Path) -> None:
    """Refuse an index that this user may not write to, before hours of work for nothing.

    Raises
    ------
    IndexStoreError
        If the folder or the database may not be written; one that is missing is left to others.
    """
    for place in (folder, database_path(folder)):
        try:
            status = place.stat()
            if os.access(place, os.W_OK):
                continue
            advice = "run this as the user who owns the index"
            if os.statvfs(place).f_flag & os.ST_RDONLY:
                advice = "the file system is read-only, mount it for writing first"
        except OSError:
            continue
        raise IndexStoreError(
            f"{place}: you may not write to it, it belongs to {_user(status.st_uid)}; nothing was "
            f"changed; {advice}"
        )


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def share(file: Path) -> None:
    """Give a file of an index its mode and, where allowed, the group of the folder.

    The group is how a web user reads what another user writes. Only by path: closing a
    descriptor of the database would drop the locks SQLite holds on it.
    """
    with contextlib.suppress(OSError):
        file.chmod(FILE_MODE)
    with contextlib.suppress(OSError):
        group = file.parent.stat().st_gid
        if file.stat().st_gid != group:
            os.chown(file, -1, group)


def sync_folder(folder: Path) -> None:
    """Make renames and new names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Folders and files of an index: their modes, whatever the umask, and durable renames."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from recommender.errors import IndexStoreError
from recommender.store.schema import FILE_MODE, FOLDER_MODE


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

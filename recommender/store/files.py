"""Folders and files of an index: their modes, whatever the umask, and durable renames."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from recommender.errors import IndexStoreError
from recommender.files import advice_on
from recommender.rights import forbidden, obstacle, refusal
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
        if folder.exists():
            raise IndexStoreError(f"{folder} is a file, and an index is a folder; check the name.")
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
    IndexForbidden
        If the folder may not even be read.
    IndexStoreError
        If the folder or the database may not be written; one that is missing is left to others.
    """
    blocked = obstacle(folder) if os.path.lexists(folder) else None
    if blocked is not None:
        raise forbidden(folder, blocked)
    for place in (folder, database_path(folder)):
        try:
            if os.access(place, os.W_OK):
                continue
            reason = refusal(place)
            advice = "run this as the user who owns the index"
            if os.statvfs(place).f_flag & os.ST_RDONLY:
                advice = "the file system is read-only, mount it for writing first"
        except OSError:
            continue
        raise IndexStoreError(
            f"{place}: you may not write to it, for {reason}; nothing was changed; {advice}"
        )


def make_file(path: Path) -> None:
    """An empty file with its mode, before SQLite gives the same one to the files beside it.

    Raises
    ------
    IndexStoreError
        If it cannot be made.
    """
    try:
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE))
    except OSError as error:
        raise IndexStoreError(
            f"{path}: cannot be made ({error.strerror}); {advice_on(error)}"
        ) from error
    share(path)


def share(file: Path) -> None:
    """Give a file of an index its mode and, where allowed, the group of the folder.

    The group is how a web user reads what another user writes. What root writes into another
    user's folder becomes that user's, who is to write to it as well. Only by path: closing a
    descriptor of the database would drop the locks SQLite holds on it.
    """
    with contextlib.suppress(OSError):
        before, folder = file.lstat(), file.parent.stat()
        if not stat.S_ISREG(before.st_mode):
            return
        if stat.S_IMODE(before.st_mode) != FILE_MODE:
            with contextlib.suppress(OSError):
                file.chmod(FILE_MODE)
        if before.st_gid != folder.st_gid:
            os.chown(file, -1, folder.st_gid, follow_symlinks=False)
        if before.st_uid != folder.st_uid and os.geteuid() == 0:
            os.chown(file, folder.st_uid, -1, follow_symlinks=False)


def share_database(path: Path) -> None:
    """The same for a database and the files beside it, as far as they are there."""
    for suffix in ("", "-wal", "-shm"):
        share(Path(f"{path}{suffix}"))


def give_as(folder: Path, pattern: Path) -> list[str]:
    """Give a folder and its files the owner, group and rights of another one, where allowed.

    Never more rights than an index folder has, nor than the other one has.

    Returns
    -------
    list of str
        What could not be given: "owner", "group".
    """
    wanted = pattern.stat()
    left = set()
    # Before others can reach it, and before it is given away.
    folder.chmod(wanted.st_mode & (stat.S_ISGID | FOLDER_MODE) | stat.S_IRWXU)
    # The folder last: until then nobody else reaches what is in it.
    for path in (*sorted(folder.iterdir()), folder):
        status = path.lstat()
        try:
            if status.st_gid != wanted.st_gid:
                os.chown(path, -1, wanted.st_gid, follow_symlinks=False)
        except OSError:
            left.add("group")
        try:
            if status.st_uid != wanted.st_uid:
                os.chown(path, wanted.st_uid, -1, follow_symlinks=False)
        except OSError:
            left.add("owner")
    return sorted(left)


def sync_folder(folder: Path) -> None:
    """Make renames and new names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Files that are complete or not there, and mapped only after they have been checked whole."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import xxhash
from numpy.typing import NDArray

from recommender.checked import remember, was_checked
from recommender.errors import IndexCorrupt, IndexStoreError

FILE_MODE = 0o640
_STEP = 1 << 22


def write_whole(path: Path, parts: Iterable[bytes]) -> str:
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
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    digest = xxhash.xxh3_128()
    try:
        with open(temporary, "xb") as file:  # noqa: PTH123
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
        raise IndexStoreError(f"cannot write {path}: {error.strerror or error}") from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return digest.hexdigest()


def sync_folder(folder: Path) -> None:
    """Put the names in a folder safely on disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def checked_bytes(path: Path, checksum: str, *, anew: bool = False) -> NDArray[np.uint8]:
    """Map a file for reading, after its XXH3-128 checksum was compared.

    Of a file of hundreds of megabytes that happens once on each machine, or when `anew` is true.

    Raises
    ------
    IndexCorrupt
        If the file is missing or empty, or its content is not what was written.
    """
    try:
        data = np.memmap(path, dtype=np.uint8, mode="r")
    except FileNotFoundError as error:
        raise IndexCorrupt(f"{path}: the file is missing") from error
    except (OSError, ValueError) as error:
        raise IndexCorrupt(f"{path}: the file cannot be mapped ({error})") from error
    if not anew and was_checked(path, checksum):
        return data
    digest = xxhash.xxh3_128()
    for start in range(0, len(data), _STEP):
        digest.update(data[start : start + _STEP].data)
    if digest.hexdigest() != checksum:
        raise IndexCorrupt(f"{path}: the checksum differs from the recorded one")
    remember(path, checksum)
    return data

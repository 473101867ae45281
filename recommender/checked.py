"""Remembers which large files were read whole and found as they were written.

Reading a file of gigabytes takes seconds, on every start of every process. It is read once for
each generation and machine; after that its size, inode and times tell that it is still the same.
What is remembered lies in the user's cache folder, and may be lost or deleted at any time.

A byte that rots on the disk without anybody writing is not noticed this way: `verify` reads all.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import secrets
from pathlib import Path

import xxhash

# Below, reading the file whole takes less than a tenth of a second.
REMEMBERED_FROM = 300_000_000
_LONGEST_NOTE = 10_000


def was_checked(path: Path, checksum: str) -> bool:
    """Whether the file is large, has had this checksum on this machine, and is still the same."""
    state = _state(path, checksum)
    note = None if state is None else _note(path)
    if note is None:
        return False
    try:
        status = note.stat()
        if status.st_uid != os.getuid() or status.st_size > _LONGEST_NOTE:
            return False
        return bool(json.loads(note.read_text("utf-8")) == state)
    except (OSError, ValueError, RecursionError):
        return False


def remember(path: Path, checksum: str) -> None:
    """Note that the file was read whole and has this checksum; small files are not noted."""
    state = _state(path, checksum)
    note = None if state is None else _note(path)
    if note is None:
        return
    # Without a place to note it, the file is read again the next time.
    with contextlib.suppress(OSError):
        note.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = note.with_name(f".{note.name}.{secrets.token_hex(4)}")
        temporary.write_text(json.dumps(state), "utf-8")
        temporary.replace(note)


def _state(path: Path, checksum: str) -> list[int | str] | None:
    """What changes when the file does; `None` for a small one."""
    try:
        found = path.stat()
    except OSError:
        return None
    if found.st_size < REMEMBERED_FROM:
        return None
    times = (found.st_mtime_ns, found.st_ctime_ns)
    return [checksum, found.st_size, found.st_dev, found.st_ino, *times]


def _note(path: Path) -> Path | None:
    """Where it is noted; one note a kind of file and index, so that old ones do not pile up."""
    cache = os.environ.get("XDG_CACHE_HOME", "")
    try:
        folder = Path(cache) if cache.startswith("/") else Path.home() / ".cache"
    except RuntimeError:
        return None
    kind = path.name.partition("-")[0]
    name = xxhash.xxh3_128_hexdigest(
        os.fsencode(f"{platform.node()}\0{path.absolute().parent}\0{kind}")
    )
    return folder / "recommender" / "checked" / f"{name}.json"

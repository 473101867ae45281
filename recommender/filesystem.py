"""What kind of file system a folder lies on: the index needs a local one.

Locks and shared memory do not hold between machines; SQLite's log needs both. Reads the mount
table of Linux; elsewhere nothing is known, and nothing is said.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
_PROCESSES = Path("/proc")
_NETWORK = frozenset(
    "nfs nfs4 cifs smb smb2 smb3 smbfs ncpfs afs auristorfs ceph glusterfs gfs2 lustre beegfs "
    "orangefs pvfs2 9p virtiofs fuse.sshfs fuse.s3fs fuse.gcsfuse fuse.rclone fuse.glusterfs "
    "fuse.ceph fuse.davfs davfs".split()
)
_ESCAPED = re.compile(r"\\([0-7]{3})")


def file_system_type(folder: Path) -> str:
    """The type of the file system that holds a folder, as the system names it; "" if unknown."""
    try:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
        place = folder.resolve()
    except (OSError, RuntimeError):
        return ""
    best: tuple[int, str] = (-1, "")
    for line in mounts.splitlines():
        before, separator, after = line.partition(" - ")
        fields = before.split()
        if not separator or len(fields) < 5 or not after:
            continue
        root = Path(_ESCAPED.sub(lambda match: chr(int(match[1], 8)), fields[4]))
        # Of two mounts on one place the later one is seen.
        if len(root.parts) >= best[0] and (root == place or root in place.parents):
            best = len(root.parts), after.split()[0]
    return best[1]


def network_type(folder: Path) -> str:
    """The same if other machines may write to it at the same time, else ""."""
    found = file_system_type(folder)
    return found if found in _NETWORK else ""


def processes_with(file: Path) -> list[int]:
    """Processes that have a file open, ascending, as far as this user may see them."""
    try:
        wanted = file.stat()
        processes = [each for each in _PROCESSES.iterdir() if each.name.isdigit()]
    except OSError:
        return []
    return sorted(int(each.name) for each in processes if _has_open(each, wanted))


def _has_open(process: Path, wanted: os.stat_result) -> bool:
    try:
        for descriptor in (process / "fd").iterdir():
            with contextlib.suppress(OSError):
                if os.path.samestat(descriptor.stat(), wanted):
                    return True
    except OSError:
        pass
    return False

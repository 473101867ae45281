"""What kind of file system a folder lies on, and which processes have a file open.

SQLite's log needs memory that all its users map, and locks that work: a network file system
gives neither. Reads Linux's tables; elsewhere nothing is known and nothing is said.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger("recommender")

# Kinds as /proc/self/mountinfo names them; those of FUSE come after "fuse.".
NETWORK_KINDS = frozenset(
    """
    9p afs beegfs ceph cephfs cifs coda davfs davfs2 gcsfuse glusterfs gpfs lustre ncpfs nfs nfs4
    orangefs pvfs2 rclone s3fs smb3 smbfs sshfs goofys juicefs mfs moosefs vboxsf vmhgfs-fuse
    """.split()
)
_PROCESSES = Path("/proc")
_MOUNTS = Path("/proc/self/mountinfo")
_ESCAPE = re.compile(r"\\([0-7]{3})")
_POINT = 4
_COMMAND_WORDS = 3
_COMMAND_LENGTH = 60


def warn_of_network(folder: Path) -> None:
    """Log a warning when an index is to be built on a network file system."""
    kind = network_file_system(folder)
    if kind:
        logger.warning(
            f"{folder} lies on a network file system ({kind}), where changes may be lost and "
            "readers may see half of one; build on a local disk, and copy the index to where it "
            "is served"
        )


def network_file_system(folder: Path) -> str:
    """The kind of network file system a folder lies on; empty when it is a local one, or unknown.

    Parameters
    ----------
    folder : Path
        Need not exist yet.
    """
    try:
        return network_kind(str(folder.resolve()), _MOUNTS.read_text(errors="surrogateescape"))
    except (OSError, RuntimeError):
        return ""


def network_kind(path: str, mounts: str) -> str:
    """The same of an absolute path, by the text of a `mountinfo` table (see proc(5))."""
    longest, found = -1, ""
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields, kinds = before.split(" "), after.split(" ")
        if len(fields) <= _POINT:
            continue
        point = _ESCAPE.sub(lambda each: chr(int(each[1], 8)), fields[_POINT])
        inside = path == point or path.startswith(point.rstrip(os.sep) + os.sep)
        # Of several mounts on one place the last one is seen.
        if inside and len(point) >= longest:
            longest, found = len(point), kinds[0]
    return found if found.removeprefix("fuse.") in NETWORK_KINDS else ""


@dataclass(frozen=True, slots=True, order=True)
class Process:
    """A process and the first words of its command."""

    pid: int
    command: str

    def __str__(self) -> str:
        return f"{self.pid} ({self.command})" if self.command else str(self.pid)


def processes_with(file: Path) -> list[Process]:
    """Other processes that have a file open, ascending, as far as this user may see them."""
    try:
        wanted = file.stat()
        processes = [each for each in _PROCESSES.iterdir() if each.name.isdigit()]
    except OSError:
        return []
    return sorted(
        Process(int(each.name), _command(each))
        for each in processes
        if int(each.name) != os.getpid() and _has_open(each, wanted)
    )


def _command(process: Path) -> str:
    """The first words of a command; more may hold what others should not read."""
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")[:_COMMAND_WORDS]
    except OSError:
        return ""
    if b"-c" in words:
        words = words[: words.index(b"-c") + 1]
    shown = " ".join(os.path.basename(os.fsdecode(each)) for each in words).strip()  # noqa: PTH119
    return "".join(each if each.isprintable() else "?" for each in shown)[:_COMMAND_LENGTH]


def _has_open(process: Path, wanted: os.stat_result) -> bool:
    try:
        for descriptor in (process / "fd").iterdir():
            with contextlib.suppress(OSError):
                if os.path.samestat(descriptor.stat(), wanted):
                    return True
    except OSError:
        pass
    return False

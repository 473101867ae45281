"""Whose files are, who asks, and the command that lets the one read what is the other's.

Reads names and modes, changes nothing. Whether something may be read is asked of the system, which
knows of access lists as well.
"""

from __future__ import annotations

import grp
import os
import pwd
import shlex
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

from recommender.errors import IndexForbidden

_EFFECTIVE = os.access in os.supports_effective_ids
# What a shell makes of them, where the folder's names cannot be read.
_ALL_FILES = ("articles.sqlite*", "*.faiss", "*.bin", ".lock")


def user_name(number: int) -> str:
    """The name of a user, or the number of one that has none."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def group_name(number: int) -> str:
    """The name of a group, or the number of one that has none."""
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def owners_of(path: Path) -> tuple[str, str]:
    """User and group that a file belongs to."""
    status = path.stat()
    return user_name(status.st_uid), group_name(status.st_gid)


def quoted(paths: Iterable[Path]) -> str:
    """Paths as words of a command."""
    return " ".join(shlex.quote(str(each)) for each in paths)


def may_read(path: Path) -> bool:
    """Whether this process may read a file, or list a folder and open what is in it."""
    right = os.R_OK | os.X_OK if path.is_dir() else os.R_OK
    return os.access(path, right, effective_ids=_EFFECTIVE)


def obstacle(path: Path) -> Path | None:
    """The first place on the way to a file or folder that this process may not use.

    `None` when it may be read, or is not there.
    """
    real = Path(os.path.realpath(path))
    for place in reversed(real.parents):
        if os.path.lexists(place) and not os.access(place, os.X_OK, effective_ids=_EFFECTIVE):
            return place
    return real if os.path.lexists(real) and not may_read(real) else None


def refusal(place: Path) -> str:
    """Why something may not be read: whose it is, and who asks."""
    status = place.stat()
    kind = "the folder" if stat.S_ISDIR(status.st_mode) else "the file"
    user, group = owners_of(place)
    mode = f"{stat.S_IMODE(status.st_mode):04o}"
    return f"{kind} belongs to {user}:{group} {mode}, you are {user_name(os.geteuid())}"


def forbidden(folder: Path, place: Path) -> IndexForbidden:
    """The error of an index of which this process may not read something.

    Parameters
    ----------
    folder : Path
        Of the index.
    place : Path
        What may not be read: the folder, a file in it, or a folder above it.
    """
    return IndexForbidden(
        f"{place}: you may not read it, for {refusal(place)}; let its owner or root run: "
        f"{command_to_read(folder, [place])}"
    )


def command_to_read(folder: Path, places: Sequence[Path]) -> str:
    """What gives this process the right to read an index; for its owner or root to run.

    No user gets more than reading, and none but this one and those of its group get that.

    Parameters
    ----------
    folder : Path
        Of the index.
    places : sequence of Path
        What may not be read: files of it, the folder, or one folder above it.
    """
    me = os.geteuid()
    real = Path(os.path.realpath(folder))
    above = [each for each in places if each in real.parents]
    if above:
        return f"setfacl -m u:{user_name(me)}:x {quoted(above)}"
    mine = [each for each in places if each.stat().st_uid == me]
    if mine:
        return f"chmod u+rX {quoted(mine)}"
    own = real.stat()
    whole = any(os.path.realpath(each) == str(real) for each in places)
    words = quoted(places)
    if whole:
        words = quoted([folder]) + "".join(f" {quoted([folder])}/{each}" for each in _ALL_FILES)
    if own.st_gid in (os.getegid(), *os.getgroups()):
        return f"chgrp {group_name(own.st_gid)} {words}; chmod g+rX {words}"
    if _serves_others(own):
        # The group stays: its users read the index today.
        return f"usermod -aG {group_name(own.st_gid)} {user_name(me)}"
    return f"chgrp {group_name(os.getegid())} {words}; chmod g+rX {words}"


def _serves_others(own: os.stat_result) -> bool:
    """Whether a folder's group was chosen, and is not just that of its owner."""
    try:
        usual = pwd.getpwuid(own.st_uid).pw_gid
    except KeyError:
        usual = own.st_uid
    return own.st_gid != usual and own.st_mode & 0o050 == 0o050

"""Whose files are, in words."""

from __future__ import annotations

import grp
import pwd
from pathlib import Path


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

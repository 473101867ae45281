"""What a look at an index can find, and the words for it.

Knows nothing of what is looked at.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Severity = Literal["error", "warning", "note"]

_LISTED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong, or worth knowing.

    Attributes
    ----------
    check : str
        What was looked at.
    severity : {"error", "warning", "note"}
        An error: answers fail, or a promise is not kept. A warning: it will hurt. A note: nothing
        to do now.
    text : str
        In plain words.
    command : str
        What mends it; "" where there is nothing to mend.
    """

    check: str
    severity: Severity
    text: str
    command: str = ""


def error(check: str, text: str, command: str = "") -> Finding:
    """Something that fails."""
    return Finding(check=check, severity="error", text=text, command=command)


def warning(check: str, text: str, command: str = "") -> Finding:
    """Something that will hurt."""
    return Finding(check=check, severity="warning", text=text, command=command)


def note(check: str, text: str, command: str = "") -> Finding:
    """Something worth knowing."""
    return Finding(check=check, severity="note", text=text, command=command)


def listed(things: Sequence[object]) -> str:
    """The first few of them."""
    more = f" and {len(things) - _LISTED:,} more" if len(things) > _LISTED else ""
    return ", ".join(map(str, things[:_LISTED])) + more


def files_of(folder: Path) -> dict[Path, os.stat_result]:
    """Files of a folder, by name, as they are now; none when it cannot be read.

    A writer may make and delete some in the meantime: what has gone is left out.
    """
    found: dict[Path, os.stat_result] = {}
    try:
        for path in sorted(folder.iterdir()):
            try:
                found[path] = path.lstat()
            except FileNotFoundError:
                continue
    except OSError:
        return {}
    return found

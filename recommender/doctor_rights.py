"""What `doctor` says of an index's folder and of who may read and write its files.

Looks at names and modes only, and opens nothing.
"""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from recommender.findings import Finding, error, files_of, listed, note, warning
from recommender.rights import group_name, user_name
from recommender.store import is_index_file


def look_at_folder(folder: Path) -> Iterator[Finding]:
    """Whether there is a folder that can be read, and what else lies in it."""
    quoted = shlex.quote(str(folder))
    if not os.path.lexists(folder):
        yield error("folder", f"there is no {folder}", f"recommender build ARTICLES -i {quoted}")
    elif folder.is_symlink() and not folder.exists():
        yield error(
            "folder", f"{folder} is a link to nothing ({folder.readlink()})", f"ls -l {quoted}"
        )
    elif not folder.is_dir():
        yield error("folder", f"{folder} is a file, not a folder", f"ls -l {quoted}")
    elif not os.access(folder, os.R_OK | os.X_OK):
        yield error("folder", "you may not read it", f"ls -ld {quoted}; id")
    else:
        strange = [each.name for each in files_of(folder) if not is_index_file(each.name)]
        if strange:
            yield note(
                "folder",
                f"holds what is no part of an index: {listed(strange)}; keep such files elsewhere",
            )


def look_at_rights(folder: Path) -> Iterator[Finding]:
    """Who may read the texts, and who may write them."""
    if not folder.is_dir():
        return
    quoted = shlex.quote(str(folder))
    own = folder.stat()
    files = files_of(folder)
    open_to_all = [
        path.name
        for path, status in {folder: own, **files}.items()
        if not stat.S_ISLNK(status.st_mode) and stat.S_IMODE(status.st_mode) & 0o007
    ]
    if open_to_all:
        yield warning(
            "rights",
            "every user of this machine may read texts that are not public: " + listed(open_to_all),
            f"chmod o= {quoted} {quoted}/*",
        )
    others = [path.name for path, status in files.items() if status.st_uid != own.st_uid]
    if others:
        yield warning(
            "rights",
            f"files of another user than the folder's ({user_name(own.st_uid)}), who may not be "
            f"able to write them: {listed(others)}",
            f"chown -R {user_name(own.st_uid)} {quoted}",
        )
    unshared = [
        path.name
        for path, status in files.items()
        if is_index_file(path.name)
        and (status.st_gid != own.st_gid or not status.st_mode & 0o040)
        and own.st_mode & 0o040
    ]
    if unshared:
        yield warning(
            "rights",
            f"the folder's group ({group_name(own.st_gid)}) may not read {listed(unshared)}",
            f"chgrp -R {group_name(own.st_gid)} {quoted}; chmod g+r {quoted}/*",
        )
    if not os.access(folder, os.W_OK):
        yield note("rights", f"you may read it; {user_name(own.st_uid)} may write to it")

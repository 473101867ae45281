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
from recommender.rights import command_to_read, group_name, may_read, obstacle, refusal, user_name
from recommender.rights import quoted as words_of
from recommender.store import DATABASE_NAME, LOCK_NAME, is_index_file


def look_at_folder(folder: Path) -> Iterator[Finding]:
    """Whether there is a folder that can be read, and what else lies in it."""
    quoted = shlex.quote(str(folder))
    place = obstacle(folder)
    if place is not None and place.is_dir():
        # Asked first: what lies in such a place looks as if it were not there.
        yield error(
            "folder",
            f"{place}: you may not read it, for {refusal(place)}",
            command_to_read(folder, [place]),
        )
    elif not os.path.lexists(folder):
        yield error("folder", f"there is no {folder}", f"recommender build ARTICLES -i {quoted}")
    elif folder.is_symlink() and not folder.exists():
        yield error(
            "folder", f"{folder} is a link to nothing ({folder.readlink()})", f"ls -l {quoted}"
        )
    elif not folder.is_dir():
        yield error("folder", f"{folder} is a file, not a folder", f"ls -l {quoted}")
    else:
        names = [each.name for each in files_of(folder)]
        strange = [each for each in names if not is_index_file(each)]
        if not any(is_index_file(each) and each != LOCK_NAME for each in names):
            # Somebody else's folder, perhaps: nothing is said of whose it is and who may read it.
            yield error(
                "folder",
                f"there is no index in {folder}: it holds none of an index's files"
                + (f", but {listed(strange)}; check the name" if strange else ""),
                "" if strange else f"recommender build ARTICLES -i {quoted}",
            )
        elif strange:
            yield note(
                "folder",
                f"holds what is no part of an index: {listed(strange)}; keep such files elsewhere",
            )


def unreadable(folder: Path) -> list[Path]:
    """Files that an answer needs, and this process may not read."""
    return [
        path
        for path in files_of(folder)
        if path.name.startswith(DATABASE_NAME) or path.suffix in (".faiss", ".bin")
        if is_index_file(path.name) and path.exists() and not may_read(path)
    ]


def look_at_rights(folder: Path) -> Iterator[Finding]:
    """Who may read the texts, and who may write them."""
    if not folder.is_dir():
        return
    own = folder.stat()
    # What is no part of the index has its own rights; every command names the files it is for.
    files = {each: status for each, status in files_of(folder).items() if is_index_file(each.name)}
    open_to_all = [
        path
        for path, status in {folder: own, **files}.items()
        if not stat.S_ISLNK(status.st_mode) and stat.S_IMODE(status.st_mode) & 0o007
    ]
    if open_to_all:
        yield warning(
            "rights",
            "every user of this machine may read texts that are not public: "
            + listed([each.name for each in open_to_all]),
            f"chmod o= {words_of(open_to_all)}",
        )
    others = [path for path, status in files.items() if status.st_uid != own.st_uid]
    if others:
        yield warning(
            "rights",
            f"files of another user than the folder's ({user_name(own.st_uid)}), who may not be "
            f"able to write them: {listed([each.name for each in others])}",
            f"chown -h {user_name(own.st_uid)} {words_of(others)}",
        )
    denied = unreadable(folder)
    if denied:
        yield error(
            "rights",
            f"you may not read {listed([each.name for each in denied])}: {refusal(denied[0])}",
            command_to_read(folder, denied),
        )
    unshared = [
        path
        for path, status in files.items()
        if path not in denied
        and (status.st_gid != own.st_gid or not status.st_mode & 0o040)
        and own.st_mode & 0o040
    ]
    if unshared:
        yield warning(
            "rights",
            f"the folder's group ({group_name(own.st_gid)}) may not read "
            + listed([each.name for each in unshared]),
            f"chgrp {group_name(own.st_gid)} {words_of(unshared)}; chmod g+r {words_of(unshared)}",
        )
    if not os.access(folder, os.W_OK):
        yield note("rights", f"you may read it; {user_name(own.st_uid)} may write to it")

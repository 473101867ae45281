"""File calls that fail: a full disk, a used-up quota, a disk that breaks.

    python -m tests.campaigns.faults --count 300 --seed 7

A change is made while one of its file calls that make room or write, and every such call after
it, fails with "no space left", "quota exceeded" or "input/output error". The change must end in
one clear error of ours, or be made; the index must be whole, as before or after it; and made
again with the disk in order, the change must be there.
"""

from __future__ import annotations

import argparse
import errno
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from recommender.errors import RecommenderError
from tests.campaigns import tracing
from tests.campaigns.common import chosen_seed, say, warm_up
from tests.campaigns.kill import Stage, finish, judge, stages
from tests.campaigns.tracing import Call

ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
_FAILING = frozenset({"write", "pwrite64", "ftruncate", "fallocate", "mkdir", "fsync", "fdatasync"})


@dataclass(slots=True)
class Report:
    """What a campaign did and found."""

    endings: Counter[str] = field(default_factory=Counter)
    messages: set[str] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)


def fails_from(
    stage: Stage, folder: Path, first: int, number: int, *, mapped: bool
) -> tuple[bool, str]:
    """Make a change on a disk that fails from its call `first` on; whether it was made, and how.

    Without `mapped`, the log's mapped file is not there, as after a restart of the machine.
    """
    shutil.rmtree(folder, ignore_errors=True)
    if stage.start is not None:
        shutil.copytree(stage.start, folder)
    if not mapped:
        (folder / "articles.sqlite-shm").unlink(missing_ok=True)
    note = folder.with_name("note")

    def action() -> None:
        try:
            stage.step.run(folder)
            words = "made"
        except RecommenderError as error:
            words = f"error {type(error).__name__}: {error}"
        note.write_text(words, encoding="utf-8")

    def decide(call: Call) -> tracing.Verdict:
        # Opening a file that is there needs no room.
        makes_room = call.name in _FAILING or (call.creates and not Path(call.path).exists())
        # A full disk still syncs; only a broken one does not.
        synced = call.name in ("fsync", "fdatasync") and number != errno.EIO
        return number if call.number >= first and makes_room and not synced else tracing.GO

    note.write_text("ended without a word", encoding="utf-8")
    code = tracing.traced(
        action, decide, shown=lambda path: path.startswith(f"{folder}/") or path == str(folder)
    )
    words = note.read_text(encoding="utf-8") if code == 0 else f"ended with {code}"
    return words == "made", words


def campaign(count: int, seed: int, *, work: Path, progress: Callable[[str], None] = say) -> Report:
    """Let `count` changes meet a failing disk."""
    warm_up()
    chance, report = random.Random(seed), Report()
    while report.endings.total() < count:
        place = Path(tempfile.mkdtemp(dir=work))
        for stage in stages(place, chance):
            for _ in range(8):
                number, first = chance.choice(ERRORS), chance.randrange(stage.calls)
                mapped = chance.random() < 0.5
                made, words = fails_from(stage, place / "failing", first, number, mapped=mapped)
                report.endings["made" if made else words.partition(":")[0]] += 1
                report.messages.add(words.replace(str(place / "failing"), "FOLDER"))
                try:
                    if not made and not words.startswith("error "):
                        raise AssertionError(words)
                    judge(place / "failing", stage, made)
                    finish(place / "failing", stage)
                except AssertionError as failure:
                    what = f"{stage.step.kind}, {errno.errorcode[number]} from call {first}"
                    report.failures.append(f"{what}: {words}: {failure}")
                    progress(report.failures[-1])
        shutil.rmtree(place)
        progress(f"{report.endings.total()} trials, {len(report.failures)} failures")
    return report


def main() -> int:
    """Run the campaign as a command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int)
    given = parser.parse_args()
    seed = chosen_seed(given.seed)
    with tempfile.TemporaryDirectory() as work:
        report = campaign(given.count, seed, work=Path(work))
    for name, number in sorted(report.endings.items()):
        print(f"{name}: {number}")
    for message in sorted(report.messages):
        print(f"  {message}")
    print(f"failures: {len(report.failures)}")
    return int(bool(report.failures))


if __name__ == "__main__":
    sys.exit(main())

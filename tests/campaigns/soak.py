"""Many readers beside one writer, for minutes, every answer checked.

    python -m tests.campaigns.soak --minutes 10 --readers 8 --seed 7

One process keeps changing an index: updates, removals, rebuilds, builds over it. After each
change it notes what every article answers. Readers, each a process of its own, ask for one
article after the other, and note the answer with the last change that was complete before the
call and the last that had begun after it. The answer must be that of one of these changes, so
that a change is seen at the next call and nothing in between is ever seen. Readers open the
index again now and then, and may run as another user.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recommender import Article, ArticleNotFound, Recommender
from tests.campaigns.common import IDS, build, chosen_seed, in_child, made, problems, say, warm_up
from tests.helpers import NOW

_CALLS_AN_OPENING = 150
_PAUSE = 0.02
_BEGUN, _COMPLETE = 0, 1
_GONE = "gone"


@dataclass(slots=True)
class Report:
    """What a soak did and found."""

    changes: int = 0
    answers: int = 0
    changed_between: int = 0
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the processes of a soak meet."""

    folder: Path
    notes: Path
    counters: Any
    until: float


def answer(index: Recommender, article_id: str) -> Any:
    """What one article answers."""
    try:
        matches = index.related(article_id, limit=20, min_similarity=0.0, now=NOW)
    except ArticleNotFound:
        return _GONE
    return [[each.article.title, each.similarity] for each in matches]


def _note_state(place: _Place, change: int) -> None:
    with Recommender.open(place.folder) as index:
        found = {each: answer(index, each) for each in IDS}
    with open(place.notes / "states", "a", encoding="utf-8") as states:  # noqa: PTH123
        states.write(json.dumps({"change": change, "answers": found}) + "\n")


def _write(place: _Place, chance: random.Random) -> None:
    """Change the index again and again; `counters` say how far it has come."""
    versions = dict.fromkeys(IDS[:10], 0)
    change = 0
    while time.monotonic() < place.until:
        change += 1
        kind = chance.choices(["update", "remove", "rebuild", "build"], [8, 3, 1, 1])[0]
        place.counters[_BEGUN] = change
        if kind == "build":
            versions = {each: chance.randint(0, 99) for each in chance.sample(IDS, 10)}
            build(place.folder, [made(each, version) for each, version in versions.items()])
        else:
            with Recommender.open(place.folder) as index:
                _change(index, kind, chance, versions)
        place.counters[_COMPLETE] = change
        _note_state(place, change)
        time.sleep(chance.uniform(0, _PAUSE))


def _change(index: Recommender, kind: str, chance: random.Random, versions: dict[str, int]) -> None:
    if kind == "remove" and len(versions) > 5:
        gone = chance.sample(sorted(versions), 2)
        index.remove(gone)
        for each in gone:
            del versions[each]
    elif kind == "rebuild":
        index.rebuild(now=NOW)
    else:
        changed = chance.sample(IDS, chance.randint(1, 3))
        for each in changed:
            versions[each] = versions.get(each, 0) + 1
        index.update([made(each, versions[each]) for each in changed], now=NOW)


def _read(place: _Place, chance: random.Random, number: int) -> None:
    """Ask, and note what came with the changes it may be of."""
    with open(place.notes / f"reader-{number}", "w", encoding="utf-8") as notes:  # noqa: PTH123
        while time.monotonic() < place.until:
            with Recommender.open(place.folder) as index:
                for _ in range(_CALLS_AN_OPENING):
                    article_id = chance.choice(IDS)
                    least = place.counters[_COMPLETE]
                    found = answer(index, article_id)
                    most = place.counters[_BEGUN]
                    notes.write(json.dumps([article_id, least, most, found]) + "\n")
                    if time.monotonic() >= place.until:
                        break


def _start(action: Callable[[], None], notes: Path, name: str, user: int | None) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        if user is not None:
            os.setgroups([os.getgid() if os.getuid() else user])
            os.setgid(user)
            os.setuid(user)
        action()
        code = 0
    except BaseException:
        (notes / f"error-{name}").write_text(traceback.format_exc(), encoding="utf-8")
    finally:
        os._exit(code)


def soak(
    seconds: float,
    readers: int,
    seed: int,
    *,
    work: Path,
    reading_user: int | None = None,
    progress: Callable[[str], None] = say,
) -> Report:
    """Run readers beside a writer and check every answer.

    Parameters
    ----------
    reading_user : int, optional
        The user, and group, that the readers run as; the folder is given to that group.
    """
    warm_up()
    folder, notes = work / "index", work / "notes"
    notes.mkdir(mode=0o777)
    notes.chmod(0o777)
    folder.mkdir(mode=0o750)
    if reading_user is not None:
        os.chown(folder, -1, reading_user)
        # Handed down to what SQLite makes, too.
        folder.chmod(0o2750)
    counters = multiprocessing.RawArray("q", 2)
    place = _Place(folder, notes, counters, time.monotonic() + seconds)
    start = [made(each) for each in IDS[:10]]
    done = in_child(lambda: _begin(place, start))
    assert not done.error, done
    children = {_start(lambda: _write(place, random.Random(seed)), notes, "writer", None): "writer"}
    for number in range(readers):
        chance = random.Random(f"{seed}-{number}")
        reading = lambda chance=chance, number=number: _read(place, chance, number)  # noqa: E731
        children[_start(reading, notes, f"reader {number}", reading_user)] = f"reader {number}"
    report = Report()
    _wait_for(children, seconds + 120, report)
    for file in sorted(notes.glob("error-*")):
        report.failures.append(file.read_text(encoding="utf-8"))
    checked = in_child(lambda: problems(folder))
    if checked.value != []:
        report.failures.append(f"verify: {checked}")
    _check(notes, readers, report)
    progress(
        f"{report.changes} changes, {report.answers} answers, "
        f"{report.changed_between} of them beside a change, {len(report.failures)} failures"
    )
    return report


def _begin(place: _Place, start: Sequence[Article]) -> None:
    build(place.folder, start)
    _note_state(place, 0)


def _wait_for(children: dict[int, str], seconds: float, report: Report) -> None:
    deadline = time.monotonic() + seconds
    while children and time.monotonic() < deadline:
        for child in list(children):
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                name, code = children.pop(child), os.waitstatus_to_exitcode(status)
                if code:
                    report.failures.append(f"{name} ended with {code}")
        time.sleep(_PAUSE)
    for child, name in children.items():
        report.failures.append(f"{name} hung")
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _check(notes: Path, readers: int, report: Report) -> None:
    lines = (notes / "states").read_text(encoding="utf-8").splitlines()
    states: list[dict[str, Any]] = [json.loads(line)["answers"] for line in lines]
    report.changes = len(states) - 1
    for number in range(readers):
        with open(notes / f"reader-{number}", encoding="utf-8") as lines:  # noqa: PTH123
            for line in lines:
                report.answers += 1
                article_id, least, most, found = json.loads(line)
                report.changed_between += most != least
                allowed: Sequence[Any] = [each[article_id] for each in states[least : most + 1]]
                if found not in allowed:
                    report.failures.append(
                        f"reader {number}, {article_id}, changes {least} to {most}: {found} "
                        f"is none of {allowed}"[:1_000]
                    )


def main() -> int:
    """Run the soak as a command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--readers", type=int, default=8)
    parser.add_argument("--seed", type=int)
    given = parser.parse_args()
    seed = chosen_seed(given.seed)
    with tempfile.TemporaryDirectory() as work:
        report = soak(60 * given.minutes, given.readers, seed, work=Path(work))
    for failure in report.failures[:20]:
        print(failure)
    print(f"failures: {len(report.failures)}")
    return int(bool(report.failures))


if __name__ == "__main__":
    sys.exit(main())

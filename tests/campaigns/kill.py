"""Kill -9 at random moments of build, update, remove and rebuild.

    python -m tests.campaigns.kill --count 1000 --seed 7

Each round takes an index in some state, lets a child change it, and kills the child: at one of
its file calls (before the call, drawn evenly), or after a random time. The change is
acknowledged through a pipe when it has returned. Afterwards the index must open, `verify` must
find nothing, and every answer must be that of the state before or after the change, after it if
it was acknowledged. The change is then made again on the same folder, which must end in the
state after it with no file left over. What the states answer comes from an undisturbed run.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recommender import ArticleNotFound, IndexMissing, Recommender
from tests.campaigns import tracing
from tests.campaigns.common import (
    IDS,
    all_answers,
    build,
    chosen_seed,
    in_child,
    made,
    problems,
    say,
    warm_up,
)
from tests.helpers import NOW

NOTHING = "nothing"
_TIMED_SHARE = 0.3
_KILLS_A_ROUND = (1, 1, 2)


@dataclass(frozen=True, slots=True)
class Step:
    """One change of an index."""

    kind: str
    run: Callable[[Path], None] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Stage:
    """A state of an index, the change that leads out of it, and what both states answer."""

    start: Path | None
    step: Step
    before: Any
    after: Any
    calls: int
    seconds: float


@dataclass(slots=True)
class Report:
    """What a campaign did and found."""

    kills: Counter[str] = field(default_factory=Counter)
    landed: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


def program(chance: random.Random, length: int) -> list[Step]:
    """A build and random changes after it."""
    versions = dict.fromkeys(chance.sample(IDS, chance.randint(5, 9)), 0)
    steps = [_build_step(dict(versions))]
    for _ in range(length):
        kind = chance.choice(["update", "update", "remove", "rebuild", "build"])
        if kind == "remove" and len(versions) > 4:
            gone = chance.sample(sorted(versions), chance.randint(1, 2))
            for each in gone:
                del versions[each]
            steps.append(_remove_step(gone))
        elif kind == "rebuild":
            steps.append(Step(kind, _rebuild))
        elif kind == "build":
            versions = {each: chance.randint(0, 5) for each in chance.sample(IDS, 7)}
            steps.append(_build_step(dict(versions)))
        else:
            steps.append(_update_step(chance, versions))
    return steps


def _build_step(versions: dict[str, int]) -> Step:
    articles = [made(each, version) for each, version in versions.items()]
    return Step("build", lambda folder: build(folder, articles))


def _update_step(chance: random.Random, versions: dict[str, int]) -> Step:
    changed = chance.sample(IDS, chance.randint(1, 4))
    for each in changed:
        versions[each] = versions.get(each, -1) + 1
    articles = [made(each, versions[each]) for each in changed]
    # Cards may change without their texts; that is the same change as the rest.
    others = [each for each in sorted(versions) if each not in changed][: chance.randint(0, 2)]
    mark = chance.randint(0, 999)
    articles += [made(each, versions[each], url=f"https://new/{each}/{mark}") for each in others]

    def run(folder: Path) -> None:
        with Recommender.open(folder) as index:
            index.update(articles, now=NOW)

    return Step("update", run)


def _remove_step(gone: Sequence[str]) -> Step:
    def run(folder: Path) -> None:
        # Made again after a kill, there may be nothing left to remove; the state tells.
        with Recommender.open(folder) as index, suppress(ArticleNotFound):
            index.remove(gone)

    return Step("remove", run)


def _rebuild(folder: Path) -> None:
    with Recommender.open(folder) as index:
        index.rebuild(now=NOW)


def stages(work: Path, chance: random.Random, length: int = 5) -> list[Stage]:
    """Run a program undisturbed and keep every state it goes through."""
    folder, found, before, start = work / "whole", [], NOTHING, None
    for number, step in enumerate(program(chance, length)):
        calls = _count_calls(start, step, work)
        began = time.monotonic()
        outcome = in_child(lambda step=step: step.run(folder))  # type: ignore[misc]
        seconds = time.monotonic() - began
        if outcome.error or outcome.code:
            raise AssertionError(f"{step.kind} undisturbed: {outcome}")
        after = in_child(lambda: all_answers(folder)).value
        found.append(Stage(start, step, before, after, calls, seconds))
        start, before = work / f"state-{number}", after
        shutil.copytree(folder, start)
    return found


def _count_calls(start: Path | None, step: Step, work: Path) -> int:
    if not tracing.SUPPORTED:
        return 0
    folder, seen = work / "counted", 0
    _lay_out(start, folder)

    def decide(call: tracing.Call) -> tracing.Verdict:
        nonlocal seen
        seen += 1
        return tracing.GO

    tracing.traced(lambda: step.run(folder), decide, shown=_inside(folder))
    shutil.rmtree(folder)
    return seen


def _lay_out(start: Path | None, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if start is not None:
        shutil.copytree(start, folder)


def _inside(folder: Path) -> Callable[[str], bool]:
    place = str(folder)
    # The wal-index is mapped memory, which no power cut needs.
    return lambda path: path.startswith(place)


def killed_at_call(folder: Path, step: Step, number: int) -> bool:
    """Run a step and kill it at a file call; whether it had been acknowledged by then."""
    reading, writing = os.pipe()

    def action() -> None:
        step.run(folder)
        os.write(writing, b"!")

    tracing.traced(
        action,
        lambda call: tracing.KILL if call.number == number else tracing.GO,
        shown=_inside(folder),
    )
    os.close(writing)
    with open(reading, "rb") as acknowledged:  # noqa: PTH123
        return acknowledged.read() == b"!"


def killed_after(folder: Path, step: Step, seconds: float) -> bool:
    """Run a step and kill it after a time; whether it had been acknowledged by then."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            step.run(folder)
            os.write(writing, b"!")
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with open(reading, "rb") as acknowledged:  # noqa: PTH123
        return acknowledged.read() == b"!"


def judge(folder: Path, stage: Stage, acknowledged: bool) -> str:
    """Which state an index is in after a kill; raises `AssertionError` when in none."""
    if stage.before == NOTHING and not acknowledged:
        outcome = in_child(lambda: _opened_or_missing(folder))
        if outcome.value == NOTHING:
            return "before"
    else:
        outcome = in_child(lambda: all_answers(folder))
    if outcome.value == stage.after:
        state = "after"
    elif outcome.value == stage.before and not acknowledged:
        state = "before"
    else:
        raise AssertionError(
            f"acknowledged: {acknowledged}; neither state before nor after: {outcome}"
        )
    checked = in_child(lambda: problems(folder))
    if checked.value != []:
        raise AssertionError(f"verify: {checked}")
    return state


def _opened_or_missing(folder: Path) -> object:
    try:
        return all_answers(folder)
    except IndexMissing:
        return NOTHING


def finish(folder: Path, stage: Stage) -> None:
    """Make the change again; nothing but the state after it may be left."""
    outcome = in_child(lambda: stage.step.run(folder))
    if outcome.error or outcome.code:
        raise AssertionError(f"made again: {outcome}")
    if judge(folder, stage, acknowledged=True) != "after":
        raise AssertionError("made again, and not there")
    left = left_over(folder)
    if left:
        raise AssertionError(f"left over: {left}")


def left_over(folder: Path) -> list[str]:
    """Files of a folder that no index at rest has."""
    names = {file.name for file in folder.iterdir()}
    usual = {"articles.sqlite", "articles.sqlite-wal", "articles.sqlite-shm", ".lock"}
    extra = sorted(names - usual)
    numbered = [name for name in extra if name.startswith(("vectors-", "fingerprints-"))]
    return sorted({*extra} - {*numbered}) + numbered[2:]


def one_round(
    chance: random.Random, stage: Stage, folder: Path, kills: int, report: Report
) -> None:
    """Kill a change once or twice on one folder, then let it end."""
    _lay_out(stage.start, folder)
    for _ in range(kills):
        if stage.calls and chance.random() >= _TIMED_SHARE:
            where, number = "call", chance.randrange(stage.calls)
            acknowledged = killed_at_call(folder, stage.step, number)
        else:
            where = "time"
            acknowledged = killed_after(folder, stage.step, chance.uniform(0, 1.1 * stage.seconds))
        report.kills[f"{stage.step.kind} by {where}"] += 1
        report.landed[judge(folder, stage, acknowledged)] += 1
    finish(folder, stage)


def campaign(count: int, seed: int, *, work: Path, progress: Callable[[str], None] = say) -> Report:
    """Kill `count` times; what went wrong stands in the report."""
    warm_up()
    chance, report = random.Random(seed), Report()
    while sum(report.kills.values()) < count:
        place = Path(tempfile.mkdtemp(dir=work))
        for stage in stages(place, chance):
            for _ in range(6):
                kills = chance.choice(_KILLS_A_ROUND)
                try:
                    one_round(chance, stage, place / "killed", kills, report)
                except AssertionError as failure:
                    report.failures.append(f"{stage.step.kind}: {failure}")
                    progress(report.failures[-1])
            if sum(report.kills.values()) >= count:
                break
        shutil.rmtree(place)
        progress(f"{sum(report.kills.values())} kills, {len(report.failures)} failures")
    return report


def main() -> int:
    """Run the campaign as a command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1_000)
    parser.add_argument("--seed", type=int)
    given = parser.parse_args()
    seed = chosen_seed(given.seed)
    with tempfile.TemporaryDirectory() as work:
        report = campaign(given.count, seed, work=Path(work))
    for name, number in sorted(report.kills.items()):
        print(f"{name}: {number}")
    for name, number in sorted(report.landed.items()):
        print(f"state {name} the change: {number}")
    print(f"failures: {len(report.failures)}")
    return int(bool(report.failures))


if __name__ == "__main__":
    sys.exit(main())

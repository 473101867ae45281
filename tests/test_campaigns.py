"""A part of every campaign, and proof that each can fail."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.campaigns import corruption, faults, kill, power, soak, tracing
from tests.campaigns.common import in_child, warm_up
from tests.campaigns.tracing import Call

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not tracing.SUPPORTED, reason="ptrace is used as on Linux on x86-64"),
]

SEED = 20_250_801


def test_kills(tmp_path: Path) -> None:
    report = kill.campaign(200, SEED, work=tmp_path)
    assert report.failures == []
    assert report.landed["before"] > 20
    assert report.landed["after"] > 20


def test_power_cuts(tmp_path: Path) -> None:
    assert power.campaign(100, SEED, work=tmp_path) == []


def test_disks_that_fail(tmp_path: Path) -> None:
    report = faults.campaign(48, SEED, work=tmp_path)
    assert report.failures == []
    assert "made" in report.messages
    for message in report.messages - {"made"}:
        assert re.search("again|user who owns|read-only", message), message


def test_damage(tmp_path: Path) -> None:
    report = corruption.campaign(1_500, SEED, work=tmp_path)
    assert report.failures == []
    for kind in ("articles.sqlite", "-wal"):
        assert report.outcomes[f"flip, {kind}: named"] > 20
    for kind in ("vectors", "fingerprints"):
        assert report.outcomes[f"while open, {kind}: equal"] > 10


def test_readers_beside_a_writer(tmp_path: Path) -> None:
    report = soak.soak(15, 4, SEED, work=tmp_path)
    assert report.failures == []
    assert report.changes > 3
    assert report.changed_between > 0


@pytest.fixture
def rebuilt(tmp_path: Path) -> kill.Stage:
    """A rebuild, which goes through every kind of file."""
    warm_up()
    for seed in range(100):
        steps = [step.kind for step in kill.program(random.Random(seed), 2)]
        if steps[1] == "rebuild":
            return kill.stages(tmp_path, random.Random(seed), 2)[1]
    raise AssertionError("no program rebuilds")


def test_a_change_reaches_the_disk_in_order(rebuilt: kill.Stage, tmp_path: Path) -> None:
    calls = power.record(rebuilt, tmp_path / "cut")
    assert power.order_problems(calls, tmp_path / "cut") == []
    # What the order is about is there at all.
    seen = {call.name for call in calls}
    assert seen >= {"fsync", "rename", "unlink"}


DROPPED: dict[str, tuple[Callable[[Call], bool], str]] = {
    "file": (lambda call: call.path.endswith(".tmp"), "got its name before it was synced"),
    "folder": (lambda call: call.path.endswith("/cut"), "before its name was synced"),
    "log": (lambda call: call.path.endswith("-wal"), "acknowledged before the log was synced"),
}


@pytest.mark.parametrize("what", sorted(DROPPED))
def test_a_sync_that_is_left_out_is_noticed(rebuilt: kill.Stage, tmp_path: Path, what: str) -> None:
    chosen, problem = DROPPED[what]
    calls = power.record(
        rebuilt,
        tmp_path / "cut",
        dropped=lambda call: call.name in ("fsync", "fdatasync") and chosen(call),
    )
    assert any(problem in each for each in power.order_problems(calls, tmp_path / "cut"))


def test_a_log_that_is_not_synced_loses_what_was_acknowledged(
    rebuilt: kill.Stage, tmp_path: Path
) -> None:
    calls = power.record(
        rebuilt,
        tmp_path / "cut",
        dropped=lambda call: call.name in ("fsync", "fdatasync"),
    )
    found = power.cuts(random.Random(1), rebuilt, calls, tmp_path / "cut", 40)
    assert found


def test_a_child_that_dies_or_hangs_is_told_from_one_that_answers() -> None:
    import os
    import signal
    import time

    assert in_child(lambda: [1, "二"]).value == [1, "二"]
    assert in_child(lambda: 1 / 0).error == "builtins.ZeroDivisionError: division by zero"
    assert in_child(lambda: os.kill(os.getpid(), signal.SIGKILL)).died
    assert in_child(lambda: time.sleep(60), timeout=0.2).hung

"""Where answers go: files, links, devices, pipes, and outputs that are full."""

from __future__ import annotations

import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import build, corpus
from tests.test_cli import Run

ROOT = Path(__file__).parent.parent


@pytest.fixture
def index(tmp_path: Path) -> str:
    folder = tmp_path / "index"
    build(folder, corpus(10)).close()
    return str(folder)


def command(
    *arguments: str, stdout: str | int, most_bytes: int = resource.RLIM_INFINITY
) -> subprocess.CompletedProcess[str]:
    """The command line as a process of its own, its output going somewhere."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    words = [sys.executable, "-m", "recommender", *arguments]
    output = os.open(stdout, os.O_WRONLY | os.O_APPEND) if isinstance(stdout, str) else stdout
    try:
        return subprocess.run(
            words,
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            timeout=120,
            preexec_fn=limit,
        )
    finally:
        if isinstance(stdout, str):
            os.close(output)


def test_an_output_that_is_a_link_stays_one(run: Run, index: str, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    real = tmp_path / "site" / "related.json"
    real.write_text("old", encoding="utf-8")
    link, ahead = tmp_path / "related.json", tmp_path / "ahead.json"
    link.symlink_to(real)
    # A link to a file that is still to come.
    ahead.symlink_to(tmp_path / "site" / "ahead.json")
    for each in (link, ahead):
        assert run("related", "a001", "-i", index, "-f", "json", "-o", str(each)).exit_code == 0
        assert each.is_symlink()
        assert each.resolve().read_text(encoding="utf-8").startswith("[")
    assert sorted(each.name for each in (tmp_path / "site").iterdir()) == [
        "ahead.json",
        "related.json",
    ]


def test_an_output_that_is_a_pipe_is_written_into(run: Run, index: str, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert run("related", "a001", "-i", index, "-f", "json", "-o", str(pipe)).exit_code == 0
        assert os.read(reader, 1_000).startswith(b"[")
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a device")
def test_an_output_that_is_a_device_is_written_into(run: Run, index: str, tmp_path: Path) -> None:
    device, full = tmp_path / "null", tmp_path / "full"
    try:
        os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        os.mknod(full, stat.S_IFCHR | 0o666, os.makedev(1, 7))
        with device.open("wb"):
            pass
    except OSError:
        pytest.skip("no device may be made here")
    assert run("related", "a001", "-i", index, "-o", str(device)).exit_code == 0
    assert stat.S_ISCHR(device.stat().st_mode)
    refused = run("related", "a001", "-i", index, "-o", str(full))
    assert refused.exit_code == 1
    assert refused.stderr == f"Error: cannot write {full}: No space left on device\n"
    assert stat.S_ISCHR(full.stat().st_mode)


def test_standard_output_by_its_name_keeps_what_is_in_it(index: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("earlier\n", encoding="utf-8")
    done = command("related", "a001", "-i", index, "-o", "/proc/self/fd/1", stdout=str(log))
    assert done.returncode == 0, done.stderr
    text = log.read_text(encoding="utf-8")
    assert text.startswith("earlier\n")
    assert "a001" in text


def test_a_file_that_cannot_be_finished_leaves_nothing(index: str, tmp_path: Path) -> None:
    place = tmp_path / "out"
    place.mkdir()
    refused = command(
        "duplicates",
        "-i",
        index,
        "-f",
        "html",
        "-o",
        f"{place}/a.html",
        stdout=2,
        most_bytes=33_000,
    )
    assert refused.returncode == 1
    assert refused.stderr.endswith(f"Error: cannot write {place}/a.html: File too large\n")
    assert list(place.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    "words",
    ["related a001", "info", "duplicates -f json", "doctor", "verify", "doctor --help", "--help"],
)
def test_a_standard_output_that_is_full_is_one_line(index: str, words: str) -> None:
    named = [] if "--help" in words else ["-i", index]
    refused = command(*words.split(), *named, stdout="/dev/full")
    assert refused.returncode == 1
    last = refused.stderr.splitlines()[-1]
    assert last.startswith("Error: standard output cannot be written: No space left on device;")
    assert "Traceback" not in refused.stderr
    assert "Exception ignored" not in refused.stderr

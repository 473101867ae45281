"""The supervisor: workers over one listening socket, one embedding process, kept running.

Loads no index and no model. Children are fresh interpreters, told over a pipe what to do; when
the supervisor is gone, however it went, the pipe ends and so do they.
"""

from __future__ import annotations

import fcntl
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from recommender.errors import ConfigError, RecommenderError
from recommender.service.logs import write_line
from recommender.service_settings import ServeOptions

_BACKLOG = 2_048
# Workers share the processors among themselves; threads of each would only wait for one another.
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
_PREFIX = "recommender-serve-"
# Locked while the supervisor lives.
_ALIVE = "alive"
_LONGEST_FOLDER = 80
_SHORT_FOLDER = "/tmp"  # noqa: S108 - mkdtemp makes a folder of its own there
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 30.0
# A child that lived this long begins with a short pause again.
_STEADY_SECONDS = 30.0
_SPARE_SECONDS = 5.0
_STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(slots=True)
class _Child:
    """A process that is to run, and how it fares."""

    kind: str
    number: int
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    due: float = 0.0
    ready: bool = False
    status: int = -1
    unread: bytes = b""


@dataclass(slots=True, kw_only=True)
class Supervisor:
    """Runs a service until it is told to stop.

    Parameters
    ----------
    index : Path
    options : ServeOptions
    token : str or None
    say : callable
        Told, once all workers answer, the address.
    """

    index: Path
    options: ServeOptions
    token: str | None
    say: Callable[[str], None]
    _children: list[_Child] = field(default_factory=list)
    _runtime: Path = field(default_factory=Path)
    _identity: dict[str, Any] | None = None
    _listening: socket.socket | None = None
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    _stopping: int = 0
    _announced: bool = False

    def run(self) -> None:
        """Serve; returns after a graceful stop.

        Raises
        ------
        ConfigError
            If the address cannot be listened at.
        RecommenderError
            If a worker cannot begin.
        """
        with _listening_at(self.options.host, self.options.port) as listening:
            self._listening = listening
            self._runtime = _shared_folder()
            alive = _marked(self._runtime)
            try:
                (self._runtime / "metrics").mkdir(mode=0o700)
                with self._signals():
                    self._children = [
                        _Child("worker", number) for number in range(self.options.workers)
                    ]
                    self._supervise()
            finally:
                self._end_all()
                shutil.rmtree(self._runtime, ignore_errors=True)
                os.close(alive)

    def _supervise(self) -> None:
        asked_at: float | None = None
        while True:
            if self._stopping and asked_at is None:
                asked_at = time.monotonic()
                self._signal_workers(signal.SIGTERM)
            if asked_at is not None:
                if not any(each.process for each in self._workers()):
                    return
                late = time.monotonic() - asked_at > self.options.grace_seconds + _SPARE_SECONDS
                if late or self._stopping > 1:
                    self._signal_workers(signal.SIGKILL)
            else:
                self._start_due()
            self._wait(stopping=asked_at is not None)
            self._reap(stopping=asked_at is not None)

    def _workers(self) -> Iterator[_Child]:
        return (each for each in self._children if each.kind == "worker")

    def _signal_workers(self, number: signal.Signals) -> None:
        for child in self._workers():
            if child.process is not None:
                child.process.send_signal(number)

    def _start_due(self) -> None:
        now = time.monotonic()
        for child in self._children:
            if child.process is None and child.due <= now:
                self._start(child)

    def _start(self, child: _Child) -> None:
        assert self._listening is not None  # noqa: S101 - for the type checker
        reading, writing = os.pipe()
        plan = {
            "index": str(self.index),
            "runtime": str(self._runtime),
            "metrics": str(self._runtime / "metrics"),
            "status": writing,
        }
        passed = [writing]
        if child.kind == "worker":
            passed.append(self._listening.fileno())
            plan |= {
                "options": asdict(self.options),
                "token": self.token,
                "worker": child.number,
                "listening": self._listening.fileno(),
            }
        else:
            plan |= {"socket": str(self._runtime / "embedding"), "identity": self._identity}
        child.process = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", "recommender.service", child.kind],
            stdin=subprocess.PIPE,
            pass_fds=passed,
            env=self._environment(child),
            # Ctrl-C is for the supervisor, which lets requests end.
            start_new_session=True,
        )
        os.close(writing)
        stdin = child.process.stdin
        assert stdin is not None  # noqa: S101 - for the type checker
        try:
            stdin.write(json.dumps(plan).encode("ascii") + b"\n")
            stdin.flush()
        except BrokenPipeError:
            # It died at once; it is reaped like any other.
            pass
        child.started, child.ready, child.unread = time.monotonic(), False, b""
        child.status = reading
        os.set_blocking(reading, False)
        self._selector.register(reading, selectors.EVENT_READ, child)

    def _environment(self, child: _Child) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if name != self.options.token_env}
        return {**(_ONE_THREAD if child.kind == "worker" else {}), **own}

    def _wait(self, *, stopping: bool) -> None:
        """Until a child says something or ends, a signal comes, or a start is due."""
        due = [each.due for each in self._children if each.process is None and not stopping]
        pause = 1.0 if not due else max(0.0, min(1.0, min(due) - time.monotonic()))
        for key, _ in self._selector.select(pause):
            if isinstance(key.data, _Child):
                self._hear(key.data)
            else:
                key.data.recv(4_096)

    def _hear(self, child: _Child) -> None:
        try:
            heard = os.read(child.status, 65_536)
        except BlockingIOError:
            return
        if not heard:
            self._forget_status(child)
            return
        *lines, child.unread = (child.unread + heard).split(b"\n")
        for line in lines:
            said = json.loads(line)
            if "error" in said and not self._announced:
                raise RecommenderError(said["error"])
            if "error" in said:
                self._log("error", "cannot begin", child, detail=said["error"])
            if "ready" in said:
                child.ready = True
                self._identity = said["identity"]
                self._is_ready()

    def _is_ready(self) -> None:
        if self._announced or not all(each.ready for each in self._workers()):
            return
        self._announced = True
        assert self._listening is not None  # noqa: S101 - for the type checker
        host, port = self._listening.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        if not self.options.public_only:
            self._children.append(_Child("embedding", 0))
        self.say(f"http://{shown}:{port}")

    def _reap(self, *, stopping: bool) -> None:
        for child in self._children:
            if child.process is None or child.process.poll() is None:
                continue
            code = child.process.returncode
            # What it said last.
            if child.status >= 0:
                self._hear(child)
            self._forget_status(child)
            if child.process.stdin is not None:
                child.process.stdin.close()
            child.process = None
            if stopping:
                continue
            if not self._announced:
                raise RecommenderError(
                    f"a worker ended before it answered (exit code {code}); what it said stands "
                    "above"
                )
            lived = time.monotonic() - child.started
            child.failures = 1 if lived > _STEADY_SECONDS else child.failures + 1
            pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** (child.failures - 1))
            child.due = time.monotonic() + pause
            self._log("warning", "process ended and is started again", child, code=code)

    def _forget_status(self, child: _Child) -> None:
        if child.status >= 0:
            self._selector.unregister(child.status)
            os.close(child.status)
            child.status = -1

    @staticmethod
    def _log(level: str, message: str, child: _Child, **more: Any) -> None:
        write_line(
            {
                "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "level": level,
                "message": message,
                "process": f"{child.kind} {child.number}",
                **more,
            }
        )

    def _end_all(self) -> None:
        for child in self._children:
            if child.process is not None:
                child.process.kill()
                child.process.wait()
                if child.process.stdin is not None:
                    child.process.stdin.close()
            self._forget_status(child)
        self._selector.close()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Signals wake the loop up; the first asks to stop, a second does not wait."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        self._selector.register(ours, selectors.EVENT_READ, ours)

        def stop(number: int, frame: object) -> None:
            self._stopping += 1

        # Under nohup a terminal that closes is not the end.
        heeded = [each for each in _STOPPING if signal.getsignal(each) is not signal.SIG_IGN]
        before = {each: signal.signal(each, stop) for each in heeded}
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        woken = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(woken)
            for each, handler in before.items():
                signal.signal(each, handler)
            self._selector.unregister(ours)
            ours.close()
            theirs.close()


def _marked(folder: Path) -> int:
    """Hold a lock in a folder as long as this process lives; the file it is on."""
    descriptor = os.open(folder / _ALIVE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor


def _tidy(place: Path) -> None:
    """Remove our folders that a service which was killed left."""
    for folder in place.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            # One without the mark is being made.
            descriptor = os.open(folder / _ALIVE, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)


def _shared_folder() -> Path:
    """A new folder that only its owner can enter; a socket's path may have some 100 bytes."""
    _tidy(Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    if len(os.fsencode(folder)) <= _LONGEST_FOLDER:
        return folder
    folder.rmdir()
    return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_SHORT_FOLDER))


@contextmanager
def _listening_at(host: str, port: int) -> Iterator[socket.socket]:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except OSError as error:
        raise ConfigError(
            f"cannot listen at {host}, port {port}: {error.strerror or error}; name another one "
            "with --host or --port"
        ) from error
    with listening:
        yield listening

"""What every command shares: options, progress on standard error, errors as one line, output.

Results go to standard output or a file, everything else to standard error.
"""

from __future__ import annotations

import functools
import logging
import os
import re
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from traceback import walk_tb
from types import TracebackType
from typing import Any, TypeVar, cast

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from recommender.config import CONFIG_NAME, Settings, Thresholds, read_settings
from recommender.errors import ConfigError, RecommenderError

Command = TypeVar("Command", bound=Callable[..., Any])

EXIT_FOUND = 3
_INTERRUPTED = 130
_QUIET_SECONDS = 10.0
_WIDEST = 160
# Names of what a process has open already; realpath would lead to the file behind it.
_DESCRIPTOR = re.compile(r"/dev/(?:stdout|stderr|fd/\d+)|/proc/(?:self|\d+)/fd/\d+")


class RecommenderGroup(click.Group):
    """Turns the library's errors into one clear line and an exit code."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command line; an output that is full ends it with exit code 1."""
        try:
            return super().main(*args, **kwargs)
        except OSError as error:
            if not _is_of_output(error):
                raise
            # Nothing of it is to be tried again at the end of the process.
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
            click.echo(
                f"Error: standard output cannot be written: {error.strerror or error}; free space, "
                "or write to another place, and run the command again",
                err=True,
            )
            sys.exit(1)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a `RecommenderError` ends it with exit code 1, Ctrl-C with 130."""
        try:
            return super().invoke(ctx)
        except RecommenderError as error:
            line = " ".join(str(error).split())
            click.echo(f"Error: {line}", err=True)
            ctx.exit(1)
        except KeyboardInterrupt:
            click.echo("\nInterrupted; an index is as it was before or after the change.", err=True)
            ctx.exit(_INTERRUPTED)
        except BrokenPipeError:
            # The reader of our output went away, as `head` does; nobody is left to tell.
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
            ctx.exit(0)


def _is_of_output(error: OSError) -> bool:
    """Whether an error came out of writing to standard output."""
    return any(
        frame.f_code is click.echo.__code__ and not frame.f_locals.get("err")
        for frame, _ in walk_tb(error.__traceback__)
    )


class StageProgress:
    """Shows stages of long work: bars on a terminal, a line now and then elsewhere."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._console = Console(stderr=True)
        self._bars: RichProgress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._last = time.monotonic()
        self._finished: set[str] = set()

    def __enter__(self) -> StageProgress:
        if not self._quiet and self._console.is_terminal:
            self._bars = RichProgress(
                TextColumn("{task.description:<22}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(elapsed_when_finished=True),
                console=self._console,
            )
            self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show how far a stage is."""
        if self._quiet:
            return
        if self._bars is not None:
            if stage not in self._tasks:
                self._tasks[stage] = self._bars.add_task(stage, total=total or None)
            self._bars.update(self._tasks[stage], completed=done, total=total or None)
            return
        now = time.monotonic()
        complete = total > 0 and done >= total
        if complete and stage in self._finished:
            return
        if complete or now - self._last >= _QUIET_SECONDS:
            share = f" of {total:,} ({done / total:.0%})" if total else ""
            click.echo(f"{stage}: {done:,}{share}", err=True)
            self._last = now
            if complete:
                self._finished.add(stage)


def progress_of_run() -> StageProgress:
    """Progress of the command that runs, silent under --quiet."""
    return StageProgress(quiet=click.get_current_context().find_root().params["quiet"])


def settings(ctx: click.Context) -> Settings:
    """What `recommender.toml` says, read once a run."""
    found = ctx.find_root().meta.get("recommender.settings")
    if found is None:
        found = read_settings(ctx.find_root().params.get("config"))
        ctx.find_root().meta["recommender.settings"] = found
    return cast(Settings, found)


def index_option(command: Command) -> Command:
    """`-i/--index`, the environment, or `recommender.toml`; the command gets `index: Path`."""

    @optional_index_option
    @functools.wraps(command)
    def wrapped(*args: Any, index: Path | None, **kwargs: Any) -> Any:
        return command(*args, index=named_index(index), **kwargs)

    return wrapped  # type: ignore[return-value]


def optional_index_option(command: Command) -> Command:
    """`-i/--index` for a command that may do without; it gets `index: Path | None`."""
    return click.option(
        "-i",
        "--index",
        type=IndexFolder(),
        envvar="RECOMMENDER_INDEX",
        show_envvar=True,
        help=f"Folder of the index.  [default: the one named in {CONFIG_NAME}]",
    )(command)


class IndexFolder(click.Path):
    """The folder of an index, by its name; an empty name is none.

    Whether it is there and may be read is for the library to say: it knows what to do.
    """

    def __init__(self) -> None:
        super().__init__(readable=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse the empty name, which the system would take for the folder one is in."""
        if value == "":
            self.fail("the name of the folder is empty (an unset variable?)", param, ctx)
        return super().convert(value, param, ctx)


def named_index(index: Path | None) -> Path:
    """The index that was named, or the one that the settings name.

    Raises
    ------
    click.UsageError
        If none is named anywhere.
    """
    context = click.get_current_context()
    said = settings(context)
    # As all paths in the file, relative to its folder.
    named = index or (said.folder / said.index if said.index is not None else None)
    if named is None:
        none = "" if said.is_read else ', which "recommender init" makes; there is none here'
        raise click.UsageError(
            "no index is named: give -i FOLDER, set RECOMMENDER_INDEX, or write "
            f'index = "FOLDER" into {CONFIG_NAME}{none}',
            ctx=context,
        )
    return named


def threshold_options(command: Command) -> Command:
    """`--same-text`, `--same-story`, `--related`; the command gets `changes: dict`."""

    @click.option(
        "--same-text",
        type=click.FloatRange(0, 1),
        help="Least similarity of the verdict same-text.  [default: the index's, 0.90]",
    )
    @click.option(
        "--same-story",
        type=click.FloatRange(0, 1),
        help="Least similarity of the verdict same-story.  [default: the index's, 0.75]",
    )
    @click.option(
        "--related",
        type=click.FloatRange(0, 1),
        help="Least similarity of the verdict related.  [default: the index's, 0.50]",
    )
    @functools.wraps(command)
    def wrapped(
        *args: Any,
        same_text: float | None,
        same_story: float | None,
        related: float | None,
        **kwargs: Any,
    ) -> Any:
        given = {"same_text": same_text, "same_story": same_story, "related": related}
        changes = dict(settings(click.get_current_context()).thresholds)
        changes.update({name: value for name, value in given.items() if value is not None})
        return command(*args, changes=changes, **kwargs)

    return wrapped  # type: ignore[return-value]


def changed_thresholds(base: Thresholds, changes: dict[str, float]) -> Thresholds:
    """The thresholds with what the command line and the file change."""
    try:
        return base.with_changes(**changes)
    except ConfigError as error:
        # The options are called like the thresholds, with other marks.
        words = re.sub(
            r"\b(same_text|same_story|related)\b",
            lambda name: "--" + name[0].replace("_", "-"),
            str(error),
        )
        raise click.UsageError(words) from error


def format_option(command: Command) -> Command:
    """`-f/--format` for commands that print an answer."""
    return _format_option("table", "json", "jsonl", "csv")(command)


def page_format_option(command: Command) -> Command:
    """`-f/--format` for commands whose answer can also be a page."""
    return _format_option("table", "json", "jsonl", "csv", "html")(command)


def state_format_option(command: Command) -> Command:
    """`-f/--format` for commands that do something and can tell a program of it."""
    return _format_option("table", "json", words="json tells a program what was done.")(command)


def _format_option(
    *forms: str, words: str = "How the answer is written."
) -> Callable[[Command], Command]:
    return click.option(
        "-f",
        "--format",
        "form",
        type=click.Choice(forms),
        default="table",
        show_default=True,
        help=words,
    )


def writable(context: click.Context, parameter: click.Parameter, value: str | None) -> Any:
    """Refuse an output that cannot be written before the work is done, not after it."""
    if value not in (None, "-"):
        target = Path(str(value))
        try:
            if _written_through(target):
                if not os.access(target, os.W_OK):
                    raise ConfigError(f"cannot write {value}: you may not write to it")
                return value
            # At the end of a link, whose own folder does not matter.
            folder = (target.resolve() if target.is_symlink() else target).parent
            if not folder.is_dir():
                raise ConfigError(f"cannot write {value}: there is no folder {folder}")
        except OSError as error:
            raise ConfigError(f"cannot write {value}: {error.strerror or error}") from error
        if not os.access(folder, os.W_OK | os.X_OK):
            raise ConfigError(f"cannot write {value}: you may not write into {folder}")
    return value


def output_option(command: Command) -> Command:
    """`-o/--output`, `-` for standard output."""
    return click.option(
        "-o",
        "--output",
        type=click.Path(dir_okay=False, allow_dash=True),
        callback=writable,
        default="-",
        show_default=True,
        help="File to write, - for standard output.",
    )(command)


def emit(text: str, output: str = "-") -> None:
    """Write an answer to standard output, or whole into a file."""
    if output == "-":
        click.echo(text, nl=False)
        return
    _write_whole(Path(output), text.encode("utf-8"))


def _written_through(target: Path) -> bool:
    """Whether there is something of that name that must not be replaced: a device, a pipe."""
    if _DESCRIPTOR.fullmatch(str(target)):
        return True
    try:
        return not stat.S_ISREG(target.stat().st_mode)
    except (FileNotFoundError, ValueError):
        return False


def _append(target: Path, data: bytes) -> None:
    """Into what is there; output that somebody has redirected is not cut."""
    descriptor = os.open(target, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    finally:
        os.close(descriptor)


def _write_whole(target: Path, data: bytes) -> None:
    """Replace a file by a whole one, at the end of a link; write into what is no file."""
    temporary: Path | None = None
    try:
        if _written_through(target):
            _append(target, data)
            return
        target = target.resolve()
        with tempfile.NamedTemporaryFile("wb", dir=target.parent, delete=False) as file:
            temporary = Path(file.name)
            file.write(data)
        # The permissions of any new file, not those of a temporary one.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(target)
    except BrokenPipeError:
        raise
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise ConfigError(f"cannot write {target}: {error.strerror or error}") from error


def emit_bytes(data: bytes, output: str) -> None:
    """Write a whole file, such as a picture."""
    _write_whole(Path(output), data)


def say(text: str) -> None:
    """A line for the person at the terminal, on standard error; none under --quiet."""
    if not click.get_current_context().find_root().params["quiet"]:
        click.echo(text, err=True)


def page_width() -> int:
    """Columns of the terminal; a file or a pipe gets a wide page."""
    if not sys.stdout.isatty():
        return _WIDEST
    return min(shutil.get_terminal_size().columns, _WIDEST)


def use_color(output: str = "-") -> bool:
    """Whether the answer goes to a terminal that wants colours."""
    return output == "-" and sys.stdout.isatty() and "NO_COLOR" not in os.environ


def log_to_stderr(*, verbose: bool) -> None:
    """Show the library's warnings, and under --verbose its notes, on standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    logger = logging.getLogger("recommender")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.DEBUG if verbose else logging.WARNING)

"""How long work tells its caller how far it is; shown by the command line, ignored by default."""

from __future__ import annotations

from collections.abc import Callable

# Called with the name of a stage, how much of it is done, and how much there is; 0 while nobody
# knows that.
Progress = Callable[[str, int, int], None]


def silent(stage: str, done: int, total: int) -> None:
    """Show nothing."""

"""What a sync did: one line for a person, and a row for monitoring."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from recommender.reports.tables import printable
from recommender.syncing import Sync


def sync_line(done: Sync, index: str, *, skipped: int | None = None, left_out: int = 0) -> str:
    """What was done, or would be, in one line.

    Parameters
    ----------
    done : Sync
    index : str
        What it is called.
    skipped : int, optional
        How many problems were told; without it the articles that could not be read.
    left_out : int
        How many pages are no articles.
    """
    if skipped is None:
        skipped = sum(each.unreadable for each in done.sources)
    change = done.change
    counts = [
        f"{count:,} {words}"
        for count, words in (
            (change.added, "to add" if done.dry_run else "added"),
            (change.updated, f"{'to update' if done.dry_run else 'updated'}{_shown(done)}"),
            (change.removed, "to remove" if done.dry_run else "removed"),
            (change.unchanged, "unchanged"),
            (change.skipped, "left out, for they were erased for good"),
            (skipped, "skipped"),
            (left_out, "no articles"),
        )
        if count
    ]
    begins = "a dry run, nothing was changed: " if done.dry_run else ""
    embedded = f" ({change.embedded:,} embedded)" if change.embedded else ""
    said = ", ".join(counts) if done.changed else ", ".join(["nothing to do", *counts])
    total = "1 article" if change.total == 1 else f"{change.total:,} articles"
    if done.not_public:
        total += f", {done.not_public:,} of them not public now"
    would = " then" if done.dry_run else ""
    return f"{index}: {begins}{said}{embedded}; {total}{would}."


def _shown(done: Sync) -> str:
    """How many updated articles have no new text; empty when none."""
    shown = sum(each.shown for each in done.sources)
    if not shown:
        return ""
    only = "" if shown == done.change.updated else f"{shown:,} of them "
    return f" ({only}only in what is shown or counted, as visits)"


def sync_notes(done: Sync) -> Iterator[str]:
    """What somebody should know beside it, a line each."""
    for each in done.sources:
        if each.withheld:
            yield (
                f"{printable(each.name)} no longer gives {each.withheld:,} articles; they stay, "
                "because something in it cannot be read and does not say which article it is. "
                "Mend that, or take them out with --force."
            )
    for site, count in done.others.items():
        which = f"of the site {printable(site)}" if site else "without a site"
        yield (
            f"{count:,} articles {which} stay as they are: no source has that site. "
            '"recommender sync --remove-others" takes them out.'
        )


def sync_row(done: Sync) -> dict[str, Any]:
    """The same for programs."""
    state = "failed" if done.failed else "changed" if done.changed else "unchanged"
    return {
        "state": state,
        "dry_run": done.dry_run,
        "built": done.built,
        **asdict(done.change),
        "sources": [asdict(each) for each in done.sources],
        "others": dict(done.others),
        "not_public": done.not_public,
    }

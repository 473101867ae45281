"""`manage.py recommender_sync`: the index follows the database, whatever signals have missed."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from recommender import Recommender
from recommender.config import SyncOptions
from recommender.contrib.django.options import options
from recommender.contrib.django.rules import Rule, all_rules, split_id
from recommender.errors import (
    ArticleError,
    ConfigError,
    IndexMissing,
    RecommenderError,
    SourceError,
    SyncRunning,
    SyncStopped,
)
from recommender.records import Article
from recommender.reports.syncs import sync_line, sync_notes
from recommender.sync_plan import FEW_REMOVED, SyncSource

_CHUNK = 500
_SHOWN = 10


class Command(BaseCommand):
    """Compares every article with the index: adds, updates, removes, or does nothing."""

    help = (
        "Make the index hold what the models in the setting RECOMMENDER hold. Embeds only what "
        "changed; safe to run from cron every minute. Exit codes: 0 fine, 1 an error in one line, "
        "2 wrong usage."
    )

    # What is wrong with the setting is told anyway; that there is no index yet is no warning here.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The options."""
        parser.add_argument(
            "--dry-run", action="store_true", help="Only say what would be done; loads no model."
        )
        parser.add_argument(
            "--force",
            action="store_true",
            help="Believe a model that suddenly has far fewer articles.",
        )

        parser.add_argument(
            "--remove-others",
            action="store_true",
            help="Take out what the index holds of sites that no article names any more.",
        )

    def handle(self, *args: Any, **said: Any) -> None:
        """Run it; errors of this package become one line and exit code 1."""
        try:
            self._sync(said)
        except SyncRunning as error:
            self.stderr.write(self.style.NOTICE(f"{error}."))
        except RecommenderError as error:
            raise CommandError(str(error)) from error

    def _sync(self, said: Mapping[str, Any]) -> None:
        found, force, verbosity = options(), said["force"], said["verbosity"]
        if found.index is None:
            raise ConfigError(
                'RECOMMENDER has no "INDEX": run this on the machine that holds the index'
            )
        reading = _Reading(all_rules(), self.stderr if verbosity > 0 else None)
        if not force:
            _look_for_lost_models(found.index, reading.rules, found.sync)
        done = Recommender.sync_sources(
            found.index,
            [reading.as_source()],
            options=found.index_options,
            rules=found.sync,
            force=force,
            remove_others=said["remove_others"],
            dry_run=said["dry_run"],
            progress=reading.progress,
        )
        for failed in done.failed:
            raise SourceError(
                f"{failed.name} cannot be read, and nothing was changed: {failed.failure}"
            )
        if verbosity > 0:
            reading.tell_problems()
        wordy = verbosity > 1 or done.changed or done.dry_run or sys.stdout.isatty()
        if verbosity > 0 and wordy:
            for line in (sync_line(done, str(found.index)), *sync_notes(done)):
                self.stdout.write(line.replace('"recommender sync', '"manage.py recommender_sync'))


class _Reading:
    """The objects of all models on their way into a sync."""

    def __init__(self, rules: tuple[Rule, ...], output: Any) -> None:
        self.rules = rules
        self._output = output
        self._unreadable: set[str] = set()
        self._problems: list[str] = []
        self._count = 0
        self._told = (" ", 0.0)

    def as_source(self) -> SyncSource:
        """All models as one source: the index belongs to this site."""
        return SyncSource(
            articles=self._articles(),
            name=", ".join(rule.label for rule in self.rules),
            unreadable=self._unreadable,
            on_problem=self._keep,
        )

    def _articles(self) -> Iterator[Article]:
        for rule in self.rules:
            try:
                live = rule.queryset().order_by().iterator(chunk_size=_CHUNK)
                for each in rule.articles(filter(rule.is_live, live)):
                    if isinstance(each, ArticleError):
                        self._unreadable.add(each.article_id or "")
                        self._keep(each)
                    else:
                        yield each
            except DatabaseError as error:
                raise SourceError(f"{rule.label} cannot be read ({error})") from error

    def _keep(self, error: ArticleError) -> None:
        self._count += 1
        if len(self._problems) < _SHOWN:
            self._problems.append(str(error))

    def progress(self, stage: str, done: int, total: int) -> None:
        """Each stage once, and each second how far it is."""
        if self._output is None:
            return
        last, at = self._told
        now = time.monotonic()
        if stage == last and now - at < 1 and done != total:
            return
        self._told = (stage, now)
        self._output.write(f"{stage}: {done:,}" + (f" of {total:,}" if total else ""))

    def tell_problems(self) -> None:
        """Articles that were passed over: the first, and how many there are."""
        for problem in self._problems:
            self._output.write(f"Skipped {problem}")
        if self._count > len(self._problems):
            self._output.write(f"Skipped {self._count:,} articles in all.")


def _look_for_lost_models(index: Any, rules: tuple[Rule, ...], said: SyncOptions) -> None:
    """Stop where one model has lost too many, which the sum over all of them would not show."""
    held: Counter[str] = Counter()
    with suppress(IndexMissing), Recommender.open(index) as opened:
        held.update(split_id(card.id)[0] for card in opened.cards(public_only=False))
    for rule in rules:
        try:
            gone = held[rule.label] - rule.queryset().count()
        except DatabaseError as error:
            raise SourceError(f"{rule.label} cannot be read ({error})") from error
        if gone > max(FEW_REMOVED, said.most_removed * held[rule.label]):
            raise SyncStopped(
                f"{rule.label} no longer gives {gone:,} of the {held[rule.label]:,} articles that "
                f"the index holds of it (more than {said.most_removed:.0%}; "
                'RECOMMENDER["MOST_REMOVED"] sets that): nothing was changed; look at its '
                "queryset, or run it again with --force if this is right"
            )

"""Counters for Prometheus, summed over the workers.

Each worker counts in files of its own in a folder that the environment names before this module
is imported; whichever worker is asked adds them up.
"""

from __future__ import annotations

import os
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE = CONTENT_TYPE_LATEST
_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """What one worker counts."""

    def __init__(self) -> None:
        self._own = CollectorRegistry()
        several: dict[str, Any] = {"registry": self._own}
        self._requests = Counter(
            "recommender_requests",
            "Requests answered.",
            ("route", "method", "status"),
            **several,
        )
        self._seconds = Histogram(
            "recommender_request_seconds",
            "Time from a request's head to the end of its answer.",
            ("route",),
            buckets=_BUCKETS,
            **several,
        )
        self._refused = Counter(
            "recommender_refused",
            "Requests that were told to come later or were too large.",
            ("status",),
            **several,
        )
        self._cached = Counter(
            "recommender_related_cached", "Related lists sent as they were kept.", **several
        )
        self._changed = Counter(
            "recommender_articles_changed", "Articles put or deleted.", ("change",), **several
        )
        self._running = Gauge(
            "recommender_work_running",
            "Requests that are computed or wait for a thread.",
            multiprocess_mode="livesum",
            **several,
        )
        self._children: dict[tuple[str, str, int], tuple[Any, Any]] = {}

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request; routes and methods are known ones, so that the labels stay few."""
        child = self._children.get((route, method, status))
        if child is None:
            child = (
                self._requests.labels(route, method, str(status)),
                self._seconds.labels(route),
            )
            self._children[route, method, status] = child
        child[0].inc()
        child[1].observe(seconds)
        if status in (413, 429, 503):
            self._refused.labels(str(status)).inc()

    def cached(self) -> None:
        """Count a related list that was sent as it was kept."""
        self._cached.inc()

    def changed(self, change: str, count: int) -> None:
        """Count articles that were put or deleted."""
        if count:
            self._changed.labels(change).inc(count)

    def running(self, number: int) -> None:
        """Say how many requests are computed or wait."""
        self._running.set(number)

    def text(self) -> bytes:
        """All counters of all workers, in the format of Prometheus."""
        registry = self._own
        if os.environ.get(FOLDER_VARIABLE):
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)

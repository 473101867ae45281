"""What every part of `Recommender` has of the whole: the store, what reads it, and the settings.

The parts (deciding, finding, labelling, reporting, ...) are bases of `Recommender`, which makes
these in its constructor.
"""

from __future__ import annotations

from pathlib import Path
from threading import RLock

from recommender.answering import Answerer
from recommender.config import IndexOptions, Thresholds
from recommender.embedders import Embedder
from recommender.rulings import Rulings
from recommender.search import Searcher
from recommender.store import Store


class EnginePart:
    """A base of the parts of `Recommender`."""

    _store: Store
    _searcher: Searcher
    _rulings: Rulings
    _answerer: Answerer
    _thresholds: Thresholds | None
    _embedder: Embedder | None
    # An answer reads and fills caches; threads take turns, which costs less than it takes to
    # keep one set of caches a thread.
    _turn: RLock

    @property
    def path(self) -> Path:
        """Folder of the index."""
        return self._store.folder

    @property
    def options(self) -> IndexOptions:
        """How the index was built."""
        with self._turn:
            return self._searcher.state.options

    @property
    def thresholds(self) -> Thresholds:
        """The thresholds in force: those given on opening, else those stored in the index."""
        with self._turn:
            return self._thresholds or self._searcher.state.thresholds

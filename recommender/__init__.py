"""Related articles and near-duplicates for publishers: the public names, nothing else.

Names are loaded when they are first used, so that `import recommender` costs next to nothing
and no model library is imported before a text must be embedded.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from recommender.building import Change
    from recommender.canonical import CanonicalPolicy
    from recommender.config import IndexOptions, SyncOptions, Thresholds
    from recommender.copying import Copy
    from recommender.decisions import Decision, DecisionConflict
    from recommender.doctor import Diagnosis
    from recommender.duplicate_report import DuplicateReport, MaybePair
    from recommender.embedders import Embedder, EmbedderIdentity, HashingEmbedder, load_embedder
    from recommender.engine import Recommender
    from recommender.erasing import Erasure
    from recommender.errors import (
        ArticleError,
        ArticleNotFound,
        BadEmbedding,
        ConfigError,
        EmbedderUnavailable,
        EmbeddingError,
        ErasureUnfinished,
        ExportError,
        ExportRunning,
        IndexCorrupt,
        IndexForbidden,
        IndexIncompatible,
        IndexLocked,
        IndexMissing,
        IndexStoreError,
        LabelError,
        RecommenderError,
        ServiceError,
        SourceError,
        SyncRunning,
        SyncStopped,
    )
    from recommender.explanation import (
        Contribution,
        Edit,
        EditedSentence,
        Explanation,
        Passage,
        Sentence,
        Waterfall,
    )
    from recommender.findings import Finding
    from recommender.inspection import ArticleProblem, IndexInfo
    from recommender.labelling import LabelChange
    from recommender.labels import Label, PairToLabel
    from recommender.records import (
        Article,
        Card,
        Comparison,
        DuplicateGroup,
        DuplicatePair,
        Evidence,
        Filler,
        Match,
        MatchList,
        Relation,
        Verdict,
    )
    from recommender.sync_plan import SyncedSource, SyncSource
    from recommender.syncing import Sync
    from recommender.tuning import Tuning

_MODULES = {
    "building": ("Change",),
    "canonical": ("CanonicalPolicy",),
    "config": ("IndexOptions", "SyncOptions", "Thresholds"),
    "copying": ("Copy",),
    "decisions": ("Decision", "DecisionConflict"),
    "doctor": ("Diagnosis",),
    "duplicate_report": ("DuplicateReport", "MaybePair"),
    "embedders": ("Embedder", "EmbedderIdentity", "HashingEmbedder", "load_embedder"),
    "engine": ("Recommender",),
    "erasing": ("Erasure",),
    "errors": (
        "ArticleError",
        "ArticleNotFound",
        "BadEmbedding",
        "ConfigError",
        "EmbedderUnavailable",
        "EmbeddingError",
        "ErasureUnfinished",
        "ExportError",
        "ExportRunning",
        "IndexCorrupt",
        "IndexForbidden",
        "IndexIncompatible",
        "IndexLocked",
        "IndexMissing",
        "IndexStoreError",
        "LabelError",
        "RecommenderError",
        "ServiceError",
        "ServiceError",
        "SourceError",
        "SyncRunning",
        "SyncStopped",
    ),
    "explanation": (
        "Contribution",
        "Edit",
        "EditedSentence",
        "Explanation",
        "Passage",
        "Sentence",
        "Waterfall",
    ),
    "findings": ("Finding",),
    "inspection": ("ArticleProblem", "IndexInfo"),
    "labelling": ("LabelChange",),
    "labels": ("Label", "PairToLabel"),
    "records": (
        "Article",
        "Card",
        "Comparison",
        "DuplicateGroup",
        "DuplicatePair",
        "Evidence",
        "Filler",
        "Match",
        "MatchList",
        "Relation",
        "Verdict",
    ),
    "sync_plan": ("SyncSource", "SyncedSource"),
    "syncing": ("Sync",),
    "tuning": ("Tuning",),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "Article",
    "ArticleError",
    "ArticleNotFound",
    "ArticleProblem",
    "BadEmbedding",
    "CanonicalPolicy",
    "Card",
    "Change",
    "Comparison",
    "ConfigError",
    "Contribution",
    "Copy",
    "Decision",
    "DecisionConflict",
    "Diagnosis",
    "DuplicateGroup",
    "DuplicatePair",
    "DuplicateReport",
    "Edit",
    "EditedSentence",
    "Embedder",
    "EmbedderIdentity",
    "EmbedderUnavailable",
    "EmbeddingError",
    "Erasure",
    "ErasureUnfinished",
    "Evidence",
    "Explanation",
    "ExportError",
    "ExportRunning",
    "Filler",
    "Finding",
    "HashingEmbedder",
    "IndexCorrupt",
    "IndexForbidden",
    "IndexIncompatible",
    "IndexInfo",
    "IndexLocked",
    "IndexMissing",
    "IndexOptions",
    "IndexStoreError",
    "Label",
    "LabelChange",
    "LabelError",
    "Match",
    "MatchList",
    "MaybePair",
    "PairToLabel",
    "Passage",
    "Recommender",
    "RecommenderError",
    "Relation",
    "Sentence",
    "ServiceError",
    "SourceError",
    "Sync",
    "SyncOptions",
    "SyncRunning",
    "SyncSource",
    "SyncStopped",
    "SyncedSource",
    "Thresholds",
    "Tuning",
    "Verdict",
    "Waterfall",
    "__version__",
    "load_embedder",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'recommender' has no attribute {name!r}")
    return getattr(import_module(f"recommender.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)

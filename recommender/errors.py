"""The exception tree: every error that leaves this package is a `RecommenderError`.

A message says what happened, where, and what to do next, on one line. Errors of faiss,
SQLite and the model libraries are translated in the module that owns the library.

    RecommenderError
    ├─ ConfigError(ValueError)              bad threshold, unknown embedder
    ├─ ArticleError(ValueError)             carries source, line, article id
    ├─ ArticleNotFound(LookupError)
    ├─ LabelError(ValueError)               carries source and line
    ├─ SourceError                          a database, site or feed that cannot be read
    │  └─ SyncStopped                       a source that would take too much out of the index
    ├─ ExportError                          related lists that cannot be written where they should
    │  └─ ExportRunning                     another export is writing to the same place
    ├─ ServiceError                         the HTTP service does not answer, or refuses
    ├─ EmbeddingError
    │  ├─ EmbedderUnavailable(ImportError)  names the extra to install, or the download that failed
    │  └─ BadEmbedding(ValueError)          wrong shape, NaN, zero vector
    └─ IndexStoreError
       ├─ IndexMissing(FileNotFoundError)
       ├─ IndexForbidden(PermissionError)   names the file, whose it is, and who asks
       ├─ IndexLocked
       │  └─ SyncRunning                    another sync of the index has not ended
       ├─ IndexCorrupt                      names the file and the failed check
       ├─ IndexIncompatible                 newer format, other embedder
       └─ ErasureUnfinished                 erased, and still in a file; says what remains to do
"""

from __future__ import annotations

_LONGEST_SHOWN = 512


class RecommenderError(Exception):
    """Base of every error this package raises on purpose."""

    def __str__(self) -> str:
        # KeyError-like bases would quote the message; the first argument is always the text.
        return str(self.args[0]) if self.args else ""


class ConfigError(RecommenderError, ValueError):
    """A setting is out of range, unknown, or contradicts another one."""


class ArticleError(RecommenderError, ValueError):
    """An article cannot be used as given.

    Parameters
    ----------
    reason : str
        What is wrong, in words an editor understands.
    source : str, optional
        File name or other origin of the article.
    line : int, optional
        Line in that file, counted from 1.
    article_id : str, optional
        Identifier of the article, when it is known.
    """

    def __init__(
        self,
        reason: str,
        *,
        source: str | None = None,
        line: int | None = None,
        article_id: str | None = None,
    ) -> None:
        where = source or ""
        if line is not None:
            where = f"{where}:{line}" if where else f"line {line}"
        if article_id is not None:
            named = f"article {shown_id(article_id)}"
            where = f"{where}: {named}" if where else named
        super().__init__(f"{where}: {reason}" if where else reason)
        self.reason = reason
        self.source = source
        self.line = line
        self.article_id = article_id


def shown_id(article_id: str) -> str:
    """An id as messages show it: one that no article can have may be of any length."""
    short = article_id if len(article_id) <= _LONGEST_SHOWN else f"{article_id[:40]}…"
    return repr(short)


class ArticleNotFound(RecommenderError, LookupError):
    """No article of that id is in the index."""


class LabelError(RecommenderError, ValueError):
    """A label of a pair cannot be used as given.

    Parameters
    ----------
    reason : str
        What is wrong, in words an editor understands.
    source : str, optional
        File name or other origin of the label.
    line : int, optional
        Line in that file, counted from 1.
    """

    def __init__(self, reason: str, *, source: str | None = None, line: int | None = None) -> None:
        where = ":".join(str(part) for part in (source, line) if part is not None)
        super().__init__(f"{where}: {reason}" if where else reason)
        self.reason = reason
        self.source = source
        self.line = line


class SourceError(RecommenderError):
    """A place where articles live cannot be reached or read."""


class SyncStopped(SourceError):
    """A source gives so much less than before that it looks broken; nothing has changed."""


class ExportError(RecommenderError):
    """Related lists cannot be written to where they should go.

    A table or a document is as it was; of a folder some files may be new, each of them whole.
    """


class ExportRunning(ExportError):
    """Another export is writing to the same place."""


class ServiceError(RecommenderError):
    """The HTTP service does not answer, refuses, or answers with something else."""


class EmbeddingError(RecommenderError):
    """Turning text into vectors failed."""


class EmbedderUnavailable(EmbeddingError, ImportError):
    """The model or the library that runs it is not there."""


class BadEmbedding(EmbeddingError, ValueError):
    """An embedder returned a wrong shape, a value that is not finite, or a zero vector."""


class IndexStoreError(RecommenderError):
    """The index on disk cannot be used as asked."""


class IndexMissing(IndexStoreError, FileNotFoundError):
    """There is no index at that path, or only an unfinished build."""


class IndexForbidden(IndexStoreError, PermissionError):
    """You may not read a folder or file of the index; the message says whose it is."""


class IndexLocked(IndexStoreError):
    """Another process is writing to the index."""


class SyncRunning(IndexLocked):
    """Another process is bringing the index up to its sources."""


class IndexCorrupt(IndexStoreError):
    """A file of the index failed a check; the message names both."""


class IndexIncompatible(IndexStoreError):
    """The index was made by a newer format or another embedder."""


class ErasureUnfinished(IndexStoreError):
    """Articles are out of the index, and a file may still hold something of them."""

"""Prepared articles → vectors, put by as they come: an interrupted run embeds nothing twice.

Knows the model only as an `Embedder`, and of the index only the file of vectors that are put by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recommender.embedders import Embedder, EmbedderIdentity
from recommender.indexing import Prepared
from recommender.progress import Progress
from recommender.spooling import Spool
from recommender.store import Pending

_EMBED_CHUNK = 64

# Of each input by its digest, with the id of an article that has it.
Lengths = dict[bytes, tuple[int, str]]


def embed(
    prepared: Sequence[Prepared],
    embedder: Embedder | Callable[[], Embedder],
    pending: Pending | None,
    progress: Progress,
    known: Mapping[bytes, NDArray[np.float16]] | None = None,
) -> tuple[dict[bytes, NDArray[np.float16]], int]:
    """Vectors of all inputs by digest, and how many of them were embedded now.

    Equal inputs are embedded once. Every chunk is put by before the next, so that a restarted
    run begins where this one ended.
    """
    inputs = {each.input_digest: each.embedding_input for each in prepared if each.embedding_input}
    vectors = dict(known or {})
    if pending is not None:
        vectors.update(pending.get_many(list(inputs)))
    missing = sorted(
        (digest for digest in inputs if digest not in vectors),
        key=lambda digest: (-len(inputs[digest]), digest),
    )
    if not missing:
        return vectors, 0
    model = embedder() if callable(embedder) else embedder
    chunks = _embedded(missing, lambda digests: [inputs[each] for each in digests], model, progress)
    for fresh in chunks:
        if pending is not None:
            pending.put_many(fresh)
        vectors.update(fresh)
    return vectors, len(missing)


def lengths_of(prepared: Sequence[Prepared]) -> Lengths:
    """The lengths of the inputs of articles."""
    return {
        each.input_digest: (len(each.embedding_input), each.card.id)
        for each in prepared
        if each.embedding_input
    }


def embed_spooled(
    prepared: Spool[Prepared],
    lengths: Lengths,
    embedder: Embedder,
    pending: Pending,
    progress: Progress,
) -> int:
    """Put the vectors of all inputs by; how many were embedded now. Inputs stay on disk."""
    known = pending.known(list(lengths))
    missing = sorted(
        (digest for digest in lengths if digest not in known),
        key=lambda digest: (-lengths[digest][0], digest),
    )

    def inputs(digests: Sequence[bytes]) -> list[str]:
        found = prepared.get(lengths[each][1] for each in digests)
        return [each.embedding_input for each in found]

    for fresh in _embedded(missing, inputs, embedder, progress):
        pending.put_many(fresh)
    return len(missing)


def _embedded(
    missing: Sequence[bytes],
    inputs: Callable[[Sequence[bytes]], list[str]],
    model: Embedder,
    progress: Progress,
) -> Iterator[dict[bytes, NDArray[np.float16]]]:
    """Vectors of inputs by digest, a chunk at a time."""
    if missing:
        progress("embedding", 0, len(missing))
    for start in range(0, len(missing), _EMBED_CHUNK):
        chunk = missing[start : start + _EMBED_CHUNK]
        made = model.embed(inputs(chunk)).astype(np.float16)
        yield dict(zip(chunk, made, strict=True))
        progress("embedding", start + len(chunk), len(missing))


@contextmanager
def put_by(
    folder: Path, identity: EmbedderIdentity, prepared: Sequence[Prepared]
) -> Iterator[Pending | None]:
    """Where vectors are put by while an update embeds; one chunk is not worth a file.

    A file that an interrupted run has left is used, and goes.
    """
    key = key_of(identity)
    if len(prepared) <= _EMBED_CHUNK and not Pending.path_of(folder, embedder=key).exists():
        yield None
        return
    with Pending.open(folder, embedder=key) as pending:
        yield pending


def key_of(identity: EmbedderIdentity) -> str:
    """All that a vector depends on beside its input."""
    return f"{identity.fingerprint}\0{identity.max_tokens}\0{identity.prompt}"

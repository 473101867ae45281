"""An index of any size, recombined from a real one: no embedding, no comparing.

Vectors lie between those of two real articles, texts are two beginnings, neighbours are random
rows with the evidence of real lists, so that everything has the size and the form it would have.
The vector file is a cheaply trained IVF: a graph over millions would take hours to build, and
answers of `related` do not read it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from recommender.embedders import EmbedderIdentity, Vectors
from recommender.generation import FINGERPRINTS_FILE, VECTORS_FILE
from recommender.postings import Postings
from recommender.records import Article
from recommender.search import IndexState
from recommender.store import Document, GenerationInfo, NeighbourList, Store, Writer
from recommender.vectors import FaissIndex

_BATCH = 20_000
_BEGINNING = 160
_FINGERPRINTS = 30
_LISTS = 1_024
_TRAINED_ON = 40_000
_ADDED_AT_ONCE = 50_000


class Recombined:
    """An embedder without a model: between two of the vectors of an index, by the text's hash."""

    def __init__(self, identity: EmbedderIdentity, vectors: NDArray[np.float16]) -> None:
        self._identity = identity
        self._vectors = vectors.astype(np.float32)

    @property
    def identity(self) -> EmbedderIdentity:
        return self._identity

    def embed(self, texts: Sequence[str]) -> Vectors:
        made = np.stack([self._vector(xxh3_64_intdigest(text.encode())) for text in texts])
        return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), np.float32)

    def _vector(self, number: int) -> NDArray[np.float32]:
        count = len(self._vectors)
        return 0.8 * self._vectors[number % count] + 0.2 * self._vectors[number // count % count]


def recombined_embedder(index: Path) -> Recombined:
    """The embedder that "made" an index, from the vectors of its first rows."""
    with Store.open(index) as store:
        rows = store.rows()[:20_000].tolist()
        return Recombined(IndexState.read(store).identity, store.vectors_of(rows)[1])


def recombined_articles(index: Path, count: int, seed: int) -> list[Article]:
    """New articles, each of the halves of two real ones."""
    generator = np.random.default_rng([count, seed])
    with Store.open(index) as store:
        rows = store.rows()
        drawn = generator.choice(rows, size=(count, 2))
        wanted = np.unique(drawn).tolist()
        texts, cards = store.texts(wanted), store.cards(wanted)
    return [
        Article(
            id=f"new-{count}-{seed}-{number}",
            title=cards[one].title,
            body=texts[one][: len(texts[one]) // 2] + texts[other][len(texts[other]) // 2 :],
            date=cards[one].date,
        )
        for number, (one, other) in enumerate(drawn.tolist())
    ]


def make_index(source: Path, folder: Path, count: int, *, seed: int = 1) -> None:
    """Write an index of `count` articles into `folder`, which must not exist."""
    with Store.open(source) as store:
        meta = store.meta()
        stored = [each for batch in store.iter_documents() for _, each in batch]
        lists = list(store.neighbours_of(store.rows().tolist()).values())
    meta["options"] = {**meta["options"], "vectors": "ivf"}
    generator = np.random.default_rng(seed)
    with Writer.open_for_writing(folder, create=True) as writer:
        for start in range(0, count, _BATCH):
            size = min(_BATCH, count - start)
            with writer.transaction():
                rows = writer.insert_many(_documents(stored, start, size, generator))
                writer.put_neighbours(_neighbours(lists, rows, generator))
                writer.set_meta(**meta)
            writer.checkpoint()
            print(f"\r{start + size:,} of {count:,} articles", end="", flush=True)
        print()
        with writer.transaction():
            _write_generation(writer)
        writer.checkpoint()


def _documents(
    stored: Sequence[Document], start: int, size: int, generator: np.random.Generator
) -> Iterator[Document]:
    drawn = generator.integers(len(stored), size=(size, 2))
    for number, (one, other) in enumerate(drawn.tolist(), start=start):
        first, second = stored[one], stored[other]
        ours, theirs = first.sketch.vector, second.sketch.vector
        if ours is None or theirs is None:
            ours = theirs = stored[0].sketch.vector
        mixed = 0.8 * ours.astype(np.float32) + 0.2 * theirs.astype(np.float32)
        hashes = first.sketch.fingerprint[:_FINGERPRINTS] * np.uint32(0x9E3779B1)
        digest = xxh3_64_intdigest(str(number).encode()).to_bytes(8, "little")
        yield replace(
            first,
            card=replace(first.card, id=f"s-{number:07d}"),
            text=first.text[:_BEGINNING] + second.text[:_BEGINNING],
            content_digest=digest,
            input_digest=digest * 2,
            sketch=replace(
                first.sketch,
                vector=(mixed / np.linalg.norm(mixed)).astype(np.float16),
                fingerprint=np.unique(hashes + np.uint32(number & 0xFFFFFFFF)),
                text_digest=digest * 2,
                title_digest=digest,
            ),
        )


def _neighbours(
    lists: Sequence[NeighbourList], rows: Sequence[int], generator: np.random.Generator
) -> dict[int, NeighbourList]:
    made = {}
    others = np.arange(rows[0], rows[-1] + 1)
    for row in rows:
        known = lists[int(generator.integers(len(lists)))]
        length = min(len(known.rows), len(others))
        start = int(generator.integers(len(others) - length + 1))
        chosen = others[start : start + length]
        kept = chosen != row
        made[row] = NeighbourList(
            rows=chosen[kept], evidence=known.evidence[:length][kept], floor=known.floor
        )
    return made


def _write_generation(writer: Writer) -> None:
    """As `generation.write_generation`, with an IVF that is trained in a minute."""
    state = IndexState.read(writer)
    rows, vectors, languages = writer.vectors()
    index = _trained(state, vectors, languages)
    for start in range(0, len(rows), _ADDED_AT_ONCE):
        part = slice(start, start + _ADDED_AT_ONCE)
        index.add(state.centres.apply(vectors[part].astype(np.float32), languages[part]))
    index.make_direct_map(True)
    number = writer.next_generation()
    files = {}
    for kind, ending, part in (
        (VECTORS_FILE, "faiss", FaissIndex("ivf", index, rows)),
        (FINGERPRINTS_FILE, "bin", Postings.build(*writer.fingerprints())),
    ):
        name = f"{kind}-{number:06d}.{ending}"
        files[kind] = (name, part.write(writer.folder / name))
    writer.set_generation(
        GenerationInfo(number=number, last_row=int(rows.max(initial=0)), files=files)
    )


def _trained(state: IndexState, vectors: NDArray[np.float16], languages: list[str]) -> Any:
    dimension = vectors.shape[1]
    lists = max(1, min(_LISTS, len(vectors) // 39))
    index = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(dimension), dimension, lists, faiss.ScalarQuantizer.QT_fp16,
        faiss.METRIC_INNER_PRODUCT,
    )  # fmt: skip
    index.by_residual = False
    index.cp.seed, index.cp.niter = 1, 4
    chosen = np.random.default_rng(1).permutation(len(vectors))[:_TRAINED_ON]
    index.train(
        state.centres.apply(
            vectors[chosen].astype(np.float32), [languages[place] for place in chosen]
        )
    )
    return index

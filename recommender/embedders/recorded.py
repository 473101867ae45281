"""The embedder an index records: to load exactly that one, and to refuse every other."""

from __future__ import annotations

from pathlib import Path

from recommender.embedders.base import Embedder, EmbedderIdentity
from recommender.embedders.loading import is_named, load_embedder
from recommender.errors import IndexIncompatible


def load_recorded(identity: EmbedderIdentity, *, index: Path) -> Embedder:
    """Load the embedder that made an index.

    Raises
    ------
    EmbedderUnavailable
        If its weights or the libraries cannot be had.
    IndexIncompatible
        If what is found under its name has other weights.
    """
    model = load_embedder(
        identity.name,
        source=identity.source,
        max_tokens=identity.max_tokens,
        prompt=identity.prompt,
    )
    check_recorded(identity, model, index=index)
    return model


def check_recorded(identity: EmbedderIdentity, given: Embedder | str, *, index: Path) -> None:
    """Refuse an embedder, or the name of one, that did not make the index.

    Raises
    ------
    IndexIncompatible
        Which names both.
    """
    if isinstance(given, str):
        if not is_named(identity, given):
            raise IndexIncompatible(
                f"{index} was made with the embedder {identity.name}, not {given}; open it "
                'without naming one, or run "recommender rebuild --embedder" to change it'
            )
        return
    other = given.identity
    if identity != other:
        raise IndexIncompatible(
            f"{index} was made with {identity.name} ({identity.source}, weights "
            f"{identity.fingerprint[:12]}), not {other.name} ({other.source}, weights "
            f"{other.fingerprint[:12]}); vectors of different weights do not compare"
        )

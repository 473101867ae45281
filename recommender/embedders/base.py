"""What an embedder is: a protocol, the identity of its weights, and a check of what it returns.

Must not know any model library.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from recommender.errors import BadEmbedding

Vectors = NDArray[np.float32]

_SMALLEST_NORM = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedderIdentity:
    """What the vectors of an embedder depend on; two that are equal make comparable vectors.

    Attributes
    ----------
    name : str
        As a user names it; not compared.
    source : str
        Where the same weights can be had again; not compared, since a folder may move.
    fingerprint : str
        Checksum of the weights, in hexadecimal.
    dimension : int
    prompt : str
        Put before every text.
    max_tokens : int
        Tokens of a text that are read, special ones included.
    """

    name: str = field(compare=False)
    source: str = field(compare=False)
    fingerprint: str
    dimension: int
    prompt: str
    max_tokens: int

    def to_dict(self) -> dict[str, Any]:
        """The identity as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> EmbedderIdentity:
        """Read what `to_dict` wrote."""
        return cls(
            name=str(data["name"]),
            source=str(data["source"]),
            fingerprint=str(data["fingerprint"]),
            dimension=int(data["dimension"]),
            prompt=str(data["prompt"]),
            max_tokens=int(data["max_tokens"]),
        )


class Embedder(Protocol):
    """Turns texts into vectors."""

    @property
    def identity(self) -> EmbedderIdentity:
        """What the vectors depend on."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed texts.

        Parameters
        ----------
        texts : sequence of str, length n

        Returns
        -------
        ndarray of float32, shape (n, identity.dimension)
            Finite unit rows, in the order of the texts. The vector of a text does not depend,
            beyond rounding, on the other texts.

        Raises
        ------
        BadEmbedding
            If the model returns anything else.
        """
        ...


def check_vectors(vectors: NDArray[np.floating], *, count: int, dimension: int) -> Vectors:
    """Check what a model returned and bring its rows to unit length.

    Raises
    ------
    BadEmbedding
        For a wrong shape, a value that is not finite, or a zero row.
    """
    found = np.asarray(vectors)
    if found.shape != (count, dimension):
        raise BadEmbedding(
            f"the embedder returned an array of shape {found.shape}, not {(count, dimension)}"
        )
    wide = found.astype(np.float64)
    finite = np.isfinite(wide).all(axis=1)
    if not finite.all():
        raise BadEmbedding(
            f"the embedder returned a value that is not finite for text {int(np.argmin(finite))}"
        )
    norms = np.sqrt(np.einsum("nd,nd->n", wide, wide))
    if count and norms.min() < _SMALLEST_NORM:
        raise BadEmbedding(f"the embedder returned a zero vector for text {int(np.argmin(norms))}")
    return np.asarray(wide / norms[:, None], np.float32)

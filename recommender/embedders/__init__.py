"""Text → unit vectors. The only importer of the model libraries, and only when a model loads.

Importing this package loads no model and no torch: an index opens and answers without them.
"""

from recommender.embedders.base import Embedder, EmbedderIdentity, Vectors, check_vectors
from recommender.embedders.hashing import HashingEmbedder
from recommender.embedders.loading import OFFLINE_FINGERPRINT, load_embedder
from recommender.embedders.recorded import check_recorded, load_recorded

__all__ = [
    "OFFLINE_FINGERPRINT",
    "Embedder",
    "EmbedderIdentity",
    "HashingEmbedder",
    "Vectors",
    "check_recorded",
    "check_vectors",
    "load_embedder",
    "load_recorded",
]

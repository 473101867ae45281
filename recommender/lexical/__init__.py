"""Near-duplicate texts of a file of articles, at the speed of shingles: no index, no model.

`find_lexical_pairs` is the way in. Nothing here, nor anything it imports, loads a model library
or faiss.
"""

from recommender.lexical.finding import find_lexical_pairs
from recommender.lexical.results import LexicalResult, write_pairs

__all__ = ["LexicalResult", "find_lexical_pairs", "write_pairs"]

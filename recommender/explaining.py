"""A comparison, its row of evidence and the two texts → the whole explanation.

Pure: joins the waterfall of the evidence, the alignment of the texts, and the facts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recommender.alignment import align
from recommender.contradictions import contradictions
from recommender.explanation import Explanation
from recommender.facts import FactComparison
from recommender.records import Comparison
from recommender.similarity import Profile
from recommender.waterfall import waterfall

# Of two titles that share so many of their characters one is a version of the other.
_VERSION = 0.6


def versions_of_a_title(comparison: Comparison) -> tuple[str, str] | None:
    """Both titles, if they are versions of one."""
    overlap = comparison.evidence.title_overlap
    if overlap is None or overlap < _VERSION:
        return None
    return comparison.first.title, comparison.second.title


def explain(
    comparison: Comparison,
    *,
    row: NDArray[np.float16],
    profile: Profile,
    texts: tuple[str, str],
    facts: FactComparison,
) -> Explanation:
    """Explain a comparison.

    Parameters
    ----------
    comparison : Comparison
    row : ndarray of float16, shape (len(COLUMNS),)
        The evidence it was made of.
    profile : Profile
        The one it was made with.
    texts : pair of str
        The bodies without boilerplate, as they are shown.
    facts : FactComparison
        Of the same two articles.
    """
    first, second = texts
    aligned = align(first, second)
    return Explanation(
        comparison=comparison,
        waterfall=waterfall(row, profile),
        first_text=first,
        second_text=second,
        passages=aligned.passages,
        edited=aligned.edited,
        only_first=aligned.only_first,
        only_second=aligned.only_second,
        shared_facts=facts.shared,
        only_first_facts=facts.only_first,
        only_second_facts=facts.only_second,
        contradicting_facts=contradictions(
            aligned.edited, facts, titles=versions_of_a_title(comparison)
        ),
    )

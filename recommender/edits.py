"""Whether a text that an editor decided on is still the same, or has become another one.

Kept of each such text is a mark: hashes, the least hashes of its shingles, its facts. Markup,
case, width, script and punctuation are no edit, and neither is a mended typo; other facts or
another wording are. A text is always judged against the one that was decided on, never against
the last version: many small edits add up, and one that is taken back is none.

Pure; must not know of decisions, files or the index.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_128_digest

from recommender.evidence import COMPARED_LENGTH, NEAR_EMPTY_LENGTH, RESEMBLANCE_LENGTH
from recommender.fact_packing import pack, unpack
from recommender.facts import extract_facts, fact_keys
from recommender.shingles import shingle_hashes
from recommender.text import fold_many

# Resemblance below which a text was rewritten, and what one mended word may change of the
# shingles of a brief that resembles itself less than that.
LEAST_RESEMBLANCE = 0.9
_MENDED_SHINGLES = 12
_LEAST_OF_A_BRIEF = 1 / 3
# Exact for texts of up to so many shingles; above, the estimate errs by 0.02 at 0.9.
_KEPT_SHINGLES = 256
_SHIFT = np.uint64(32)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TextMark:
    """What is kept of a text.

    Attributes
    ----------
    digest : bytes
        16 bytes of title and body, folded, without boilerplate.
    content_digest : bytes
        8 bytes of title and body as they were given.
    shingles : ndarray of uint32, shape (m,)
        The 256 least hashes of the body's character 5-grams, sorted (Broder 1997).
    facts, title_facts : bytes
        Packed by `facts.pack`: of title and body, and of the title.
    """

    digest: bytes
    content_digest: bytes
    shingles: NDArray[np.uint32]
    facts: bytes
    title_facts: bytes

    @property
    def hash(self) -> str:
        """The digest in hexadecimal."""
        return self.digest.hex()


def mark_text(title: str, body: str, *, facts: bytes, content_digest: bytes) -> TextMark:
    """The mark of an article's text.

    Parameters
    ----------
    title : str
    body : str
        Clean, without boilerplate.
    facts : bytes
        Of both, packed.
    content_digest : bytes
        Of both as given.
    """
    folded_title, folded = fold_many([title, body])
    folded = folded[:COMPARED_LENGTH]
    # An article that has next to no text is its title.
    read = folded if len(folded) >= NEAR_EMPTY_LENGTH else folded_title + folded
    hashes = np.unique((shingle_hashes(read, RESEMBLANCE_LENGTH) >> _SHIFT).astype(np.uint32))
    return TextMark(
        digest=xxh3_128_digest(f"{folded_title}\0{folded}".encode()),
        content_digest=content_digest,
        shingles=hashes[:_KEPT_SHINGLES],
        facts=facts,
        title_facts=pack(extract_facts(title, "")),
    )


def is_outdated(decided: TextMark, now: TextMark) -> bool:
    """Whether one text, as it was given, is marked in another way now: other boilerplate."""
    return decided.content_digest == now.content_digest and (
        decided.digest != now.digest or decided.facts != now.facts
    )


def is_substantive(decided: TextMark, now: TextMark) -> bool:
    """Whether the text that was decided on has become another one.

    It has when a fact (number, date, name, …) was added, removed or changed, in the title or
    anywhere, or when its 5-grams resemble those of the old one by less than 0.9 and more than
    one word differs.

    Parameters
    ----------
    decided, now : TextMark
        Of one article, when it was decided on and now.
    """
    if decided.content_digest == now.content_digest or decided.digest == now.digest:
        return False
    for before, after in ((decided.facts, now.facts), (decided.title_facts, now.title_facts)):
        if before != after and fact_keys(unpack(before)) != fact_keys(unpack(after)):
            return True
    return _is_rewritten(decided.shingles, now.shingles)


def _is_rewritten(before: NDArray[np.uint32], after: NDArray[np.uint32]) -> bool:
    # The least hashes of the union are those of its sample, whichever set they are from.
    union = np.union1d(before, after)[:_KEPT_SHINGLES]
    if not len(union):
        return False
    common = int(np.count_nonzero(np.isin(union, before) & np.isin(union, after)))
    resemblance = common / len(union)
    mended = len(union) - common <= _MENDED_SHINGLES and resemblance >= _LEAST_OF_A_BRIEF
    return resemblance < LEAST_RESEMBLANCE and not mended

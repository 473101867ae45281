"""An export must not take out lists that another one made: those of articles that are still public.

Whoever names the wrong site, or one place for two exports, would otherwise lose all lists of the
other at once and be told that all went well. Knows no index; it is asked through a function.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from recommender.errors import ExportError
from recommender.exports.changes import Change, Tell
from recommender.records import Card


class Guarded:
    """Tells of changes, unless one of them takes out a list that should stay.

    Parameters
    ----------
    tell : callable
        Who is told.
    public : callable
        Given ids, the cards of those that readers may see now.
    site : str
        The site whose lists are written, with its own ids; empty when all are.
    sites : collection of str
        Sites in the index.

    Raises
    ------
    ExportError
        By a call, if lists of public articles would go.
    """

    def __init__(
        self,
        tell: Tell,
        *,
        public: Callable[[Sequence[str]], Mapping[str, Card]],
        site: str,
        sites: Collection[str],
    ) -> None:
        self._tell = tell
        self._public = public
        self._site = site
        self._beginnings = tuple(f"{each}:" for each in sites if each)

    def __call__(self, changes: Sequence[Change]) -> None:
        """Pass the changes on."""
        gone = [each for each in changes if each.kind == "gone"]
        found = self._public([each.id for each in gone]) if gone else {}
        wrong = [each.id for each in gone if each.id in found and self._is_same(each, found)]
        if wrong:
            many = "" if len(wrong) == 1 else f" and {len(wrong) - 1:,} others"
            raise ExportError(
                f"the list of {wrong[0]!r:.80}{many} would be removed, and the article is public: "
                "another export made it, of other sites; name a place of its own for each, or "
                "run it again with --force if these lists are no longer wanted"
            )
        self._tell(changes)

    def _is_same(self, gone: Change, found: Mapping[str, Card]) -> bool:
        """Whether a list is that of the article that has its id in the index."""
        if not self._site or gone.id.startswith(self._beginnings):
            return True
        # A site's own id may be that of another article in the index.
        return bool(gone.url) and gone.url == found[gone.id].url

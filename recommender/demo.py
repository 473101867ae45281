"""The demonstration: an index of sample articles, and what an editor would ask of it."""

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path

from recommender import reports
from recommender.engine import Recommender
from recommender.errors import ConfigError
from recommender.progress import Progress
from recommender.records import Article
from recommender.sample import sample_articles

# A report with company in the corpus, one of two near-identical stories, and one that stands
# alone, so that the honest short list is seen as well.
SHOWN = ("h20-orders", "ticket-leak-1", "tianzhou9-launch")


def run_demo(
    folder: Path | None, *, embedder: str, progress: Progress, width: int, color: bool
) -> str:
    """Build the sample index and give the text that shows what it answers.

    Parameters
    ----------
    folder : Path or None
        Where the index is built and kept; `None` uses a temporary folder.

    Raises
    ------
    ConfigError
        If the folder holds something already, or cannot be looked into.
    """
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="recommender-demo-") as temporary:
            return _build_and_show(
                Path(temporary) / "demo", embedder, progress, width, color, kept=False
            )
    try:
        filled = folder.exists() and any(folder.iterdir())
    except OSError as error:
        raise ConfigError(
            f"{folder} cannot be used for the demonstration ({error.strerror}); name a folder in "
            "which you may write"
        ) from error
    if filled:
        raise ConfigError(f"{folder} is not empty; name a new folder for the demonstration")
    return _build_and_show(folder, embedder, progress, width, color, kept=True)


def _build_and_show(
    folder: Path, embedder: str, progress: Progress, width: int, color: bool, *, kept: bool
) -> str:
    articles = sample_articles()
    with Recommender.build(folder, articles, embedder=embedder, progress=progress) as index:
        parts = [f"{len(index)} sample articles are indexed. What belongs beside these?\n"]
        for article_id in SHOWN:
            if article_id in index:
                matches = index.related(article_id)
                parts.append(
                    reports.matches_text(index.get(article_id), matches, width=width, color=color)
                )
        groups = index.duplicate_groups()
        parts.append("Near-duplicates to clean up\n")
        parts.append(reports.groups_text(groups, width=width, color=color))
    parts.append(_what_next(folder, articles, kept=kept))
    return "\n".join(parts)


def _what_next(folder: Path, articles: list[Article], *, kept: bool) -> str:
    if not kept:
        return (
            "What next\n"
            "  recommender demo indexes/demo            keep this index, then ask it more\n"
            "  recommender build FILE -i indexes/news   index your own articles (JSONL or CSV)\n"
            "  recommender --help                       all commands\n"
        )
    index = shlex.quote(str(folder))
    first, second = articles[0].id, articles[1].id
    return (
        "What next\n"
        f"  recommender related {first} -i {index}\n"
        f"  recommender compare {first} {second} -i {index}\n"
        f"  recommender info -i {index}\n"
        "  recommender build FILE -i indexes/news   index your own articles (JSONL or CSV)\n"
    )

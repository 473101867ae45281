"""Write the golden index of the present format: `python -m tests.golden.make`.

Run once when a format is new, and never again for that format. The index holds what a format
can hold: articles in the search files and newer ones, a removed one, a decision, a label, a
members-only article, one with fields of its own. What it answers stands beside it as JSON.
"""

from __future__ import annotations

import io
import json
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from recommender import Article, HashingEmbedder, Label, Recommender
from recommender.store import FORMAT_VERSION
from tests.helpers import NOW, body_of

FOLDER = Path(__file__).parent
IDS = tuple("春夏秋冬山水")


def articles() -> list[Article]:
    """Six articles: two versions of one story, two related ones, and others."""
    bridge = body_of("桥", 1)
    return [
        Article(id="春", title="大桥今日合龙", body=bridge, date=NOW, category="城建"),
        Article(id="夏", title="大桥合龙", body=bridge.replace("之后", "以后"), date=NOW),
        Article(id="秋", title="引桥施工过半", body=body_of("桥", 2), access="members"),
        Article(id="冬", title="春茶开采", body=body_of("茶", 3), extra={"作者": "甲"}),
        Article(id="山", title="古茶树挂牌", body=body_of("茶", 4), language="zh"),
        Article(id="水", title="汛期将至", body=body_of("雨", 5), source="电讯"),
    ]


def answers(index: Recommender) -> dict[str, Any]:
    """What the golden index answers."""
    found: dict[str, Any] = {"decisions": [], "labels": len(index.labels())}
    for each in index.decisions():
        found["decisions"].append([each.first, each.second, each.decision, each.note])
    for article_id, card in sorted(index.get_many(IDS).items()):
        related = index.related(article_id, limit=9, min_similarity=0.0, public_only=False, now=NOW)
        near = index.near_duplicates(article_id, min_similarity=0.3)
        found[article_id] = {
            "card": [card.title, card.category, str(card.date), card.access, dict(card.extra)],
            "related": [[each.article.id, round(each.similarity, 4)] for each in related],
            "near": [[each.article.id, each.verdict.value] for each in near],
        }
    return found


def make(folder: Path) -> None:
    """Build the index."""
    given = articles()
    Recommender.build(folder, given[:5], embedder=HashingEmbedder(), now=NOW).close()
    with Recommender.open(folder) as index:
        index.update([given[5]], now=NOW)
        index.remove(["山"])
        index.decide("春", "秋", "distinct", note="另一座桥", now=NOW)
        index.add_labels([Label(first="春", second="夏", least=3, most=3)], now=NOW)


def main() -> None:
    """Write the index, packed, and its answers."""
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / "index"
        make(folder)
        with Recommender.open(folder) as index:
            recorded = json.dumps(answers(index), ensure_ascii=False, indent=1)
        name = f"format-{FORMAT_VERSION}"
        (FOLDER / f"{name}.json").write_text(recorded + "\n", encoding="utf-8")
        with tarfile.open(FOLDER / f"{name}.tar.xz", "w:xz") as packed:
            for file in sorted(folder.iterdir()):
                if not file.name.endswith("-shm"):
                    content, entry = file.read_bytes(), tarfile.TarInfo(file.name)
                    entry.size = len(content)
                    packed.addfile(entry, io.BytesIO(content))


if __name__ == "__main__":
    main()

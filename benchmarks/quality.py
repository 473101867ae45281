"""How good the similarity is, set by set, beside other deduplicators on the same pairs.

    python -m benchmarks.quality DATA

Writes `results/quality.json` and `results/quality.md`. "similarity" is cross-validated wherever
pairs of the set were fitted (zh_gold, zh_news, SemEval-2022); "similarity, seen" is what the
weights that ship say of these same pairs. Every figure has its 95 % interval, a bootstrap over
articles.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.common import read_articles_of, read_lines, save
from benchmarks.digests import Overlaps, digest_table, made_digests, under_another_headline
from benchmarks.quality_sets import Bench, news_sample, pairs_of
from benchmarks.static_model import static_model
from benchmarks.tables import Table
from recommender.embedders import load_embedder

LEAST_OVERLAPS = (0.2, 0.3, 0.5)


def overlap_tables(bench: Bench) -> Iterator[Table]:
    """zh_news as a whole: recall of the candidates, and the digests."""
    folder = bench.data / "zh_news"
    every = read_articles_of(folder / "articles.jsonl.gz")
    overlaps = Overlaps(every)
    yield recall_table(overlaps, read_lines(folder / "overlap_pairs.jsonl.gz"))
    graded = {frozenset(pair) for pair in pairs_of(read_lines(folder / "gold_pairs.jsonl.gz"))}
    # A pair that was fitted says nothing here.
    natural = [pair for pair in overlaps.contained() if frozenset(pair) not in graded]
    made = made_digests(every)
    articles = news_sample(every, {one for pair in natural for one in pair})
    corpus = bench.corpus({**articles, **{one.id: one for pair in made for one in pair}})
    yield digest_table(
        [
            ("found", corpus, natural),
            ("found, another headline", corpus, under_another_headline(every, natural)),
            ("made", corpus, [(short.id, long.id) for short, long in made]),
        ]
    )


def recall_table(overlaps: Overlaps, records: list[dict[str, object]]) -> Table:
    """Recall of the fingerprint candidates, boilerplate left in as the reference has it."""
    found = overlaps.candidates()
    rows, values = [], []
    for least in LEAST_OVERLAPS:
        wanted = [
            tuple(sorted((str(each["a"]), str(each["b"]))))
            for each in records
            if float(str(each["jaccard5"])) >= least
        ]
        recall = sum(pair in found for pair in wanted) / len(wanted)
        rows.append([f"resemblance ≥ {least}", len(wanted), f"{recall:.4f}"])
        values.append({"set": "zh_news", "least": least, "pairs": len(wanted), "recall": recall})
    return Table("zh_news: candidates", ("pairs of", "pairs", "recall"), rows, values)


def all_tables(bench: Bench) -> Iterator[Table]:
    yield from bench.gold()
    yield from bench.news()
    yield from overlap_tables(bench)
    yield bench.semeval()
    yield bench.lee()
    yield bench.headlines("zh_sohu2021_sample", [1, "1"])
    yield bench.headlines("zh_wsdm2019_small", ["agreed", "disagreed"])
    yield bench.cail()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder of the data sets")
    parser.add_argument("--cache", type=Path, default=Path("build") / "vectors")
    parser.add_argument("--embedder", default="multilingual-e5-small")
    arguments = parser.parse_args()
    static = static_model(arguments.data, arguments.cache)
    embedder = load_embedder(arguments.embedder)
    bench = Bench(arguments.data, arguments.cache, embedder, static)
    tables = []
    for table in all_tables(bench):
        tables.append(table)
        print(f"  {table.title}", file=sys.stderr, flush=True)
    result = {
        "embedder": bench.embedder.identity.to_dict(),
        "tables": [{"title": each.title, "values": list(each.values)} for each in tables],
    }
    save("quality", result, "\n".join(each.page() for each in tables))


if __name__ == "__main__":
    main()

"""How good the similarity is, set by set, beside simple baselines on the same pairs.

    python -m benchmarks.quality DATA

Writes `results/quality.json` and `results/quality.md`. The weights were fitted on the
developers' halves of zh_gold, zh_news and SemEval: figures of "similarity" there are of pairs
that were seen, those of "similarity, crossed" are of pairs that were not.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks import fit_profile
from benchmarks.common import (
    Measured,
    bootstrap,
    components,
    markdown,
    measure,
    read_articles_of,
    read_lines,
    save,
)
from recommender.config import Thresholds
from recommender.embedders import Embedder, load_embedder
from recommender.evidence import COLUMN
from recommender.postings import Postings
from recommender.priors import profile_for
from recommender.records import Article
from recommender.shingles import fingerprint_many
from recommender.similarity import Profile, similarities
from recommender.text import clean, fold_many

Scores = dict[str, NDArray[np.float64]]
Row = list[Any]
HEADERS = ("set", "what", "pairs", "figure", "value", "95 %", "cosine", "containment", "TF-IDF")
THRESHOLDS = Thresholds()


def scores_of(measured: Measured, profile: Profile) -> Scores:
    """Ours and the baselines, for each pair."""

    def column(name: str) -> NDArray[np.float64]:
        return np.nan_to_num(measured.table[:, COLUMN[name]].astype(np.float64), nan=-1.0)

    texts = [text for pair in measured.texts for text in pair]
    weighted = TfidfVectorizer(analyzer="char", ngram_range=(2, 2)).fit_transform(texts)
    products = np.asarray(weighted[::2].multiply(weighted[1::2]).sum(axis=1)).ravel()
    return {
        "similarity": similarities(measured.table, profile),
        "cosine": column("cosine"),
        "containment": column("containment"),
        "TF-IDF": products,
    }


def f1(truth: NDArray[np.bool_], called: NDArray[np.bool_]) -> float:
    both = int(np.sum(truth & called))
    return 2 * both / int(truth.sum() + called.sum()) if both else 0.0


def best_f1(truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """The F1 a baseline would have at its best threshold on these very pairs."""
    return max(f1(truth, scores >= threshold) for threshold in np.unique(scores))


def rows_for(
    name: str,
    what: str,
    truth: NDArray[np.bool_],
    scores: Scores,
    groups: NDArray[np.int64],
    threshold: float | None,
) -> list[Row]:
    """AUC and AP, and F1 at our threshold beside the baselines' at their best."""
    figures: list[tuple[str, Callable[[NDArray[np.bool_], NDArray[np.float64]], float]]] = [
        ("AUC", lambda t, s: float(roc_auc_score(t, s)) if 0 < t.sum() < len(t) else np.nan),
        ("AP", lambda t, s: float(average_precision_score(t, s)) if t.any() else np.nan),
    ]
    rows = []
    ours = scores["similarity"]
    for figure, function in figures:
        value, low, high = bootstrap(
            lambda places, f=function: f(truth[places], ours[places]),  # type: ignore[misc]
            groups,
        )
        others = [f"{function(truth, scores[each]):.3f}" for each in HEADERS[6:]]
        rows.append([name, what, len(truth), figure, f"{value:.3f}", interval(low, high), *others])
    if threshold is not None:
        value, low, high = bootstrap(
            lambda places: f1(truth[places], ours[places] >= threshold), groups
        )
        others = [f"{best_f1(truth, scores[each]):.3f} (best)" for each in HEADERS[6:]]
        label = f"F1 at {threshold:.2f}"
        rows.append([name, what, len(truth), label, f"{value:.3f}", interval(low, high), *others])
    return rows


def interval(low: float, high: float) -> str:
    return f"{low:.3f} to {high:.3f}"


class Bench:
    """Reads the sets and measures them with one embedder."""

    def __init__(self, data: Path, cache: Path, embedder: Embedder) -> None:
        self.data, self.cache, self.embedder = data, cache, embedder
        self.profile = Profile.from_dict(profile_for(embedder.identity))

    def scores(
        self, articles: Mapping[str, Article], pairs: Sequence[tuple[str, str]]
    ) -> tuple[Scores, Measured]:
        measured = measure(articles, pairs, self.embedder, self.cache)
        return scores_of(measured, self.profile), measured

    def gold(self) -> list[Row]:
        folder = self.data / "zh_gold"
        records = read_lines(folder / "pairs.jsonl.gz")
        articles = read_articles_of(folder / "articles.jsonl.gz", folder / "more_articles.jsonl.gz")
        pairs = [(each["a"], each["b"]) for each in records]
        scores, _ = self.scores(articles, pairs)
        parts = [
            part(self.data, self.embedder, self.cache)
            for part in (fit_profile.gold, fit_profile.news, fit_profile.semeval)
        ]
        crossed = fit_profile.cross_validate(parts[0], len(pairs), fit_profile.joined(parts[1:]))
        grade = np.array([each["label"] for each in records])
        template = np.array([each["template"] for each in records])
        firm = ~np.array([each["soft"] for each in records])
        groups = components(pairs)
        rows: list[Row] = []
        for title, ours in (("zh_gold, seen", scores["similarity"]), ("zh_gold, crossed", crossed)):
            own = {**scores, "similarity": ours}
            rows += rows_for(
                title,
                "related or closer",
                grade[firm] >= 2,
                {name: values[firm] for name, values in own.items()},
                groups[firm],
                THRESHOLDS.related,
            )
            rows += rows_for(title, "same story", grade >= 3, own, groups, THRESHOLDS.same_story)
            rows += rows_for(title, "same text", grade >= 4, own, groups, THRESHOLDS.same_text)
            called = ours >= THRESHOLDS.same_story
            value, low, high = bootstrap(
                lambda places, c=called: float(c[places][template[places]].mean()),  # type: ignore[misc]
                groups,
            )
            count = int(template.sum())
            label = "called near-duplicates"
            rows.append(
                [title, "templates", count, label, f"{value:.3f}", interval(low, high), "", "", ""]
            )
        return rows

    def news(self) -> list[Row]:
        folder = self.data / "zh_news"
        records = read_lines(folder / "gold_pairs.jsonl.gz")
        pairs = [(each["a"], each["b"]) for each in records]
        every = read_articles_of(folder / "articles.jsonl.gz")
        wanted = {one for pair in pairs for one in pair}
        sample = {*sorted(every)[::9], *wanted}
        scores, _ = self.scores({each: every[each] for each in sorted(sample)}, pairs)
        relation = np.array([each["relation"] for each in records])
        groups = components(pairs)
        rows = rows_for(
            "zh_news, seen", "same event", relation == "same_event", scores, groups,
            THRESHOLDS.same_story,
        )  # fmt: skip
        rows += rows_for(
            "zh_news, seen",
            "same event or related",
            np.isin(relation, ["same_event", "related"]),
            scores,
            groups,
            None,
        )
        return rows + self.overlap(every)

    def overlap(self, articles: Mapping[str, Article]) -> list[Row]:
        """Recall of the fingerprint candidates, boilerplate left in as the reference has it."""
        ids = sorted(articles)
        folded = fold_many([clean(articles[each].body) for each in ids])
        postings = Postings.build(np.arange(len(ids)), fingerprint_many(folded))
        found: set[tuple[int, int]] = set()
        for first, second, _ in postings.pairs(min_shared=2):
            found.update(zip(first.tolist(), second.tolist(), strict=True))
        place = {each: number for number, each in enumerate(ids)}
        rows = []
        records = read_lines(self.data / "zh_news" / "overlap_pairs.jsonl.gz")
        for least in (0.2, 0.3, 0.5):
            wanted = [each for each in records if each["jaccard5"] >= least]
            hits = sum(
                tuple(sorted((place[each["a"]], place[each["b"]]))) in found for each in wanted
            )
            rows.append(
                [
                    "zh_news overlap",
                    f"Jaccard ≥ {least}",
                    len(wanted),
                    "recall of candidates",
                    f"{hits / len(wanted):.4f}",
                    "",
                    "",
                    "",
                    "",
                ]
            )
        return rows

    def semeval(self) -> list[Row]:
        folder = self.data / "multi_semeval2022_t8"
        articles = read_articles_of(folder / "articles.jsonl.gz")
        records = [
            each
            for each in read_lines(folder / "pairs.jsonl.gz")
            if each["a"] in articles and each["b"] in articles
        ]
        pairs = [(each["a"], each["b"]) for each in records]
        scores, _ = self.scores(articles, pairs)
        human = 4.0 - np.array([each["overall"] for each in records])
        kinds = np.array(["-".join(sorted((each["lang_a"], each["lang_b"]))) for each in records])
        groups = components(pairs)
        rows = []
        for kind in ("zh-zh", "en-en", "en-zh", "all"):
            chosen = np.flatnonzero((kinds == kind) | (kind == "all"))
            if len(chosen) >= 20:
                own = {name: values[chosen] for name, values in scores.items()}
                rows.append(
                    pearson_row("SemEval-2022 8, seen", kind, human[chosen], own, groups[chosen])
                )
        return rows

    def lee(self) -> list[Row]:
        folder = self.data / "en_lee50"
        articles = read_articles_of(folder / "articles.jsonl.gz", folder / "background.jsonl.gz")
        records = read_lines(folder / "pairs.jsonl.gz")
        pairs = [(each["a"], each["b"]) for each in records]
        scores, _ = self.scores(articles, pairs)
        human = np.array([each["label"] for each in records])
        return [pearson_row("Lee 2005", "en-en", human, scores, np.arange(len(pairs)))]

    def texts(self, name: str, positive: Sequence[object]) -> list[Row]:
        """Pairs of headlines or leads."""
        records = read_lines(self.data / name / "pairs.jsonl.gz")
        articles: dict[str, Article] = {}
        pairs = []
        for number, each in enumerate(records):
            for end in ("a", "b"):
                article_id = f"{number}{end}"
                articles[article_id] = Article(
                    id=article_id, body=each[f"text_{end}"], language="zh", excerpt=True
                )
            pairs.append((f"{number}a", f"{number}b"))
        scores, _ = self.scores(articles, pairs)
        truth = np.array([each["label"] in positive for each in records])
        keys = [(each["text_a"], each["text_b"]) for each in records]
        return rows_for(name, "same topic", truth, scores, components(keys), None)

    def cail(self) -> list[Row]:
        folder = self.data / "zh_cail2019_scm"
        articles = read_articles_of(folder / "articles.jsonl.gz")
        records = read_lines(folder / "triples.jsonl.gz")
        pairs = [(each["query"], each[end]) for each in records for end in ("near", "far")]
        scores, _ = self.scores(articles, pairs)
        right = {
            name: (values[::2] > values[1::2]) + 0.5 * (values[::2] == values[1::2])
            for name, values in scores.items()
        }
        _, groups = np.unique([each["query"] for each in records], return_inverse=True)
        value, low, high = bootstrap(
            lambda places: float(right["similarity"][places].mean()), groups
        )
        others = [f"{right[name].mean():.3f}" for name in HEADERS[6:]]
        return [
            ["CAIL 2019", "triples", len(records), "right order", f"{value:.3f}",
             interval(low, high), *others]
        ]  # fmt: skip


def pearson_row(
    name: str, what: str, human: NDArray[np.float64], scores: Scores, groups: NDArray[np.int64]
) -> Row:
    def pearson(places: NDArray[np.int64], values: NDArray[np.float64]) -> float:
        if not np.ptp(values[places]):
            return float("nan")
        return float(np.corrcoef(human[places], values[places])[0, 1])

    value, low, high = bootstrap(lambda places: pearson(places, scores["similarity"]), groups)
    every = np.arange(len(human))
    others = [f"{pearson(every, scores[each]):.3f}" for each in HEADERS[6:]]
    return [name, what, len(human), "Pearson", f"{value:.3f}", interval(low, high), *others]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder of the data sets")
    parser.add_argument("--cache", type=Path, default=Path("build") / "vectors")
    parser.add_argument("--embedder", default="multilingual-e5-small")
    arguments = parser.parse_args()
    bench = Bench(arguments.data, arguments.cache, load_embedder(arguments.embedder))
    rows = [
        *bench.gold(),
        *bench.news(),
        *bench.semeval(),
        *bench.lee(),
        *bench.texts("zh_sohu2021_sample", [1, "1"]),
        *bench.texts("zh_wsdm2019_small", ["agreed", "disagreed"]),
        *bench.cail(),
    ]
    result = {
        "embedder": bench.embedder.identity.to_dict(),
        "rows": [dict(zip(HEADERS, row, strict=True)) for row in rows],
    }
    save("quality", result, markdown(HEADERS, rows))


if __name__ == "__main__":
    main()

"""The data sets as questions: pairs, what is true of them, and what ours and others say.

Everything here is of the developers' halves. "Crossed" scores come from weights that have not
seen the pair (`benchmarks.crossed`), "seen" ones from the weights that ship.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from model2vec import StaticModel
from numpy.typing import NDArray

from benchmarks.common import Corpus, components, read_articles_of, read_lines
from benchmarks.crossed import Parts
from benchmarks.peers import DEFAULTS, peer_scores, tf_idf
from benchmarks.tables import (
    OURS,
    Figure,
    Question,
    Table,
    draws,
    draws_by_article,
    pearson_table,
    question_table,
    trap_table,
)
from recommender.config import Thresholds
from recommender.embedders import Embedder
from recommender.evidence import COLUMN, EvidenceTable
from recommender.records import Article
from recommender.similarity import similarities

THRESHOLDS = Thresholds()
SEEN = "similarity, seen"
Pairs = Sequence[tuple[str, str]]
Scores = dict[str, NDArray[np.float64]]


class Bench:
    """Reads the sets and measures them with one embedder."""

    def __init__(self, data: Path, cache: Path, embedder: Embedder, static: StaticModel) -> None:
        self.data, self.cache, self.embedder, self.static = data, cache, embedder, static
        self.parts = Parts.of(data, embedder, cache)

    def corpus(self, articles: Mapping[str, Article]) -> Corpus:
        return Corpus.of(articles, self.embedder, self.cache)

    def gold(self) -> list[Table]:
        """zh_gold: the grades, and the templates that look like copies."""
        folder = self.data / "zh_gold"
        records = read_lines(folder / "pairs.jsonl.gz")
        pairs = pairs_of(records)
        corpus = self.corpus(
            read_articles_of(folder / "articles.jsonl.gz", folder / "more_articles.jsonl.gz")
        )
        scores = self._all_scores(corpus, pairs, self.parts.crossed_gold())
        grade = np.array([each["label"] for each in records])
        firm = np.flatnonzero([not each["soft"] for each in records])
        every = np.arange(len(pairs))
        groups = components(pairs)
        tables = []
        for what, least, places, threshold in (
            ("same text", 4, every, THRESHOLDS.same_text),
            ("same story or closer", 3, every, THRESHOLDS.same_story),
            ("related or closer", 2, firm, THRESHOLDS.related),
        ):
            question = Question(
                set_name="zh_gold",
                what=what,
                truth=grade[places] >= least,
                scores={name: values[places] for name, values in scores.items()},
                groups=groups[places],
                defaults=defaults_at(threshold),
                note="soft pairs left out" if places is firm else "",
            )
            tables.append(question_table(question))
        trap = Question(
            set_name="zh_gold",
            what="templates called near-duplicates",
            truth=grade >= 3,
            scores=scores,
            groups=groups,
            defaults=defaults_at(THRESHOLDS.same_story),
        )
        return [*tables, trap_table(trap, np.array([each["template"] for each in records]))]

    def news(self) -> list[Table]:
        """zh_news: the graded pairs, all hard."""
        folder = self.data / "zh_news"
        records = read_lines(folder / "gold_pairs.jsonl.gz")
        pairs = pairs_of(records)
        every = read_articles_of(folder / "articles.jsonl.gz")
        corpus = self.corpus(news_sample(every, {one for pair in pairs for one in pair}))
        scores = self._all_scores(corpus, pairs, self.parts.crossed_news(pairs))
        relation = np.array([each["relation"] for each in records])
        event = Question(
            set_name="zh_news",
            what="same event",
            truth=relation == "same_event",
            scores=scores,
            groups=components(pairs),
            defaults=defaults_at(THRESHOLDS.same_story),
        )
        related = replace(
            event,
            what="same event or related",
            truth=np.isin(relation, ["same_event", "related"]),
            defaults=defaults_at(THRESHOLDS.related),
        )
        trap = replace(event, what="templates called near-duplicates")
        return [
            question_table(event),
            question_table(related),
            trap_table(trap, relation == "template"),
        ]

    def _all_scores(self, corpus: Corpus, pairs: Pairs, crossed: NDArray[np.float64]) -> Scores:
        table = corpus.table(pairs)
        texts = [(corpus.text(a), corpus.text(b)) for a, b in pairs]
        return {
            OURS: crossed,
            SEEN: similarities(table, corpus.profile),
            "cosine": evidence(table, "cosine"),
            "containment": evidence(table, "containment"),
            **peer_scores(texts, self.static),
        }

    def semeval(self) -> Table:
        """SemEval-2022 task 8, in one language and across two."""
        folder = self.data / "multi_semeval2022_t8"
        articles = read_articles_of(folder / "articles.jsonl.gz")
        records = [
            each
            for each in read_lines(folder / "pairs.jsonl.gz")
            if each["a"] in articles and each["b"] in articles
        ]
        pairs = pairs_of(records)
        scores = self._plain_scores(
            self.corpus(articles), pairs, crossed=self.parts.crossed_semeval()
        )
        human = 4.0 - np.array([each["overall"] for each in records])
        kinds = np.array(["-".join(sorted((each["lang_a"], each["lang_b"]))) for each in records])
        groups = components(pairs)
        rows = []
        for kind, name in (("zh-zh",) * 2, ("en-en",) * 2, ("en-zh", "zh-en"), ("all",) * 2):
            chosen = np.flatnonzero((kinds == kind) | (kind == "all"))
            own = {method: values[chosen] for method, values in scores.items()}
            rows.append((name, human[chosen], own, draws(groups[chosen])))
        return pearson_table("SemEval-2022 task 8", rows)

    def lee(self) -> Table:
        """Lee 2005: every pair of a few English articles; nothing of it was fitted."""
        folder = self.data / "en_lee50"
        articles = read_articles_of(folder / "articles.jsonl.gz", folder / "background.jsonl.gz")
        records = read_lines(folder / "pairs.jsonl.gz")
        pairs = pairs_of(records)
        scores = self._plain_scores(self.corpus(articles), pairs)
        human = np.array([each["label"] for each in records])
        return pearson_table("Lee 2005", [("en-en", human, scores, draws_by_article(pairs))])

    def headlines(self, name: str, positive: Sequence[object]) -> Table:
        """Pairs of headlines or leads; nothing of them was fitted."""
        records = read_lines(self.data / name / "pairs.jsonl.gz")
        texts = sorted({each[end] for each in records for end in ("text_a", "text_b")})
        # One article for a text, however many pairs it is in.
        ids = {text: f"{number:05d}" for number, text in enumerate(texts)}
        articles = {
            ids[text]: Article(id=ids[text], body=text, language="zh", excerpt=True)
            for text in texts
        }
        pairs = [(ids[each["text_a"]], ids[each["text_b"]]) for each in records]
        scores = self._plain_scores(self.corpus(articles), pairs)
        return question_table(
            Question(
                set_name=name,
                what="same topic",
                truth=np.array([each["label"] in positive for each in records]),
                scores=scores,
                groups=components(pairs),
                defaults={OURS: THRESHOLDS.related},
            )
        )

    def cail(self) -> Table:
        """Triples of court cases: which of two is nearer; nothing of it was fitted."""
        folder = self.data / "zh_cail2019_scm"
        articles = read_articles_of(folder / "articles.jsonl.gz")
        records = read_lines(folder / "triples.jsonl.gz")
        pairs = [(each["query"], each[end]) for each in records for end in ("near", "far")]
        scores = self._plain_scores(self.corpus(articles), pairs)
        _, groups = np.unique([each["query"] for each in records], return_inverse=True)
        rounds = draws(groups)
        rows, values = [], []
        for name, own in scores.items():
            right = (own[::2] > own[1::2]) + 0.5 * (own[::2] == own[1::2])
            found = Figure.of(rounds @ right / rounds.sum(axis=1))
            rows.append([name, found])
            values.append({"set": "CAIL 2019", "method": name, "right order": found.to_dict()})
        title = f"CAIL 2019: triples in the right order ({len(records)})"
        return Table(title, ("method", "share"), rows, values)

    def _plain_scores(
        self, corpus: Corpus, pairs: Pairs, *, crossed: NDArray[np.float64] | None = None
    ) -> Scores:
        """Ours, cosine and TF-IDF; ours as shipped where nothing of the set was fitted."""
        table = corpus.table(pairs)
        shipped = similarities(table, corpus.profile)
        ours = {OURS: shipped} if crossed is None else {OURS: crossed, SEEN: shipped}
        texts = [(corpus.text(a), corpus.text(b)) for a, b in pairs]
        return {**ours, "cosine": evidence(table, "cosine"), "TF-IDF": tf_idf(texts)}


def pairs_of(records: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return [(each["a"], each["b"]) for each in records]


def news_sample(every: Mapping[str, Article], wanted: set[str]) -> dict[str, Article]:
    """A sample large enough for boilerplate and centres, the one of the fit, and those wanted."""
    return {each: every[each] for each in sorted({*sorted(every)[::9], *wanted})}


def evidence(table: EvidenceTable, name: str) -> NDArray[np.float64]:
    """A column of the evidence; what is missing counts as least alike."""
    return np.nan_to_num(table[:, COLUMN[name]].astype(np.float64), nan=-1.0)


def defaults_at(threshold: float) -> dict[str, float]:
    """Thresholds that the methods come with; ours is the one of this question."""
    return {OURS: threshold, SEEN: threshold, **DEFAULTS}

"""Fit the weights of the similarity: three cuts of the grades, each a bounded logistic model.

Writes `recommender/data/profiles.json`, numbers only, and prints what cross-validation says. Run
from the project's root:

    python -m benchmarks.fit_profile DATA
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize
from scipy.special import expit
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks.common import Corpus, components, measure, read_articles_of, read_lines
from benchmarks.synthetic import edits
from recommender.calibration import cosine_quantiles
from recommender.embedders import Embedder, load_embedder
from recommender.evidence import COLUMN, EvidenceTable
from recommender.records import Article
from recommender.similarity import CUTS, FEATURES, Profile, features, similarities

TARGET = Path(__file__).parent.parent / "recommender" / "data" / "profiles.json"
NOT_USED = -1.0
ABOVE, BELOW, FREE, ZERO = (0.0, None), (None, 0.0), (None, None), (0.0, 0.0)
# The sign each weight may have; the same text is never told from a topic alone.
BOUNDS = {
    "intercept": FREE,
    "cosine": ABOVE,
    "cosine_missing": FREE,
    "resemblance": ABOVE,
    "containment": ABOVE,
    "text_missing": FREE,
    "title_missing": FREE,
    "fact_overlap": ABOVE,
    "facts_shared": ABOVE,
    "facts_against": BELOW,
    "facts_missing": FREE,
    "title_told_low": ABOVE,
    "title_told_high": ABOVE,
    "lead_told_low": ABOVE,
    "lead_told_high": ABOVE,
    "told_missing": FREE,
    "title_untold": BELOW,
    "title_swap": BELOW,
    "title_conflict": BELOW,
    "days_near": ABOVE,
    "days_far": BELOW,
    "days_missing": FREE,
    "translated": FREE,
}
ONLY_ZERO = {"related": ("title_conflict", "facts_against"), "same_story": (), "same_text": ()}
PENALTY = 2.0
# Features that hardly vary are not blown up.
LEAST_SPREAD = 0.02
# zh_gold was read twice and sets the scale; what is related is as well told by the other sets.
GOLD_WEIGHT = (0.5, 5.0, 5.0)
RANDOM_WEIGHT = 0.05
SAME_DAY_PAIRS = 1_500
SEMEVAL_WEIGHT = (1.0, 0.15, 0.15)
EDITS = 150
EDIT_WEIGHT = {
    "cut": 0.2, "extend": 0.2, "reorder": 0.2, "retitle": 0.2, "renumber": 0.2,
    "paraphrase": 0.2, "template": 1.0, "digest": 0.5,
}  # fmt: skip
TEMPLATE_WEIGHT = 1.5
TITLE = (
    "title_overlap", "title_told_low", "title_told_high", "title_untold", "title_conflict",
)  # fmt: skip
TEXT = ("resemblance", "containment", "length_log")
# What an index lacks now and then: shares of weight that a copy without it carries.
LACKING = (
    (("days_apart",), 0.07),
    (TITLE, 0.03),
    ((*TITLE, "days_apart"), 0.03),
    (("fact_overlap", "facts_shared", "facts_against"), 0.02),
    (TEXT, 0.03),
    (("cosine",), 0.01),
)


@dataclass(frozen=True, slots=True)
class Labelled:
    """Pairs with a truth and a weight for each cut; shape (n, 3), `NOT_USED` where unknown.

    `sets_scale` marks the pairs on which even odds are to be even.
    """

    table: EvidenceTable
    truth: NDArray[np.float64]
    weight: NDArray[np.float64]
    groups: NDArray[np.int64]
    template: NDArray[np.bool_]
    sets_scale: NDArray[np.bool_]

    def take(self, places: NDArray[np.int64]) -> Labelled:
        return Labelled(*(getattr(self, each.name)[places] for each in fields(self)))


def joined(parts: Sequence[Labelled]) -> Labelled:
    shifts = np.cumsum([0, *(int(part.groups.max(initial=-1)) + 1 for part in parts)])
    shifted = [
        replace(part, groups=part.groups + s) for part, s in zip(parts, shifts, strict=False)
    ]
    return stacked(shifted)


def stacked(parts: Sequence[Labelled]) -> Labelled:
    """All pairs of several; groups of one number are one group."""
    return Labelled(
        *(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(Labelled))
    )


def gold(data: Path, embedder: Embedder, cache: Path) -> Labelled:
    records = read_lines(data / "zh_gold" / "pairs.jsonl.gz")
    articles = read_articles_of(
        data / "zh_gold" / "articles.jsonl.gz", data / "zh_gold" / "more_articles.jsonl.gz"
    )
    pairs = [(each["a"], each["b"]) for each in records]
    grade = np.array([each["label"] for each in records])
    truth = np.column_stack([grade >= 2, grade >= 3, grade >= 4]).astype(float)
    truth[np.array([each["soft"] for each in records]), 0] = NOT_USED
    template = np.array([each["template"] for each in records])
    weight = np.where(template, TEMPLATE_WEIGHT, 1.0)[:, None] * np.array(GOLD_WEIGHT)
    table = measure(articles, pairs, embedder, cache).table
    every = np.ones(len(pairs), bool)
    return Labelled(table, truth, weight, components(pairs), template, every)


def news(data: Path, embedder: Embedder, cache: Path) -> Labelled:
    """Graded pairs of zh_news, and random ones, which are not related."""
    records = read_lines(data / "zh_news" / "gold_pairs.jsonl.gz")
    every = read_articles_of(data / "zh_news" / "articles.jsonl.gz")
    wanted = {each[end] for each in records for end in ("a", "b")}
    ids = sorted(every)
    # A sample large enough for boilerplate and centres; the graded articles besides.
    sample = set(ids[::9]) | wanted
    articles = {each: every[each] for each in sorted(sample)}
    generator = np.random.default_rng(7)
    drawn = generator.choice(np.array(sorted(articles)), (2_500, 2))
    pairs = [(each["a"], each["b"]) for each in records]
    pairs += [(str(a), str(b)) for a, b in drawn if a != b]
    pairs += same_day(articles, generator)
    relation = [each["relation"] for each in records]
    truth = np.zeros((len(pairs), 3))
    for place, (name, record) in enumerate(zip(relation, records, strict=True)):
        truth[place] = (
            NOT_USED if name == "template" else float(name in ("same_event", "related")),
            float(name == "same_event"),
            NOT_USED if record["near_duplicate"] else 0.0,
        )
    weight = np.full((len(pairs), 3), RANDOM_WEIGHT)
    template = np.zeros(len(pairs), bool)
    template[: len(records)] = [name == "template" for name in relation]
    weight[: len(records)] = 0.7
    table = measure(articles, pairs, embedder, cache).table
    none = np.zeros(len(pairs), bool)
    return Labelled(table, truth, weight, components(pairs), template, none)


def same_day(
    articles: Mapping[str, Article], generator: np.random.Generator
) -> list[tuple[str, str]]:
    """Pairs of one day and one category: now and then related, as a rule not."""
    days: dict[tuple[str, str], list[str]] = {}
    for each in sorted(articles):
        date = articles[each].date
        if date is not None:
            days.setdefault((articles[each].category, f"{date:%Y-%m-%d}"), []).append(each)
    pairs = []
    for ids in days.values():
        order = [ids[place] for place in generator.permutation(len(ids))]
        pairs += list(zip(order[::2], order[1::2], strict=False))
    return pairs[:: max(1, len(pairs) // SAME_DAY_PAIRS)]


def semeval(data: Path, embedder: Embedder, cache: Path) -> Labelled:
    """Pairs in one and in two languages; 1 is the same story, 4 has nothing in common."""
    folder = data / "multi_semeval2022_t8"
    articles = read_articles_of(folder / "articles.jsonl.gz")
    records = [
        each
        for each in read_lines(folder / "pairs.jsonl.gz")
        if each["a"] in articles and each["b"] in articles
    ]
    pairs = [(each["a"], each["b"]) for each in records]
    overall = np.array([each["overall"] for each in records])
    truth = np.column_stack(
        [
            np.select([overall <= 2.25, overall >= 3.0], [1.0, 0.0], NOT_USED),
            np.select([overall <= 1.25, overall >= 2.0], [1.0, 0.0], NOT_USED),
            np.where(overall >= 1.75, 0.0, NOT_USED),
        ]
    )
    weight = np.tile(SEMEVAL_WEIGHT, (len(truth), 1))
    table = measure(articles, pairs, embedder, cache).table
    none = np.zeros(len(pairs), bool)
    return Labelled(table, truth, weight, components(pairs), none, none)


def synthetic(data: Path, embedder: Embedder, cache: Path) -> Labelled:
    """Edits of articles, whose verdict is known."""
    every = read_articles_of(data / "zh_news" / "articles.jsonl.gz")
    ids = sorted(every)
    made = edits([every[each] for each in ids[4::9]], each=EDITS)
    articles = {each: every[each] for each in ids[::9]}
    for one in made:
        articles[one.original.id], articles[one.edited.id] = one.original, one.edited
    pairs = [(one.original.id, one.edited.id) for one in made]
    grade = np.array([one.grade for one in made])
    kind = np.array([one.kind for one in made])
    # A round-up may count as the same story or not; it is never the same text.
    truth = np.column_stack(
        [np.ones(len(made)), np.where(kind == "digest", NOT_USED, grade >= 3), grade >= 4]
    )
    weight = np.array([EDIT_WEIGHT[each] for each in kind])[:, None].repeat(3, axis=1)
    table = measure(articles, pairs, embedder, cache).table
    none = np.zeros(len(pairs), bool)
    return Labelled(table, truth, weight, components(pairs), kind == "template", none)


def with_gaps(labelled: Labelled) -> Labelled:
    """The pairs, and copies of them that lack a title, a date, a whole text."""
    parts = [labelled]
    for names, share in LACKING:
        table = labelled.table.copy()
        table[:, [COLUMN[name] for name in names]] = np.nan
        truth = labelled.truth
        if "containment" in names:
            # Without texts nothing tells a copy from another report of one event.
            truth = truth.copy()
            truth[:, 2] = np.where(truth[:, 2] == 0.0, 0.0, NOT_USED)
        weight = labelled.weight * share
        none = np.zeros(len(table), bool)
        parts.append(replace(labelled, table=table, truth=truth, weight=weight, sets_scale=none))
    return stacked(parts)


def fit(labelled: Labelled) -> NDArray[np.float64]:
    """Weights of the three cuts."""
    whole = with_gaps(labelled)
    matrix = features(whole.table)
    weights = np.zeros((len(CUTS), len(FEATURES)))
    for number, cut in enumerate(CUTS):
        used = whole.truth[:, number] != NOT_USED
        weights[number] = _fit_cut(
            cut, matrix[used], whole.truth[used, number], whole.weight[used, number]
        )
        setting = used & whole.sets_scale
        weights[number, 0] += _shift(
            matrix[setting] @ weights[number], whole.truth[setting, number]
        )
    return weights


def _shift(log_odds: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """What to add to log-odds so that as many pairs are expected to pass as do."""
    if not 0 < truth.sum() < len(truth):
        return 0.0
    expected = lambda shift: float(np.sum(expit(log_odds + shift)) - truth.sum())  # noqa: E731
    return float(brentq(expected, -20.0, 20.0))


def _fit_cut(
    cut: str,
    matrix: NDArray[np.float64],
    truth: NDArray[np.float64],
    weight: NDArray[np.float64],
) -> NDArray[np.float64]:
    signs = np.where(truth > 0, 1.0, -1.0)
    # The penalty is on weights of features of unit spread, else it would forbid just those
    # that vary little.
    spread = np.maximum(matrix.std(axis=0), LEAST_SPREAD)
    spread[0] = 1.0
    matrix = matrix / spread

    def loss(w: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = signs * (matrix @ w)
        value = np.sum(weight * np.logaddexp(0.0, -margin)) + PENALTY / 2 * np.sum(w[1:] ** 2)
        slope = -weight * signs / (1.0 + np.exp(np.clip(margin, -60, 60)))
        gradient = matrix.T @ slope
        gradient[1:] += PENALTY * w[1:]
        return float(value), gradient

    bounds = [ZERO if name in ONLY_ZERO[cut] else BOUNDS[name] for name in FEATURES]
    start = np.zeros(len(FEATURES))
    found = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B")
    return np.asarray(found.x / spread)


def profile_of(weights: NDArray[np.float64]) -> Profile:
    return Profile(name="fitted", fitted_on="", weights=np.round(weights, 4))


def f1_at(truth: NDArray[np.bool_], scores: NDArray[np.float64], threshold: float) -> float:
    called = scores >= threshold
    both = np.sum(called & truth)
    return float(2 * both / (called.sum() + truth.sum())) if both else 0.0


def report(
    name: str, truth: NDArray[np.float64], scores: NDArray[np.float64], template: NDArray[np.bool_]
) -> None:
    line = [f"{name:24}"]
    for number, (cut, threshold) in enumerate(zip(CUTS, (0.50, 0.75, 0.90), strict=True)):
        used = truth[:, number] != NOT_USED
        is_true = truth[used, number] > 0
        if not 0 < is_true.sum() < len(is_true):
            continue
        own = scores[used]
        line.append(
            f"{cut}: F1 {f1_at(is_true, own, threshold):.3f} "
            f"AP {average_precision_score(is_true, own):.3f} "
            f"AUC {roc_auc_score(is_true, own):.3f}"
        )
    if template.any():
        line.append(f"templates called near-duplicates {np.mean(scores[template] >= 0.75):.3f}")
    print("  ".join(line))


def cross_validate(labelled: Labelled, first: int, others: Labelled) -> NDArray[np.float64]:
    """Scores of the first pairs, each from a model that has seen no pair connected with it."""
    scores = np.zeros(first)
    folds = labelled.groups % 5
    for fold in range(5):
        train = np.flatnonzero(folds != fold)
        weights = fit(joined([labelled.take(train), others]))
        held = np.flatnonzero(folds == fold)
        scores[held] = similarities(labelled.table[held], profile_of(weights))
    return scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder of the data sets")
    parser.add_argument("--cache", type=Path, default=Path("build") / "vectors")
    arguments = parser.parse_args()
    profiles = []
    for name in ("multilingual-e5-small", "hashing"):
        embedder = load_embedder(name)
        parts = [
            gather_part(arguments.data, embedder, arguments.cache)
            for gather_part in (gold, news, semeval, synthetic)
        ]
        print(name)
        labelled = joined(parts)
        weights = fit(labelled)
        for title, part in zip(("zh_gold", "zh_news", "SemEval", "edits"), parts, strict=True):
            scores = similarities(part.table, profile_of(weights))
            report(f"  {title}, seen", part.truth, scores, part.template)
        scores = cross_validate(parts[0], len(parts[0].table), joined(parts[1:]))
        report("  zh_gold, crossed", parts[0].truth, scores, parts[0].template)
        scores = cross_validate(parts[1], len(parts[1].table), joined([parts[0], *parts[2:]]))
        report("  zh_news, crossed", parts[1].truth, scores, parts[1].template)
        values = as_values(name, [embedder.identity.fingerprint], weights)
        if not profiles:
            # What the cosines of a model nobody has fitted are matched to.
            values["cosine_quantiles"] = reference_quantiles(
                arguments.data, embedder, arguments.cache
            )
        profiles.append(values)
    text = json.dumps({"profiles": profiles}, indent=1)
    TARGET.write_text(text + "\n", encoding="utf-8")


def reference_quantiles(data: Path, embedder: Embedder, cache: Path) -> dict[str, object]:
    """How the cosines of a news site's articles are spread."""
    every = read_articles_of(data / "zh_news" / "articles.jsonl.gz")
    corpus = Corpus.of({each: every[each] for each in sorted(every)[::9]}, embedder, cache)
    languages = [each.card.language for each in corpus.prepared]
    found = cosine_quantiles(corpus.centred, languages)
    if found is None:
        raise SystemExit("too few articles to measure cosines on")
    return found.to_dict()


def as_values(
    name: str, fingerprints: list[str], weights: NDArray[np.float64]
) -> dict[str, object]:
    rounded = np.round(weights, 4)
    return {
        "name": name,
        "fitted_on": "zh_gold, zh_news and SemEval-2022 task 8, developers' halves, and edits of "
        "articles of zh_news; even odds set on zh_gold",
        "fingerprints": fingerprints,
        "weights": {
            cut: {
                feature: float(value) for feature, value in zip(FEATURES, row, strict=True) if value
            }
            for cut, row in zip(CUTS, rounded, strict=True)
        },
    }


if __name__ == "__main__":
    main()

"""Duplicate reports for tests: of a real index, of thousands of made-up groups, of hostile text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from recommender import Recommender
from recommender.duplicate_report import DuplicateReport, make_report
from recommender.records import Card, DuplicatePair, Evidence, Relation, Verdict
from recommender.reports.duplicate_payload import comparison_payload

from .helpers import START

HOSTILE = (
    "<script>window.harmed = 1</script>",
    '<img src=x onerror="window.harmed = 1">\'"`${window.harmed = 1}',
    "</script><script>window.harmed = 1</script><!--",
    "abc \u202egnp.exe\u2066 \u2028 \u2029 \u0007 \ud800 end",
    "]]>&lt;b&gt;&#x27; {{ 7 * 7 }} {% raw %}",
    "很长" * 4000,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A report with what belongs to its page."""

    report: DuplicateReport
    comparisons: Mapping[tuple[str, str], dict[str, Any]]
    texts: Mapping[str, str]


def pair(
    first: Card,
    second: Card,
    similarity: float,
    *,
    relation: Relation = Relation.OTHER,
    decision: str | None = None,
    **evidence: Any,
) -> DuplicatePair:
    """A pair of a similarity, with the verdict of the usual thresholds."""
    verdict = (
        Verdict.SAME_TEXT
        if similarity >= 0.9
        else Verdict.SAME_STORY
        if similarity >= 0.75
        else Verdict.RELATED
    )
    one, other = sorted((first, second), key=lambda card: card.id)
    return DuplicatePair(
        first=one,
        second=other,
        similarity=similarity,
        verdict=verdict,
        relation=relation,
        evidence=Evidence(**{"title_overlap": 0.6, **evidence}),
        decision=decision,  # type: ignore[arg-type]
    )


def bins(pairs: Iterable[DuplicatePair]) -> tuple[int, ...]:
    counts = [0] * 50
    for each in pairs:
        counts[min(int(each.similarity * 50), 49)] += 1
    return tuple(counts)


def found_in(index: Recommender, **fields: Any) -> Found:
    """The report of an index with every pair explained."""
    pairs = index.duplicate_pairs()
    report = make_report(
        pairs,
        DuplicateReport(
            source="样本", articles=len(index), groups=(), histogram=bins(pairs), **fields
        ),
    )
    keys = [
        *(
            (group.canonical.id, match.article.id)
            for group in report.groups
            for match in group.members
        ),
        *((each.pair.first.id, each.pair.second.id) for each in report.maybe),
    ]
    comparisons = {}
    texts = {}
    for key in keys:
        explanation = index.explain(*key)
        comparisons[key] = comparison_payload(explanation)
        texts[key[0]], texts[key[1]] = explanation.first_text, explanation.second_text
    return Found(report=report, comparisons=comparisons, texts=texts)


def card(number: int, member: int = 0, **fields: Any) -> Card:
    values: dict[str, Any] = {
        "id": f"n{number:05d}-{member}",
        "title": f"第{number}号水库例行检修公告（{member}）",
        "url": f"https://news.example/{number}/{member}",
        "date": START + timedelta(hours=7 * number + member),
        "category": ("城事", "水利", "")[number % 3],
        "source": ("本站", "电讯")[member % 2],
        "language": "zh",
        **fields,
    }
    return Card(**values)


def made_up(groups: int) -> Found:
    """As many groups of two to eight articles, some doubtful pairs and families of templates."""
    pairs = []
    texts = {}
    for number in range(groups):
        kept = card(number)
        texts[kept.id] = f"水库编号{number}今日检修。" * 5
        for member in range(1, 2 + number % 7):
            other = card(number, member)
            texts[other.id] = f"水库编号{number}明日检修，第{member}版。" * 5
            similarity = 0.76 + (number * 37 + member * 3) % 24 / 100
            pairs.append(
                pair(kept, other, similarity, days_apart=member / 24, containment=similarity)
            )
    below = [pair(card(n), card(n + 1), 0.7, title_overlap=0.5) for n in range(0, groups // 3, 2)]
    families = [pair(card(n, 9), card(n + 1, 9), 0.8) for n in range(0, groups // 50, 2)]
    report = make_report(
        [*pairs, *below],
        DuplicateReport(
            source="合成", articles=5 * groups, groups=(), histogram=bins([*pairs, *below])
        ),
        templates=families,
    )
    return Found(report=report, comparisons={}, texts=texts)


def hostile() -> Found:
    """A report in which every field is an attack or a nuisance."""
    pairs = []
    texts = {}
    comparisons: dict[tuple[str, str], dict[str, Any]] = {}
    for number, text in enumerate(HOSTILE):
        fields = {"category": text, "source": text, "site": text}
        one = card(number, 0, id=f"a{number}<script>window.harmed=1</script>", title=text, **fields)
        other = replace(
            card(number, 1, id=f"b{number}'\"><img src=x onerror=harmed()>", title=text, **fields),
            url=("javascript:window.harmed=1", "data:text/html,x", "https://x.example/\"onx='")[
                number % 3
            ],
        )
        pairs.append(pair(one, other, 0.95))
        texts[one.id] = texts[other.id] = f"{text}\n{text}"
        comparisons[(one.id, other.id)] = {
            "facts": {"shared": [text], "first": [], "second": [], "differing": [[text, text]]},
            "lengths": [1, 1],
            "waterfall": {
                "cut": "same_text",
                "background": -4.0,
                "parts": [["wording", 6.0]],
                "log_odds": 2.0,
                "by_evidence": 0.9,
                "rule": "",
            },
        }
    report = make_report(
        pairs, DuplicateReport(source=HOSTILE[2], articles=12, groups=(), since=HOSTILE[0])
    )
    return Found(report=report, comparisons=comparisons, texts=texts)

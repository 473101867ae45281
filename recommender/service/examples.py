"""Examples of what is sent and answered, for the OpenAPI document; the texts are made up."""

from __future__ import annotations

from typing import Any

ID = {"id": "cms-4812"}
ARTICLE: dict[str, Any] = {
    "title": "跨江大桥今日通车 两岸车程缩短至八分钟",
    "body": "<p>历时四年建设的跨江大桥今天上午正式通车，两岸之间的车程由四十分钟缩短至八分钟。</p>",
    "url": "https://www.example.cn/news/4812.html",
    "date": "2025-07-17T08:30:00+08:00",
    "category": "本地",
    "source": "本报",
}
RELATED_LIST: dict[str, Any] = {
    "article": "cms-4812",
    "index_version": "3f9c-118",
    "matches": [
        {
            "rank": 1,
            "similarity": 0.71,
            "verdict": "related",
            "article": {
                "id": "cms-4790",
                "title": "跨江大桥完成荷载试验 月底具备通车条件",
                "url": "https://www.example.cn/news/4790.html",
                "date": "2025-07-02T01:00:00+00:00",
                "category": "本地",
                "source": "本报",
                "site": "",
                "language": "zh",
            },
        }
    ],
    "reason": "1 of 5: nothing else reaches the similarity 0.50",
    "filler": [],
}
_EDITORS = {"visible_from": None, "visible_until": None, "access": "public", "excerpt": False}
_DRAFT: dict[str, Any] = {
    "id": "",
    "title": ARTICLE["title"],
    "url": ARTICLE["url"],
    "date": "2025-07-17T00:30:00+00:00",
    "category": "本地",
    "source": "本报",
    "site": "",
    "language": "zh",
    **_EDITORS,
}
_STORED: dict[str, Any] = {
    **_DRAFT,
    "id": "cms-4809",
    "title": "跨江大桥正式通车",
    "url": "https://www.example.cn/news/4809.html",
    "source": "通讯社",
}
_EVIDENCE: dict[str, Any] = {
    "cosine": 0.93,
    "resemblance": 0.62,
    "containment": 0.84,
    "title_overlap": 0.48,
    "fact_overlap": 0.75,
    "days_apart": 0.06,
    "length_ratio": 0.86,
    "same_text": False,
    "same_title": False,
    "same_language": True,
    "first_share": 0.78,
    "second_share": 0.9,
    "passages": [
        {
            "first_start": 0,
            "first_end": 19,
            "second_start": 5,
            "second_end": 24,
            "text": "历时四年建设的跨江大桥今天上午正式通车",
        }
    ],
    "shared_facts": ["四年"],
    "differing_facts": [["八分钟", "十分钟"]],
    "only_first_facts": [],
    "only_second_facts": [],
}
_PAIR: dict[str, Any] = {
    "similarity": 0.95,
    "verdict": "same-story",
    "relation": "other",
    "decision": None,
}
NEAR_DUPLICATES: dict[str, Any] = {
    "index_version": "3f9c-118",
    "lexical": False,
    "thresholds": {"same_text": 0.98, "same_story": 0.9, "related": 0.5},
    "matches": [{"rank": 1, **_PAIR, "article": _STORED, "evidence": _EVIDENCE}],
    "reason": "1 of 10: nothing else reaches the similarity 0.90",
}
COMPARISON: dict[str, Any] = {
    "index_version": "3f9c-118",
    "first": _DRAFT,
    "second": _STORED,
    **_PAIR,
    "evidence": _EVIDENCE,
}
CHANGED: dict[str, Any] = {
    "index_version": "3f9c-119",
    "added": 1,
    "updated": 0,
    "unchanged": 0,
}
PROBLEM: dict[str, Any] = {
    "type": "about:blank",
    "title": "Unprocessable Entity",
    "status": 422,
    "detail": "The request does not have the form that is asked for.",
    "errors": [{"where": "body.limit", "what": "Input should be less than or equal to 50"}],
}

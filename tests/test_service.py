"""The HTTP service as a CMS and its readers see it: real HTTP, two workers over one index."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from recommender import Recommender
from recommender.service.schemas import (
    Changed,
    ComparisonShown,
    NearDuplicates,
    ProblemShown,
    RelatedList,
)
from tests.helpers import article, build, corpus
from tests.services import PATIENCE, TOKEN, Service, serving, until

DRAFT = article("draft", "桥", 5)
GIVEN = {"title": DRAFT.title, "body": DRAFT.body}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("service") / "index"
    hidden = [
        article("secret", "桥", 0, title="尚未发表", access="hidden"),
        article("news/桥 1", "桥", 7),
    ]
    build(folder, [*corpus(40), *hidden]).close()
    return folder


@pytest.fixture(scope="module")
def service(index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    settings = 'cors_origins = ["https://www.example.cn"]\nembeddings_per_minute = 10000'
    with serving(index, tmp_path_factory.mktemp("run"), settings=settings) as running:
        running.wait_for_model()
        yield running


def asked_of_every_worker(service: Service, path: str) -> list[httpx.Response]:
    """The same question over new connections, some at once, until both workers were asked."""
    answers: list[httpx.Response] = []

    def ask(_: int) -> httpx.Response:
        return httpx.get(service.url + path, trust_env=False, timeout=PATIENCE)

    with ThreadPoolExecutor(4) as pool:

        def all_asked() -> bool:
            answers.extend(pool.map(ask, range(8)))
            return len(workers_of(answers)) == 2

        until(all_asked)
    return answers


def workers_of(answers: list[httpx.Response]) -> set[str]:
    return {each.headers["x-request-id"].split("-")[1] for each in answers}


def test_related_lists_are_those_of_the_library(service: Service, index: Path) -> None:
    with Recommender.open(index) as opened:
        expected = opened.related("a000")
        assert expected
    answer = service.anyone.get("/articles/a000/related")
    assert answer.status_code == 200
    shown = answer.json()
    assert shown["article"] == "a000"
    assert [each["article"]["id"] for each in shown["matches"]] == [
        match.article.id for match in expected
    ]
    assert [each["rank"] for each in shown["matches"]] == list(range(1, len(expected) + 1))
    assert shown["matches"][0]["similarity"] == pytest.approx(expected[0].similarity, abs=1e-4)
    assert shown["matches"][0]["verdict"] == str(expected[0].verdict)
    # Public cards only: no passages, no evidence.
    assert set(shown["matches"][0]) == {"rank", "similarity", "verdict", "article"}
    assert set(shown["matches"][0]["article"]) == {
        *("id", "title", "url", "date", "category", "source", "site", "language")
    }


def test_filters_and_filler(service: Service, index: Path) -> None:
    asked = {"limit": 30, "min_similarity": 0.2, "category": "桥", "fill": "latest"}
    shown = service.anyone.get("/articles/a001/related", params=asked).json()
    with Recommender.open(index) as opened:
        expected = opened.related(
            "a001", limit=30, min_similarity=0.2, categories=["桥"], fill="latest"
        )
    assert [each["article"]["id"] for each in shown["matches"]] == [
        match.article.id for match in expected
    ]
    assert [each["article"]["id"] for each in shown["filler"]] == [
        each.article.id for each in expected.filler
    ]
    assert shown["reason"] == expected.reason


def test_ids_with_slashes_and_chinese(service: Service) -> None:
    answer = service.anyone.get(f"/articles/{quote('news/桥 1', safe='')}/related")
    assert answer.status_code == 200
    assert answer.json()["article"] == "news/桥 1"


def test_what_is_not_public_is_as_if_it_were_not_there(service: Service) -> None:
    unknown = service.anyone.get("/articles/nobody/related")
    hidden = service.anyone.get("/articles/secret/related")
    assert unknown.status_code == hidden.status_code == 404
    assert unknown.headers["content-type"] == "application/problem+json"
    assert unknown.content == hidden.content
    for number in range(0, 40, 5):
        asked = {"limit": 40, "min_similarity": 0}
        shown = service.anyone.get(f"/articles/a{number:03d}/related", params=asked).json()
        assert "secret" not in [each["article"]["id"] for each in shown["matches"]]


def test_editors_see_hidden_articles_among_near_duplicates(service: Service) -> None:
    draft = article("draft", "桥", 0)
    given = {"article": {"title": draft.title, "body": draft.body}}
    shown = service.editor.post("/near-duplicates", json=given).json()
    found = {each["article"]["id"]: each for each in shown["matches"]}
    assert {"a000", "secret"} <= set(found)
    assert found["secret"]["article"]["access"] == "hidden"
    public = service.editor.post("/near-duplicates", json={**given, "public_only": True}).json()
    assert "secret" not in [each["article"]["id"] for each in public["matches"]]


def test_the_check_before_publishing_tells_why(service: Service) -> None:
    changed = DRAFT.body.replace("编号5-3", "编号5-9")
    given = {"article": {"title": DRAFT.title, "body": f"<p>{changed}</p>", "date": "2025-07-03"}}
    shown = service.editor.post("/near-duplicates", json=given).json()
    first = shown["matches"][0]
    assert (first["article"]["id"], first["verdict"]) == ("a005", "same-text")
    evidence = first["evidence"]
    assert evidence["resemblance"] > 0.5
    assert any(each["text"] in DRAFT.body for each in evidence["passages"])
    assert evidence["shared_facts"]
    assert evidence["days_apart"] is not None
    assert shown["lexical"] is False


def test_a_draft_compared_without_the_model(service: Service) -> None:
    shown = service.editor.post("/near-duplicates?lexical=1", json={"article": GIVEN}).json()
    assert shown["lexical"] is True
    assert shown["matches"][0]["article"]["id"] == "a005"
    assert shown["matches"][0]["evidence"]["cosine"] is None


def test_related_of_a_draft_and_thresholds_of_a_request(service: Service) -> None:
    asked = {"article": {**GIVEN, "id": 77}, "limit": 3}
    shown = service.editor.post("/related", json=asked).json()
    assert shown["article"] == "77"
    assert 0 < len(shown["matches"]) <= 3
    strict = {"id": "a000", "thresholds": {"related": 1.0, "same_story": 1.0, "same_text": 1.0}}
    assert service.editor.post("/related", json=strict).json()["matches"] == []
    wrong = {"id": "a000", "thresholds": {"related": 0.99}}
    answer = service.editor.post("/related", json=wrong)
    assert answer.status_code == 422
    assert "same_story" in answer.json()["detail"]


def test_compare(service: Service) -> None:
    shown = service.editor.post("/compare", json={"first": "a005", "second": GIVEN}).json()
    assert shown["verdict"] == "same-text"
    assert (shown["first"]["id"], shown["second"]["id"]) == ("a005", "")
    missing = service.editor.post("/compare", json={"first": "a005", "second": "nobody"})
    assert missing.status_code == 404


def test_a_put_is_seen_by_every_worker_at_once(service: Service) -> None:
    for number in range(4):
        fresh = article("fresh", "茶", 60 + number)
        asked = {"title": f"第{number}次", "body": fresh.body, "category": "茶"}
        done = service.editor.put("/articles/fresh", json=asked)
        assert done.status_code == (201 if number == 0 else 200)
        answers = asked_of_every_worker(service, "/articles/fresh/related?limit=20")
        assert {each.json()["index_version"] for each in answers} == {done.json()["index_version"]}
        one = answers[0].json()["matches"][0]["article"]["id"]
        for each in asked_of_every_worker(service, f"/articles/{one}/related?limit=20"):
            titles = [match["article"]["title"] for match in each.json()["matches"]]
            assert f"第{number}次" in titles
    same = service.editor.put("/articles/fresh", json=asked)
    assert (same.status_code, same.json()["unchanged"]) == (200, 1)
    assert service.editor.delete("/articles/fresh").status_code == 204
    assert {
        each.status_code for each in asked_of_every_worker(service, "/articles/fresh/related")
    } == {404}
    assert service.editor.delete("/articles/fresh").status_code == 404


def test_a_batch_is_one_change(service: Service) -> None:
    articles = [
        {"id": 900 + number, "body": article("x", "赛", 70 + number).body} for number in range(3)
    ]
    done = service.editor.put("/articles", json={"articles": articles}).json()
    assert (done["added"], done["updated"]) == (3, 0)
    assert service.anyone.get("/articles/901/related").status_code == 200
    twice = service.editor.put("/articles", json={"articles": [articles[0], articles[0]]})
    assert twice.status_code == 422
    nameless = service.editor.put("/articles", json={"articles": [{"body": "正文"}]})
    assert nameless.status_code == 422


def test_etag_and_not_modified(service: Service) -> None:
    path = "/articles/a010/related"
    answers = asked_of_every_worker(service, path)
    tags = {each.headers["etag"] for each in answers}
    assert len(tags) == 1
    assert "max-age=60" in answers[0].headers["cache-control"]
    tag = tags.pop()
    for given in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = service.anyone.get(path, headers={"If-None-Match": given})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    other = service.anyone.get(path, headers={"If-None-Match": '"other"'})
    assert other.status_code == 200
    with_filter = service.anyone.get(f"{path}?category=桥")
    assert (
        service.anyone.get(
            f"{path}?category=桥", headers={"If-None-Match": with_filter.headers["etag"]}
        ).status_code
        == 304
    )
    service.editor.put("/articles/another", json=GIVEN)
    changed = service.anyone.get(path, headers={"If-None-Match": tag})
    assert (changed.status_code, changed.headers["etag"] != tag) == (200, True)


def test_head_has_no_body(service: Service) -> None:
    listed = "/articles/a012/related"
    for path in (listed, listed, f"{listed}?category=桥", "/healthz"):
        answer = service.anyone.head(path)
        assert (answer.status_code, answer.content) == (200, b"")
        assert int(answer.headers["content-length"]) > 0


def test_an_embargo_lifts_and_an_article_expires_by_the_clock(service: Service) -> None:
    lifts = datetime.now(timezone.utc) + timedelta(seconds=6)
    body = article("x", "馆", 83).body
    near = article("x", "馆", 84).body
    service.editor.put("/articles/open", json={"title": "开放", "body": near, "category": "馆"})
    for name, field in (("embargoed", "visible_from"), ("expiring", "visible_until")):
        asked = {"title": name, "body": body[8:], "category": "馆", field: lifts.isoformat()}
        assert service.editor.put(f"/articles/{name}", json=asked).status_code == 201

    def seen() -> bool:
        """Whether the change by the clock shows; before its moment it must not."""
        shown = {}
        for name in ("embargoed", "expiring"):
            shown[name] = service.anyone.get(f"/articles/{name}/related").status_code == 200
        listed = service.anyone.get("/articles/open/related?limit=20&min_similarity=0.5").json()
        ids = {each["article"]["id"] for each in listed["matches"]}
        if datetime.now(timezone.utc) < lifts:
            assert shown == {"embargoed": False, "expiring": True}
            assert "embargoed" not in ids
        return shown == {"embargoed": True, "expiring": False} and "expiring" not in ids

    seen()
    kept = service.anyone.get("/articles/open/related").headers["cache-control"]
    left = (lifts - datetime.now(timezone.utc)).total_seconds()
    if left > 0:
        # Nobody keeps the list beyond the moment at which it changes.
        assert int(kept.partition("max-age=")[2].partition(",")[0]) <= 6
    until(seen)
    assert time.time() >= lifts.timestamp()


def test_health_readiness_and_metrics(service: Service) -> None:
    assert service.anyone.get("/healthz").json() == {"status": "ok"}
    assert service.anyone.get("/readyz").json() == {"status": "ready", "model": "ready"}
    answers = asked_of_every_worker(service, "/healthz")
    wanted = 'recommender_requests_total{method="GET",route="/healthz",status="200"} '

    def counted() -> bool:
        """Whether the sum of both workers, whichever is asked, is all of them."""
        text = service.editor.get("/metrics").text
        (line,) = [each for each in text.splitlines() if each.startswith(wanted)]
        return float(line.removeprefix(wanted)) >= len(answers) + 1

    until(counted)
    assert "recommender_request_seconds_bucket" in service.editor.get("/metrics").text


def test_cors_is_for_the_origins_that_are_named(service: Service) -> None:
    path, named = "/articles/a000/related", "https://www.example.cn"
    answer = service.anyone.get(path, headers={"Origin": named})
    assert answer.headers["access-control-allow-origin"] == named
    other = service.anyone.get(path, headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers


def test_the_log_holds_no_text_no_title_no_id_and_no_token(service: Service) -> None:
    service.anyone.get("/articles/a020/related?category=密级词语")
    service.editor.post("/near-duplicates", json={"article": GIVEN})
    service.editor.put("/articles/a020", json={"title": "密级标题", "body": "密级正文" * 30})
    named = {"X-Request-ID": "from-the-cms.1"}
    assert service.anyone.get("/healthz", headers=named).headers["x-request-id"] == "from-the-cms.1"
    lines = until(
        lambda: [each for each in service.lines() if each.get("request_id") == "from-the-cms.1"]
    )
    assert set(lines[0]) == {
        *("time", "level", "message", "request_id", "method", "route", "status", "ms", "bytes"),
        "worker",
    }
    assert (lines[0]["route"], lines[0]["status"]) == ("/healthz", 200)
    text = service.log.read_text(encoding="utf-8")
    for secret in ("密级", DRAFT.title, DRAFT.body[:10], "a020", TOKEN, "category="):
        assert secret not in text


def test_documents_need_the_token_and_are_whole(service: Service) -> None:
    document = service.editor.get("/openapi.json").json()
    assert {"/articles/{article_id}", "/near-duplicates", "/compare"} <= set(document["paths"])
    examples = document["components"]["schemas"]["NearDuplicatesAsked"]["examples"]
    assert service.editor.post("/near-duplicates", json=examples[0]).status_code == 200
    page = service.editor.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "<script" not in page.text
    assert "POST /near-duplicates" in page.text
    for path in ("/openapi.json", "/docs", "/metrics"):
        assert service.anyone.get(path).status_code == 401
    browser = service.anyone.get("/docs", headers={"Accept": "text/html"})
    assert (browser.status_code, browser.headers["location"]) == (303, "/login?onward=%2Fdocs")
    assert "Successful Response" not in page.text


def test_examples_of_answers_are_answers() -> None:
    for model in (RelatedList, NearDuplicates, ComparisonShown, Changed, ProblemShown):
        (example,) = model.model_json_schema()["examples"]
        assert set(model(**example).model_dump(mode="json")) == set(example)

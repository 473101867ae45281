"""The routes of the editor's page over real HTTP: who gets in, and what browsers send."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from selectolax.lexbor import LexborHTMLParser

from recommender import Recommender
from recommender.reports.service_wording import service_wording
from recommender.sample import sample_articles
from recommender.service.page_requests import onward, preferred

from .helpers import build
from .page_service import COPY, EVIL, PART, TOKEN, box, client, hostile, near, page_text, running


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page") / "index"
    build(folder, [*sample_articles(), *hostile()]).close()
    return folder


@pytest.fixture(scope="module")
def address(index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(index, tmp_path_factory.mktemp("runtime")) as started:
        yield started


@pytest.fixture(scope="module")
def browser(address: str) -> Iterator[httpx.Client]:
    with client(address, **{"Accept-Language": "zh-CN,zh;q=0.9"}) as made:
        yield made


@pytest.fixture(scope="module")
def engine(index: Path) -> Iterator[Recommender]:
    with Recommender.open(index) as opened:
        yield opened


def test_nobody_gets_in_without_the_token(address: str) -> None:
    with client(address, signed_in=False) as stranger:
        for path in ("/", "/?q=桥", "/?article=evil", "/draft", "/pair?first=evil&second=hidden"):
            response = stranger.get(path)
            assert response.status_code == 303, path
            assert response.headers["location"].startswith("/login?onward=")
        sent = stranger.post("/draft", data={"title": "桥"})
        assert sent.status_code == 401
        assert "桥" not in page_text(sent.text)
        part = stranger.get("/?q=桥", headers=PART)
        assert part.status_code == 401
        assert "/login" in part.text
        assert stranger.get("/login").status_code == 200
        assert stranger.get("/static/page.css").status_code == 200


def test_sign_in_and_out(address: str) -> None:
    with client(address, signed_in=False) as editor:
        asked = editor.get("/?article=ticket-leak-1&lang=en")
        form = LexborHTMLParser(editor.get(asked.headers["location"]).text)
        onwards = form.css_first("[name=onward]").attributes["value"]
        wrong = editor.post("/login", data={"token": "not the token", "onward": onwards})
        assert wrong.status_code == 401
        assert "This is not the token" in wrong.text
        assert "not the token" not in LexborHTMLParser(wrong.text).css_first("#token").html
        assert editor.post("/login", data={}).status_code == 401
        assert editor.get("/").status_code == 303
        right = editor.post("/login", data={"token": f" {TOKEN} ", "onward": onwards})
        assert right.status_code == 303
        cookie = right.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=" in cookie
        assert TOKEN not in cookie
        shown = editor.get(right.headers["location"])
        assert "四川某科技公司" in shown.text
        assert editor.get("/login").status_code == 303
        assert editor.post("/logout").status_code == 303
        assert editor.get("/").status_code == 303


def test_the_token_in_a_header_opens_the_page(address: str) -> None:
    with client(address, signed_in=False, Authorization=f"Bearer {TOKEN}") as program:
        assert program.get("/").status_code == 200


@pytest.mark.parametrize(
    "said",
    ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "/\n/x"],
)
def test_the_login_leads_nowhere_else(address: str, said: str) -> None:
    assert onward(said, "") == "/"
    with client(address, signed_in=False) as editor:
        response = editor.post("/login", data={"token": TOKEN, "onward": said})
        assert response.headers["location"] == "/"


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}]
)
def test_pages_of_other_sites_send_nothing(address: str, headers: dict[str, str]) -> None:
    with client(address) as editor:
        for path, fields in (
            ("/draft", {"title": "桥"}),
            ("/pair", {"title": "桥", "second": "evil"}),
            ("/logout", {}),
            ("/login", {"token": TOKEN}),
        ):
            response = editor.post(path, data=fields, headers=headers)
            assert response.status_code == 403, path
        assert editor.get("/").status_code == 200
        # Of a browser that does not say where a form was, the origin counts.
        del editor.headers["Sec-Fetch-Site"]
        foreign = editor.post(
            "/draft", data={"title": "桥"}, headers={"Origin": "http://e.example"}
        )
        assert foreign.status_code == 403
        own = editor.post("/draft", data={"title": "桥"}, headers={"Origin": address})
        assert own.status_code == 200


def test_every_answer_has_the_policy(browser: httpx.Client) -> None:
    for path in ("/", "/?q=桥", "/?article=nothing", "/draft", "/login"):
        headers = browser.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["cache-control"] == "no-store"
        assert headers.get_list("x-content-type-options") == ["nosniff"]


def test_files_are_kept_by_browsers(browser: httpx.Client) -> None:
    page = LexborHTMLParser(browser.get("/").text)
    for each in page.css("script[src], link[href]"):
        at = each.attributes.get("src") or each.attributes.get("href")
        response = browser.get(at)
        assert response.status_code == 200
        assert "immutable" in response.headers["cache-control"]
        again = browser.get(at, headers={"If-None-Match": response.headers["etag"]})
        assert again.status_code == 304
    assert browser.get("/static/nothing.js").status_code == 404
    assert browser.get("/static/..%2Fpage.py").status_code == 404


def test_search_by_title_id_and_address(browser: httpx.Client) -> None:
    found = LexborHTMLParser(browser.get("/", params={"q": "天舟九号"}).text)
    assert len(found.css(".found li")) == 3
    part = browser.get("/", params={"q": "h20-huang"}, headers=PART)
    assert "<html" not in part.text
    assert "黄仁勋" in part.text
    by_url = browser.get("/", params={"q": COPY.url}, headers=PART)
    assert COPY.title in by_url.text
    nothing = browser.get("/", params={"q": f"{EVIL}zzqqxx"})
    assert nothing.status_code == 200
    assert "没有找到" in nothing.text
    assert "<script>alert" not in nothing.text
    assert browser.get("/", params={"q": "  "}, headers=PART).status_code == 200


def test_an_article_with_its_box_and_moved_thresholds(browser: httpx.Client) -> None:
    asked = {"article": "tianzhou9-launch"}
    whole = browser.get("/", params=asked)
    assert len(box(whole.text)) == 3
    assert not near(whole.text)
    moved = browser.get("/", params={**asked, "same_story": 0.63, "related": 0.6}, headers=PART)
    assert "<html" not in moved.text
    assert near(moved.text) == ["天舟八号货运飞船在文昌发射成功"]
    assert box(moved.text) == ["天舟九号货运飞船与火箭组合体转运至发射区"]
    # Nothing of it is kept.
    assert box(browser.get("/", params=asked).text) == box(whole.text)


@pytest.mark.parametrize("related", ["2", "-1", "0.2", "nan", "x", "0.95"])
def test_thresholds_that_make_no_sense_are_told(browser: httpx.Client, related: str) -> None:
    asked = {"article": "tianzhou9-launch", "related": related}
    whole = browser.get("/", params=asked)
    assert whole.status_code == 200
    assert service_wording("zh")["problem_cuts"] in page_text(whole.text)
    assert box(whole.text)
    part = browser.get("/", params=asked, headers=PART)
    assert part.status_code == 422


def test_an_article_that_is_not_there(browser: httpx.Client) -> None:
    for missing in ("nothing", EVIL, "x" * 5_000, "\0", "a/b"):
        for headers in ({}, PART):
            response = browser.get("/", params={"article": missing}, headers=headers)
            assert response.status_code == 404
            assert "<script>alert" not in response.text
            said = service_wording("zh")["problem"]
            body = response.text.partition("<body>")[2] or response.text
            assert body.count(f">{said}<") == 1
    assert browser.get("/pair?first=ticket-leak-1&second=nothing").status_code == 404
    assert browser.get("/pair").status_code == 404


def test_ids_of_any_characters_can_be_followed(browser: httpx.Client) -> None:
    page = LexborHTMLParser(browser.get("/", params={"q": "桥面铺装"}).text)
    strange = next(
        each.attributes["href"] for each in page.css(".found a") if "%22" in each.attributes["href"]
    )
    shown = browser.get(strange)
    assert shown.status_code == 200
    assert "<b>" not in shown.text
    pair = LexborHTMLParser(shown.text).css_first(".sides a").attributes["href"]
    assert browser.get(pair).status_code == 200


def test_what_is_not_public_is_marked_and_in_no_box(browser: httpx.Client) -> None:
    shown = browser.get("/", params={"article": "hidden"})
    words = service_wording("zh")
    assert words["subject_not_public"] in shown.text
    assert words["not_public"] in shown.text
    assert not {"未公开的桥面稿", "明天的桥面稿"} & set(box(shown.text))


def test_two_articles_side_by_side(browser: httpx.Client) -> None:
    asked = "/pair?first=ticket-leak-1&second=ticket-leak-2"
    whole = LexborHTMLParser(browser.get(asked).text)
    assert len(whole.css(".texts > section")) == 2
    assert whole.css("a.shared")
    targets = {each.attributes["href"][1:] for each in whole.css("a.shared")}
    assert targets <= {each.attributes.get("id") for each in whole.css("[id]")}
    part = browser.get(asked, headers=PART)
    assert "<html" not in part.text


def test_a_draft_is_checked_and_not_stored(browser: httpx.Client, engine: Recommender) -> None:
    before = len(engine)
    draft = {"title": COPY.title, "body": COPY.body, "date": "2025-07-17"}
    whole = browser.post("/draft", data=draft)
    assert near(whole.text)[0] == COPY.title
    assert service_wording("zh")["draft_same-text"] in whole.text
    assert COPY.title in LexborHTMLParser(whole.text).css_first("#draft-title").attributes["value"]
    part = browser.post("/draft", data=draft, headers=PART)
    assert "<html" not in part.text
    moved = browser.post(
        "/draft?moved=1",
        data={**draft, "same_text": "1", "same_story": "1", "related": "1"},
        headers=PART,
    )
    assert not box(moved.text)
    side = browser.post("/pair", data={**draft, "second": "ticket-leak-1"}, headers=PART)
    assert "a.shared" not in side.text
    assert LexborHTMLParser(side.text).css("a.shared")
    assert len(engine) == before


def test_a_published_article_is_not_compared_with_itself(browser: httpx.Client) -> None:
    draft = {"title": COPY.title, "body": COPY.body, "article": COPY.id}
    assert COPY.title not in near(browser.post("/draft", data=draft, headers=PART).text)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({}, "no_draft"),
        ({"title": " ", "body": "\r\n"}, "no_draft"),
        ({"title": "桥", "date": "2025-02-30"}, "date"),
        ({"title": "桥", "date": "soon"}, "date"),
        ({"title": "桥", "article": "x" * 600}, "id"),
        ({"title": "桥" * 9_000}, "large"),
        ({"title": "桥", "body": "通车" * 100_001}, "large"),
        ({"title": "桥", "related": "7"}, "cuts"),
    ],
)
def test_drafts_that_cannot_be_checked(
    browser: httpx.Client, fields: dict[str, str], problem: str
) -> None:
    for headers in ({}, PART):
        response = browser.post("/draft", data=fields, headers=headers)
        assert response.status_code == 422
        assert service_wording("zh")[f"problem_{problem}"] in response.text
    # A slider that is moved over an empty form is no mistake.
    if not fields:
        assert browser.post("/draft?moved=1", data=fields, headers=PART).status_code == 204


def test_forms_that_are_none(browser: httpx.Client) -> None:
    for content in (b"\xff\xfe", "标题=桥".encode(), b"&".join([b"a=1"] * 50)):
        response = browser.post("/draft", content=content)
        assert response.status_code == 422
        assert service_wording("zh")["problem_form"] in response.text
    assert browser.post("/draft", content=b"title=%ED%A0%80%00%FF&body=x").status_code == 200


def test_scripts_in_a_draft_stay_text(browser: httpx.Client) -> None:
    body = f"</textarea>{EVIL}" + COPY.body
    response = browser.post("/draft", data={"title": EVIL, "body": body, "second": "ticket-leak-1"})
    assert response.status_code == 200
    assert "<script>alert" not in response.text
    assert "onerror=alert" not in re.sub(r"&[a-z#0-9]+;", "", response.text) or (
        not LexborHTMLParser(response.text).css("img")
    )


def test_a_huge_request_is_told_as_a_page(index: Path, tmp_path: Path) -> None:
    with running(index, tmp_path, request_bytes=20_000) as address, client(address) as editor:
        response = editor.post("/draft", data={"title": "桥", "body": "x" * 30_000})
        assert response.status_code == 413
        assert "longer than the service takes" in response.text
        editor.headers["Accept"] = "application/json"
        response = editor.post("/draft", data={"title": "桥", "body": "x" * 30_000})
        assert response.headers["content-type"] == "application/problem+json"


def test_without_a_model_a_draft_is_compared_by_wording(index: Path, tmp_path: Path) -> None:
    with running(index, tmp_path, model=False) as address, client(address) as editor:
        draft = {"title": COPY.title, "body": COPY.body}
        response = editor.post("/draft", data=draft)
        assert response.status_code == 200
        assert service_wording("en")["by_wording"] in response.text
        assert COPY.title in near(response.text)
        side = editor.post("/pair", data={**draft, "second": COPY.id})
        assert side.status_code == 200
        # What is stored needs no model.
        stored = editor.get("/", params={"article": COPY.id})
        assert service_wording("en")["by_wording"] not in stored.text


def test_too_many_drafts_wait_and_keep_what_was_typed(index: Path, tmp_path: Path) -> None:
    with running(index, tmp_path, embeddings_per_minute=2) as address, client(address) as editor:
        same = {"title": COPY.title, "body": COPY.body}
        for _ in range(5):
            assert editor.post("/draft", data=same, headers=PART).status_code == 200
        assert editor.post("/draft", data={"title": "第二篇"}).status_code == 200
        refused = editor.post("/draft", data={"title": "第三篇"})
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) >= 1
        assert "第三篇" in refused.text
        assert service_wording("en")["problem_often"] in refused.text


def test_a_busy_service_says_so(index: Path, tmp_path: Path) -> None:
    with running(index, tmp_path, threads=1, queue=0) as address, client(address) as editor:
        draft = {"title": "桥面", "body": COPY.body * 60}
        statuses: list[int] = []

        def check() -> None:
            with client(address) as other:
                response = other.post("/draft", data=draft)
                statuses.append(response.status_code)
                if response.status_code == 503:
                    assert "retry-after" in response.headers
                    assert service_wording("en")["problem_busy"] in response.text
                    assert "桥面" in response.text

        threads = [threading.Thread(target=check) for _ in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert set(statuses) == {200, 503}
        assert editor.get("/").status_code == 200


def test_too_many_wrong_tokens_wait(index: Path, tmp_path: Path) -> None:
    with running(index, tmp_path, logins_per_minute=3) as address:
        with client(address, signed_in=False) as stranger:
            statuses = [
                stranger.post("/login", data={"token": f"wrong-{n}"}).status_code for n in range(5)
            ]
            told = stranger.post("/login", data={"token": "wrong"}).text
        assert statuses == [401, 401, 401, 429, 429]
        assert service_wording("en")["token_often"] in told


def test_the_language_follows_the_browser_and_the_switch(address: str) -> None:
    with client(address, **{"Accept-Language": "de, zh-TW;q=0.8, en;q=0.2"}) as editor:
        first = LexborHTMLParser(editor.get("/?article=ticket-leak-1").text)
        assert first.css_first("html").attributes["lang"] == "zh-CN"
        switch = first.css_first("#language").attributes["href"]
        second = LexborHTMLParser(editor.get(switch).text)
        assert second.css_first("html").attributes["lang"] == "en"
        assert "ticket-leak-1" in second.css_first("#language").attributes["href"]
        # And stays.
        third = LexborHTMLParser(editor.get("/draft").text)
        assert third.css_first("html").attributes["lang"] == "en"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("zh", "zh"),
        ("ZH-Hant;q=0.3, en-GB;q=0.2", "zh"),
        ("en, zh", "en"),
        ("zh;q=0, en;q=0.1", "en"),
        ("zh;q=x, *;q=0.5", "en"),
        ("q" * 100_000, "en"),
    ],
)
def test_the_preferred_language(accepted: str, language: str) -> None:
    assert preferred(accepted) == language


def test_the_page_is_not_part_of_the_programs_interface(browser: httpx.Client) -> None:
    paths = browser.get("/openapi.json").json()["paths"]
    assert not {"/", "/draft", "/pair", "/login", "/logout", "/static/{name}"} & set(paths)

"""What hostile clients send: the service says no in one line, goes on, and shows nothing."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.helpers import article, build, corpus
from tests.services import TOKEN, Service, serving

TEXT = article("x", "桥", 3).body
HEAD = f"Host: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("hostile")
    build(folder / "index", corpus(15)).close()
    options = (
        "request_bytes = 500000\ntext_length = 50000\nbatch = 3\nrequest_seconds = 20\n"
        "embeddings_per_minute = 100000"
    )
    with serving(folder / "index", folder, "--workers", "1", settings=options) as running:
        running.wait_for_model()
        yield running


@pytest.fixture(autouse=True)
def goes_on(service: Service) -> Iterator[None]:
    """Whatever was sent: the same process answers afterwards, and nothing was a failure of ours."""
    before = service.children("worker")
    yield
    assert service.anyone.get("/articles/a000/related").status_code == 200
    assert service.children("worker") == before
    failures = [each for each in service.lines() if each["message"] == "failure"]
    assert failures == []


def refused(answer: httpx.Response, *statuses: int) -> dict[str, Any]:
    assert answer.status_code in statuses, (answer.status_code, answer.text)
    assert answer.headers["content-type"] == "application/problem+json"
    shown: dict[str, Any] = answer.json()
    assert shown["status"] == answer.status_code
    assert "\n" not in shown["detail"]
    assert "/tmp" not in answer.text  # noqa: S108 - no path of this machine
    assert len(answer.content) < 10_000
    return shown


def post(service: Service, content: bytes, path: str = "/near-duplicates") -> httpx.Response:
    return service.editor.post(path, content=content, headers={"Content-Type": "application/json"})


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe{}",
        b'{"article": {"body": "\xff"}}',
        b'{"article": {"body": "\\ud800"}}',
        b'{"article": {"body": "x", "extra": {"a": NaN}}}',
        b'{"article": {"body": "x", "extra": {"a": Infinity}}}',
        b'{"article": ' * 5_000,
        b"[" * 100_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b'{"article": {"body": "x", "extra": ' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"}}",
        b'{"article": {"body": "x", "extra": {"a": ' + b"[" * 500 + b"]" * 500 + b"}}}",
        b'{"limit": ' + b"9" * 10_000 + b', "id": "a000"}',
        b'{"id": "a000", "id": 5}',
        b'{"id": ["a000"]}',
        b'{"id": true}',
        b'{"id": ""}',
        b'{"id": "a000", "article": {"body": "x"}}',
        b'{"id": "a000", "limit": 1e9}',
        b'{"id": "a000", "limit": -1}',
        b'{"id": "a000", "limit": "5"}',
        b'{"id": "a000", "min_similarity": 2}',
        b'{"id": "a000", "thresholds": {"same_text": null, "wrong": 1}}',
        b'{"article": {"body": 5}}',
        b'{"article": {"body": ["a"]}}',
        b'{"article": {"title": "t"}}',
        b'{"article": {"body": "x", "title": {"a": 1}}}',
        b'{"article": {"body": "x", "date": "the day before yesterday"}}',
        b'{"article": {"body": "x", "visible_from": "soon"}}',
        b'{"article": {"body": "x", "access": "everybody"}}',
        b'{"article": {"body": "x", "id": " a "}}',
        b'{"article": {"body": "x", "id": "a\\u0000b"}}',
        b'{"article": {"body": "x", "id": "' + b"a" * 600 + b'"}}',
        b'{"article": {"body": "x", "title": "' + b"a" * 9_000 + b'"}}',
        b'{"article": {"body": "x", "\\u001b[31m<script>": 1}}',
    ],
)
def test_what_is_no_question_is_refused(service: Service, content: bytes) -> None:
    shown = refused(post(service, content), 400, 413, 422)
    assert "<script>" not in shown["detail"]


def test_what_is_sent_as_something_else_is_refused(service: Service) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; x"):
        answer = service.editor.post(
            "/near-duplicates", content=b'{"id": "a000"}', headers={"Content-Type": kind}
        )
        assert "application/json" in refused(answer, 415)["detail"]
    nameless = service.editor.post("/near-duplicates", content=b'{"id": "a000"}')
    refused(nameless, 415)
    named = {"Content-Type": "application/merge-patch+json; charset=utf-8"}
    answer = service.editor.post("/near-duplicates", content=b'{"id": "a000"}', headers=named)
    assert answer.status_code == 200
    packed = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = service.editor.post("/near-duplicates", content=b"\x1f\x8b", headers=packed)
    assert "Content-Encoding" in refused(answer, 415)["detail"]


def test_an_address_that_is_no_utf_8_names_no_article(service: Service) -> None:
    for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "POST"):
        for path in ("/articles/%ff", "/articles/%fe/related"):
            answer = service.editor.request(method, path, json={"body": TEXT})
            assert answer.status_code == 422, (method, path)
    # The character itself may stand in an id.
    assert service.editor.put("/articles/%EF%BF%BD", json={"body": TEXT}).status_code == 201
    assert service.editor.delete("/articles/%EF%BF%BD").status_code == 204


def test_errors_speak_of_what_was_sent(service: Service) -> None:
    sides = {"first": {"body": 5, "int": 1}, "second": 7}
    shown = refused(service.editor.post("/compare", json=sides), 422)
    places = [each["where"] for each in shown["errors"]]
    assert sorted(places) == ["body.first.body", "body.first.int", "body.second"]
    shown = refused(service.editor.post("/related", json={}), 422)
    assert shown["errors"] == [{"where": "body", "what": "Give either id or article."}]
    twice = {"articles": [{"id": 5, "body": TEXT}, {"id": "5", "body": TEXT}]}
    shown = refused(service.editor.put("/articles", json=twice), 422)
    assert shown["detail"] == "Two articles of the batch have the same id."


def test_an_address_tells_all_its_methods(service: Service) -> None:
    answer = service.editor.patch("/articles/a000", json={})
    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, PUT")


def test_limits_name_their_setting(service: Service) -> None:
    long = json.dumps({"article": {"body": "长" * 50_001}}, ensure_ascii=False).encode()
    assert "text_length" in refused(post(service, long), 413)["detail"]
    huge = b'{"article": {"body": "' + b"x" * 600_000 + b'"}}'
    assert "request_bytes" in refused(post(service, huge), 413)["detail"]

    def drops() -> Iterator[bytes]:
        for _ in range(70):
            yield b"x" * 10_000

    # Of a length that is not told beforehand.
    answer = service.editor.post(
        "/near-duplicates", content=drops(), headers={"Content-Type": "application/json"}
    )
    refused(answer, 413)
    articles = [{"id": number, "body": TEXT} for number in range(4)]
    answer = service.editor.put("/articles", json={"articles": articles})
    assert "batch" in refused(answer, 413)["detail"]
    extra = {"article": {"body": TEXT, "extra": {"notes": "x" * 200_000}}}
    refused(service.editor.post("/related", json=extra), 413)


def test_nobody_without_the_token_makes_it_read_megabytes(service: Service) -> None:
    place = urlsplit(service.url)
    with socket.create_connection((place.hostname, place.port), timeout=30) as connection:
        # The answer comes although the body never does.
        connection.sendall(
            b"POST /related HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 400000\r\n\r\n"
        )
        assert b" 401 " in connection.recv(4_096).split(b"\r\n")[0]


# As a CMS escapes it; an element itself is markup, and no part of a title.
ESCAPED = "1 &lt;script&gt;alert(1)&lt;/script&gt;"
SCRIPT = "1 <script>alert(1)</script>"


def test_scripts_in_titles_stay_text(service: Service) -> None:
    given = {"title": ESCAPED, "body": f"{TEXT}{ESCAPED}", "url": "javascript:alert(1)"}
    assert service.editor.put("/articles/scripted", json=given).status_code == 201
    shown = service.editor.post("/near-duplicates", json={"id": "scripted"})
    assert shown.headers["content-type"] == "application/json"
    assert shown.headers["x-content-type-options"] == "nosniff"
    listed = service.editor.post("/near-duplicates", json={"article": {"body": TEXT}}).json()
    cards = {each["article"]["id"]: each["article"] for each in listed["matches"]}
    assert cards["scripted"]["title"] == SCRIPT
    assert cards["scripted"]["url"] == ""
    assert SCRIPT not in service.editor.get("/docs").text
    service.editor.delete("/articles/scripted")


@pytest.mark.parametrize(
    "path",
    [
        "/articles//related",
        "/articles/%00/related",
        "/articles/a000%00/related",
        "/articles/a000%0d%0aSet-Cookie:x/related",
        "/articles/..%2f..%2fetc%2fpasswd/related",
        "/articles/../../etc/passwd/related",
        "/articles/'%20OR%201=1--/related",
        "/articles/%25/related",
        f"/articles/{'a' * 5_000}/related",
        "/articles/A000/related",
        "/articles/a000%20/related",
        "/articles/a000/related/related",
        "/related",
        "/nothing",
    ],
)
def test_forged_ids_find_nothing(service: Service, path: str) -> None:
    answer = service.anyone.get(path)
    refused(answer, 404, 405)
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "query",
    [
        "limit=-1",
        "limit=1000000",
        "limit=5.5",
        "limit=%D9%A5%00",
        "limit=" + "9" * 5_000,
        "limit=",
        "min_similarity=nan",
        "min_similarity=1e400",
        "min_similarity=-0.1",
        "fill=everything",
        "category=" + "x" * 2_000,
    ],
)
def test_questions_out_of_range(service: Service, query: str) -> None:
    refused(service.anyone.get(f"/articles/a000/related?{query}"), 422)


def test_many_different_questions_fill_no_memory(service: Service) -> None:
    # Unknown parameters are another address of the same list.
    for number in range(300):
        answer = service.anyone.get(f"/articles/a000/related?number={number}")
        assert answer.status_code == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00\x01\x02\x03\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: abc\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"x: y\r\n" * 20_000 + b"\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nx: " + b"y" * 100_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"POST /related HTTP/1.1\r\n"
        + HEAD.encode()
        + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /related HTTP/1.1\r\n" + HEAD.encode() + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_no_http(service: Service, sent: bytes) -> None:
    place = urlsplit(service.url)
    with socket.create_connection((place.hostname, place.port), timeout=30) as connection:
        try:
            connection.sendall(sent)
            answer = connection.recv(65_536)
        except (ConnectionResetError, BrokenPipeError):
            answer = b""
    assert answer == b"" or answer.split(b"\r\n")[0].split()[1].startswith(b"4")


def test_clients_that_leave_in_the_middle(service: Service) -> None:
    place = urlsplit(service.url)
    for number in range(20):
        with socket.create_connection((place.hostname, place.port), timeout=30) as connection:
            head = f"POST /related HTTP/1.1\r\n{HEAD}Content-Length: 100\r\n\r\n"
            connection.sendall(head.encode()[: 20 * number + 5])


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=12,
)
NAMES = st.sampled_from(
    "id article body title date first second articles limit thresholds extra access".split()
)


@given(
    path=st.sampled_from(["/related", "/near-duplicates", "/compare"]),
    content=st.dictionaries(NAMES, VALUES | st.fixed_dictionaries({"body": VALUES}), max_size=4),
)
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_anything_json_can_say(service: Service, path: str, content: Any) -> None:
    answer = service.editor.post(path, json=content)
    assert answer.status_code in (200, 404, 413, 422)

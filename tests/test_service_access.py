"""Who may ask the service: tokens, logins, names it is asked under, pages of other sites."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from click.testing import Result
from fastapi import Depends, FastAPI, Request, Response

from recommender.service.access import COOKIE, Access
from recommender.service.problems import Problem
from recommender.service.rates import Rates, client_key
from tests.helpers import build, corpus
from tests.services import TOKEN, Service, serving

GUARDED = (
    ("POST", "/related"),
    ("POST", "/near-duplicates"),
    ("POST", "/near-duplicates?lexical=1"),
    ("POST", "/compare"),
    ("PUT", "/articles/a000"),
    ("PUT", "/articles"),
    ("DELETE", "/articles/a000"),
    ("GET", "/metrics"),
    ("GET", "/openapi.json"),
    ("GET", "/docs"),
)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("access") / "index"
    build(folder, corpus(15)).close()
    return folder


@pytest.fixture(scope="module")
def service(index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    settings = 'logins_per_minute = 1000\nallowed_hosts = ["127.0.0.1", "News.Example"]'
    with serving(
        index, tmp_path_factory.mktemp("run"), "--workers", "1", settings=settings
    ) as running:
        yield running


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_without_the_token_nothing_but_the_anonymous_calls(
    service: Service, method: str, path: str
) -> None:
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer"},
        {"Authorization": TOKEN},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Authorization": f"Bearer {TOKEN}0"},
        {"Authorization": "Bearer \xff\xfe".encode("latin-1")},
        {"Cookie": f"{COOKIE}={TOKEN}"},
        {"Cookie": f"{COOKIE}=99999999999.x.{'0' * 64}"},
    ):
        # Also where the body is no JSON: who asks comes before what is asked.
        answer = service.anyone.request(method, path, headers=headers, content=b"{no json")
        assert answer.status_code == 401, headers
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.headers["content-type"] == "application/problem+json"
    assert service.anyone.get("/articles/a000/related").status_code == 200


def test_anonymous_calls_need_no_token_and_mind_no_wrong_one(service: Service) -> None:
    wrong = {"Authorization": "Bearer wrong"}
    for path in ("/articles/a000/related", "/healthz", "/readyz"):
        assert service.anyone.get(path).status_code == 200
        assert service.anyone.get(path, headers=wrong).status_code == 200


def raw_status(service: Service, hosts: list[str], path: str) -> int:
    place = urlsplit(service.url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
    connection.putrequest("GET", path, skip_host=True)
    for host in hosts:
        connection.putheader("Host", host)
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize("path", ["/articles/a000/related", "/healthz", "/docs", "/"])
def test_another_name_is_refused(service: Service, path: str) -> None:
    # A page of evil.example whose name was made to lead here.
    for host in (
        "evil.example",
        "127.0.0.1.evil.example",
        "evil.example:80",
        "",
        "[::1",
        "x" * 500,
    ):
        assert raw_status(service, [host], path) == 421, host
    assert raw_status(service, ["127.0.0.1", "evil.example"], path) in (400, 421)
    # HTTP/1.1 without a name at all.
    assert raw_status(service, [], path) in (400, 421)


def test_names_that_are_allowed(service: Service) -> None:
    for host in ("127.0.0.1", "127.0.0.1:1234", "news.example", "NEWS.example:443"):
        assert raw_status(service, [host], "/healthz") == 200


def test_without_a_token_it_does_not_start(index: Path, run) -> None:
    result: Result = run("serve", "-i", str(index))
    assert result.exit_code == 1
    assert "RECOMMENDER_TOKEN" in result.stderr
    assert "--public-only" in result.stderr


@pytest.mark.parametrize("token", ["short", " " * 30, "with a space in it 0123456789", "中文" * 20])
def test_a_token_that_is_not_safe_is_refused(index: Path, run, monkeypatch, token: str) -> None:
    monkeypatch.setenv("RECOMMENDER_TOKEN", token)
    result: Result = run("serve", "-i", str(index))
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: the token in the variable")


def test_at_an_address_for_others_hosts_must_be_named(index: Path, run, monkeypatch) -> None:
    monkeypatch.setenv("RECOMMENDER_TOKEN", TOKEN)
    result: Result = run("serve", "-i", str(index), "--host", "0.0.0.0")  # noqa: S104
    assert result.exit_code == 1
    assert "--allowed-host" in result.stderr


def test_only_the_anonymous_calls_without_a_token(index: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("unused")
    with serving(index, tmp_path, "--public-only", "--workers", "1", token=None) as service:
        assert service.anyone.get("/articles/a000/related").status_code == 200
        assert service.anyone.get("/readyz").json() == {"status": "ready", "model": "none"}
        for method, path in GUARDED:
            assert service.editor.request(method, path, content=b"{}").status_code in (404, 405)
        # No model is loaded for what needs none.
        assert service.children("embedding") == []
        assert service.stop() == 0


def test_a_token_in_a_file(index: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{TOKEN}\n")
    settings = 'token_file = "secret"'
    with serving(index, tmp_path, "--workers", "1", token=None, settings=settings) as service:
        assert service.editor.get("/openapi.json").status_code == 200
        assert service.anyone.get("/openapi.json").status_code == 401


def application(access: Access) -> FastAPI:
    """A form to log in at, and one thing behind it."""
    app = FastAPI()

    @app.exception_handler(Problem)
    async def problem(request: Request, error: Problem) -> Response:
        return error.response()

    @app.post("/login")
    async def login(request: Request) -> Response:
        response = Response()
        access.log_in(request, response, (await request.body()).decode())
        return response

    @app.post("/logout")
    async def logout(request: Request) -> Response:
        response = Response()
        access.log_out(request, response)
        return response

    @app.api_route("/behind", methods=["GET", "POST"], dependencies=[Depends(access.required)])
    async def behind() -> str:
        return "seen"

    return app


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def access(tmp_path: Path, clock: Clock) -> Iterator[Access]:
    rates = Rates(tmp_path / "rates", clock=clock)
    yield Access(TOKEN, rates=rates, tries=5, hours=2, clock=clock)
    rates.close()


def browser(access: Access) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(application(access))
    return httpx.AsyncClient(transport=transport, base_url="https://news.example")


OWN = {"Sec-Fetch-Site": "same-origin"}


@pytest.mark.anyio
async def test_a_login_lasts_its_time_and_no_longer(access: Access, clock: Clock) -> None:
    async with browser(access) as client:
        assert (await client.get("/behind")).status_code == 401
        answer = await client.post("/login", content=TOKEN, headers=OWN)
        cookie = answer.headers["set-cookie"]
        for word in ("HttpOnly", "SameSite=strict", "Path=/", "Secure", "Max-Age=7200"):
            assert word in cookie
        assert TOKEN not in cookie
        assert (await client.get("/behind")).status_code == 200
        clock.now += 2 * 3_600 - 1
        assert (await client.get("/behind")).status_code == 200
        clock.now += 1
        assert (await client.get("/behind")).status_code == 401


@pytest.mark.anyio
async def test_a_cookie_that_was_changed_or_is_of_another_token(
    access: Access, clock: Clock, tmp_path: Path
) -> None:
    async with browser(access) as client:
        await client.post("/login", content=TOKEN, headers=OWN)
        cookie = client.cookies[COOKIE]
        client.cookies.clear()
        until, nonce, signature = cookie.split(".")
        for forged in (
            f"{int(until) + 1}.{nonce}.{signature}",
            f"{until}.{nonce}.{signature[:-1]}0",
            f"{until}.{nonce}.",
            f"{until}.{nonce}",
            "..",
            f"{until}.{nonce}.{signature}" * 20,
        ):
            answer = await client.get("/behind", headers={"Cookie": f"{COOKIE}={forged}"})
            assert answer.status_code == (200 if forged == cookie else 401)
    rates = Rates(tmp_path / "others", clock=clock)
    other = Access("another-token-0123456789", rates=rates, tries=5, hours=2, clock=clock)
    async with browser(other) as client:
        answer = await client.get("/behind", headers={"Cookie": f"{COOKIE}={cookie}"})
        assert answer.status_code == 401
    rates.close()


@pytest.mark.anyio
async def test_pages_of_other_sites_change_nothing(access: Access) -> None:
    async with browser(access) as client:
        for foreign in (
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": "https://news.example.evil.example"},
            {},
        ):
            answer = await client.post("/login", content=TOKEN, headers=foreign)
            assert answer.status_code == 403, foreign
        await client.post("/login", content=TOKEN, headers={"Origin": "https://news.example"})
        for foreign in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}):
            assert (await client.post("/behind", headers=foreign)).status_code == 403
            assert (await client.post("/logout", headers=foreign)).status_code == 403
        assert (await client.get("/behind")).status_code == 200
        assert (await client.post("/behind", headers=OWN)).status_code == 200
        # A program with the token is no browser.
        token = {"Authorization": f"Bearer {TOKEN}"}
        assert (await client.post("/behind", headers=token)).status_code == 200
        await client.post("/logout", headers=OWN)
        assert (await client.get("/behind")).status_code == 401


@pytest.mark.anyio
async def test_wrong_tokens_are_slowed_down_and_the_right_one_is_not(
    access: Access, clock: Clock
) -> None:
    async with browser(access) as client:
        for number in range(8):
            answer = await client.post("/login", content=f"guess {number}", headers=OWN)
            assert answer.status_code == (401 if number < 5 else 429)
        assert int(answer.headers["retry-after"]) >= 1
        assert (await client.post("/login", content=TOKEN, headers=OWN)).status_code == 200
        clock.now += 60
        client.cookies.clear()
        assert (await client.post("/login", content="guess", headers=OWN)).status_code == 401


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def test_rates_are_one_for_all_processes(tmp_path: Path, clock: Clock) -> None:
    one, other = (Rates(tmp_path / "rates", clock=clock) for _ in range(2))
    taken = [each.take("x", "client", per_minute=6) for each in (one, other) * 4]
    assert taken[:6] == [0.0] * 6
    assert all(0 < wait <= 10 for wait in taken[6:])
    clock.now += max(taken)
    assert other.take("x", "client", per_minute=6) == 0
    assert one.take("x", "somebody else", per_minute=6) == 0
    # More at once than a minute allows waits for a whole one, and then passes.
    assert one.take("y", "client", per_minute=6, count=100) == 0
    assert one.take("y", "client", per_minute=6) > 0
    for each in (one, other):
        each.close()


def test_one_client_has_one_name() -> None:
    assert client_key("2001:db8::1") == client_key("2001:db8::ffff:1")
    assert client_key("2001:db8::1") != client_key("2001:db8:0:1::1")
    assert client_key("::ffff:192.0.2.1") == client_key("192.0.2.1")
    assert client_key("not an address") == "not an address"

"""The files for servers, in the servers themselves: hostile addresses lead once, and right."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from recommender import reports
from recommender.records import Card
from recommender.redirects import Redirect, Wish, make_redirects
from tests.helpers import NOW

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
APACHE = shutil.which("apache2") or shutil.which("apache2", path="/usr/sbin")
MODULES = Path("/usr/lib/apache2/modules")

pytestmark = pytest.mark.slow
with_nginx = pytest.mark.skipif(NGINX is None, reason="needs nginx")
with_apache = pytest.mark.skipif(
    APACHE is None or not MODULES.is_dir(), reason="needs apache2 with its modules"
)

PATHS = [
    ("/plain", "/kept/plain"),
    ("/要闻/2025/城东停水 通知.html", "/要闻/城东停水(新)"),
    ("/article?id=7&lang=中文", "/article?id=8&lang=中文"),
    ("/article?id=9", "/kept?no=9#正文"),
    ("/a;b", "/kept;b}"),
    ("/quote\"s'and`more", "/kept\"s'and`more"),
    ("/$request_uri", "/$host/${dollar}/$1%24"),
    ("/braces{a}[b]?q={c}|d", "/kept{a}[b]?q={c}|d"),
    ("/# no fragment".replace("#", "%23"), "/kept%23x"),
    ("/~tilde.*(x)+?y=^$", "/~kept.*(x)+?y=^$"),
    ("/percent%41%e4%b8%ad", "/kept%e4%b8%ad%0d%0aSet-Cookie:%20x"),
    ("/default", "/hostnames"),
    ("/include x", "/volatile"),
    ("/" + "长" * 60, "/kept/" + "长" * 30),
    ("/p/aBcD", "/kept/aBcD"),
    ("/p/AbCd", "/kept/AbCd"),
    ("/P/中", "/kept/big"),
    ("/%25%7Cpipe|x", "/%25kept|x"),
    ("/empty?", "/kept?empty"),
    ("//double//slash".replace("//d", "/d"), "/kept//double"),
]
# Differs from a source in nothing but the case of its letters, and stays.
STAYING = ["/p/abcd", "/p/中"]


def redirects(origin: str = "", paths: list[tuple[str, str]] = PATHS) -> list[Redirect]:
    def card(path: str) -> Card:
        return Card(id=f"{origin}{path}", url=f"{origin}{path}")

    wishes = [Wish(source=card(source), target=card(target)) for source, target in paths]
    others = [card(path) for path in STAYING]
    made = make_redirects(wishes, now=NOW, others=others)
    assert made.left_out == ()
    return list(made.redirects)


def instructions(text: str) -> str:
    """What the head of a file says is to be configured."""
    lines = [line for line in text.splitlines() if line.startswith("#   ")]
    return "\n".join(line[4:] for line in lines)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def running(command: list[str], port: int, log: Path) -> Iterator[int]:
    with log.open("wb") as written:
        process = subprocess.Popen(command, stdout=written, stderr=written)
    try:
        for _ in range(200):
            if process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                yield port
                return
            except OSError:
                time.sleep(0.05)
        pytest.fail(f"{command[0]} did not start:\n{log.read_text(errors='replace')}")
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not pytest's own, which a server's user may not look into.
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def nginx(folder: Path, found: list[Redirect]) -> Iterator[int]:
    port = free_port()
    text = reports.nginx_map(found)
    (folder / "redirects.conf").write_text(text, encoding="utf-8")
    temporary = "\n".join(
        f"{name}_temp_path {folder}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"""
        daemon off; master_process off; pid {folder}/pid; error_log stderr;
        events {{}}
        http {{
            access_log off;
            {temporary}
            include {folder}/redirects.conf;
            server {{
                listen 127.0.0.1:{port};
                absolute_redirect off;
                {instructions(text)}
                location / {{ return 200 "here"; }}
            }}
        }}
        """,
        encoding="utf-8",
    )
    command = [str(NGINX), "-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")]
    with running(command, port, folder / "log"):
        yield port


@contextmanager
def apache(folder: Path, found: list[Redirect]) -> Iterator[int]:
    port = free_port()
    text = reports.apache_map(found)
    target = folder / "redirects.txt"
    target.write_text(text, encoding="utf-8")
    (folder / "index.html").write_text("here", encoding="utf-8")
    for file in (target, folder / "index.html"):
        file.chmod(0o644)
    modules = "\n".join(
        f"LoadModule {name}_module {MODULES}/mod_{name}.so"
        for name in ("mpm_event", "authz_core", "rewrite")
    )
    user = "User www-data\nGroup www-data" if os.getuid() == 0 else ""
    (folder / "apache.conf").write_text(
        f"""
        ServerName localhost
        Listen 127.0.0.1:{port}
        PidFile {folder}/pid
        ErrorLog {folder}/errors
        {modules}
        {user}
        <VirtualHost *>
            DocumentRoot {folder}
            {instructions(text).replace("/etc/apache2/redirects.txt", str(target))}
            RewriteRule "^" "/index.html" [L]
        </VirtualHost>
        """,
        encoding="utf-8",
    )
    command = [str(APACHE), "-D", "FOREGROUND", "-d", str(folder), "-f", f"{folder}/apache.conf"]
    with running(command, port, folder / "log"):
        yield port


def answer(port: int, request: str, host: str = "") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", request, headers={"Host": host} if host else {})
        response = connection.getresponse()
        assert response.getheader("Set-Cookie") is None
        return response.status, response.getheader("Location") or ""
    finally:
        connection.close()


SERVERS = [
    pytest.param(nginx, marks=with_nginx, id="nginx"),
    pytest.param(apache, marks=with_apache, id="apache"),
]


@pytest.mark.parametrize("server", SERVERS)
def test_hostile_addresses_lead_once_to_the_right_page(
    server: Callable[[Path, list[Redirect]], AbstractContextManager[int]], folder: Path
) -> None:
    origin = "https://news.example"
    found = redirects(origin)
    with server(folder, found) as port:
        for each in found:
            asked = each.from_address.request
            assert answer(port, asked) == (301, each.to_address.url), asked
            led = each.to_address.request
            assert answer(port, led) == (200, ""), led
            further = asked + ("&" if "?" in asked else "?") + "utm=x"
            assert answer(port, further)[0] == 200, further
        for path in STAYING:
            assert answer(port, quote(path))[0] == 200, path
        small = "/percent%41%e4%b8%ad"
        assert (
            answer(port, small)[0]
            == answer(port, small.replace("%e4%b8%ad", "%E4%B8%AD"))[0]
            == 301
        )


@pytest.mark.parametrize("server", SERVERS)
def test_a_reader_is_led_along_a_path_on_the_same_host(
    server: Callable[[Path, list[Redirect]], AbstractContextManager[int]], folder: Path
) -> None:
    found = redirects("", [("/旧/停水", "/新/停水?a=1&b=二"), ("/新/停水?a=1&b=二", "/最新")])
    with server(folder, found) as port:
        for path in ("/旧/停水", "/新/停水?a=1&b=二"):
            url = f"http://127.0.0.1:{port}{quote(path, safe='/?&=')}"
            assert answer(port, quote(path, safe="/?&="))[0] == 301
            with urllib.request.urlopen(url, timeout=20) as page:
                assert page.url == f"http://127.0.0.1:{port}{quote('/最新')}"


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("ports", [("", ""), ("", ":8443")], ids=["names", "ports"])
def test_hosts_are_told_apart(
    server: Callable[[Path, list[Redirect]], AbstractContextManager[int]],
    folder: Path,
    ports: tuple[str, str],
) -> None:
    hosts = [f"{name}.example{port}" for name, port in zip("ab", ports, strict=True)]
    found = [
        *redirects(f"https://{hosts[0]}", [("/1", "/2")]),
        *redirects(f"https://{hosts[1]}", [("/1", "/3"), ("/2", "/3")]),
    ]
    with server(folder, found) as port:
        first, second = hosts
        assert answer(port, "/1", first) == (301, f"https://{first}/2")
        assert answer(port, "/2", first)[0] == 200
        assert answer(port, "/1", second) == (301, f"https://{second}/3")
        assert answer(port, "/2", second) == (301, f"https://{second}/3")


@pytest.mark.parametrize("server", SERVERS)
def test_thousands_and_the_longest_addresses(
    server: Callable[[Path, list[Redirect]], AbstractContextManager[int]], folder: Path
) -> None:
    long = "/" + "x" * 440
    paths = [(f"{long}{i}", f"{long}/kept/{i}") for i in range(3_000)]
    found = redirects("https://news.example", paths)
    assert all(map(reports.fits_apache, found))
    with server(folder, found) as port:
        for each in found[::300]:
            assert answer(port, each.from_address.request) == (301, each.to_address.url)


@pytest.mark.parametrize("server", SERVERS)
def test_a_file_without_redirects_is_one_too(
    server: Callable[[Path, list[Redirect]], AbstractContextManager[int]], folder: Path
) -> None:
    with server(folder, []) as port:
        assert answer(port, "/a") == (200, "")

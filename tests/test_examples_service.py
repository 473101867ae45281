"""The examples in PHP against a running service, and with the service down: real HTTP, real PHP."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from recommender import Recommender
from tests.databases import Server
from tests.helpers import article, build, corpus
from tests.test_examples import EXAMPLES, PHP, WORDPRESS, make_wordpress, php, served

Run = Callable[..., object]

pytestmark = [
    pytest.mark.database,
    pytest.mark.skipif(not PHP, reason="needs php-cli from Debian"),
]

LABEL = "{related:list id=%s num=5}<a href='[related:url]'>[related:title]</a>{/related:list}"
SCRIPT = """
foreach (['RelatedLabel', 'RelatedClient'] as $name) {
    require %r . "/$name.php";
}
use app\\home\\controller\\RelatedClient;
use app\\home\\controller\\RelatedLabel;
[$service, $folder, $page] = array_slice($argv, 1);
$label = new RelatedLabel(new RelatedClient($service, $folder));
echo $label->run($page);
"""


@contextmanager
def service(index: Path, port: int = 0) -> Iterator[str]:
    """A running service; its address."""
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "recommender", "serve", "-i", str(index)),
            *("--public-only", "--workers", "1", "--port", str(port)),
        ],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        try:
            assert process.stderr is not None
            for line in process.stderr:
                found = re.search(r"Serving .* at (http://\S+)", line)
                if found:
                    break
            else:
                raise AssertionError("the service did not start")
            # What it logs must not fill the pipe.
            threading.Thread(target=process.stderr.read, daemon=True).start()
            yield found[1].rstrip("/")
        finally:
            process.terminate()
            process.wait(30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples") / "index"
    odd = article("a/b:c?ü#x", "桥", 8, title="<script>x</script> {pboot:if(1)} [related:url]")
    hidden = article("hidden", "桥", 16, access="hidden")
    build(folder, [*corpus(24), odd, hidden]).close()
    with Recommender.open(folder) as index:
        index.set_thresholds(replace(index.thresholds, related=0.05))
    return folder


def rendered(service: str, folder: Path, page: str) -> str:
    """What a template becomes."""
    done = subprocess.run(
        [PHP, "-r", SCRIPT % str(EXAMPLES / "pbootcms"), "--", service, str(folder), page],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def age(folder: Path) -> None:
    """What is kept is no longer fresh, and no failure is remembered."""
    for file in folder.glob("*.json"):
        kept = json.loads(file.read_text("utf-8"))
        file.write_text(json.dumps({**kept, "until": 0}), "utf-8")
    (folder / "paused").unlink(missing_ok=True)


@pytest.fixture(scope="module")
def kept(built: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, str]:
    """Answers of a service that is down by now, its port, and what it said."""
    folder, port = tmp_path_factory.mktemp("kept") / "answers", free_port()
    with service(built, port) as address:
        shown = rendered(address, folder, LABEL % "a000")
    assert shown
    age(folder)
    return folder, port, shown


def test_a_template_shows_what_the_service_says(built: Path, tmp_path: Path) -> None:
    with service(built) as address, Recommender.open(built) as index:
        shown = rendered(address, tmp_path / "kept", LABEL % "a000")
        titles = [html.unescape(title) for title in re.findall(r"'>([^<]*)</a>", shown)]
        wanted = [match.article.title for match in index.related("a000")]
        assert titles == wanted
        assert not set(re.sub(r"</?a[^>]*>", "", shown)) & set("<>{}[]")
        assert rendered(address, tmp_path / "kept", LABEL % "a/b:c?ü#x")
        for nobody in ("hidden", "absent", "..", "a000%00"):
            assert rendered(address, tmp_path / "kept", LABEL % nobody) == ""


def test_the_last_answer_is_shown_when_the_service_is_down(built: Path, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    with service(built) as address:
        shown = rendered(address, folder, LABEL % "a000")
        assert shown
        age(folder)
        # It has not changed: the answer is 304, and what is kept becomes fresh again.
        assert rendered(address, folder, LABEL % "a000") == shown
        assert all(json.loads(file.read_text())["until"] > 0 for file in folder.glob("*.json"))
    age(folder)
    assert rendered(address, folder, LABEL % "a000") == shown
    assert (folder / "paused").exists()
    # Of an article that nobody asked for before there is nothing to show.
    assert rendered(address, folder, LABEL % "a001") == ""
    assert not list(folder.glob(".new*"))


def test_a_service_that_hangs_is_given_up_and_asked_once(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        shown = rendered(address, tmp_path / "kept", LABEL % "a000" * 3)
        assert shown == ""
        # Without a limit it would wait for ever; one of three lists waits, the others know of it.
        silent.setblocking(False)
        calls = 0
        while True:
            try:
                silent.accept()[0].close()
            except BlockingIOError:
                break
            calls += 1
        assert calls == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nnot JSON!",
        b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 503 Busy\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 3_000_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n" + b'{"matches": 12}',
        b"\xff\xfe nonsense",
    ],
)
def test_whatever_answers_a_page_is_shown(
    answer: bytes, kept: tuple[Path, int, str], tmp_path: Path
) -> None:
    folder = tmp_path / "answers"
    answers, port, shown = kept
    shutil.copytree(answers, folder)
    address = f"http://127.0.0.1:{port}"
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen(1)

        def speak() -> None:
            connection = other.accept()[0]
            with connection:
                connection.recv(4_096)
                try:
                    connection.sendall(answer)
                except OSError:
                    return

        thread = threading.Thread(target=speak, daemon=True)
        thread.start()
        assert rendered(address, folder, LABEL % "a000") == shown
        thread.join(30)


def test_addresses_that_are_not_of_the_web_become_no_links(tmp_path: Path) -> None:
    addresses = ["javascript:alert(1)", "//evil.example/", "/\\evil.example", "data:x", "/a.html"]
    matches = [{"article": {"id": "1", "title": "题", "url": each}} for each in addresses]
    body = json.dumps({"matches": matches}).encode()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen(1)

        def speak() -> None:
            connection = other.accept()[0]
            with connection:
                connection.recv(4_096)
                connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + body)

        threading.Thread(target=speak, daemon=True).start()
        address = f"http://127.0.0.1:{other.getsockname()[1]}"
        shown = rendered(address, tmp_path / "kept", LABEL % "a000")
    assert re.findall("href='([^']*)'", shown) == ["/a.html"]


def test_a_page_is_shown_where_answers_cannot_be_kept(built: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with service(built) as address:
        assert rendered(address, tmp_path / "file", LABEL % "a000")


@pytest.mark.skipif(not WORDPRESS.is_dir(), reason="needs wordpress from Debian")
@pytest.mark.slow
def test_a_wordpress_asks_the_service(
    run: Callable[..., object], tmp_path: Path, mariadb: Server
) -> None:
    port, service_port = free_port(), free_port()
    site = tmp_path / "blog"
    make_wordpress(site, mariadb.database(), port)
    made = run("init", "--wordpress", str(site))
    settings = Path("recommender.toml")
    settings.write_text(
        settings.read_text("utf-8").replace("[options]", '[options]\nembedder = "hashing"')
        + "\n[thresholds]\nrelated = 0.05\n",
        "utf-8",
    )
    assert run("sync").exit_code == 0, made  # type: ignore[attr-defined]
    configuration = site / "wp-config.php"
    configuration.write_text(
        configuration.read_text().replace(
            "<?php\n", f"<?php\ndefine('RECOMMENDER_SERVICE', 'http://127.0.0.1:{service_port}');\n"
        )
    )
    index = next(path for path in tmp_path.rglob("articles.sqlite")).parent
    with Recommender.open(index) as opened:
        card = next(card for card, found in opened.related_lists() if found.matches)
        title = opened.related(card.id)[0].article.title
    post = card.id.rpartition(":")[2]
    with served(site, port) as ask:
        # Before there ever was an answer the page is there, without a box.
        assert "recommender-related" not in ask(f"/?p={post}")
        php(
            "$_SERVER['HTTP_HOST'] = '127.0.0.1'; require 'wp-load.php';"
            "delete_transient('recommender_paused');",
            site,
        )
        with service(index, service_port):
            page = ask(f"/?p={post}")
            assert 'class="recommender-related"' in page
            assert html.escape(title, quote=False) in page
        kept = php(
            "$_SERVER['HTTP_HOST'] = '127.0.0.1'; require 'wp-load.php'; global $wpdb;"
            'foreach ($wpdb->get_col("SELECT option_name FROM $wpdb->options WHERE option_name '
            "LIKE '_transient_recommender_%'\") as $name) {"
            "  $name = substr($name, 11); $kept = get_transient($name);"
            "  if (is_array($kept)) { $kept['until'] = 0; set_transient($name, $kept, 600);"
            "  echo count($kept['rows']); } }",
            site,
        )
        assert int(kept) > 0
        assert ask(f"/?p={post}").partition("recommender-related")[2]

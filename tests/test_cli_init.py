"""`recommender init`, and the commands that then need no options."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import Result

from recommender.config import read_settings
from recommender.settings_text import settings_text, toml_value
from recommender.source_specs import SourceSpec
from recommender.sources import Surroundings, open_source
from tests import cms_sites
from tests.databases import PASSWORD, Server
from tests.test_pages import chinese_page

Run = Callable[..., Result]


def articles_of(folder: Path) -> int:
    """How many articles the settings' sources give."""
    said = read_settings(folder / "recommender.toml")
    where = Surroundings(folder=said.folder)
    return sum(1 for spec in said.sources for _ in open_source(spec, where).articles())


def test_a_pbootcms_site_from_nothing_to_an_index(run: Run, tmp_path: Path) -> None:
    site = tmp_path / "site"
    cms_sites.make_pbootcms_site(site, [{} for _ in range(30)], file="pbootcms.db")
    (site / "data" / "pbootcms.db").rename(site / "data" / "f3a1.db")
    done = run("init", "--pbootcms", "site")
    assert done.exit_code == 0, done.stderr
    assert "30 articles" in done.stderr
    assert cms_sites.text_of(1)[0] in done.stderr
    assert "recommender sync" in done.stderr
    said = read_settings(tmp_path / "recommender.toml")
    assert said.index == "indexes/www.example.cn"
    assert said.options == {"timezone": "Asia/Shanghai"}
    assert said.sources[0].options == {
        "site_folder": "site",
        "base_url": "https://www.example.cn",
    }
    built = run("build", "--embedder", "hashing")
    assert built.exit_code == 0, built.stderr
    assert "30 articles" in built.stderr
    assert "Asia/Shanghai" in run("info").output
    cms_sites.add(
        site / "data" / "f3a1.db", "ay_content", [{"id": 31, **cms_sites.content_row(31)}]
    )
    updated = run("update")
    assert "1 added, 30 unchanged" in updated.stderr
    assert run("related", "31", "--min-similarity", "0").exit_code == 0


def test_what_is_there_is_not_overwritten(run: Run, tmp_path: Path) -> None:
    cms_sites.make_ghost(tmp_path / "g.db", 3)
    (tmp_path / "recommender.toml").write_text("# mine\n")
    refused = run("init", "--ghost", "sqlite:///g.db")
    assert refused.exit_code == 1
    assert "--force" in refused.stderr
    assert (tmp_path / "recommender.toml").read_text() == "# mine\n"
    assert run("init", "--ghost", "sqlite:///g.db", "--force").exit_code == 0
    assert articles_of(tmp_path) == 3


def test_a_query(run: Run, tmp_path: Path) -> None:
    cms_sites.make_ghost(tmp_path / "g.db", 3)
    query = "SELECT id, title, html, slug FROM posts WHERE title <> 'a \"b\" \\ c'"
    done = run(
        *("init", "--sql", "sqlite:///g.db", "--query", query, "--field", "body=html"),
        *("--url-template", "https://x.example/{slug}/", "--site", "x.example"),
        *("--timezone", "Asia/Shanghai", "-i", "news"),
    )
    assert done.exit_code == 0, done.stderr
    assert "https://x.example/post-1/" in done.stderr
    said = read_settings(tmp_path / "recommender.toml")
    assert said.index == "news"
    assert said.options == {"timezone": "Asia/Shanghai"}
    (spec,) = said.sources
    assert (spec.site, spec.fields, spec.options["query"]) == ("x.example", {"body": "html"}, query)
    assert articles_of(tmp_path) == 3


@pytest.mark.database
def test_no_password_is_written(
    run: Run, tmp_path: Path, mariadb: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = mariadb.database()
    cms_sites.make_wordpress(address, 3)
    done = run("init", "--wordpress", address)
    assert done.exit_code == 0, done.stderr
    assert "export RECOMMENDER_DATABASE=" in done.stderr
    text = (tmp_path / "recommender.toml").read_text("utf-8")
    for shown in (text, done.output, done.stderr):
        assert PASSWORD not in shown
        assert address.split("@")[0].rpartition(":")[2] not in shown
    # Only tried with it; nothing of it stays in the process.
    refused = run("build", "--embedder", "hashing")
    assert "RECOMMENDER_DATABASE is not set" in refused.stderr
    monkeypatch.setenv("RECOMMENDER_DATABASE", address)
    built = run("build", "--embedder", "hashing")
    assert built.exit_code == 0, built.stderr
    for each in (tmp_path / "indexes").rglob("*"):
        if each.is_file():
            assert PASSWORD.encode() not in each.read_bytes()


@pytest.mark.database
def test_a_wordpress_folder(run: Run, tmp_path: Path, mariadb: Server) -> None:
    address = mariadb.database()
    cms_sites.make_wordpress(address, 3, prefix="x_")
    with cms_sites.connected(address) as connection:
        connection.exec_driver_sql(
            "INSERT INTO x_options (option_name, option_value) VALUES "
            "('timezone_string', 'Asia/Taipei')"
        )
    cms_sites.write_wordpress_config(tmp_path / "blog", address, prefix="x_")
    done = run("init", "--wordpress", "blog")
    assert done.exit_code == 0, done.stderr
    said = read_settings(tmp_path / "recommender.toml")
    assert said.index == "indexes/blog.example"
    assert said.options == {"timezone": "Asia/Taipei"}
    assert PASSWORD not in (tmp_path / "recommender.toml").read_text("utf-8")
    assert articles_of(tmp_path) == 3


def test_an_environment_variable_is_named(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cms_sites.make_ghost(tmp_path / "g.db", 3)
    monkeypatch.setenv("NEWS", f"sqlite:///{tmp_path / 'g.db'}")
    assert run("init", "--ghost", "NEWS").exit_code == 0
    said = read_settings(tmp_path / "recommender.toml")
    assert said.sources[0].options["url_env"] == "NEWS"


def test_files_and_kinds_that_other_parts_read(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": "1", "title": "河堤", "body": "正文"}\n', "utf-8")
    done = run("init", "--files", "a.jsonl")
    assert done.exit_code == 0, done.stderr
    assert "河堤" in done.stderr
    assert articles_of(tmp_path) == 1


def test_it_can_be_written_elsewhere(run: Run, tmp_path: Path) -> None:
    cms_sites.make_pbootcms_site(tmp_path / "site", 2)
    (tmp_path / "etc").mkdir()
    assert run("init", "--pbootcms", "site", "-o", "etc/recommender.toml").exit_code == 0
    assert articles_of(tmp_path / "etc") == 2
    shown = run("init", "--pbootcms", "site", "-o", "-")
    assert 'kind = "pbootcms"' in shown.output
    assert not (tmp_path / "recommender.toml").exists()
    built = run("--config", "etc/recommender.toml", "build", "--embedder", "hashing")
    assert built.exit_code == 0, built.stderr
    # Paths in the settings begin where they lie.
    assert (tmp_path / "etc" / "indexes" / "www.example.cn").is_dir()


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        ((), 2, "one of --pbootcms"),
        (("--pbootcms", "a", "--ghost", "b"), 2, "one of --pbootcms"),
        (("--pbootcms", "nowhere"), 1, "no folder or URL"),
        (("--pbootcms", "mysql:/news:hunter22@db/cms"), 1, "no folder or URL"),
        (("--sql", "sqlite:///a.db"), 2, "--query"),
        (("--sql", "sqlite:///a.db", "--query", "DROP TABLE a"), 1, "SELECT"),
        (("--sql", "sqlite:///a.db", "--query", "SELECT 1"), 1, "there is no SQLite database"),
        (("--ghost", "nosuch://x:hunter22@y/z"), 1, "no such kind"),
        (("--ghost", "mysql://x:hunter22@127.0.0.1:1/z"), 1, "cannot read"),
        (("--files", "none.jsonl"), 1, "none.jsonl"),
        (("--files", "a.jsonl", "--field", "body"), 2, "OURS=THEIRS"),
        (("--files", "a.jsonl", "--timezone", "Mars"), 2, "time zone"),
        (("--files", "a.jsonl", "-o", "nowhere/x.toml"), 1, "no folder"),
    ],
)
def test_what_cannot_be(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], code: int, reason: str
) -> None:
    done = run("init", *arguments)
    assert done.exit_code == code, done.output
    assert reason in done.stderr
    assert "hunter22" not in done.output + done.stderr
    assert not (tmp_path / "recommender.toml").exists()


def test_an_empty_site_is_told(run: Run, tmp_path: Path) -> None:
    cms_sites.make_ghost(tmp_path / "g.db", 0)
    done = run("init", "--ghost", "sqlite:///g.db")
    assert done.exit_code == 1
    assert "no article" in done.stderr


def test_without_files_and_sources_there_is_nothing_to_build(run: Run) -> None:
    done = run("build", "-i", "x", "--embedder", "hashing")
    assert done.exit_code == 2
    assert "recommender init" in done.stderr


def test_sources_that_hold_an_id_twice(run: Run, tmp_path: Path) -> None:
    cms_sites.make_ghost(tmp_path / "g.db", 3)
    (tmp_path / "recommender.toml").write_text(
        'index = "x"\n[[sources]]\nkind = "sql"\nurl = "sqlite:///g.db"\n'
        'query = "SELECT 1 AS id, html AS body FROM posts"\n'
    )
    done = run("build", "--embedder", "hashing")
    assert done.exit_code == 1
    assert "comes twice" in done.stderr


@pytest.mark.parametrize("kind", ["pbootcms", "wordpress", "ghost", "sql", "html", "feed", "files"])
def test_examples_are_valid_once_the_mark_is_gone(kind: str, tmp_path: Path) -> None:
    odd = 'a "b" \\ \x7f\x00\n 中文 # \' '
    text = settings_text(index=odd, timezone="UTC", kind=kind, options={"url": odd})
    examples = re.compile("^#(?=[a-z[])", re.MULTILINE)
    for shown in (text, examples.sub("", text)):
        (tmp_path / "recommender.toml").write_text(shown, "utf-8")
        said = read_settings(tmp_path / "recommender.toml")
        assert said.index == odd
        assert said.sources[0].options["url"] == odd
    assert said.sources[0].site == "www.example.cn"
    assert said.sync.most_removed == 0.2
    assert (said.export.limit, said.export.fill) == (5, "latest")
    assert said.export.source or said.export.to
    assert "docs/settings.md" in text
    assert ("exclude" in said.sources[0].options) == (kind == "html")
    known = SourceSpec(kind=kind, options=said.sources[0].options)
    assert known.options.keys() >= {"url"}


def test_the_example_of_an_export_names_the_source() -> None:
    for site in ({}, {"site": "blog"}):
        text = settings_text(index="x", timezone="UTC", kind="wordpress", options=site)
        (line,) = re.findall('^#source = "(.*)"$', text, re.MULTILINE)
        assert line == SourceSpec(kind="wordpress", **site).name


def test_values_of_settings() -> None:
    assert toml_value({"a-b": ["x", True], "c d": {"e": False}}) == (
        '{ a-b = ["x", true], "c d" = { e = false } }'
    )
    with pytest.raises(TypeError):
        toml_value(None)


def test_a_second_source_is_added(run: Run, tmp_path: Path) -> None:
    cms_sites.make_pbootcms_site(tmp_path / "site", 2)
    assert run("init", "--pbootcms", "site").exit_code == 0
    with (tmp_path / "recommender.toml").open("a", encoding="utf-8") as file:
        file.write("\n[export]\nlimit = 3  # mine\n")
    before = (tmp_path / "recommender.toml").read_text("utf-8")
    cms_sites.make_ghost(tmp_path / "g.db", 3)
    refused = run("init", "--add", "--ghost", "sqlite:///g.db")
    assert (refused.exit_code, "--site" in refused.stderr) == (1, True)
    assert (tmp_path / "recommender.toml").read_text("utf-8") == before
    added = run("init", "--add", "--ghost", "sqlite:///g.db", "--site", "blog.example")
    assert added.exit_code == 0, added.stderr
    assert "Added to recommender.toml. Now: recommender sync" in added.stderr
    assert (tmp_path / "recommender.toml").read_text("utf-8").startswith(before)
    said = read_settings(tmp_path / "recommender.toml")
    assert [each.site for each in said.sources] == ["", "blog.example"]
    assert articles_of(tmp_path) == 5
    assert (tmp_path / "recommender.toml").read_text("utf-8").count("#[sync]") == 1
    assert run("init", "--add", "--ghost", "sqlite:///g.db", "-i", "x").exit_code == 2
    assert run("init", "--add", "--ghost", "sqlite:///g.db", "-o", "no.toml").exit_code == 1


@pytest.mark.database
def test_each_database_with_a_password_has_its_own_variable(
    run: Run, tmp_path: Path, mariadb: Server
) -> None:
    for number in (1, 2):
        address = mariadb.database()
        cms_sites.make_wordpress(address, 3)
        add = ("--add", "--site", "two") if number == 2 else ()
        assert run("init", "--wordpress", address, *add).exit_code == 0
    said = read_settings(tmp_path / "recommender.toml")
    assert [each.options["url_env"] for each in said.sources] == [
        "RECOMMENDER_DATABASE",
        "RECOMMENDER_DATABASE2",
    ]


def test_wrong_usage_is_told_before_what_is_there(run: Run, tmp_path: Path) -> None:
    (tmp_path / "recommender.toml").write_text("# mine\n")
    for arguments in ((), ("--html", "a", "--feed", "b")):
        done = run("init", *arguments)
        assert (done.exit_code, "one of --pbootcms" in done.stderr) == (2, True)


def test_another_name_is_named_in_what_comes_next(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": "1", "title": "河堤", "body": "正文"}\n', "utf-8")
    done = run("init", "--files", "a.jsonl", "-o", "q q.toml")
    assert "Now: recommender --config 'q q.toml' sync" in done.stderr
    built = run("--config", "q q.toml", "sync", "--dry-run")
    assert built.exit_code == 0, built.stderr


@pytest.fixture
def feed_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    """Serves a text and gives its address."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    given: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/rss+xml")
            self.end_headers()
            self.wfile.write(given[-1])

        def log_message(self, *args: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()

        def serve(text: str) -> str:
            given.append(text.encode())
            return f"http://127.0.0.1:{server.server_port}/feed.xml"

        yield serve
        server.shutdown()
        thread.join()


RSS = "<rss version='2.0'><channel><title>x</title>{}</channel></rss>"


def test_what_is_shown_has_a_place_and_a_count(run: Run, tmp_path: Path) -> None:
    line = '{{"id": "{0}", "title": "河堤{0}", "body": "正文", "url": "/{0}.html"}}\n'
    (tmp_path / "a.jsonl").write_text("".join(map(line.format, range(12))) + "{}\n", "utf-8")
    said = run("init", "--files", "a.jsonl", "-o", "1.toml").stderr
    assert "a.jsonl, 12 articles, as\n" in said
    assert "Not all can be used, as a.jsonl:13: there is no field 'id'" in said
    assert "no address" not in said
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "1.html").write_text(chinese_page(), "utf-8")
    assert "site, 1 article, as\n" in run("init", "--html", "site", "-o", "2.toml").stderr


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        (
            "a.csv",
            "编号,标题,正文\n1,河堤,正文\n".encode("gb18030"),
            "names 编号, 标题, 正文; say which",
        ),
        ("a.jsonl", b'{"nid": 1, "text": "x"}\n', "there is no field 'id'; name the one"),
        ("a.jsonl", b"", "a.jsonl gives no article: it is empty"),
    ],
)
def test_input_that_gives_nothing_says_why(
    run: Run, tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    (tmp_path / name).write_bytes(content)
    done = run("init", "--files", name)
    assert (done.exit_code, reason in done.stderr) == (1, True), done.stderr


@pytest.mark.parametrize(
    ("items", "reason"),
    [
        ("", "it is empty"),
        ("<item><title>河堤</title></item>", "an entry has neither an id nor a link"),
    ],
)
def test_feeds_that_give_nothing_say_why(
    run: Run, tmp_path: Path, items: str, reason: str, feed_server: Callable[[str], str]
) -> None:
    done = run("init", "--feed", feed_server(RSS.format(items)))
    assert (done.exit_code, reason in done.stderr) == (1, True), done.stderr


def test_articles_without_an_address_are_told(run: Run, tmp_path: Path) -> None:
    cms_sites.make_ghost(tmp_path / "g.db", 3)
    query = "SELECT id, title, html, NULL AS part FROM posts"
    many = ("init", "--sql", "sqlite:///g.db", "--query", query, "--field", "body=html")
    for number, template in enumerate(((), ("--url-template", "/{part}/{id}.html"))):
        said = run(*many, *template, "-o", f"{number}.toml").stderr
        assert "Some of these have no address" in said
        assert "--url-template" in said
    wrong = run(*many, "--url-template", "/{nix}.html", "-o", "3.toml")
    assert (wrong.exit_code, "{nix}" in wrong.stderr) == (1, True)


def test_what_has_no_text_is_not_counted(run: Run, tmp_path: Path) -> None:
    cms_sites.make_ghost(tmp_path / "g.db", 4)
    with cms_sites.connected(f"sqlite:///{tmp_path / 'g.db'}") as connection:
        connection.exec_driver_sql(
            "UPDATE posts SET html = NULL, plaintext = NULL WHERE id = (SELECT MIN(id) FROM posts)"
        )
    said = run("init", "--ghost", "sqlite:///g.db").stderr
    assert ", 3 articles, as" in said
    query = "SELECT id AS nid, title, html FROM posts"
    fields = ("--field", "id=nid", "--field", "body=html")
    said = run("init", "--sql", "sqlite:///g.db", "--query", query, *fields, "--force").stderr
    assert ", 3 articles, as" in said


def test_advice_is_what_the_command_takes(run: Run, tmp_path: Path) -> None:
    (tmp_path / "blog").mkdir()
    assert "to init with --ghost NEWS_DATABASE" in run("init", "--ghost", "blog").stderr
    (tmp_path / "blog" / "wp-config.php").write_text(
        "<?php define('DB_NAME', getenv('NOBODY_SETS_THIS')); define('DB_HOST', 'localhost');"
    )
    assert "to init with --wordpress NEWS_DATABASE" in run("init", "--wordpress", "blog").stderr
    site = tmp_path / "site"
    cms_sites.make_pbootcms_site(site, 2, file="pbootcms.db")
    for name in ("a.db", "b.db"):
        (site / "data" / name).write_bytes((site / "data" / "pbootcms.db").read_bytes())
    (site / "data" / "pbootcms.db").unlink()
    said = run("init", "--pbootcms", "site").stderr
    (address,) = set(re.findall(r"sqlite:///[^\s\",]+", said))
    assert run("init", "--pbootcms", address).exit_code == 0
    assert articles_of(tmp_path) == 2

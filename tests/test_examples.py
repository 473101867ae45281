"""The examples as a site's owner follows them: real PHP, a real WordPress, real exported lists."""

from __future__ import annotations

import html
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import Result

from recommender.exports.naming import file_name
from tests.databases import Server

Run = Callable[..., Result]
EXAMPLES = Path(__file__).parent.parent / "examples"
WORDPRESS = Path("/usr/share/wordpress")
PHP = shutil.which("php") or ""

pytestmark = [
    pytest.mark.database,
    pytest.mark.skipif(not PHP, reason="needs php-cli from Debian"),
]

# Two tellings of one story and two of another, so that lists are not empty.
STORIES = [
    (
        "河东新桥完工通车 早高峰缩短二十分钟",
        (
            "河东新桥昨天完工通车，全长1260米，双向六车道。市交通局说，早高峰从河东到老城的时间由四十分钟缩短到"
            "二十分钟，公交12路和38路改走新桥。老桥从下月起封闭检修，行人仍可通过。"
        ),
    ),
    (
        "老桥下月封闭检修 河东新桥承担全部车流",
        (
            "市交通局今天公布，老桥从下月1日起封闭检修三个月，机动车全部改走刚刚通车的河东新桥。新桥全长1260米，"
            "双向六车道。公交12路和38路已改线，行人可从老桥东侧便道通过，检修费用约860万元。"
        ),
    ),
    (
        "公交12路改走河东新桥 沿线增设三站",
        (
            "随着河东新桥通车，公交12路改走新桥，沿线增设桥东、码头和图书馆三站。公交公司说，改线后全程缩短八分钟，"
            "早高峰每五分钟一班。38路同日改线，老桥封闭检修期间两条线路都不再经过老桥。"
        ),
    ),
    (
        "茶园开采 <b>头茬</b> 鲜叶价格上涨",
        (
            "南山茶园昨天开采头茬春茶，三百名采茶工进山。合作社说，受倒春寒影响，头茬鲜叶每斤收购价涨到九十元，比去年"
            "高两成，预计清明前采摘两万斤。"
        ),
    ),
]


def render(page: str, folder: Path) -> str:
    """A PbootCMS template with labels, as the example renders it."""
    script = (
        f"require {str(EXAMPLES / 'pbootcms' / 'RelatedLabel.php')!r};"
        f"echo (new app\\home\\controller\\RelatedLabel({str(folder)!r}))->run($argv[1]);"
    )
    done = subprocess.run([PHP, "-r", script, "--", page], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def write_list(folder: Path, article_id: str, *titles: str) -> None:
    items = [
        {"id": str(n), "title": title, "url": f"/news/{n}.html", "date": "2025-07-17T12:00:00Z"}
        for n, title in enumerate(titles)
    ]
    folder.mkdir(exist_ok=True)
    (folder / file_name(article_id)).write_text(json.dumps({"items": items}), "utf-8")


def test_a_label_of_pbootcms_becomes_the_list(tmp_path: Path) -> None:
    write_list(tmp_path, "4812", "河东新桥通车", "老桥封闭", "公交改线")
    link = "<a href='[related:url]'>[related:i] [related:title] [related:date]</a>"
    page = f"前{{related:list id=4812 num=2}}{link}{{/related:list}}后"
    assert render(page, tmp_path) == (
        "前<a href='/news/0.html'>1 河东新桥通车 2025-07-17</a>"
        "<a href='/news/1.html'>2 老桥封闭 2025-07-17</a>后"
    )


def test_a_title_is_neither_html_nor_a_label_of_pbootcms(tmp_path: Path) -> None:
    write_list(tmp_path, "1", "<script>x</script> {pboot:if(1)} [related:url]")
    shown = render("{related:list id=1}[related:title]{/related:list}", tmp_path)
    assert not set(shown) & set("<>{}[]")
    assert html.unescape(shown) == "<script>x</script> {pboot:if(1)} [related:url]"


@pytest.mark.parametrize("article_id", ["4812", "../../etc/passwd", "A:ü", ".x", "长" * 90])
def test_the_example_finds_the_file_of_any_id(article_id: str, tmp_path: Path) -> None:
    write_list(tmp_path, article_id, "题")
    assert render(
        f"{{related:list id={article_id}}}[related:title]{{/related:list}}", tmp_path
    ) == ("题")
    assert render("{related:list id=absent}[related:title]{/related:list}", tmp_path) == ""


def php(script: str, site: Path) -> str:
    done = subprocess.run(
        [PHP, "-d", "display_errors=stderr", "-r", script],
        capture_output=True,
        text=True,
        cwd=site,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    return done.stdout


def make_wordpress(site: Path, database: str, port: int) -> None:
    """A WordPress of Debian's with the plugin and a few posts."""
    shutil.copytree(WORDPRESS, site, ignore=shutil.ignore_patterns(".htaccess", "wp-config.php"))
    url = sa.make_url(database)
    settings = {
        "DB_NAME": url.database,
        "DB_USER": url.username,
        "DB_PASSWORD": url.password,
        "DB_HOST": f"{url.host}:{url.port}",
        "DB_CHARSET": "utf8mb4",
        "WP_HTTP_BLOCK_EXTERNAL": "1",
    }
    lines = [f"define({name!r}, {_php_text(str(value))});" for name, value in settings.items()]
    (site / "wp-config.php").write_text(
        "<?php\n" + "\n".join(lines) + "\n$table_prefix = 'wp_';\n"
        "if (!defined('ABSPATH')) define('ABSPATH', __DIR__ . '/');\n"
        "require_once ABSPATH . 'wp-settings.php';\n"
    )
    shutil.copy(EXAMPLES / "wordpress" / "recommender-related.php", site / "wp-content" / "plugins")
    theme = site / "wp-content" / "themes" / "plain"
    theme.mkdir(parents=True)
    (theme / "style.css").write_text("/* Theme Name: Plain */\n")
    (theme / "index.php").write_text(
        "<!doctype html><title><?php the_title(); ?></title><main><?php "
        "while (have_posts()) { the_post(); the_content(); } ?></main>"
    )
    address = f"http://127.0.0.1:{port}"
    start = f"$_SERVER['HTTP_HOST'] = '127.0.0.1:{port}';"
    php(
        f"define('WP_INSTALLING', true); {start} require 'wp-load.php';"
        "require ABSPATH . 'wp-admin/includes/upgrade.php';"
        f"function wp_new_blog_notification() {{}} define('WP_SITEURL', '{address}');"
        "wp_install('Made up', 'editor', 'editor@example.cn', true, '', 'made up word');"
        f"update_option('siteurl', '{address}'); update_option('home', '{address}');",
        site,
    )
    posts = json.dumps([{"title": title, "body": body} for title, body in STORIES])
    php(
        f"{start} require 'wp-load.php'; require ABSPATH . 'wp-admin/includes/plugin.php';"
        "activate_plugin('recommender-related.php'); switch_theme('plain');"
        "wp_delete_post(1, true);"
        f"foreach (json_decode({_php_text(posts)}, true) as $post) wp_insert_post(wp_slash(["
        "'post_title' => $post['title'], 'post_content' => $post['body'],"
        "'post_status' => 'publish']));",
        site,
    )


def _php_text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


@contextmanager
def served(site: Path, port: int) -> Iterator[Callable[[str], str]]:
    """WordPress behind PHP's own web server; gives what asks it for a page."""
    process = subprocess.Popen(
        # A change of wp-config.php is seen at once.
        [PHP, "-d", "opcache.enable=0", "-S", f"127.0.0.1:{port}", "-t", str(site)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def ask(path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
            return str(answer.read().decode("utf-8"))

    try:
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.1)
        yield ask
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.skipif(not WORDPRESS.is_dir(), reason="needs wordpress from Debian")
@pytest.mark.slow
def test_a_wordpress_shows_the_box(run: Run, tmp_path: Path, mariadb: Server) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    database = mariadb.database()
    site = tmp_path / "blog"
    make_wordpress(site, database, port)
    made = run("init", "--wordpress", str(site))
    assert made.exit_code == 0, made.output
    settings = Path("recommender.toml")
    settings.write_text(
        settings.read_text("utf-8").replace("[options]", '[options]\nembedder = "hashing"')
        + '\n[thresholds]\nrelated = 0.05\n\n[export]\nsource = "wordpress"\n',
        "utf-8",
    )
    for command in ("sync", "export"):
        done = run(command)
        assert done.exit_code == 0, done.output
    engine = sa.create_engine(database)
    with engine.connect() as connection:
        listed = connection.execute(
            sa.text("SELECT article_id, title, url FROM related_articles ORDER BY article_id")
        ).all()
    engine.dispose()
    assert listed
    with served(site, port) as ask:
        page = ask(f"/?p={listed[0].article_id}")
        assert 'class="recommender-related"' in page
        assert html.escape(listed[0].title, quote=False) in page
        assert "<b>头茬</b>" not in page.partition("recommender-related")[2]
        alone = ask("/?page_id=2")
        assert "recommender-related" not in alone
        assert "<h2>Related articles</h2>" in page
        # A Chinese site, for which no translations are installed.
        for locale, heading in (("zh_CN", "相关阅读"), ("zh_TW", "相關閱讀")):
            php(
                "require 'wp-load.php'; $wpdb->replace($wpdb->options, ['option_name' => 'WPLANG',"
                f"'option_value' => '{locale}', 'autoload' => 'yes']);",
                site,
            )
            page = ask(f"/?p={listed[0].article_id}")
            assert f'aria-label="{heading}"><h2>{heading}</h2>' in page
        check_what_can_be_set(run, site, database, listed[0].article_id, ask)


def check_what_can_be_set(
    run: Run, site: Path, database: str, post: str, ask: Callable[[str], str]
) -> None:
    """Another table, whose ids begin with a site's name, another length and another heading."""
    settings = Path("recommender.toml")
    settings.write_text(
        settings.read_text("utf-8").replace(
            'kind = "wordpress"', 'kind = "wordpress"\nsite = "blog"'
        )
    )
    assert run("sync", "-i", "named").exit_code == 0
    os.environ["TABLE_DATABASE"] = database
    try:
        done = run(
            "export", "-i", "named", "--url-env", "TABLE_DATABASE", "--table", "more_related"
        )
    finally:
        del os.environ["TABLE_DATABASE"]
    assert done.exit_code == 0, done.output
    config = site / "wp-config.php"
    config.write_text(
        config.read_text("utf-8").replace(
            "<?php\n",
            "<?php\ndefine('RECOMMENDER_TABLE', 'more_related');\n"
            "define('RECOMMENDER_SITE', 'blog');\ndefine('RECOMMENDER_MOST', 1);\n",
        )
    )
    own = site / "wp-content" / "mu-plugins"
    own.mkdir()
    (own / "heading.php").write_text(
        "<?php add_filter('recommender_related_heading', fn () => 'Read <also>');"
    )
    box = ask(f"/?p={post}").partition("recommender-related")[2]
    assert "<h2>Read &lt;also&gt;</h2>" in box
    assert box.partition("</nav>")[0].count("<li>") == 1

"""Made-up sites: the databases of PbootCMS, WordPress and Ghost, with articles, for tests.

`make_pbootcms(target, articles)` and its like make the tables a site has and fill them; `target`
is the path of an SQLite file or the URL of an empty database. `add`, `change` and `delete` then
do what editors do. Texts are told by their numbers, so that every run makes the same site.
"""

from __future__ import annotations

import html
import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tests.cms_tables import GHOST, PBOOTCMS, WORDPRESS, Table

Row = Mapping[str, Any]
Articles = int | Iterable[Row]

START = datetime(2024, 1, 1, 8)
_AT_ONCE = 1_000
_SUBJECTS = (
    "河堤 新桥 茶园 图书馆 地铁 果园 渔港 古镇 学校 医院 粮库 公园 水厂 车站 集市 窑址".split()
)
_EVENTS = "完工 开放 扩建 检修 验收 招标 搬迁 复工 启用 改造 巡查 修缮 普查 停运".split()
_WORDS = (
    "工程队 居民 记者 负责人 施工 计划 投入 资金 材料 进度 安全 质量 检测 夜间 交通 绕行 "
    "志愿者 老街 雨季 排水 照明 绿化 道路 桥梁 码头 仓库 设备 维护 培训 展览 讲座 报名 名额 "
    "收成 价格 订单 运输 冷链 游客 门票 民宿 非遗 手艺 传承 课堂 家长 食堂 体检 门诊 药品"
).split()
TAGS = ("民生", "交通", "水利", "文化", "教育", "农业")


def text_of(number: int, *, sentences: int = 8) -> tuple[str, str]:
    """A title and the HTML of a body, the same for the same number."""
    chosen = random.Random(number)
    subject, event = chosen.choice(_SUBJECTS), chosen.choice(_EVENTS)
    title = f"{chosen.randint(2, 99)}号{subject}{event}：第{number}次通报"
    paragraphs = []
    for position in range(sentences):
        words = chosen.sample(_WORDS, 9)
        figure = chosen.randint(3, 9_999)
        paragraphs.append(
            f"<p>{subject}{event}第{position + 1}点，{words[0]}{words[1]}与{words[2]}相关，"
            f"{words[3]}之后由{words[4]}负责，共{figure}项，涉及{'、'.join(words[5:])}。</p>"
        )
    return title, "".join(paragraphs)


def escaped(text: str, *, slashes: bool = True) -> str:
    """As PHP's htmlspecialchars (ENT_QUOTES), then addslashes, write a text."""
    text = html.escape(text, quote=True).replace("&#x27;", "&#039;")
    return text.replace("\\", "\\\\") if slashes else text


def url_of(target: str | Path) -> str:
    """The SQLAlchemy URL of a path or URL."""
    text = str(target)
    return text if "://" in text else f"sqlite:///{Path(text).resolve()}"


@contextmanager
def connected(target: str | Path) -> Iterator[sa.Connection]:
    """A connection in one transaction, committed at the end."""
    engine = sa.create_engine(url_of(target), poolclass=sa.NullPool)
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "mysql":
                # Zero dates, which sites made with older versions hold.
                connection.exec_driver_sql("SET SESSION sql_mode = ''")
            yield connection
    finally:
        engine.dispose()


def make_tables(target: str | Path, tables: Sequence[Table], prefix: str) -> None:
    """Make tables anew."""
    with connected(target) as connection:
        for table in tables:
            connection.exec_driver_sql(f"DROP TABLE IF EXISTS {prefix}{table.name}")
            connection.exec_driver_sql(table.statement(connection.dialect.name, prefix))


def add(target: str | Path, table: str, rows: Iterable[Row]) -> None:
    """Add rows to a table, of which the first one says the columns."""
    with connected(target) as connection:
        _insert(connection, table, rows)


def _insert(connection: sa.Connection, table: str, rows: Iterable[Row]) -> None:
    given = iter(rows)
    while several := list(islice(given, _AT_ONCE)):
        names = list(several[0])
        quoted = connection.dialect.identifier_preparer.quote_identifier
        columns = ", ".join(map(quoted, names))
        values = ", ".join(f":{name}" for name in names)
        connection.execute(
            sa.text(f"INSERT INTO {table} ({columns}) VALUES ({values})"),
            [dict(row) for row in several],
        )


def change(
    target: str | Path, table: str, key: object, *, id_column: str = "id", **to: Any
) -> None:
    """Change columns of one row."""
    with connected(target) as connection:
        quoted = connection.dialect.identifier_preparer.quote_identifier
        changes = ", ".join(f"{quoted(name)} = :{name}" for name in to)
        statement = sa.text(f"UPDATE {table} SET {changes} WHERE {id_column} = :the_key")
        connection.execute(statement, {**to, "the_key": key})


def delete(target: str | Path, table: str, *keys: object, id_column: str = "id") -> None:
    """Delete rows for good."""
    with connected(target) as connection:
        for key in keys:
            connection.execute(
                sa.text(f"DELETE FROM {table} WHERE {id_column} = :the_key"), {"the_key": key}
            )


CATEGORIES = (
    # scode, name, model, file name, members' group
    ("1", "关于我们", "1", "about", ""),
    ("2", "本地新闻", "2", "news", ""),
    ("3", "通知公告", "2", "", ""),
    ("4", "会员内参", "2", "inside", "2"),
)


def content_row(number: int, *, sentences: int = 8, **changes: Any) -> dict[str, Any]:
    """A live article of PbootCMS as its table holds it, apart from escaping."""
    title, body = text_of(number, sentences=sentences)
    when = START + timedelta(minutes=17 * number)
    return {
        "acode": "cn",
        "scode": ("2", "3")[number % 2],
        "title": title,
        "filename": "",
        "author": "管理员",
        "source": "本站",
        "outlink": "",
        "date": f"{when:%Y-%m-%d %H:%M:%S}",
        "content": body,
        "tags": ",".join((TAGS[number % 6], TAGS[number // 6 % 6])),
        "status": "1",
        "visits": number % 97,
        "create_time": f"{when:%Y-%m-%d %H:%M:%S}",
        "update_time": f"{when:%Y-%m-%d %H:%M:%S}",
        "gtype": "4",
        "gid": "",
        **changes,
    }


def make_pbootcms(
    target: str | Path,
    articles: Articles = 200,
    *,
    prefix: str = "ay_",
    stored: str = "escaped",
    domain: str = "www.example.cn",
    sentences: int = 8,
) -> None:
    """A PbootCMS site: four categories (one of single pages, one for members), and articles.

    Parameters
    ----------
    target : str or Path
        Path of an SQLite file, or URL of an SQLite, MariaDB or MySQL database.
    articles : int or iterable of mapping
        How many articles to make up, all of them public and with ids from 1 on; or columns of
        `ay_content` that differ from those of `content_row`.
    prefix : str
        In front of the names of the tables.
    stored : {"escaped", "raw"}
        How titles and contents are stored.
    domain : str
        What the site says its domain is.
    sentences : int
        Length of the articles that are made up, some 75 characters each.
    """
    make_tables(target, PBOOTCMS, prefix)
    add(
        target,
        f"{prefix}model",
        [
            {"mcode": "1", "name": "专题", "type": "1", "urlname": "pages"},
            {"mcode": "2", "name": "新闻", "type": "2", "urlname": "list"},
        ],
    )
    add(
        target,
        f"{prefix}content_sort",
        [
            {
                "acode": "cn",
                "mcode": model,
                "pcode": "0",
                "scode": scode,
                "name": name,
                "filename": filename,
                "gtype": "4",
                "gcode": group,
            }
            for scode, name, model, filename, group in CATEGORIES
        ],
    )
    add(target, f"{prefix}site", [{"acode": "cn", "title": "样例网", "domain": domain}])
    add(target, f"{prefix}config", [{"name": "to_https", "value": "1"}])
    given: Iterable[Row] = ({} for _ in range(articles)) if isinstance(articles, int) else articles
    rows = (
        {"id": number, **content_row(number, sentences=sentences), **row}
        for number, row in enumerate(given, start=1)
    )
    slashes = "://" not in url_of(target) or url_of(target).startswith("sqlite")
    add(
        target,
        f"{prefix}content",
        (stored_row(row, slashes=slashes) if stored == "escaped" else row for row in rows),
    )


def stored_row(row: Row, *, slashes: bool = True) -> dict[str, Any]:
    """A row as PbootCMS stores it; MySQL takes the slashes that were added away again."""
    columns = ("title", "content", "author", "source", "tags")
    return {
        name: escaped(value, slashes=slashes) if name in columns and value is not None else value
        for name, value in row.items()
    }


_DATABASE_PHP = """<?php
/**
 * 主数据库连接参数，未配置的项使用框架惯性配置
 */
return array(
    'database' => array(
        'type' => '%(type)s', // 数据库连接驱动类型: mysqli,sqlite,pdo_mysql,pdo_sqlite
        'host' => '%(host)s', // 数据库服务器
        'user' => '%(user)s', // 数据库连接用户名
        'passwd' => '%(passwd)s', // 数据库连接密码
        'port' => '%(port)s', // 数据库端口
        // 'dbname' => 'pbootcms' // 去掉注释，启用mysql数据库
        'dbname' => '%(dbname)s'
    )
);
"""


def write_pbootcms_config(folder: Path, target: str | Path) -> None:
    """`config/database.php` of a site folder; an SQLite file lies in its `data`."""
    url = sa.make_url(url_of(target))
    local = url.get_backend_name() == "sqlite"
    said = {
        "type": "pdo_sqlite" if local else "mysqli",
        "host": url.host or "127.0.0.1",
        "user": url.username or "pboot",
        "passwd": (url.password or "123456").replace("\\", "\\\\").replace("'", "\\'"),
        "port": str(url.port or 3306),
        "dbname": f"/data/{Path(str(url.database)).name}" if local else url.database,
    }
    (folder / "config").mkdir(parents=True, exist_ok=True)
    (folder / "config" / "database.php").write_text(_DATABASE_PHP % said, "utf-8")


def make_pbootcms_site(
    folder: Path, articles: Articles = 200, *, file: str = "pbootcms.db", **options: Any
) -> Path:
    """The folder of a PbootCMS site on SQLite; gives the path of the database."""
    database = folder / "data" / file
    database.parent.mkdir(parents=True, exist_ok=True)
    make_pbootcms(database, articles, **options)
    write_pbootcms_config(folder, database)
    return database


def post_row(number: int, *, sentences: int = 8, **changes: Any) -> dict[str, Any]:
    """A published post of WordPress; its dates are 8 hours ahead of GMT."""
    title, body = text_of(number, sentences=sentences)
    when = START + timedelta(minutes=17 * number)
    local, gmt = (f"{each:%Y-%m-%d %H:%M:%S}" for each in (when, when - timedelta(hours=8)))
    return {
        "ID": number,
        "post_author": 1,
        "post_date": local,
        "post_date_gmt": gmt,
        "post_content": body,
        "post_title": title,
        "post_excerpt": "",
        "post_status": "publish",
        "post_password": "",
        "post_name": f"post-{number}",
        "post_modified": local,
        "post_modified_gmt": gmt,
        "post_type": "post",
        **changes,
    }


def make_wordpress(
    target: str | Path,
    articles: Articles = 200,
    *,
    prefix: str = "wp_",
    permalinks: str = "/%year%/%monthnum%/%postname%/",
    sentences: int = 8,
) -> None:
    """A WordPress site: posts of two categories, one below the other, with a tag each.

    Parameters are those of `make_pbootcms`, rows those of `post_row`.
    """
    make_tables(target, WORDPRESS, prefix)
    names = ("新闻", "本地", *TAGS)
    slugs = ("news", "local", *(f"tag-{number}" for number in range(len(TAGS))))
    add(
        target,
        f"{prefix}terms",
        [
            {"term_id": number, "name": name, "slug": slug}
            for number, (name, slug) in enumerate(zip(names, slugs, strict=True), start=1)
        ],
    )
    add(
        target,
        f"{prefix}term_taxonomy",
        [
            {
                "term_taxonomy_id": 100 + number,
                "term_id": number,
                "taxonomy": "category" if number <= 2 else "post_tag",
                "parent": 1 if number == 2 else 0,
            }
            for number in range(1, len(names) + 1)
        ],
    )
    add(
        target,
        f"{prefix}users",
        [{"user_login": "li", "user_pass": "x", "user_nicename": "li", "display_name": "李编辑"}],
    )
    add(
        target,
        f"{prefix}options",
        [
            {"option_name": "siteurl", "option_value": "https://blog.example/wp"},
            {"option_name": "home", "option_value": "https://blog.example"},
            {"option_name": "permalink_structure", "option_value": permalinks},
        ],
    )
    given: Iterable[Row] = ({} for _ in range(articles)) if isinstance(articles, int) else articles
    rows = [
        {**post_row(number, sentences=sentences), **row}
        for number, row in enumerate(given, start=1)
    ]
    add(target, f"{prefix}posts", rows)
    add(
        target,
        f"{prefix}term_relationships",
        [
            {"object_id": row["ID"], "term_taxonomy_id": term}
            for row in rows
            for term in (101 + row["ID"] % 2, 103 + row["ID"] % len(TAGS))
        ],
    )


_WP_CONFIG = """<?php
/** The name of the database */
define( 'DB_NAME', '%(name)s' );
define( 'DB_USER', '%(user)s' );
define( "DB_PASSWORD", '%(password)s' );
define( 'DB_HOST', '%(host)s' ); // with its port
# define( 'DB_HOST', 'elsewhere' );
define( 'DB_CHARSET', 'utf8mb4' );
$table_prefix = '%(prefix)s';
if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
"""


def write_wordpress_config(folder: Path, url: str, *, prefix: str = "wp_") -> None:
    """`wp-config.php` of a site folder."""
    parts = sa.make_url(url)
    said = {
        "name": parts.database,
        "user": parts.username,
        "password": (parts.password or "").replace("\\", "\\\\").replace("'", "\\'"),
        "host": f"{parts.host}:{parts.port}" if parts.port else parts.host,
        "prefix": prefix,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "wp-config.php").write_text(_WP_CONFIG % said, "utf-8")


def ghost_row(number: int, *, sentences: int = 8, **changes: Any) -> dict[str, Any]:
    """A published post of Ghost; its dates are in UTC."""
    title, body = text_of(number, sentences=sentences)
    when = f"{START + timedelta(minutes=17 * number):%Y-%m-%d %H:%M:%S}"
    return {
        "id": f"{number:024x}",
        "uuid": f"00000000-0000-4000-8000-{number:012x}",
        "title": title,
        "slug": f"post-{number}",
        "html": body,
        "plaintext": None,
        "type": "post",
        "status": "published",
        "visibility": "public",
        "created_at": when,
        "updated_at": when,
        "published_at": when,
        "canonical_url": None,
        **changes,
    }


def make_ghost(
    target: str | Path, articles: Articles = 200, *, prefix: str = "", sentences: int = 8
) -> None:
    """A Ghost site: posts with a first tag, which is their category, and an internal one.

    Parameters are those of `make_pbootcms`, rows those of `ghost_row`.
    """
    make_tables(target, GHOST, prefix)
    given: Iterable[Row] = ({} for _ in range(articles)) if isinstance(articles, int) else articles
    rows = [
        {**ghost_row(number, sentences=sentences), **row}
        for number, row in enumerate(given, start=1)
    ]
    add(target, f"{prefix}posts", rows)
    tags = [(name, "public") for name in TAGS] + [("#layout", "internal")]
    add(
        target,
        f"{prefix}tags",
        [
            {"id": f"t{number}", "name": name, "slug": f"tag-{number}", "visibility": seen}
            for number, (name, seen) in enumerate(tags)
        ],
    )
    add(
        target,
        f"{prefix}posts_tags",
        [
            {"id": f"{row['id'][-12:]}-{order}", "post_id": row["id"], "tag_id": f"t{tag}",
             "sort_order": order}
            for number, row in enumerate(rows)
            for order, tag in enumerate((number % 6, 6, (number + 1) % 6))
        ],
    )  # fmt: skip
    add(target, f"{prefix}users", [{"id": "u1", "name": "王编辑", "slug": "wang"}])
    add(
        target,
        f"{prefix}posts_authors",
        [
            {"id": row["id"], "post_id": row["id"], "author_id": "u1", "sort_order": 0}
            for row in rows
        ],
    )


def write_ghost_config(folder: Path, target: str | Path) -> None:
    """`config.production.json` of a site folder."""
    url = sa.make_url(url_of(target))
    if url.get_backend_name() == "sqlite":
        database: dict[str, Any] = {
            "client": "sqlite3",
            "connection": {"filename": url.database},
        }
    else:
        connection = {
            "host": url.host,
            "port": url.port,
            "user": url.username,
            "password": url.password,
            "database": url.database,
        }
        database = {"client": "mysql", "connection": connection}
    folder.mkdir(parents=True, exist_ok=True)
    said = {"url": "https://ghost.example/", "database": database}
    (folder / "config.production.json").write_text(json.dumps(said, indent=2), "utf-8")

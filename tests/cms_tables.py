"""The tables of PbootCMS, WordPress and Ghost, as far as articles need them, on any database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A table as its CMS makes it: columns with their MySQL types, and what they hold if empty."""

    name: str
    columns: Mapping[str, str]
    key: str = "id"

    def statement(self, dialect: str, prefix: str) -> str:
        """What makes the table."""
        lines = []
        for column, kind in self.columns.items():
            if dialect != "sqlite":
                lines.append(f"`{column}` {kind}")
            elif "AUTO_INCREMENT" in kind:
                lines.append(f'"{column}" INTEGER PRIMARY KEY AUTOINCREMENT')
            else:
                lines.append(f'"{column}" {_SQLITE_KINDS.get(kind.split("(")[0], "TEXT")}')
        number = "AUTO_INCREMENT" in self.columns.get(self.key, "")
        if self.key and not (dialect == "sqlite" and number):
            lines.append(f"PRIMARY KEY ({self.key})")
        ending = "" if dialect == "sqlite" else " DEFAULT CHARSET=utf8mb4"
        return f"CREATE TABLE {prefix}{self.name} ({', '.join(lines)}){ending}"


_SQLITE_KINDS = {"int": "INTEGER", "bigint": "INTEGER", "mediumtext": "TEXT", "datetime": "TEXT"}


def _columns(names: str, kind: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), kind)


_NUMBER = "int(10) unsigned NOT NULL AUTO_INCREMENT"
_WHEN = "datetime NULL"
PBOOTCMS = (
    Table(
        "content",
        {
            "id": _NUMBER,
            **_columns("acode scode subscode", "varchar(20) NOT NULL DEFAULT ''"),
            "title": "varchar(100) NOT NULL DEFAULT ''",
            "titlecolor": "varchar(7) NOT NULL DEFAULT ''",
            "subtitle": "varchar(100) NOT NULL DEFAULT ''",
            **_columns("filename author source", "varchar(50) NOT NULL DEFAULT ''"),
            "outlink": "varchar(100) NOT NULL DEFAULT ''",
            "date": _WHEN,
            **_columns("ico enclosure", "varchar(100) NOT NULL DEFAULT ''"),
            "pics": "varchar(1000) NOT NULL DEFAULT ''",
            "content": "mediumtext NULL",
            **_columns("tags description", "varchar(500) NOT NULL DEFAULT ''"),
            "keywords": "varchar(200) NOT NULL DEFAULT ''",
            "sorting": "int(10) NOT NULL DEFAULT 255",
            **_columns("status istop isrecommend isheadline", "char(1) NOT NULL DEFAULT '0'"),
            **_columns("visits likes oppose", "int(10) NOT NULL DEFAULT 0"),
            **_columns("create_user update_user", "varchar(30) NOT NULL DEFAULT ''"),
            **_columns("create_time update_time", _WHEN),
            "gtype": "char(1) NOT NULL DEFAULT '4'",
            "gid": "varchar(20) NOT NULL DEFAULT ''",
            "gnote": "varchar(100) NOT NULL DEFAULT ''",
        },
    ),
    Table(
        "content_sort",
        {
            "id": _NUMBER,
            **_columns("acode mcode pcode scode", "varchar(20) NOT NULL DEFAULT ''"),
            **_columns("name subname", "varchar(100) NOT NULL DEFAULT ''"),
            "status": "char(1) NOT NULL DEFAULT '1'",
            "outlink": "varchar(100) NOT NULL DEFAULT ''",
            **_columns("filename urlname", "varchar(30) NOT NULL DEFAULT ''"),
            "gtype": "char(1) NOT NULL DEFAULT '4'",
            "gcode": "varchar(20) NOT NULL DEFAULT ''",
            "gnote": "varchar(100) NOT NULL DEFAULT ''",
        },
    ),
    Table(
        "model",
        {
            "id": _NUMBER,
            "mcode": "varchar(20) NOT NULL DEFAULT ''",
            "name": "varchar(50) NOT NULL DEFAULT ''",
            **_columns("type status", "char(1) NOT NULL DEFAULT '1'"),
            "urlname": "varchar(100) NOT NULL DEFAULT ''",
        },
    ),
    Table(
        "site",
        {
            "id": _NUMBER,
            "acode": "varchar(20) NOT NULL DEFAULT ''",
            **_columns("title domain", "varchar(100) NOT NULL DEFAULT ''"),
        },
    ),
    Table("config", {"id": _NUMBER, **_columns("name value", "varchar(100) NOT NULL DEFAULT ''")}),
)
WORDPRESS = (
    Table(
        "posts",
        {
            "ID": "bigint(20) unsigned NOT NULL AUTO_INCREMENT",
            "post_author": "bigint(20) unsigned NOT NULL DEFAULT 0",
            **_columns("post_date post_date_gmt", "datetime NOT NULL"),
            "post_content": "mediumtext NOT NULL",
            **_columns("post_title post_excerpt", "text NOT NULL"),
            "post_status": "varchar(20) NOT NULL DEFAULT 'publish'",
            "post_password": "varchar(255) NOT NULL DEFAULT ''",
            "post_name": "varchar(200) NOT NULL DEFAULT ''",
            **_columns("post_modified post_modified_gmt", "datetime NOT NULL"),
            "post_parent": "bigint(20) unsigned NOT NULL DEFAULT 0",
            "guid": "varchar(255) NOT NULL DEFAULT ''",
            "post_type": "varchar(20) NOT NULL DEFAULT 'post'",
        },
        key="ID",
    ),
    Table(
        "terms",
        {
            "term_id": "bigint(20) unsigned NOT NULL AUTO_INCREMENT",
            **_columns("name slug", "varchar(200) NOT NULL DEFAULT ''"),
        },
        key="term_id",
    ),
    Table(
        "term_taxonomy",
        {
            "term_taxonomy_id": "bigint(20) unsigned NOT NULL AUTO_INCREMENT",
            "term_id": "bigint(20) unsigned NOT NULL DEFAULT 0",
            "taxonomy": "varchar(32) NOT NULL DEFAULT ''",
            "parent": "bigint(20) unsigned NOT NULL DEFAULT 0",
        },
        key="term_taxonomy_id",
    ),
    Table(
        "term_relationships",
        {
            "object_id": "bigint(20) unsigned NOT NULL DEFAULT 0",
            "term_taxonomy_id": "bigint(20) unsigned NOT NULL DEFAULT 0",
            "term_order": "int(11) NOT NULL DEFAULT 0",
        },
        key="object_id, term_taxonomy_id",
    ),
    Table(
        "options",
        {
            "option_id": "bigint(20) unsigned NOT NULL AUTO_INCREMENT",
            "option_name": "varchar(191) NOT NULL DEFAULT ''",
            "option_value": "mediumtext NOT NULL",
        },
        key="option_id",
    ),
    Table(
        "users",
        {
            "ID": "bigint(20) unsigned NOT NULL AUTO_INCREMENT",
            "user_login": "varchar(60) NOT NULL DEFAULT ''",
            "user_pass": "varchar(255) NOT NULL DEFAULT ''",
            "user_nicename": "varchar(50) NOT NULL DEFAULT ''",
            "display_name": "varchar(250) NOT NULL DEFAULT ''",
        },
        key="ID",
    ),
)
_GHOST_ID = "varchar(24) NOT NULL"
GHOST = (
    Table(
        "posts",
        {
            "id": _GHOST_ID,
            "uuid": "varchar(36) NOT NULL",
            **_columns("title slug", "varchar(500) NOT NULL"),
            **_columns("html plaintext", "longtext NULL"),
            "type": "varchar(50) NOT NULL DEFAULT 'post'",
            "status": "varchar(50) NOT NULL DEFAULT 'draft'",
            "visibility": "varchar(50) NOT NULL DEFAULT 'public'",
            **_columns("created_at updated_at published_at", _WHEN),
            "canonical_url": "text NULL",
        },
    ),
    Table("tags", {"id": _GHOST_ID, **_columns("name slug visibility", "varchar(191) NOT NULL")}),
    Table(
        "posts_tags",
        {
            **_columns("id post_id tag_id", _GHOST_ID),
            "sort_order": "int(10) unsigned NOT NULL DEFAULT 0",
        },
    ),
    Table("users", {"id": _GHOST_ID, **_columns("name slug", "varchar(191) NOT NULL")}),
    Table(
        "posts_authors",
        {
            **_columns("id post_id author_id", _GHOST_ID),
            "sort_order": "int(10) unsigned NOT NULL DEFAULT 0",
        },
    ),
)

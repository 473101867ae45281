"""A first `recommender.toml` for a source, with a word on every line of it. Pure."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

_COMMENT_WIDTH = 90
_BEGINNING = """\
# Settings of recommender: read from the folder a command runs in, or named with --config.
# Yours to change: docs/settings.md of recommender describes every key. Paths are relative to this
# file. No password belongs here.
"""
_INDEX = "Folder of the index."
_TIMEZONE = "Zone of dates that name none, and of the dates you are shown."
_COMMENTS: Mapping[str, str] = {
    "site_folder": "The site's folder; its own config says where the database is, and its "
    "password.",
    "url": "Address. One of a database that holds a password belongs into an environment variable, "
    'which url_env = "NEWS_DATABASE" then names instead.',
    "feed.url": "Address of the feed.",
    "url_env": "The environment variable that holds the address of the database.",
    "query": "One SELECT. The columns id and body are needed; title, url, date, category, source, "
    "language, visible_from, visible_until and access (public, members, hidden) are known; others "
    "are kept beside the article.",
    "fields": "Our field = your column.",
    "base_url": "Where the addresses of pages begin.",
    "url_template": "The address of a page.",
    "prefix": "What stands in front of the names of tables.",
    "folder": "The folder of the pages.",
    "paths": "JSON lines or CSV.",
    "complete": "Whether an article that is no longer in it is gone; false for one that holds "
    "only what is new.",
    "timezone": "Zone of its dates.",
    "site": "Each of several [[sources]] needs its own; ids become site:id.",
}
_PBOOTCMS_ADDRESS = (
    "The address of a page, of {id}, {filename} (the id where an article has no file name), "
    "{scode}, {category_path}, {acode}, {year}, {month}, {day}. Compare with your site: without "
    'rewriting its addresses may begin with "/index.php/" or "/?".'
)
_WORDPRESS_ADDRESS = (
    "The address of a page, of {id}, {slug}, {category_path}, {author}, {year}, {month}, {day}, "
    "{hour}, {minute}, {second}; without it the site's own permalinks."
)
_GHOST_ADDRESS = "The address of a page, of {id}, {slug}, {category_path}, {year}, {month}, {day}."
_ROW_ADDRESS = "The address of a page, of your columns, where no column holds it."
# Options that are not set, with an example and what there is to say.
_PATTERNS = (
    'Paths below the folder, "*" for anything but a slash, "**/" for any folders; these are no '
    "articles. Front pages and lists are left out by themselves."
)
_TABLES: Sequence[tuple[str, str]] = (
    ("sync", "When `recommender sync` does not believe a source and stops."),
    (
        "export",
        "Where `recommender export` writes related lists, and what they hold.",
    ),
)
_OTHERS: Mapping[str, Sequence[tuple[str, Any, str]]] = {
    "pbootcms": (
        ("url_template", "/{category_path}/{filename}.html", _PBOOTCMS_ADDRESS),
        ("base_url", "https://www.example.cn", _COMMENTS["base_url"]),
        ("prefix", "ay_", _COMMENTS["prefix"]),
        ("acode", "cn", "Only one area of a site that has several."),
        (
            "visits",
            False,
            "Numbers of visits are kept, rounded down to their first digit; false leaves them out.",
        ),
    ),
    "wordpress": (
        ("url_template", "/{year}/{month}/{slug}/", _WORDPRESS_ADDRESS),
        ("base_url", "https://www.example.com", _COMMENTS["base_url"]),
        ("prefix", "wp_", f"{_COMMENTS['prefix']} wp-config.php says it."),
        ("post_types", ["post", "page"], "What is an article."),
    ),
    "ghost": (
        ("url_template", "/{slug}/", _GHOST_ADDRESS),
        ("base_url", "https://www.example.com", _COMMENTS["base_url"]),
    ),
    "sql": (
        ("fields", {"id": "nid", "body": "content"}, _COMMENTS["fields"]),
        ("url_template", "https://www.example.com/{id}.html", _ROW_ADDRESS),
        ("complete", False, _COMMENTS["complete"]),
    ),
    "html": (
        ("exclude", ["tags/**", "**/print-*.html"], _PATTERNS),
        ("base_url", "https://www.example.com/", "The address of the folder."),
    ),
    "feed": (
        ("timeout", 60, "Seconds for which its server is waited for."),
        ("complete", True, "Whether an article that has left the feed is gone."),
    ),
    "files": (
        ("fields", {"body": "content"}, _COMMENTS["fields"]),
        ("complete", False, _COMMENTS["complete"]),
    ),
}


def toml_value(value: Any) -> str:
    """A value as TOML writes it.

    Raises
    ------
    TypeError
        For what settings do not hold.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        # JSON escapes all that TOML wants escaped but this one control character.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{_key(name)} = {toml_value(each)}" for name, each in value.items())
        return f"{{ {pairs} }}"
    raise TypeError(f"no setting is a {type(value).__name__}")


def _key(name: str) -> str:
    bare = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if bare else toml_value(name)


def settings_text(*, index: str, timezone: str, kind: str, options: Mapping[str, Any]) -> str:
    """The text of a file of settings with one source.

    Parameters
    ----------
    index, timezone : str
    kind : str
        Of the source.
    options : mapping
        What the source says, in the order in which it is written; lines that are only examples
        follow.
    """
    lines = [
        _BEGINNING,
        *_setting("index", index, _INDEX),
        "",
        "[options]",
        *_setting("timezone", timezone, _TIMEZONE),
        "",
        "# Where articles come from. There may be several of these tables.",
    ]
    others: list[str] = []
    for name, comment in _TABLES:
        others += ["", *(f"# {line}" for line in textwrap.wrap(comment, _COMMENT_WIDTH))]
        others.append(f"#[{name}]")
        for key, value, said_of_it in _table(name, kind, options):
            *said, line = _setting(key, value, said_of_it)
            others += [*said, f"#{line}"]
    return "\n".join([*lines, source_text(kind, options) + "\n".join(others)]) + "\n"


def source_text(kind: str, options: Mapping[str, Any]) -> str:
    """The text of one source, to stand at the end of a file of settings.

    Parameters
    ----------
    kind, options
        As for `settings_text`.
    """
    lines = ["[[sources]]", f"kind = {toml_value(kind)}"]
    for name, value in options.items():
        lines += _setting(name, value, _COMMENTS.get(f"{kind}.{name}", _COMMENTS.get(name, "")))
    others = [each for each in _OTHERS.get(kind, ()) if each[0] not in options]
    if "site" not in options:
        others.append(("site", "www.example.cn", _COMMENTS["site"]))
    lines += ["", "# What else such a source can say, without the # in front:"]
    for name, value, comment in others:
        *said, line = _setting(name, value, comment)
        lines += [*said, f"#{line}"]
    return "\n".join(lines) + "\n"


def _table(name: str, kind: str, options: Mapping[str, Any]) -> Sequence[tuple[str, Any, str]]:
    """Examples of what another table says: key, value and what there is to say."""
    if name == "sync":
        return (("most_removed", 0.2, "Share of a source's articles that may be gone at once."),)
    if kind == "wordpress":
        # What such a source is called where it has no name.
        source = f"{kind} of {options['site']}" if "site" in options else kind
        place = ("source", source, "A table in the database of this source.")
    else:
        folder = f"{options['site_folder']}/related" if "site_folder" in options else "related"
        place = ("to", folder, "A folder of JSON files, or one file that ends in .json.")
    return (
        place,
        ("limit", 5, "Most articles of a list."),
        ("fill", "latest", "Short lists are filled with newest articles, marked as such."),
    )


def _setting(name: str, value: Any, comment: str) -> list[str]:
    said = [f"# {line}" for line in textwrap.wrap(comment, _COMMENT_WIDTH)]
    return [*said, f"{name} = {toml_value(value)}"]

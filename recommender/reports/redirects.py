"""Redirects as files for servers, as rows, and as `rel=canonical` elements.

Addresses are printable ASCII without spaces, double quotes or backslashes (`addresses`); what is
special to one kind of file beyond that is escaped here. Each file for a server says in its head
how it is included.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from recommender.addresses import Address
from recommender.records import Card
from recommender.redirects import LeftOut, Redirect

Row = dict[str, Any]

# mod_rewrite reads a line of a text map up to its 1,024th byte.
_APACHE_LINE = 1_000
_NGINX_BUCKET = 64
_NGINX_ELEMENT = 32
_NGINX_USUAL_SIZE = 2_048
_REGEX_SPECIAL = re.compile(r"[.^$*+?()\[\]{}|]")
_ESCAPE = re.compile(r"%[0-9A-F]{2}")

_NGINX_HEAD = """\
# Redirects of duplicates, for nginx: one line a page, from path and query as a browser sends them.
# Include this file in the http block, and in the server block of the site answer with
#
#   if ($duplicate_of) { return 301 $duplicate_of; }
#
# and reload nginx. A request with further parameters is another page and not redirected.
"""
_APACHE_HEAD = """\
# Redirects of duplicates, for Apache 2.4: a text map from path and query as a browser sends them.
# In the <VirtualHost> of the site (a map cannot stand in .htaccess), with the path of this file:
#
#   RewriteEngine On
#   RewriteMap duplicates "txt:/etc/apache2/redirects.txt"
#   RewriteCond "%{THE_REQUEST}" "^[A-Z]+ (\\S+)"
#   RewriteCond "${duplicates:KEY}" "^(.+)$"
#   RewriteRule "^" "%1" [R=301,NE,QSD,L]
#
# Apache reads the file again when it changes. A request with further parameters is another page
# and not redirected.
"""


def nginx_map(redirects: Sequence[Redirect]) -> str:
    """Redirects as a map of nginx from the request to the variable `$duplicate_of`."""
    name, hosts = _nginx_key(redirects)
    lines = []
    dollar = any("$" in each.to_address.url for each in redirects)
    if dollar:
        # A value has no other way to hold the sign.
        lines.append('geo $duplicate_dollar { default "$"; }')
    lines += _nginx_sizes([_key(each, hosts=hosts) for each in redirects])
    lines.append(f"map {name} $duplicate_of {{")
    lines.append('    default "";')
    for each in redirects:
        key = _key(each, hosts=hosts)
        # Strings are matched whatever the case of their letters, expressions are not.
        start = f"~{_expression(key)}" if each.exact_case else key
        target = each.to_address.url.replace("$", "${duplicate_dollar}")
        lines.append(f'    "{start}" "{target}";')
    lines.append("}")
    return _NGINX_HEAD + "\n".join(lines) + "\n"


def _nginx_key(redirects: Iterable[Redirect]) -> tuple[str, bool]:
    hosts = _hosts(redirects)
    if len(hosts) < 2:
        return "$request_uri", False
    return "$http_host$request_uri" if any(":" in each for each in hosts) else (
        "$host$request_uri"
    ), True


def _nginx_sizes(keys: Sequence[str]) -> list[str]:
    """Tables as large as the addresses need, where the usual ones are too small."""
    sizes = []
    bucket = _power_of_two(max(map(len, keys), default=0) + _NGINX_ELEMENT)
    if bucket > _NGINX_BUCKET:
        sizes.append(f"map_hash_bucket_size {bucket};")
    size = _power_of_two(2 * len(keys))
    if size > _NGINX_USUAL_SIZE:
        sizes.append(f"map_hash_max_size {size};")
    if sizes:
        sizes.insert(0, "# Once in the http block: where it is set already, keep the larger one.")
    return sizes


def _power_of_two(least: int) -> int:
    return 1 << max(least - 1, 1).bit_length()


def _expression(key: str) -> str:
    """A regular expression for one key alone; escapes of either case."""
    literal = _REGEX_SPECIAL.sub(r"\\\g<0>", key)
    return f"^{_ESCAPE.sub(lambda found: f'(?i:{found[0]})', literal)}$"


def apache_map(redirects: Sequence[Redirect]) -> str:
    """Redirects as a text map of Apache's mod_rewrite; only such as `fits_apache`."""
    hosts = len(_hosts(redirects)) > 1
    head = _APACHE_HEAD.replace("KEY", "%{HTTP_HOST}%1" if hosts else "%1")
    lines = []
    for each in redirects:
        key = _key(each, hosts=hosts)
        small = _ESCAPE.sub(lambda found: found[0].lower(), key)
        # Escapes in small letters are the same address, which a text map does not know.
        lines += [f"{start} {each.to_address.url}" for start in dict.fromkeys((key, small))]
    return head + "".join(f"{line}\n" for line in lines)


def fits_apache(redirect: Redirect) -> bool:
    """Whether both addresses fit into a line of a text map of Apache."""
    return len(redirect.from_address.page) + len(redirect.to_address.url) < _APACHE_LINE


def _hosts(redirects: Iterable[Redirect]) -> set[str]:
    return {each.from_address.host for each in redirects}


def _key(redirect: Redirect, *, hosts: bool) -> str:
    page, host = redirect.from_address.page, redirect.from_address.host
    return page if hosts else page[len(host) :]


def canonical_lines(redirects: Iterable[Redirect]) -> str:
    """For each article its id, a tab, and the element that its page's head wants."""
    return "".join(f"{each.source.id}\t{canonical_link(each)}\n" for each in redirects)


def canonical_link(redirect: Redirect) -> str:
    """The element that tells search engines which page is meant."""
    return f'<link rel="canonical" href="{html.escape(_without_fragment(redirect.to_address))}">'


def _without_fragment(address: Address) -> str:
    return address.url.partition("#")[0]


def redirect_rows(redirects: Iterable[Redirect]) -> list[Row]:
    """One row a redirect."""
    return [
        {
            "from": each.from_address.url,
            "to": each.to_address.url,
            "from_id": each.source.id,
            "to_id": each.target.id,
            "from_title": each.source.title,
            "to_title": each.target.title,
            # What was marked, where that article is redirected itself.
            "by_way_of": each.wished if each.wished != each.target.id else "",
            "reason": "copy" if each.automatic else "merge",
            "canonical_link": canonical_link(each),
        }
        for each in redirects
    ]


def left_out_rows(left_out: Iterable[LeftOut], cards: Mapping[str, Card]) -> list[Row]:
    """One row a pair that is not redirected, with its reason as a word and as a sentence.

    Parameters
    ----------
    left_out : iterable of LeftOut
    cards : mapping of str to Card
        Of the articles that are in the index.
    """
    rows: list[Row] = []
    for each in left_out:
        row: Row = {
            "from_id": each.source_id,
            "to_id": each.target_id,
            "reason": each.reason,
            "text": each.text,
        }
        for side, article_id in (("from", each.source_id), ("to", each.target_id)):
            card = cards.get(article_id)
            row[f"{side}_title"] = card.title if card else ""
            row[f"{side}_url"] = card.url if card else ""
        rows.append(row)
    return rows

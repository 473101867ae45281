"""What a server is asked for: escaped as browsers do, and nothing that is no web address."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.addresses import MAX_ADDRESS_LENGTH, parse_address


@pytest.mark.parametrize(
    ("url", "host", "request_line"),
    [
        ("https://News.Example/a?b=1", "news.example", "/a?b=1"),
        ("HTTP://news.example:80", "news.example", "/"),
        ("https://news.example:8443?x", "news.example:8443", "/?x"),
        (
            "/要闻/停水 通知.html",
            "",
            "/%E8%A6%81%E9%97%BB/%E5%81%9C%E6%B0%B4%20%E9%80%9A%E7%9F%A5.html",
        ),
        ("https://新闻.example/a", "xn--efvy88h.example", "/a"),
        ("/a\"b<c>`{d}^e'f;$g|h", "", "/a%22b%3Cc%3E%60%7Bd%7D%5Ee'f;$g|h"),
        ("/a?q=\"<x>' {y}", "", "/a?q=%22%3Cx%3E%27%20{y}"),
        ("/%e4%b8%ad%0Ax", "", "/%e4%b8%ad%0Ax"),
        ("/a?", "", "/a?"),
    ],
)
def test_an_address_is_escaped_as_a_browser_does_it(url: str, host: str, request_line: str) -> None:
    address = parse_address(url)
    assert address is not None
    assert (address.host, address.request) == (host, request_line)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://news.example/a",
        "news.example/a",
        "//evil.example/a",
        "/\\evil.example/a",
        "https:/news.example",
        "https://",
        "https:///a",
        "https://editor:secret@news.example/a",
        "https://news.example:99999/a",
        "https://news.example:x/a",
        "https://ne ws.example/a",
        "https://news.example;x/a",
        "https://news.example\n/a",
        "/a\r\nSet-Cookie: x",
        "/a\tb",
        "/a/../b",
        "/a/%2E%2e/b",
        "/100%涨",
        "/" + "文" * MAX_ADDRESS_LENGTH,
    ],
)
def test_what_is_no_address_of_a_page_is_none(url: str) -> None:
    assert parse_address(url) is None


def test_a_page_is_one_whatever_scheme_fragment_and_case_of_escapes() -> None:
    pages = {
        address.page
        for url in (
            "http://news.example/%e4?x",
            "https://news.example:443/%E4?x",
            "https://NEWS.example/%E4?x#part",
        )
        if (address := parse_address(url))
    }
    assert pages == {"news.example/%E4?x"}


@given(st.text(max_size=60), st.sampled_from(["/", "https://news.example/", "http://", ""]))
def test_what_comes_out_is_plain_and_read_again_is_the_same(text: str, start: str) -> None:
    address = parse_address(start + text)
    if address is not None:
        assert re.fullmatch(r"[!#-\[\]-~]+", address.url)
        assert parse_address(address.url) == address
        assert not address.url.startswith("//")

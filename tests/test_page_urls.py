"""Addresses by a template."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.errors import ConfigError
from recommender.sources.page_urls import PageUrls, checked_base
from recommender.sources.presets.wordpress import permalink_template


def made(template: str, base: str = "", **values: object) -> str:
    return PageUrls.of(template, called="x").url(values, base)


def test_addresses() -> None:
    assert made("/{a}/{b}.html", "https://x.example/", a="list_1", b=7) == (
        "https://x.example/list_1/7.html"
    )
    assert made("?p={id}", "https://x.example", id=3) == "https://x.example/?p=3"
    assert made("https://y.example/{id}", "https://x.example", id=3) == "https://y.example/3"
    assert made("/{id}", id="a/b c?") == "/a%2Fb%20c%3F"
    assert made("/{category_path}/{{x}}", category_path="新闻/a") == "/%E6%96%B0%E9%97%BB/a/{x}"
    assert made("/go?to=http://z/{id}", "https://x.example", id=1) == (
        "https://x.example/go?to=http://z/1"
    )


@pytest.mark.parametrize("missing", [{}, {"year": None}, {"year": ""}])
def test_without_a_field_there_is_no_address(missing: dict[str, object]) -> None:
    assert made("/{year}/{id}", id=3, **missing) == ""


@pytest.mark.parametrize("template", ["/{id", "/{}", "/{id:d}", "/{id!r}", 3, "/{id.x}", "/}"])
def test_malformed_templates_are_refused(template: object) -> None:
    with pytest.raises(ConfigError, match="url_template"):
        PageUrls.of(template, called="x", known=("id",))


@given(st.text(max_size=20))
def test_values_cannot_leave_their_place(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        return
    address = made("https://x.example/{id}.html", id=value)
    if value:
        assert address.isascii()
        assert address.count("/") == 3
        assert "?" not in address
        assert "#" not in address


def test_permalinks_of_wordpress() -> None:
    assert permalink_template("/%year%/%monthnum%/%postname%/") == "/{year}/{month}/{slug}/"
    assert permalink_template("/archives/%post_id%") == "/archives/{id}"
    assert permalink_template("") == "/?p={id}"
    assert permalink_template("/%own_tag%/%postname%/") == "/?p={id}"
    assert permalink_template("/a{b}/%post_id%") == "/a{{b}}/{id}"


def test_a_base_has_a_scheme() -> None:
    assert checked_base("https://x.example", called="x") == "https://x.example"
    for wrong in ("www.example.cn", "javascript:alert(1)", 3):
        with pytest.raises(ConfigError, match="base_url"):
            checked_base(wrong, called="x")

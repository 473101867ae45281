"""Settings in PHP files: read as PHP would, and never guessed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.sources import php

# Lone surrogates are in no file that is text.
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
KEYS = st.one_of(st.integers(0, 10_000), TEXTS.filter(lambda text: not text.isdecimal()))
VALUES = st.recursive(
    st.one_of(TEXTS, st.integers(0, 10**9), st.booleans(), st.none()),
    lambda inner: st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def single(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def double(text: str) -> str:
    escapes = {"\\": "\\\\", '"': '\\"', "$": "\\$", "\n": "\\n", "\t": "\\x09", "{": "\\u{7b}"}
    return '"' + "".join(escapes.get(each, each) for each in text) + '"'


def written(value: Any, how: int) -> str:
    """A value in PHP, in one of four ways."""
    if isinstance(value, dict):
        opening, closing = ("array(", ")") if how % 2 else ("[", "]")
        pairs = "".join(
            f"\n  {written(key, how)} => {written(each, how)}, // a ')' in a comment"
            for key, each in value.items()
        )
        return f"{opening}{pairs}\n{closing}"
    if isinstance(value, str):
        return single(value) if how < 2 else double(value)
    words = {True: "TRUE", False: "false", None: "null"}
    return words[value] if value is None or isinstance(value, bool) else str(value)


@given(st.dictionaries(KEYS, VALUES, max_size=5), st.integers(0, 3))
def test_arrays_are_read_as_they_were_written(value: dict[Any, Any], how: int) -> None:
    text = f"<?php\n/* return array('no'); */\nreturn {written(value, how)};\n"
    assert php.returned_array(text, {}) == value


@given(TEXTS, TEXTS)
def test_constants_and_variables_are_read_as_they_were_written(first: str, second: str) -> None:
    text = (
        f"<?php\n# define('A', 'no');\ndefine( 'A', {single(first)} );\n"
        f"define('A', 'the second counts for nothing');\n$b = {double(second)};"
    )
    assert php.defined(text, {}) == {"A": first}
    assert php.assigned(text, "b", {}) == second


@given(st.text(max_size=200))
def test_no_text_is_too_odd(text: str) -> None:
    for each in (text, f"<?php {text}", f"<?php return [{text}", f"<?php define('A', {text}"):
        php.returned_array(each, {})
        php.defined(each, {})
        php.assigned(each, "a", {})


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("'a' . \"b\" . 3", "ab3"),
        ("('a')", "a"),
        ("getenv('HOST')", "db.example"),
        ("getenv('NONE') ?: 'other'", "other"),
        ("getenv('HOST') ?: 'other'", "db.example"),
        ("getenv_docker('NONE', 'mysql')", "mysql"),
        ("null ?? 'x'", "x"),
        ("getenv('NONE')", False),
    ],
)
def test_simple_expressions(expression: str, value: object) -> None:
    text = f"<?php define('A', {expression}); define('B', 'next');"
    assert php.defined(text, {"HOST": "db.example"}) == {"A": value, "B": "next"}


@pytest.mark.parametrize(
    "expression",
    [
        "ROOT . 'a'",
        "'a' === $x",
        '"with {$x} inside"',
        '"with $x inside"',
        "$x ? 'a' : 'b'",
        "decrypt('a')",
        "'a'[0]",
        "new Thing('a', ['b'])",
    ],
)
def test_what_only_php_can_tell_is_unknown(expression: str) -> None:
    found = php.defined(f"<?php define('A', {expression}); define('B', 'next');", {})
    assert found == {"A": php.UNKNOWN, "B": "next"}


def test_unknown_values_stay_in_their_place() -> None:
    text = "<?php return ['a' => ROOT . '/x', 'b' => foo(1, [2, 3]), 'c' => 'known'];"
    assert php.returned_array(text, {}) == {"a": php.UNKNOWN, "b": php.UNKNOWN, "c": "known"}


def test_a_file_without_an_array_has_none() -> None:
    assert php.returned_array("return array('a' => 1);", {}) is None
    assert php.returned_array("<?php return 3;", {}) is None
    assert php.returned_array("<?php $a = [1];", {}) is None


def test_deep_nesting_ends() -> None:
    text = f"<?php return {'[' * 5_000}1{']' * 5_000};"
    assert php.returned_array(text, {}) is not None

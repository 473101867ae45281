"""Settings in PHP files, read without PHP: arrays of values, `define`, and assigned variables.

Only what such files hold in practice is understood: strings, numbers, arrays, joined texts, and
`getenv`. Anything else is `UNKNOWN`, never guessed. Pure; nothing is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_TOKEN = re.compile(
    r"""(?P<blank>\s+|//[^\n]*|\#(?!\[)[^\n]*|/\*.*?(?:\*/|\Z)|\?>.*?(?:<\?(?:php|=)?|\Z))
      |'(?P<single>(?:[^'\\]|\\.)*)'
      |"(?P<double>(?:[^"\\]|\\.)*)"
      |(?P<number>\d+(?:\.\d+)?)
      |\$(?P<variable>[A-Za-z_]\w*)
      |(?P<word>[A-Za-z_\\][\w\\]*)
      |(?P<mark>=>|===|==|\?\?=|\?\?|\?:|->|::|.)""",
    re.DOTALL | re.VERBOSE,
)
_OPENING = re.compile(r"<\?(?:php\b)?", re.IGNORECASE)
_SINGLE_ESCAPE = re.compile(r"\\([\\'])")
_DOUBLE_ESCAPE = re.compile(
    r"\\(?:([nrtvef\\$\"])|([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|u\{([0-9A-Fa-f]{1,6})\})"
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "v": "\v", "e": "\x1b", "f": "\f"}
_INTERPOLATED = re.compile(r"(?<!\\)(?:\\\\)*(?:\$[A-Za-z_{]|\{\$)")
_CONSTANTS: Mapping[str, Any] = {"true": True, "false": False, "null": None}
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_DEEPEST = 40
_ENVIRONMENT = ("getenv", "getenv_docker", "env")


class _Unknown:
    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    value: Any


def returned_array(text: str, environment: Mapping[str, str]) -> Mapping[Any, Any] | None:
    """The array that a file returns; `None` if it returns none.

    Parameters
    ----------
    text : str
        Of the whole file.
    environment : mapping
        Environment variables, for `getenv`.
    """
    tokens = _tokens(text)
    for position, token in enumerate(tokens):
        if token.kind == "word" and token.value.lower() == "return":
            value, _ = _Expression(tokens, environment).value(position + 1)
            return value if isinstance(value, dict) else None
    return None


def defined(text: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """The constants that a file defines; the first definition of each, as PHP keeps it."""
    tokens = _tokens(text)
    found: dict[str, Any] = {}
    for position, token in enumerate(tokens[:-3]):
        if token.kind == "word" and token.value.lower().lstrip("\\") == "define":
            opened, name = tokens[position + 1], tokens[position + 2]
            if opened.value == "(" and name.kind == "text" and tokens[position + 3].value == ",":
                value, _ = _Expression(tokens, environment).value(position + 4)
                found.setdefault(str(name.value), value)
    return found


def assigned(text: str, variable: str, environment: Mapping[str, str]) -> Any:
    """The value of the last assignment to a variable; `UNKNOWN` without one."""
    tokens = _tokens(text)
    found: Any = UNKNOWN
    for position, token in enumerate(tokens[:-1]):
        is_it = token.kind == "variable" and token.value == variable
        if is_it and tokens[position + 1] == _Token("mark", "="):
            found, _ = _Expression(tokens, environment).value(position + 2)
    return found


def _tokens(text: str) -> list[_Token]:
    opening = _OPENING.search(text)
    return [] if opening is None else list(_scanned(text, opening.end()))


def _scanned(text: str, start: int) -> Iterator[_Token]:
    for match in _TOKEN.finditer(text, start):
        kind = match.lastgroup
        if kind == "single":
            yield _Token("text", _SINGLE_ESCAPE.sub(r"\1", match["single"]))
        elif kind == "double":
            inner = match["double"]
            if _INTERPOLATED.search(inner):
                yield _Token("unknown", UNKNOWN)
            else:
                yield _Token("text", _DOUBLE_ESCAPE.sub(_escape, inner))
        elif kind == "number":
            number = match["number"]
            yield _Token("number", float(number) if "." in number else int(number[:18]))
        elif kind in ("variable", "word", "mark"):
            yield _Token(kind, match[kind])


def _escape(match: re.Match[str]) -> str:
    letter, octal, hexadecimal, code = match.groups()
    if letter is not None:
        return _ESCAPES.get(letter, letter)
    if octal is not None:
        return chr(int(octal, 8) & 0xFF)
    number = int(hexadecimal or code, 16)
    return chr(number) if number <= 0x10FFFF else "\N{REPLACEMENT CHARACTER}"


class _Expression:
    """Values of expressions; what is not understood is passed over and `UNKNOWN`."""

    def __init__(self, tokens: list[_Token], environment: Mapping[str, str]) -> None:
        self._tokens = tokens
        self._environment = environment

    def value(self, at: int, depth: int = 0) -> tuple[Any, int]:
        """The value of the expression that begins there, and where it has ended."""
        value, at = self._joined(at, depth)
        while self._mark(at) in ("??", "?:", "?"):
            short = self._mark(at) in ("??", "?:")
            if self._mark(at) == "?" and self._mark(at + 1) == ":":
                short, at = True, at + 1
            if not short:
                return UNKNOWN, self._end(at)
            other, at = self._joined(at + 1, depth)
            value = other if value in ("", None, False) else value
        if self._mark(at) not in (",", ")", "]", ";", "=>", ""):
            return UNKNOWN, self._end(at)
        return value, at

    def _joined(self, at: int, depth: int) -> tuple[Any, int]:
        value, at = self._single(at, depth)
        while self._mark(at) == ".":
            other, at = self._single(at + 1, depth)
            known = isinstance(value, (str, int)) and isinstance(other, (str, int))
            value = f"{value}{other}" if known else UNKNOWN
        return value, at

    def _single(self, at: int, depth: int) -> tuple[Any, int]:
        if at >= len(self._tokens) or depth > _DEEPEST:
            return UNKNOWN, self._end(at)
        token = self._tokens[at]
        if token.kind in ("text", "number"):
            return token.value, at + 1
        if token.value == "[":
            return self._array(at + 1, "]", depth + 1)
        if token.kind == "word":
            return self._word(token.value.lower().lstrip("\\"), at, depth)
        if token.value == "(":
            value, at = self.value(at + 1, depth + 1)
            return (value, at + 1) if self._mark(at) == ")" else (UNKNOWN, self._end(at))
        return UNKNOWN, at + 1 if token.kind in ("unknown", "variable") else self._end(at)

    def _word(self, word: str, at: int, depth: int) -> tuple[Any, int]:
        if self._mark(at + 1) != "(":
            return _CONSTANTS.get(word, UNKNOWN), at + 1
        if word == "array":
            return self._array(at + 2, ")", depth + 1)
        given, after = self._array(at + 2, ")", depth + 1)
        if word in _ENVIRONMENT and isinstance(given, dict) and isinstance(given.get(0), str):
            # PHP's own gives false for what is not set; those of frameworks take a default.
            return self._environment.get(given[0], given.get(1, False)), after
        return UNKNOWN, after

    def _array(self, at: int, closing: str, depth: int) -> tuple[Any, int]:
        found: dict[Any, Any] = {}
        number = 0
        while at < len(self._tokens) and self._mark(at) != closing:
            key, at = self.value(at, depth)
            if self._mark(at) == "=>":
                value, at = self.value(at + 1, depth)
            else:
                key, value, number = number, key, number + 1
            if isinstance(key, (str, int)):
                found[key] = value
            if self._mark(at) == ",":
                at += 1
            elif self._mark(at) != closing:
                return UNKNOWN, self._end(at)
        return found, at + 1

    def _mark(self, at: int) -> str:
        if at >= len(self._tokens):
            return ""
        token = self._tokens[at]
        return str(token.value) if token.kind == "mark" else "a value"

    def _end(self, at: int) -> int:
        """Where an expression that is not understood is over."""
        opened: list[str] = []
        while at < len(self._tokens):
            mark = self._mark(at)
            if opened and mark == opened[-1]:
                opened.pop()
            elif mark in _CLOSING:
                opened.append(_CLOSING[mark])
            elif not opened and mark in (",", ")", "]", ";", "}"):
                return at
            at += 1
        return at

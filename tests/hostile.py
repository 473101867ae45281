"""Texts, files and settings that nobody well-meaning would write, made from a random generator.

What is made depends on the generator alone, so that a seed and a number give an input again.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from tests.helpers import THEMES, body_of

# Pieces that cleaning, folding, the patterns of facts and the terminal each stumble over.
PIECES = (
    *("<", ">", "&", "<p", "<p>", "</p>", "<div>", "</div>", "<!--", "-->", "--!>", "<!", "<?"),
    *("<script>", "</script>", "<style>", "<noscript>", "</noscript>", "<svg>", "<svg/>", "<math>"),
    *("<table>", "<td>", "<tr>", "<b>", "</b>", "<a href='", '<a href="x>', "<textarea>"),
    *("<template>", "<plaintext>", "<xmp>", "<title>", "</title>", "<![CDATA[", "]]>", "<br/>"),
    *("&lt;", "&amp;lt;p&amp;gt;", "&#0;", "&#xD800;", "&#99999999;", "&amp", "&notit;", "&lol9;"),
    *("\0", "\ud800", "\udfff", "\ud83d\ude00", "\u202e", "\u2066", "\u200b", "\u200d", "\ufeff"),
    *("e\u0301", "\u0301\u0316", "a" + "\u0489" * 9, "\u0430", "\uff21", "\u1e9e", "\u0130"),
    *("\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U000e0041", "\ufdfa", "\u338f", "\U00020000"),
    *(
        "\r",
        "\n",
        "\r\n",
        "\t",
        "\x0b",
        "\x85",
        "\u2028",
        "\u3000",
        " ",
        "\x1b[31m",
        "\x07",
        "\x9b",
    ),
    *('"', "'", ",", ";", "\\", "=", "=cmd|'/C calc'!A0", "@x", "+1", "-1", "%", "|", "/", "../"),
    *(
        "1",
        "1,111",
        "3.2%",
        "１２",
        "第一",
        "十",
        "万亿",
        "2020年1月1日",
        "13月45日",
        "12:61",
        "19",
    ),
    *(
        "《",
        "》",
        "“",
        "”",
        "「",
        "记者",
        "编辑:",
        "来源：",
        "公司",
        "中",
        "市",
        "王某",
        "新华社",
        "日电",
    ),
    *(
        "A",
        "Aa ",
        "A.",
        "jan ",
        "$1",
        "1 million ",
        "(AP)",
        "。",
        "！！",
        "…",
        "【",
        "】",
        "a",
        "字",
    ),
    *("{{ x }}", "{% raw %}", "${x}", "[bold]", "[/]", "[link=x]", ":smile:", "%s", "{0}"),
)


def text(random: Random, *, longest: int = 600) -> str:
    """A text of pieces, ordinary sentences among them, some of it again and again."""
    parts: list[str] = []
    for _ in range(random.choice((0, 1, 2, 5, 12))):
        kind = random.random()
        if kind < 0.2:
            parts.append(body_of(random.choice(list(THEMES)), random.randrange(30)))
        elif kind < 0.35:
            parts.append(random.choice(PIECES) * random.choice((2, 40, longest)))
        elif kind < 0.45:
            pair = random.choice(PIECES) + random.choice(PIECES)
            parts.append(pair * random.randrange(1, longest))
        elif kind < 0.5:
            parts.append(chr(random.randrange(0x110000)) * random.randrange(1, 9))
        else:
            parts += random.choices(PIECES, k=random.randrange(1, 12))
    return "".join(parts)


def value(random: Random, depth: int = 0) -> Any:
    """A JSON value of any kind."""
    kind = random.randrange(12 if depth < 4 else 9)
    if kind >= 9:
        inner = [value(random, depth + 1) for _ in range(random.randrange(3))]
        return inner if kind < 11 else {text(random, longest=5): each for each in inner}
    return random.choice(
        (
            *(None, True, False, 0, -1, 10**30, 1e308, -0.0, "", " ", "0000-00-00", "NaN"),
            *("2025-07-17", "2025年13月1日", 1752710400, "hidden", "public", "yes", "zh"),
            *(text(random, longest=40), text(random, longest=9000), "x" * 9_000),
        )
    )


FIELDS = (
    *("id", "title", "body", "content", "url", "date", "category", "language", "source", "site"),
    *("excerpt", "visible_from", "visible_until", "access", "extra", "note"),
)


def record(random: Random, number: int) -> dict[str, Any]:
    """An article as a source has it, most of them usable."""
    found: dict[str, Any] = {
        "id": identifier(random, number),
        "title": text(random, longest=30),
        "body": text(random),
    }
    for name in random.sample(FIELDS, random.choice((0, 0, 1, 3))):
        found[name] = value(random)
    return found


def identifier(random: Random, number: int) -> str:
    """An id with slashes, quotes, formulas, marks and look-alikes in it."""
    strange = random.choice(
        (
            *(
                "",
                "/",
                "../../etc",
                "'",
                '"',
                "<b>",
                "=1+1",
                "@x",
                "\u202eabc",
                "\u0430",
                "e\u0301",
            ),
            *(
                "\U0001f468\u200d\U0001f469",
                "a b",
                "--help",
                "-",
                "%00",
                "\n",
                "\0",
                "\ud800",
                ";,",
            ),
        )
    )
    return f"{strange}{number}" if random.random() < 0.9 else f"{number}{strange}"


def mutated(random: Random, data: bytes) -> bytes:
    """The bytes with a few of them changed, taken out, doubled or moved."""
    changed = bytearray(data)
    for _ in range(random.choice((0, 0, 0, 1, 3, 20))):
        if not changed:
            break
        place = random.randrange(len(changed))
        kind = random.randrange(4)
        if kind == 0:
            changed[place] = random.randrange(256)
        elif kind == 1:
            del changed[place : place + random.choice((1, 10, 1_000))]
        elif kind == 2:
            changed[place:place] = changed[place : place + random.choice((1, 50))]
        else:
            changed[place:place] = random.choice(PIECES).encode("utf-8", "surrogatepass")
    return bytes(changed)


def json_lines(random: Random) -> bytes:
    """Articles as JSON lines, mutated."""
    lines = []
    for number in range(random.randrange(4)):
        line = json.dumps(record(random, number), ensure_ascii=random.random() < 0.5)
        if random.random() < 0.05:
            line = "[" * random.choice((3, 200_000)) + line
        lines.append(line.encode("utf-8", "surrogatepass"))
    return mutated(random, random.choice((b"\n", b"\r\n", b"\n\n")).join(lines))


def table(random: Random, columns: tuple[str, ...] = FIELDS) -> bytes:
    """A table with a delimiter and an encoding of some spreadsheet, mutated."""
    names = ["id", "body", *random.sample(columns, 2)] if "id" in columns else list(columns)
    lines = io.StringIO()
    writer = csv.writer(lines, delimiter=random.choice((",", ";", "\t")))
    if random.random() < 0.1:
        lines.write("sep=;\n")
    writer.writerow(dict.fromkeys(names))
    for number in range(random.randrange(4)):
        found = record(random, number)
        writer.writerow([str(found.get(name, value(random))) for name in dict.fromkeys(names)])
    encoding = random.choice(("utf-8", "utf-8-sig", "gb18030", "utf-16"))
    return mutated(random, lines.getvalue().encode(encoding, "replace"))


def article_file(random: Random) -> tuple[str, bytes]:
    """The name and the content of a file of articles."""
    name, made = random.choice((("a.jsonl", json_lines), ("a.csv", table), ("a.tsv", table)))
    data = made(random)
    if random.random() < 0.3:
        return f"{name}.gz", mutated(random, gzip.compress(data, 1))
    return name, data


def draft_file(random: Random) -> tuple[str, bytes]:
    """The name and the content of a draft."""
    name = random.choice(("draft.html", "draft.txt", "draft.json", "draft"))
    if name == "draft.json":
        return name, mutated(random, json.dumps(record(random, 0)).encode())
    encoding = random.choice(("utf-8", "gb18030", "utf-16"))
    return name, mutated(random, text(random).encode(encoding, "replace"))


def settings_file(random: Random) -> bytes:
    """Settings as TOML, mutated."""
    lines = ['index = "news"'] if random.random() < 0.5 else []
    for name, keys in SETTINGS.items():
        if random.random() < 0.6:
            lines.append(f"[{name}]")
            chosen = random.sample(keys, random.randrange(len(keys) + 1))
            lines += [f"{key} = {toml_value(random)}" for key in chosen]
    return mutated(random, "\n".join(lines).encode())


SETTINGS: Mapping[str, tuple[str, ...]] = {
    "options": ("embedder", "max_tokens", "vectors", "neighbours", "timezone", "unknown"),
    "thresholds": ("same_text", "same_story", "related"),
    "fields": ("body", "id", "nonsense"),
    "canonical": ("order", "pinned", "own_sources", "visits_field"),
    "limits": ("body_length", "field_length", "line_length", "expansion"),
}


def toml_value(random: Random) -> str:
    """A value as TOML writes it, right or wrong."""
    return random.choice(
        (
            *("1", "-1", "0.5", "nan", "inf", "1e400", "true", '""', '"hnsw"', '"\\u0000"', "[]"),
            *('["own"]', "[[]]", "{}", "{a = 1}", "2025-01-01", "0x7fffffffffffffffff", "'../x'"),
            *("99999999999999999999", '"Asia/Shanghai"', '"/etc/passwd"', "[" * 2_000, "what"),
        )
    )


def decisions_file(random: Random) -> bytes:
    """Decisions as JSON, mutated."""
    entries: Any = [
        {
            "first": identifier(random, 1),
            "second": identifier(random, 2),
            "decision": random.choice(("duplicate", "distinct", "maybe")),
            **{
                name: value(random)
                for name in random.sample(("note", "by", "at", "state", "x"), random.randrange(2))
            },
        }
        for _ in range(random.randrange(4))
    ]
    if random.random() < 0.3:
        entries = {"decisions": entries}
    data = json.dumps(entries).encode()
    return mutated(random, b"[" * 100_000 + data if random.random() < 0.02 else data)


def labels_file(random: Random) -> bytes:
    """Labels as a table or JSON lines, mutated."""
    if random.random() < 0.6:
        columns = random.choice((("pair", "label", "weight"), ("first_id", "second_id", "label")))
        return table(random, columns)
    made: Callable[[], dict[str, Any]] = lambda: {  # noqa: E731
        "pair": random.choice(('["a", "b"]', "[" * 9_000, "{}", "[1, 2]", text(random))),
        "label": random.choice(("yes", "no", 3, "3.0", 10**20, text(random), value(random))),
        "weight": value(random),
    }
    lines = [json.dumps(made()).encode() for _ in range(random.randrange(4))]
    return mutated(random, b"\n".join(lines))


# Whole texts at the edge of what is taken, each a way to make a program of that kind hang.
EXTREMES: Mapping[str, Callable[[], str]] = {
    "one character": lambda: "的" * 20_000_000,
    "a million tags": lambda: "<p>字" * 1_000_000,
    "a million nested blocks": lambda: "<div>" * 1_000_000 + "字",
    "nested tables": lambda: "<table><tr><td>字" * 300_000,
    "a million attributes": lambda: f"<p {' '.join(f'a{i}' for i in range(1_000_000))}>字",
    "formatting that is never closed": lambda: (
        f"<div>{''.join(f'<b a={i}>' for i in range(400))}</div>{'<p>字</p>' * 50_000}"
    ),
    "little formatting that is never closed": lambda: (
        f"<div>{'<b><i><u><s>' * 80}</div>{'<p>字</p>' * 100}"
    ),
    "unclosed comments": lambda: "<!-- " * 3_000_000,
    "unclosed quotes": lambda: '<a href="' * 2_000_000,
    "escaped markup": lambda: "&amp;lt;p&amp;gt;" * 1_000_000,
    "entities in entities": lambda: "&amp;" * 4_000_000,
    "a flood of marks": lambda: "\u0316\u0301" * 9_000_000,
    "marks on every character": lambda: ("字" + "\u0301\u0316" * 40) * 200_000,
    "signs that fold to many": lambda: "\ufdfa" * 1_000_000,
    "characters nobody sees": lambda: "\u200b\u202e" * 9_000_000,
    "a line for each character": lambda: "字\n" * 9_000_000,
    "angle brackets": lambda: "<" * 20_000_000,
    "families": lambda: "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 3_000_000,
    "quotation marks": lambda: "“" * 3_000_000 + '"' * 3_000_000,
    "names": lambda: "A" * 5_000_000 + "Aa " * 2_000_000 + "王某" * 2_000_000,
    "figures": lambda: "1,111" * 1_000_000 + "1." * 2_000_000 + "9" * 5_000_000,
    "numerals": lambda: "亿万千百十" * 2_000_000,
    "bylines": lambda: "记者：王王王、" * 2_000_000,
}

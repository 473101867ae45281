"""Sources: lenient dates, strict records, hostile files."""

from __future__ import annotations

import gzip
import io
import json
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.errors import ArticleError, ConfigError, RecommenderError
from recommender.records import Article
from recommender.sources import Problem, parse_date, read_articles, read_draft

UTC = timezone.utc
CHINA = timezone(timedelta(hours=8))
EVENING = datetime(2023, 11, 7, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "2023-11-7 20:01",
        "2023-11-07T20:01:00",
        "2023/11/7 20:01:00",
        "2023.11.07 20:01",
        "2023年11月7日 20:01",
        "2023年11月7日20时01分",
        "2023年11月7日 星期二 下午8:01",
        "Tue, 07 Nov 2023 20:01:00 +0800",
        "2023-11-07T12:01:00Z",
        "2023-11-07T20:01:00+08:00",
        "7 Nov 2023 20:01",
        "1699358460",
        "1699358460000",
        1699358460,
        1699358460.0,
        datetime(2023, 11, 7, 20, 1),
        datetime(2023, 11, 7, 12, 1, tzinfo=UTC),
    ],
)
def test_dates_as_content_systems_write_them(value: Any) -> None:
    assert parse_date(value, zone=CHINA) == EVENING


@pytest.mark.parametrize(
    "value",
    [
        "",
        "0000-00-00",
        "0000-00-00 00:00:00",
        "2023-02-30",
        "20:01",
        "November",
        "7 Nov",
        "tomorrow",
        "2023",
        "x" * 500,
        "99999999999999999",
        0,
        True,
        None,
        [],
        float("nan"),
        float("inf"),
        10**30,
        "2023-11-07T20:01:00+99:99",
    ],
)
def test_what_is_no_date_is_none(value: Any) -> None:
    assert parse_date(value, zone=CHINA) is None


@given(st.text(max_size=60) | st.integers() | st.floats())
def test_no_value_breaks_the_reading_of_dates(value: Any) -> None:
    found = parse_date(value)
    assert found is None or found.utcoffset() == timedelta(0)


def write(path: Path, text: str | bytes) -> str:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def test_lines_and_tables_give_the_same_articles(tmp_path: Path) -> None:
    record = {"id": 7, "title": "题", "content": "正文", "lang": "zh", "published": "2023-11-7"}
    lines = write(tmp_path / "a.jsonl", json.dumps(record) + "\n\n")
    packed = write(tmp_path / "a.jsonl.gz", gzip.compress(json.dumps(record).encode()))
    table = write(
        tmp_path / "a.csv", "\ufeffid,title,content,lang,published\n7,题,正文,zh,2023-11-7\n"
    )
    tabs = write(
        tmp_path / "a.tsv", "id\ttitle\tcontent\tlang\tpublished\n7\t题\t正文\tzh\t2023-11-7\n"
    )
    (expected,) = read_articles(lines)
    assert expected == Article(
        id="7", title="题", body="正文", language="zh", date=datetime(2023, 11, 7, tzinfo=UTC)
    )
    for path in (packed, table, tabs):
        assert list(read_articles(path)) == [expected]


def test_fields_are_mapped_and_others_kept(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl",
        json.dumps({"no": "x", "text": "不要这个", "main": "正文", "visits": 12, "gone": None}),
    )
    (article,) = read_articles(path, fields={"id": "no", "body": "main"})
    assert (article.id, article.body) == ("x", "正文")
    assert article.extra == {"text": "不要这个", "visits": 12}
    with pytest.raises(ConfigError, match="colour"):
        list(read_articles(path, fields={"colour": "red"}))
    with pytest.raises(ArticleError, match="'missing'"):
        list(read_articles(path, fields={"id": "missing", "body": "main"}))


def test_csv_with_quotes_breaks_and_empty_bodies(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv", 'id,title,body\r\n1,"一, ""二""","行一\n行二"\r\n2,,\r\n\r\n3,三,文\r\n'
    )
    found = list(read_articles(path))
    assert [each.id for each in found] == ["1", "2", "3"]
    assert (found[0].title, found[0].body) == ('一, "二"', "行一\n行二")
    assert found[1].body == ""


BAD_LINES = {
    "no json": "JSON",
    "[1, 2]": "object",
    '"text"': "object",
    '{"id": "a"}': "body",
    '{"body": "b"}': "id",
    '{"id": "a", "body": 5}': "body",
    '{"id": "", "body": "b"}': "id",
    '{"id": 1.5, "body": "b"}': "id",
    '{"id": true, "body": "b"}': "id",
    '{"id": "a", "body": "b", "id": "c"}': "twice",
    '{"id": "a", "body": "b", "n": NaN}': "NaN",
    '{"id": "a", "body": "b", "access": "secret"}': "access",
    '{"id": "a", "body": "b", "excerpt": "perhaps"}': "excerpt",
    '{"id": "a", "body": "b", "extra": [1]}': "extra",
    '{"id": "a", "body": "b", "visible_from": "soon"}': "visible_from",
    '{"id": "a", "body": ' + "[" * 100_000: "nested",
}


@pytest.mark.parametrize(("line", "word"), BAD_LINES.items(), ids=range(len(BAD_LINES)))
def test_a_bad_line_is_named(tmp_path: Path, line: str, word: str) -> None:
    good = '{"id": "good", "body": "好"}'
    path = write(tmp_path / "a.jsonl", f"{good}\n{line}\n{good}x\n")
    with pytest.raises(ArticleError, match=word) as caught:
        list(read_articles(path))
    assert (caught.value.source, caught.value.line) == (path, 2)
    problems: list[Problem] = []
    assert [each.id for each in read_articles(path, on_problem=problems.append)] == ["good"]
    assert [each.line for each in problems] == [2, 3]
    assert word in problems[0].reason


def test_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    bad = '{"id": "a", "body": "正文"}'.encode("gb18030")
    path = write(tmp_path / "a.jsonl", b'{"id": "g", "body": "x"}\n' + bad)
    with pytest.raises(ArticleError, match="UTF-8") as caught:
        list(read_articles(path))
    assert caught.value.line == 2
    table = write(tmp_path / "a.csv", "id,body\n1,正文\n".encode("gb18030"))
    assert [each.body for each in read_articles(table)] == ["正文"]
    write(Path(table), "id,body\n1,正文正文正文正文\n2,".encode() + b"\xff\n")
    with pytest.raises(ArticleError, match="iconv"):
        list(read_articles(table))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "id,body\n1,2,3\n",
        "id,id\n1,2\n",
        "id,\n1,2\n",
        'id,body\n1,"open\n',
        'id,body\n"a"b,c\n',
    ],
)
def test_broken_tables(tmp_path: Path, text: str) -> None:
    path = write(tmp_path / "a.csv", text)
    if not text:
        assert list(read_articles(path)) == []
        return
    with pytest.raises(ArticleError) as caught:
        list(read_articles(path))
    assert caught.value.source == path
    assert caught.value.line is not None


def test_nul_in_a_table_is_an_article_without_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", b"id,title,body\n1,a\x00b,c\n")
    (article,) = read_articles(path)
    assert article.title == "a b"


def test_truncated_and_false_gzip(tmp_path: Path) -> None:
    whole = gzip.compress(b"".join(b'{"id": "%d", "body": "x"}\n' % n for n in range(5_000)))
    cut = write(tmp_path / "cut.jsonl.gz", whole[: len(whole) // 2])
    with pytest.raises(ArticleError, match="compressed"):
        list(read_articles(cut))
    plain = write(tmp_path / "plain.jsonl.gz", '{"id": "a", "body": "b"}')
    assert [each.id for each in read_articles(plain)] == ["a"]
    junk = write(tmp_path / "junk.jsonl.gz", b"\x1f\x8bnot gzip at all")
    with pytest.raises(RecommenderError):
        list(read_articles(junk))


@pytest.mark.parametrize("name", ["missing.jsonl", ".", "folder.jsonl", "what.docx"])
def test_files_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.jsonl").mkdir()
    (tmp_path / "what.docx").touch()
    with pytest.raises(ConfigError, match=name.replace(".", r"\.")):
        list(read_articles(str(tmp_path / name)))


class Stdin:
    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("data", [b'{"id": "a", "body": "b"}\n', b"id,body\na,b\n"])
def test_standard_input_is_lines_or_a_table(
    monkeypatch: pytest.MonkeyPatch, data: bytes, pack: Callable[[bytes], bytes]
) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(pack(data)))
    assert [(each.id, each.body) for each in read_articles("-")] == [("a", "b")]


def test_drafts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = write(tmp_path / "d.html", "<p>正文</p>")
    assert read_draft(page, title="题") == Article(id="draft", title="题", body="<p>正文</p>")
    record = write(tmp_path / "d.json", '{"title": "甲", "body": "乙", "id": 5}')
    assert (read_draft(record).id, read_draft(record).title) == ("5", "甲")
    assert read_draft(record, title="丙").title == "丙"
    old = write(tmp_path / "old.txt", "老编码的正文".encode("gb18030"))
    assert read_draft(old).body == "老编码的正文"
    for bad in (b"\xff\xfe\xfd\x00\x81\xff", b'{"body": '):
        path = write(tmp_path / "bad.json", bad)
        with pytest.raises(ArticleError):
            read_draft(path)
    with pytest.raises(ConfigError):
        read_draft(str(tmp_path))
    monkeypatch.setattr(sys, "stdin", Stdin('{"id": "s", "body": "来自管道"}'.encode()))
    assert read_draft("-").id == "s"


@pytest.mark.parametrize("identifier", ["x" * 100_000, ["1"], ""])
def test_a_record_without_body_whose_id_no_article_can_have_is_a_short_error(
    tmp_path: Path, identifier: object
) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(json.dumps({"id": identifier, "title": "无正文"}), "utf-8")
    with pytest.raises(ArticleError) as told:
        list(read_articles(str(file)))
    assert "there is no field 'body'" in str(told.value)
    assert len(str(told.value)) < 400


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_bad_byte_is_told_with_its_line(tmp_path: Path, encoding: str) -> None:
    rows = ["id,title,body", *(f'{n},上海,"两行\n正文{n}"' for n in range(3_000)), "@,上海,正文"]
    data = "\n".join(rows).encode(encoding)
    sign, bad = {"utf-8": (b"@", b"\xff"), "utf-16": (b"@\0", b"\x01\xdc")}[encoding]
    path = tmp_path / "bad.csv"
    path.write_bytes(data.replace(sign, bad))
    with pytest.raises(ArticleError, match="cannot be read from here on") as caught:
        list(read_articles(str(path)))
    assert caught.value.line == 6_002


def test_a_header_without_id_and_body_says_which_columns_there_are(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("编号,标题,正文\n1,河堤,河堤加固完工。\n,新桥,新桥通车。\n".encode("gb18030"))
    with pytest.raises(ArticleError, match="编号, 标题, 正文; say which is which with --field id="):
        list(read_articles(str(path)))
    problems: list[Problem] = []
    fields = {"id": "编号", "title": "标题", "body": "正文"}
    found = read_articles(str(path), fields=fields, on_problem=problems.append)
    assert [each.title for each in found] == ["河堤"]
    # An empty cell is no missing column.
    assert (problems[0].line, "no field" in problems[0].reason) == (3, False)

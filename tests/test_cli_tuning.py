"""`pairs` and `tune`: a file that goes through a spreadsheet and back, pictures, what is stored."""

from __future__ import annotations

import csv
import io
import json
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import Result

from recommender import Article, Recommender, Thresholds
from recommender.sources import read_labels
from tests.helpers import THEMES, article, build, corpus

Run = Callable[..., Result]
Row = dict[str, str]
WIDE = ("--between", "0.3", "1")
COLUMNS = [
    "first_id", "second_id", "similarity", "verdict", "first_title", "second_title", "first_date",
    "second_date", "first_url", "second_url", "first_beginning", "second_beginning",
    "shared_facts", "differing_facts", "weight", "pair", "label",
]  # fmt: skip


def hostile() -> list[Article]:
    """Articles with ids that a spreadsheet changes, and a title that it would run."""
    themes = list(THEMES)
    names = ["007", "12345678901234567890", "=1+1", "-5", "3-4", "'quoted", "中文：鿿①", "1e5"]
    return [
        article(
            f"{name}{copy}", themes[n % 5], n, title='=HYPERLINK("http://x.example","点我")\u202e'
        )
        for n, name in enumerate(names)
        for copy in ("", "0")
    ]


@pytest.fixture
def index(run: Run, tmp_path: Path) -> str:
    themes = list(THEMES)
    copies = [article(f"a{n:03d}-b", themes[n % 5], n) for n in range(0, 80, 3)]
    build(tmp_path / "index", [*corpus(80), *copies, *hostile()]).close()
    return "index"


def rows_of(text: str) -> list[Row]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def grade(row: Row) -> str:
    similarity = float(row["similarity"])
    return "4" if similarity >= 0.9 else "2" if similarity >= 0.5 else "0"


def drawn(run: Run, index: str, *options: str) -> list[Row]:
    result = run("pairs", "-i", index, *WIDE, "-n", "40", *options)
    assert result.exit_code == 0, result.stderr
    return rows_of(result.stdout)


def written(rows: Sequence[Row], *, delimiter: str = ",", encoding: str = "utf-8-sig") -> bytes:
    """The file as a spreadsheet saves it."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode(encoding, "replace")


def spoiled(row: Row) -> Row:
    """What a spreadsheet makes of ids that look like numbers or dates, and of decimals."""
    row = dict(row)
    for name in ("first_id", "second_id"):
        row[name] = {"007": "7", "1e5": "1.00E+05", "3-4": "3月4日"}.get(row[name], row[name])
        if row[name].isdigit() and len(row[name]) > 15:
            row[name] = f"{float(row[name]):.5E}"
    return row


def test_pairs_for_a_spreadsheet(run: Run, index: str, tmp_path: Path) -> None:
    result = run("pairs", "-i", index, *WIDE, "-n", "40", "-o", "labelled.csv")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "recommender tune labelled.csv -i index" in result.stderr
    data = (tmp_path / "labelled.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    assert b"\r\n" in data
    rows = rows_of(data.decode("utf-8"))
    assert list(rows[0]) == COLUMNS
    assert len(rows) > 15
    assert {row["label"] for row in rows} == {""}
    for row in rows:
        for cell in row.values():
            assert not cell.startswith(("=", "+", "-", "@"))
            assert "\u202e" not in cell
            assert "\n" not in cell
    wanted = {each.id for each in hostile()}
    seen = {each for row in rows for each in json.loads(row["pair"])}
    assert len(seen & wanted) > 4
    assert run("pairs", "-i", index, *WIDE, "-n", "40").stdout_bytes == data


def test_pairs_as_lines_and_as_a_table(run: Run, index: str) -> None:
    rows = drawn(run, index)
    lines = run("pairs", "-i", index, *WIDE, "-n", "40", "-f", "jsonl").stdout.splitlines()
    assert [json.loads(line)["pair"] for line in lines] == [row["pair"] for row in rows]
    table = run("pairs", "-i", index, *WIDE, "-n", "3", "-f", "table").stdout
    assert "stands for" in table
    nothing = run("pairs", "-i", index, "--between", "0", "0")
    assert nothing.exit_code == 0
    assert "0 of 50" in nothing.stderr
    assert run("pairs", "-i", index, "--between", "0.9", "0.6").exit_code == 2
    assert run("pairs", "-i", index, "--between", "0.9", "6").exit_code == 2
    assert drawn(run, index, "--seed", "3") != rows


@pytest.mark.parametrize(
    ("delimiter", "encoding"),
    [
        (",", "utf-8-sig"), (",", "utf-8"), (",", "gbk"), (";", "gbk"), (";", "utf-8-sig"),
        ("\t", "utf-16"), ("\t", "gb18030"),
    ],
)  # fmt: skip
def test_a_file_comes_back_from_a_spreadsheet(
    run: Run, index: str, tmp_path: Path, delimiter: str, encoding: str
) -> None:
    rows = [{**spoiled(row), "label": grade(row)} for row in drawn(run, index)]
    rows[1]["label"] = "  "
    rows[2]["label"] = {"4": "同文", "2": "相关", "0": "无关"}[rows[2]["label"]]
    if delimiter == ";":
        rows = [{**row, "weight": row["weight"].replace(".", ",")} for row in rows]
    data = written(rows, delimiter=delimiter, encoding=encoding)
    (tmp_path / "back.csv").write_bytes(data)
    found = read_labels(["back.csv"], origin="li")
    assert found.unlabelled == 1
    expected = {
        (
            *sorted(json.loads(row["pair"])),
            grade(row),
            round(float(row["weight"].replace(",", ".")), 4),
        )
        for row in rows
        if row is not rows[1]
    }
    assert {(e.first, e.second, e.value, e.weight) for e in found.labels} == expected
    result = run("tune", "back.csv", "-i", index)
    assert result.exit_code == 0, result.stderr
    assert f"{len(rows) - 1} pairs with {len(rows) - 1} labels." in result.stdout
    assert "1 rows without a label were skipped" in result.stderr


def test_a_file_made_by_hand_needs_ids_and_labels_only(run: Run, index: str) -> None:
    text = "sep=;\nlabel;second_id;first_id\n是;a000-b;a000\n;;\n否;'-5;'=1+1\n3;a006"
    short = run("tune", "-", "-i", index, stdin=text.encode("gbk"))
    assert short.exit_code == 1
    assert short.stderr.startswith("Error: standard input:6: the row does not name two articles")
    fine = run("tune", "-", "-i", index, "-f", "json", stdin=text.rpartition("\n")[0].encode())
    assert fine.exit_code == 0, fine.stderr
    (record,) = json.loads(fine.stdout)
    assert (record["pairs"], record["unweighted"]) == (2, 2)
    lines = '{"pair": "[\\"a000\\", \\"a000-b\\"]", "label": 4}\n\n{"pair": "", "label": null}\n'
    read = run("tune", "-", "-i", index, "-f", "json", stdin=lines)
    assert json.loads(read.stdout)[0]["pairs"] == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "first_id,second_id,label\na000,a001,3\na000,a002,maybe\n",
            "x.csv:3: 'maybe' is no label",
        ),
        ("first_id,second_id,label\na000,a001,3\na001,a000,2\n", "x.csv:3: 'a000' and 'a001'"),
        ("first_id,second_id,label\na000,a000,3\n", "x.csv:2: a label needs two different"),
        ("first_id,second_id,label,weight\na000,a001,3,heavy\n", "x.csv:2: 'heavy' is no weight"),
        ("first_id,second_id,label,weight\na000,a001,3,-1\n", "x.csv:2: '-1' is no weight"),
        ("pair,label\nnonsense,3\n", "x.csv:2: the column pair must hold two ids"),
        ('pair,label\n"[1, 2]",3\n', "x.csv:2: the row does not name two articles"),
        ("first,second,label\na,b,3\n", "x.csv:1: the first line must name the columns"),
        ("first_id,second_id,label,label\na,b,3,4\n", "x.csv:1: the first line names a column"),
        ('{"label": 3}\n', "x.csv:1: the row does not name two articles"),
        ('{"label": 3\n', "x.csv:1: not a JSON object"),
        ("", "x.csv:1: the first line must name the columns"),
    ],
)
def test_a_bad_file_is_one_line_and_stores_nothing(
    run: Run, index: str, tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "x.csv").write_text(text, encoding="utf-8")
    result = run("tune", "x.csv", "--save", "-i", index)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {message}")
    assert len(result.stderr.splitlines()) == 1
    with Recommender.open(index) as opened:
        assert opened.labels() == []


def test_tune_prints_in_eighty_columns_and_stores_nothing(
    run: Run, index: str, tmp_path: Path
) -> None:
    rows = [{**row, "label": grade(row)} for row in drawn(run, index)]
    (tmp_path / "labelled.csv").write_bytes(written(rows))
    result = run("tune", "labelled.csv", "-i", index)
    assert result.exit_code == 0, result.stderr
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "add --save" in result.stderr
    for words in ("same-text (grade 4)", "precision", "in force", "Proposed for best F1"):
        assert words in result.stdout
    with Recommender.open(index) as opened:
        assert opened.labels() == []
        assert opened.thresholds == Thresholds()
    missing = run("tune", "-i", index)
    assert missing.exit_code == 1
    assert "recommender pairs" in missing.stderr
    assert run("tune", "no.csv", "-i", index).exit_code == 1
    assert (
        run("tune", "labelled.csv", "-i", index, "--precision", "1", "--recall", "1").exit_code == 2
    )


def labels_around(cut: float, run: Run, index: str) -> list[Row]:
    """Labels that put "related" at a similarity."""
    rows = drawn(run, index)
    return [{**row, "label": "2" if float(row["similarity"]) >= cut else "0"} for row in rows]


def test_save_stores_thresholds_and_labels_for_every_reader(
    run: Run, index: str, tmp_path: Path
) -> None:
    similarities = sorted(float(row["similarity"]) for row in drawn(run, index))
    middle = similarities[len(similarities) // 2]
    rows = labels_around(middle, run, index)
    (tmp_path / "labelled.csv").write_bytes(written(rows))
    options = ("--precision", "1")
    with Recommender.open(index) as reader:
        result = run("tune", "labelled.csv", "-i", index, *options, "--save", "--origin", "li")
        assert result.exit_code == 0, result.stderr
        assert f"{len(rows)} labels added, 0 replaced; {len(rows)} in all." in result.stderr
        assert reader.thresholds != Thresholds()
        assert reader.thresholds.related <= middle + 0.01
        assert {each.origin for each in reader.labels()} == {"li"}
    again = run("tune", "labelled.csv", "-i", index, *options, "--save", "--origin", "li")
    assert f"0 labels added, {len(rows)} replaced; {len(rows)} in all." in again.stderr
    kept = run("tune", "-i", index, *options, "-f", "json")
    given = run("tune", "labelled.csv", "-i", index, *options, "-f", "json")
    assert json.loads(kept.stdout) == json.loads(given.stdout)
    (tmp_path / "recommender.toml").write_text("[thresholds]\nrelated = 0.2\n", encoding="utf-8")
    warned = run("tune", "labelled.csv", "-i", index, *options, "--save")
    assert "settings file sets related" in warned.stderr


def test_save_of_few_labels_keeps_them_and_leaves_the_thresholds(
    run: Run, index: str, tmp_path: Path
) -> None:
    text = "first_id,second_id,label\na000,a000-b,4\na001,gone,1\n"
    (tmp_path / "few.csv").write_text(text, encoding="utf-8")
    result = run("tune", "few.csv", "--save", "-i", index)
    assert result.exit_code == 0
    assert "1 label of articles that are not in the index" in result.stdout
    assert "the thresholds stay" in result.stderr
    assert "1 labels added, 0 replaced, 1 left out; 1 in all" in result.stderr


def test_pictures_are_pictures_and_always_the_same(run: Run, index: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    rows = [{**row, "label": grade(row)} for row in drawn(run, index)]
    (tmp_path / "labelled.csv").write_bytes(written(rows))
    for name in ("a.svg", "b.svg", "a.png", "b.png"):
        assert run("tune", "labelled.csv", "-i", index, "--picture", name).exit_code == 0
    for kind in ("svg", "png"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    text = " ".join(ET.fromstring((tmp_path / "a.svg").read_bytes()).itertext())  # noqa: S314
    for words in ("Same story", "precision", "Labels by similarity", "in force"):
        assert words in text
    wrong = run("tune", "labelled.csv", "-i", index, "--picture", "a.gif")
    assert wrong.exit_code == 1
    assert ".svg or .png" in wrong.stderr
    lost = run("tune", "labelled.csv", "-i", index, "--picture", "no/such/a.svg")
    assert lost.exit_code == 1


def test_a_picture_without_matplotlib_names_the_extra(
    run: Run, index: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.csv").write_text("first_id,second_id,label\na000,a000-b,4\n", encoding="utf-8")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = run("tune", "x.csv", "-i", index, "--picture", "a.svg")
    assert result.exit_code == 1
    assert result.stderr.strip().endswith('pip install -c constraints.txt ".[pictures]"')
    assert len(result.stderr.splitlines()) == 1
    assert run("tune", "x.csv", "-i", index).exit_code == 0

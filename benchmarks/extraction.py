"""HTML pages: how much of the article comes out, what else comes with it, and in which encodings.

    python -m benchmarks.extraction DATA

DATA holds `html_pages`. trafilatura as it comes, and without readers' comments (as the published
benchmark ran it), stand beside ours on the same pages in the same run. Writes
`results/extraction.json` and `results/extraction.md`.

Token F1 is that of the article extraction benchmark (Scrapinghub 2019): shingles of four tokens
counted with their repeats, each page weighing the same, F1 of mean precision and mean recall.
"""

from __future__ import annotations

import argparse
import logging
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import trafilatura
from lxml.html import document_fromstring
from trafilatura.utils import decode_file

from benchmarks.common import markdown, read_lines, save
from recommender.errors import ArticleError
from recommender.sources.decoding import decode_page
from recommender.sources.pages import read_page
from recommender.sources.pages.boxes import drop_boxes
from recommender.sources.pages.trees import parse_page
from recommender.text import fold

SHINGLE = 4
ROUNDS = 1_000
TIMED = 3
# The benchmark's own table, for all its 181 pages; ours are the 88 of the half at hand.
PUBLISHED = {"trafilatura 2.0.0, published, all pages": (0.958, 0.938, 0.978)}
ENCODINGS = {
    "utf-8": ("gb2312", "big5", "iso-8859-1"),
    "gbk": ("utf-8", "big5", "iso-8859-1"),
    "gb18030": ("utf-8", "big5", "iso-8859-1"),
    "big5": ("utf-8", "gbk", "iso-8859-1"),
}
TOKEN = re.compile(r"\w+")
META_CHARSET = re.compile(r"<meta[^>]*charset[^>]*>", re.IGNORECASE)
HEAD = re.compile(r"<head[^>]*>|\A", re.IGNORECASE)
# Read off nothing of ours: what anyone would call a notice, in a line of its own.
NOTICE = re.compile(
    "责任编辑|责编|版权所有|版权声明|免责声明|未经.{0,12}(?:授权|许可)|转载请|上一篇|下一篇|相关阅读|相关新闻|相关推荐|"
    "推荐阅读|热门推荐|推荐新闻|延伸阅读|二维码|扫一扫|举报电话|举报邮箱|网友评论|客户端下载|"
    "all rights reserved|copyright|©|follow us|newsletter|related:|read more",
    re.IGNORECASE,
)
LONGEST_NOTICE = 160
LEAST_HEADLINE = 10

Page = Mapping[str, Any]
Method = Callable[[str], str]


def ours(html: str) -> str:
    try:
        return "\n".join(read_page(html, noindex=True).lines)
    except ArticleError:
        return ""


def plain(html: str) -> str:
    return trafilatura.extract(html) or ""


def without_comments(html: str) -> str:
    return trafilatura.extract(html, include_comments=False) or ""


def precise(html: str) -> str:
    return trafilatura.extract(html, include_comments=False, favor_precision=True) or ""


def boxes_only(html: str) -> str:
    tree = parse_page(html)
    drop_boxes(tree)
    return trafilatura.extract(tree, include_comments=False) or ""


METHODS: Mapping[str, Method] = {
    "ours": ours,
    "trafilatura": plain,
    "trafilatura, no comments": without_comments,
    "the same, boxes taken out before": boxes_only,
    "trafilatura, precision": precise,
}


def shingles(text: str) -> Counter[tuple[str, ...]]:
    tokens = TOKEN.findall(text)
    every = range(max(1, len(tokens) - SHINGLE + 1))
    return Counter(tuple(tokens[at : at + SHINGLE]) for at in every if tokens)


def matched(truth: str, found: str) -> tuple[float, float]:
    """Precision and recall of one page; NaN where the benchmark leaves a page out of a mean."""
    wanted, given = shingles(truth), shingles(found)
    both = sum((wanted & given).values())
    return (
        both / given.total() if given else float("nan"),
        both / wanted.total() if wanted else float("nan"),
    )


def f1(pairs: np.ndarray) -> tuple[float, float, float]:
    precision, recall = np.nanmean(pairs, axis=0)
    return 2 * precision * recall / (precision + recall), precision, recall


def scored(pages: Sequence[Page], texts: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """F1 of each method with its interval, and how much ours is above plain trafilatura."""
    generator = np.random.default_rng(1)
    drawn = generator.integers(0, len(pages), (ROUNDS, len(pages)))
    pairs = {
        name: np.array([matched(p["body_gold"], t) for p, t in zip(pages, found, strict=True)])
        for name, found in texts.items()
    }
    rounds = {name: np.array([f1(each[row])[0] for row in drawn]) for name, each in pairs.items()}
    result: dict[str, Any] = {}
    for name, each in pairs.items():
        value, precision, recall = f1(each)
        low, high = np.quantile(rounds[name], [0.025, 0.975])
        above = np.quantile(rounds["ours"] - rounds[name], [0.025, 0.975])
        result[name] = {
            "f1": round(value, 4),
            "interval": [round(low, 4), round(high, 4)],
            "precision": round(precision, 4),
            "recall": round(recall, 4),
            "ours_above": [round(each, 4) for each in above.tolist()],
        }
    return result


def joined(text: str) -> str:
    return " ".join(text.split())


def snippets(pages: Sequence[Page], texts: Sequence[str]) -> dict[str, int]:
    """How many wanted snippets came out, and how many unwanted ones."""
    counts = Counter({"kept": 0, "wanted": 0, "left": 0, "unwanted": 0})
    for page, text in zip(pages, map(joined, texts), strict=True):
        for snippet in page["with"]:
            counts.update(wanted=1, kept=joined(snippet) in text)
        for snippet in page["without"]:
            counts.update(unwanted=1, left=joined(snippet) in text)
    return dict(counts)


def leftovers(pages: Sequence[Page], texts: Sequence[str]) -> dict[str, int]:
    """Notices, and headlines of other pages, that stand as lines of their own."""
    notices = headlines = with_notice = with_headline = 0
    for page, text in zip(pages, texts, strict=True):
        tree = document_fromstring(page["html"].encode("utf-8", "replace"))
        links = {fold(link.text_content()) for link in tree.iter("a")}
        lines = [line for line in text.split("\n") if line.strip()]
        found = sum(len(line) <= LONGEST_NOTICE and bool(NOTICE.search(line)) for line in lines)
        others = sum(len(fold(line)) >= LEAST_HEADLINE and fold(line) in links for line in lines)
        notices, headlines = notices + found, headlines + others
        with_notice, with_headline = with_notice + bool(found), with_headline + bool(others)
    return {
        "notices": notices,
        "pages_with_notices": with_notice,
        "headlines": headlines,
        "pages_with_headlines": with_headline,
    }


def silver(pages: Sequence[Page], texts: Sequence[str]) -> dict[str, int]:
    """Sentences that two of three tools agree on; their titles and notices are among them."""
    kept = total = 0
    for page, text in zip(pages, texts, strict=True):
        if page["reliable"]:
            whole = "".join(text.split())
            total += len(page["silver_sentences"])
            kept += sum("".join(each.split()) in whole for each in page["silver_sentences"])
    return {"kept": kept, "sentences": total}


def titles(pages: Sequence[Page]) -> dict[str, int]:
    right = Counter({"ours": 0, "trafilatura": 0})
    for page in pages:
        wanted = fold(page["title"])
        with suppress(ArticleError):
            right["ours"] += fold(read_page(page["html"], noindex=True).title) == wanted
        found = trafilatura.extract_metadata(page["html"]).title or ""
        right["trafilatura"] += fold(found) == wanted
    return {"pages": len(pages), **right}


def encodings(pages: Sequence[Page]) -> dict[str, dict[str, int]]:
    """Pages whose bytes do not come back as the text they were made of, and crashes."""
    result: dict[str, dict[str, int]] = {}
    for encoding, wrong in ENCODINGS.items():
        for kind, names in (("right", (encoding,)), ("missing", ("",)), ("wrong", wrong)):
            counts = Counter({"pages": 0, "ours": 0, "trafilatura": 0, "crashes": 0})
            for page in pages:
                bare = META_CHARSET.sub("", page["html"])
                for name in names:
                    meta = f'<meta charset="{name}">' if name else ""
                    html = HEAD.sub(lambda m, meta=meta: m[0] + meta, bare, count=1)
                    # What Big5 has no sign for is left out.
                    data = html.encode(encoding, "ignore")
                    text = data.decode(encoding)
                    counts.update(
                        pages=1,
                        ours=decode_page(data) != text,
                        trafilatura=decode_file(data) != text,
                        crashes=crashes(data),
                    )
            result[f"{encoding}, {kind}"] = dict(counts)
    return result


def crashes(data: bytes) -> bool:
    try:
        read_page(data)
    except ArticleError:
        return False
    except Exception:
        return True
    return False


def with_metadata(html: str) -> str:
    found = trafilatura.extract_with_metadata(html)
    return (found.text if found else None) or ""


def speed(pages: Sequence[Page]) -> dict[str, float]:
    """Pages a second of processor time, each method in turn, and ratios to ours."""
    methods = {"ours": ours, "trafilatura": plain, "trafilatura, metadata": with_metadata}
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    for _ in range(TIMED):
        for name, method in methods.items():
            start = time.process_time()
            for page in pages:
                method(page["html"])
            seconds[name].append(time.process_time() - start)
    taken = {name: median(each) for name, each in seconds.items()}
    result = {name: round(len(pages) / each, 1) for name, each in taken.items()}
    for name in ("trafilatura", "trafilatura, metadata"):
        result[f"ours to {name}"] = round(taken[name] / taken["ours"], 2)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    folder = parser.parse_args().data / "html_pages"
    logging.disable(logging.CRITICAL)
    sets = {
        "articles": read_lines(folder / "en_article_extraction_benchmark.jsonl.gz"),
        "readability": read_lines(folder / "multi_readability.jsonl.gz"),
        "snippets": read_lines(folder / "multi_trafilatura_eval.jsonl.gz"),
        "chinese": read_lines(folder / "zh_gne.jsonl.gz"),
    }
    texts = {
        name: {
            method: [extract(page["html"]) for page in pages] for method, extract in METHODS.items()
        }
        for name, pages in sets.items()
    }
    result: dict[str, Any] = {
        "versions": {name: version(name) for name in ("trafilatura", "htmldate", "lxml")},
        "published": PUBLISHED,
        "article_extraction_benchmark": scored(sets["articles"], texts["articles"]),
        "readability": scored(sets["readability"], texts["readability"]),
        "snippets": {m: snippets(sets["snippets"], t) for m, t in texts["snippets"].items()},
        "silver": {m: silver(sets["chinese"], t) for m, t in texts["chinese"].items()},
        "leftovers": {
            name: {m: leftovers(sets[name], t) for m, t in texts[name].items()}
            for name in ("snippets", "chinese")
        },
        "titles": titles([*sets["chinese"], *sets["readability"]]),
        "left_out": {name: sum(not t for t in texts[name]["ours"]) for name in sets},
        "encodings": encodings(sets["chinese"]),
        "pages_a_second": speed([page for pages in sets.values() for page in pages]),
    }
    save("extraction", result, page_of(result, {name: len(pages) for name, pages in sets.items()}))


def page_of(result: Mapping[str, Any], sizes: Mapping[str, int]) -> str:
    """The tables."""
    found, rates = result["titles"], result["pages_a_second"]
    words = (
        f"Titles right: {found['ours']} of {found['pages']}, trafilatura {found['trafilatura']}. "
        f"Pages taken for none: {sum(result['left_out'].values())} of {sum(sizes.values())}. "
        f"Pages a second of one core: {rates['ours']}, with title and date; trafilatura "
        f"{rates['trafilatura']} without them (ratio {rates['ours to trafilatura']}), "
        f"{rates['trafilatura, metadata']} with them "
        f"(ratio {rates['ours to trafilatura, metadata']})."
    )
    sections = {
        "Token F1": markdown(["pages", "", "F1", "precision", "recall"], _f1_rows(result, sizes)),
        "What comes with it": markdown(
            ["", "snippets kept", "unwanted left", "silver sentences kept"], _kept_rows(result)
        ),
        "Lines that are notices or other pages' headlines, and pages that have them": markdown(
            [
                "",
                "Chinese: notices",
                "Chinese: headlines",
                "snippets: notices",
                "snippets: headlines",
            ],
            _leftover_rows(result),
        ),
        "Bytes of Chinese pages: mojibake": markdown(
            ["encoding, meta charset", "pages", "ours", "trafilatura", "crashes"],
            [
                [name, each["pages"], each["ours"], each["trafilatura"], each["crashes"]]
                for name, each in result["encodings"].items()
            ],
        ),
    }
    return "\n".join([*(f"### {title}\n\n{table}" for title, table in sections.items()), words])


def _f1_rows(result: Mapping[str, Any], sizes: Mapping[str, int]) -> list[list[Any]]:
    rows: list[list[Any]] = []
    names = {"article_extraction_benchmark": "articles", "readability": "readability"}
    for name, title in names.items():
        for method, each in result[name].items():
            low, high = each["interval"]
            rows.append(
                [
                    f"{title} ({sizes[title]})",
                    method,
                    f"{each['f1']:.3f} ({low:.3f} to {high:.3f})",
                    f"{each['precision']:.3f}",
                    f"{each['recall']:.3f}",
                ]
            )
    published = [["articles (181)", name, *values] for name, values in PUBLISHED.items()]
    return rows[: len(METHODS)] + published + rows[len(METHODS) :]


def _kept_rows(result: Mapping[str, Any]) -> list[list[Any]]:
    rows: list[list[Any]] = []
    for method in METHODS:
        given, silver_ones = result["snippets"][method], result["silver"][method]
        rows.append(
            [
                method,
                f"{given['kept']} of {given['wanted']}",
                f"{given['left']} of {given['unwanted']}",
                f"{silver_ones['kept']} of {silver_ones['sentences']}",
            ]
        )
    return rows


def _leftover_rows(result: Mapping[str, Any]) -> list[list[Any]]:
    rows: list[list[Any]] = []
    for method in METHODS:
        row = [method]
        for name in ("chinese", "snippets"):
            each = result["leftovers"][name][method]
            row += [
                f"{each['notices']} on {each['pages_with_notices']}",
                f"{each['headlines']} on {each['pages_with_headlines']}",
            ]
        rows.append(row)
    return rows


if __name__ == "__main__":
    main()

"""Near-duplicate texts of a file: what is found, whether it is true, how fast, beside peers.

    python -m benchmarks.duplicates DATA --cache CACHE
    python -m benchmarks.duplicates DATA --scale 10000 100000 1000000

The first writes `results/duplicates.*`: all contestants on zh_news, our own on all Chinese
bodies together, and the verdicts on zh_gold. The second writes `results/duplicates_scale.*`, on
made-up corpora of growing size (`benchmarks.synthetic_news`).
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from benchmarks.common import NOW, RESULTS, markdown, read_lines, save
from benchmarks.contestants import CONTESTANTS
from benchmarks.processes import Usage, run
from benchmarks.synthetic_news import pool_of, write_corpus
from recommender.lexical import find_lexical_pairs
from recommender.records import Verdict
from recommender.text import clean, fold

Pair = tuple[str, str]
ROUNDS = 3
OURS, RAW = "ours", "ours, boilerplate left in"
_CHINESE = ("zh_news/articles", "zh_gold/articles", "zh_gold/more_articles",
            "zh_campus_news/articles")  # fmt: skip


def race(
    names: Sequence[str], source: Path, folder: Path, arguments: argparse.Namespace, rounds: int
) -> dict[str, list[Usage]]:
    """Each contestant in turn, round by round, so that a busy minute hits all."""
    found: dict[str, list[Usage]] = {name: [] for name in names}
    for turn in range(rounds):
        for name in names:
            command = [sys.executable, "-m", "benchmarks.contestants", name, str(source),
                       str(folder / f"{name}.jsonl"), "--data", str(arguments.data),
                       "--cache", str(arguments.cache)]  # fmt: skip
            usage = run(command)
            found[name].append(usage)
            print(f"  {turn + 1}: {name}: {usage}", file=sys.stderr, flush=True)
    return found


def written(path: Path) -> dict[Pair, Mapping[str, Any]]:
    """The pairs that a contestant wrote."""
    with path.open(encoding="utf-8") as lines:
        return {(one["first"], one["second"]): one for one in map(json.loads, lines)}


def recall(found: Mapping[Pair, Any], truth: Mapping[Pair, float], least: float) -> float:
    """Share of the pairs of at least this resemblance that were found."""
    wanted = [pair for pair, value in truth.items() if value >= least]
    return sum(pair in found for pair in wanted) / len(wanted)


def overlap_pairs(data: Path) -> dict[Pair, float]:
    rows = read_lines(data / "zh_news" / "overlap_pairs.jsonl.gz")
    return {_ordered(row["a"], row["b"]): row["jaccard5"] for row in rows}


def _ordered(one: str, other: str) -> Pair:
    return (one, other) if one < other else (other, one)


def bodies_of(source: Path, wanted: set[str]) -> dict[str, str]:
    """Folded bodies of some articles of a file."""
    found = {}
    with source.open("rb") as lines:
        for line in lines:
            record = json.loads(line)
            if record["id"] in wanted:
                found[record["id"]] = fold(clean(record["body"]))
    return found


def exact(one: str, other: str) -> float:
    """Resemblance by Python's own sets of characters."""
    first, second = ({text[at : at + 5] for at in range(len(text) - 4)} for text in (one, other))
    return len(first & second) / len(first | second)


def recomputed(found: Mapping[Pair, Mapping[str, Any]], source: Path) -> float:
    """Share of reported pairs whose resemblance is what sets of characters give."""
    bodies = bodies_of(source, {one for pair in found for one in pair})
    right = sum(
        round(exact(bodies[one], bodies[other]), 4) == row["resemblance"]
        for (one, other), row in found.items()
    )
    return right / len(found)


def unpacked(paths: Sequence[Path], target: Path) -> int:
    """Articles of several sets as one file, the set before each id; those without body left out."""
    seen: set[str] = set()
    with target.open("w", encoding="utf-8") as stream:
        for path in paths:
            for record in read_lines(path):
                record["id"] = (
                    f"{path.parent.name}/{record['id']}" if len(paths) > 1 else record["id"]
                )
                if record["id"] not in seen and record.get("body"):
                    seen.add(record["id"])
                    stream.write(json.dumps(record, ensure_ascii=False) + "\n")
    return len(seen)


def verdicts(data: Path, folder: Path) -> dict[str, Any]:
    """F1 of the verdicts on zh_gold; a pair that is not found is called nothing."""
    source = folder / "gold.jsonl"
    names = ("articles", "more_articles")
    with source.open("w", encoding="utf-8") as stream:
        seen: set[str] = set()
        for name in names:
            for record in read_lines(data / "zh_gold" / f"{name}.jsonl.gz"):
                if record["id"] not in seen:
                    seen.add(record["id"])
                    stream.write(json.dumps(record, ensure_ascii=False) + "\n")
    result = find_lexical_pairs(str(source), now=NOW)
    called = {(each.first.id, each.second.id): each.verdict for each in result.pairs}
    pairs = read_lines(data / "zh_gold" / "pairs.jsonl.gz")
    figures: dict[str, Any] = {"pairs": len(pairs)}
    for name, least, wanted in (
        ("same text", 4, {Verdict.SAME_TEXT}),
        ("same story", 3, {Verdict.SAME_TEXT, Verdict.SAME_STORY}),
    ):
        said = [called.get(_ordered(each["a"], each["b"])) in wanted for each in pairs]
        true = [each["label"] >= least for each in pairs]
        both = sum(one and other for one, other in zip(said, true, strict=True))
        figures[name] = {
            "precision": round(both / max(sum(said), 1), 4),
            "recall": round(both / sum(true), 4),
            "f1": round(2 * both / (sum(said) + sum(true)), 4),
            "templates_called": sum(
                one for one, each in zip(said, pairs, strict=True) if each["template"]
            ),
        }
    figures["templates"] = sum(bool(each["template"]) for each in pairs)
    return figures


def contest(arguments: argparse.Namespace, folder: Path) -> None:
    source = folder / "zh_news.jsonl"
    packed = arguments.data / "zh_news" / "articles.jsonl.gz"
    with gzip.open(packed, "rb") as compressed, source.open("wb") as plain:
        shutil.copyfileobj(compressed, plain)
    count = sum(1 for _ in source.open("rb"))
    names = [name for name in CONTESTANTS if name.partition(",")[0] not in arguments.without]
    used = race(names, source, folder, arguments, arguments.rounds)
    truth = overlap_pairs(arguments.data)
    rows, values = [], {}
    for name in names:
        found = written(folder / f"{name}.jsonl")
        seconds = statistics.median(each.seconds for each in used[name])
        processors = statistics.median(each.processor_seconds for each in used[name])
        values[name] = {
            "articles_per_second": round(count / seconds),
            "articles_per_processor_second": round(count / processors),
            "seconds": [round(each.seconds, 2) for each in used[name]],
            "processor_seconds": [round(each.processor_seconds, 2) for each in used[name]],
            "peak_mib": round(max(each.peak_mib for each in used[name])),
            "pairs": len(found),
            **{f"recall_{least}": round(recall(found, truth, least), 4) for least in (0.3, 0.5)},
        }
        rows.append([name, *(f"{value:,}" for value in list(values[name].values())[:2]),
                     *(values[name][each] for each in
                       ("peak_mib", "pairs", "recall_0.3", "recall_0.5"))])  # fmt: skip
    together = folder / "chinese.jsonl"
    all_count = unpacked([arguments.data / f"{each}.jsonl.gz" for each in _CHINESE], together)
    usage = race([OURS], together, folder, arguments, 1)[OURS][0]
    every = written(folder / f"{OURS}.jsonl")
    result = {
        "articles": count,
        "contestants": values,
        "recomputed": round(recomputed(written(folder / f"{RAW}.jsonl"), source), 4),
        "all_chinese": {
            "articles": all_count,
            "pairs": len(every),
            "seconds": round(usage.seconds, 2),
            "processor_seconds": round(usage.processor_seconds, 2),
            "peak_mib": round(usage.peak_mib),
        },
        "zh_gold": verdicts(arguments.data, folder),
    }
    save("duplicates", result, page(result, rows))


def page(result: Mapping[str, Any], rows: Sequence[Sequence[Any]]) -> str:
    headers = ("method", "articles a second", "a second of one core", "peak MiB", "pairs",
               "recall at J >= 0.3", "at J >= 0.5")  # fmt: skip
    gold = result["zh_gold"]
    together = result["all_chinese"]
    about = (
        f"{result['articles']:,} articles of zh_news, from uncompressed JSON lines to the file of "
        "pairs, start of the process included; median by the clock, all in turn. Recall against "
        "all pairs of raw bodies (peers at their threshold of 0.4 cannot find those below it). "
        "Ours gives exact overlap, evidence and verdict with each pair.\n"
    )
    values = (
        f"Exact values: {result['recomputed']:.4f} of our pairs (boilerplate left in) recompute to "
        "the digit with Python's sets.\n"
    )
    more = (
        f"All Chinese bodies, {together['articles']:,} articles: {together['pairs']:,} pairs, "
        f"{together['seconds']} s, {together['processor_seconds']} s of processors, "
        f"{together['peak_mib']} MiB.\n"
    )
    heading = (
        f"Verdicts on zh_gold without a model ({gold['pairs']} pairs; the weights, fitted with "
        "the cosine, have seen them):\n"
    )
    graded = markdown(
        ("level", "precision", "recall", "F1", f"of {gold['templates']} templates called"),
        [[name, *gold[name].values()] for name in ("same text", "same story")],
    )
    return "\n".join([about, markdown(headers, rows), values, more, heading, graded])


def scale(arguments: argparse.Namespace, folder: Path) -> None:
    pool = pool_of(arguments.data)
    values = []
    for size in arguments.scale:
        source = folder / f"made-{size}.jsonl"
        planted = write_corpus(pool, source, size)
        names = [OURS]
        if size <= arguments.peers_up_to:
            names += [each for each in CONTESTANTS if each.startswith(("rensa", "datasketch"))]
        used = race(names, source, folder, arguments, 1)
        truth = _planted(planted, source)
        for name in names:
            found = written(folder / f"{name}.jsonl")
            values.append(
                {
                    "articles": size,
                    "method": name,
                    "seconds": round(used[name][0].seconds, 1),
                    "processor_seconds": round(used[name][0].processor_seconds, 1),
                    "peak_mib": round(used[name][0].peak_mib),
                    "pairs": len(found),
                    "planted": len(truth),
                    "recall": round(recall(found, truth, 0.3), 4),
                }
            )
            print(values[-1], file=sys.stderr, flush=True)
        source.unlink()
    headers = ("articles", "method", "seconds", "of processors", "peak MiB", "pairs",
               "planted at J >= 0.3", "recall")  # fmt: skip
    draw(values, RESULTS / "duplicates_scale.png")
    rows = [
        [f"{one:,}" if isinstance(one, int) else one for one in each.values()] for each in values
    ]
    note = (
        f"Made-up corpora of {len(pool):,} real sentences, 8 to 30 drawn for each article; 2 % of "
        "the articles are planted near-duplicates. From JSON lines to the file of pairs, each "
        "compared exactly and with its verdict; memory of all processes together.\n\n"
        "![time and memory](duplicates_scale.png)\n\n"
    )
    save(
        "duplicates_scale", {"sentences": len(pool), "runs": values}, note + markdown(headers, rows)
    )


def _planted(pairs: Sequence[Sequence[str]], source: Path) -> dict[Pair, float]:
    """Planted pairs with their true resemblance."""
    bodies = bodies_of(source, {one for pair in pairs for one in pair})
    values = {(one, other): exact(bodies[one], bodies[other]) for one, other in pairs}
    return {pair: value for pair, value in values.items() if value >= 0.3}


def draw(values: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Seconds and memory against size, both axes logarithmic."""
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name in dict.fromkeys(each["method"] for each in values):
        mine = [each for each in values if each["method"] == name]
        sizes = [each["articles"] for each in mine]
        left.plot(sizes, [each["seconds"] for each in mine], "o-", label=name)
        right.plot(sizes, [each["peak_mib"] for each in mine], "o-", label=name)
    for axes, title in ((left, "seconds"), (right, "peak memory, MiB")):
        axes.set(xscale="log", yscale="log", xlabel="articles", title=title)
        axes.grid(alpha=0.3)
    left.legend(fontsize=7)
    RESULTS.mkdir(exist_ok=True)
    figure.savefig(path, dpi=90)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder of the data sets")
    parser.add_argument("--cache", type=Path, default=Path("build") / "vectors")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--without", nargs="*", default=(), help="peers to leave out")
    parser.add_argument("--scale", type=int, nargs="*", help="sizes of made-up corpora")
    parser.add_argument("--peers-up-to", type=int, default=10_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        if arguments.scale:
            scale(arguments, Path(name))
        else:
            contest(arguments, Path(name))


if __name__ == "__main__":
    main()

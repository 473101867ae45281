"""One contestant on one file of articles, in a process of its own: JSON lines in, pairs out.

    python -m benchmarks.contestants NAME FILE TARGET [--data DATA --cache CACHE]

Everything counts: the start of the process, reading, cleaning, folding, sketching, joining,
writing the pairs. The peers are given what they are given in `benchmarks.peers`; their pairs are
those their index answers with, none is compared exactly.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.moment import NOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a contestant is given."""

    source: Path
    target: Path
    data: Path | None
    cache: Path | None


def ours(call: Call, *, strip: bool = True) -> None:
    from recommender.config import IndexOptions
    from recommender.lexical import find_lexical_pairs, write_pairs

    options = IndexOptions(strip_boilerplate=strip)
    found = find_lexical_pairs(str(call.source), now=NOW, options=options)
    write_pairs(call.target, found.pairs)


def ours_raw(call: Call) -> None:
    ours(call, strip=False)


def datasketch(call: Call, *, threshold: float = 0.4) -> None:
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=threshold, num_perm=128)
    _write(call, _asked(call, index, lambda grams: _minhash(MinHash, grams)))


def _minhash(kind: Callable[..., object], grams: list[str]) -> object:
    made = kind(num_perm=128, seed=42)
    made.update_batch([each.encode() for each in grams])  # type: ignore[attr-defined]
    return made


def _asked(
    call: Call, index: object, sketch: Callable[[list[str]], object]
) -> Iterator[tuple[str, str]]:
    for article_id, text in _texts(call.source):
        made = sketch(_five_grams(text))
        for other in index.query(made):  # type: ignore[attr-defined]
            yield article_id, other
        index.insert(article_id, made)  # type: ignore[attr-defined]


def rensa(call: Call, *, threshold: float = 0.4) -> None:
    from rensa import RMinHash, RMinHashLSH

    ids, sketches = [], []
    index = RMinHashLSH(threshold=threshold, num_perm=128, num_bands=32)
    pairs = []
    for number, (article_id, text) in enumerate(_texts(call.source)):
        made = RMinHash(num_perm=128, seed=42)
        made.update(_five_grams(text))
        pairs += [
            (article_id, ids[other])
            for other in index.query(made)
            if made.jaccard(sketches[other]) >= threshold
        ]
        index.insert(number, made)
        ids.append(article_id)
        sketches.append(made)
    _write(call, iter(pairs))


def semhash(call: Call, *, threshold: float = 0.9) -> None:
    from semhash import SemHash

    from benchmarks.static_model import static_model

    assert call.data is not None  # noqa: S101
    assert call.cache is not None  # noqa: S101
    model = static_model(call.data, call.cache)
    records = [{"id": one, "text": text} for one, text in _texts(call.source)]
    index = SemHash.from_records(records, columns=["text"], model=model)
    found = index.self_deduplicate(threshold=threshold)
    _write(
        call,
        (
            (each.record["id"], other[0]["id"])
            for each in found.filtered
            for other in each.duplicates
        ),
    )


def _texts(source: Path) -> Iterator[tuple[str, str]]:
    from recommender.text import clean

    with source.open("rb") as lines:
        for line in lines:
            record = json.loads(line)
            yield record["id"], clean(record["body"])


def _five_grams(text: str) -> list[str]:
    from recommender.text import fold

    folded = fold(text)
    return list({folded[start : start + 5] for start in range(max(1, len(folded) - 4))})


def _write(call: Call, pairs: Iterator[tuple[str, str]]) -> None:
    with call.target.open("w", encoding="utf-8") as stream:
        for one, other in pairs:
            first, second = sorted((one, other))
            stream.write(json.dumps({"first": first, "second": second}) + "\n")


CONTESTANTS: Mapping[str, Callable[[Call], None]] = {
    "ours": ours,
    "ours, boilerplate left in": ours_raw,
    "rensa, characters, 0.4": rensa,
    "datasketch, characters, 0.4": datasketch,
    "semhash, static, 0.9": semhash,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=sorted(CONTESTANTS))
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--cache", type=Path)
    given = parser.parse_args()
    call = Call(source=given.source, target=given.target, data=given.data, cache=given.cache)
    CONTESTANTS[given.name](call)


if __name__ == "__main__":
    main()

"""Other deduplicators on the same texts: a score for each pair, and their speed beside ours.

    python -m benchmarks.peers DATA

measures the speed, from cleaned texts to all pairs found, and writes `results/peers.json` and
`results/peers.md`. The scores are for `benchmarks.quality`. Every peer gets the texts that our
own fingerprints are made of: title and body, cleaned, boilerplate taken out; character 5-grams
are of the folded text, as ours are.
"""

from __future__ import annotations

import argparse
import re
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from datasketch import MinHash, MinHashLSH
from model2vec import StaticModel
from numpy.typing import NDArray
from rensa import RMinHash, RMinHashDeduplicator
from semhash import SemHash
from sklearn.feature_extraction.text import TfidfVectorizer

from benchmarks.common import markdown, read_articles_of, save, show_progress
from benchmarks.static_model import cosines, static_model
from recommender.facts import extract_facts
from recommender.postings import Postings
from recommender.shingles import fingerprint_many
from recommender.text import clean, fold, fold_many

Pairs = Sequence[tuple[str, str]]
PERMUTATIONS = 128
SEED = 42
ROUNDS = 3
ARTICLES = 5_000
_WORD = re.compile(r"\w+")
WORDS, CHARACTERS, RENSA, SEMHASH = (
    "datasketch, words",
    "datasketch, characters",
    "rensa, characters",
    "semhash, static",
)
# The threshold each is used at when nobody chose one: 0.7 is what datasketch's users take for
# texts, 0.8 and 0.9 are what the other two document.
DEFAULTS: Mapping[str, float] = {WORDS: 0.7, CHARACTERS: 0.7, RENSA: 0.8, SEMHASH: 0.9}


def words(text: str) -> list[str]:
    """As most do it: split where `\\W` says; whole sentences of Chinese are one word."""
    return _WORD.findall(text.lower())


def five_grams(text: str) -> list[str]:
    """Character 5-grams of the folded text, each once."""
    folded = fold(text)
    return list({folded[start : start + 5] for start in range(max(1, len(folded) - 4))})


def peer_scores(pairs: Pairs, static: StaticModel) -> dict[str, NDArray[np.float64]]:
    """What each peer says of each pair of texts, and TF-IDF as the plainest of them."""
    return {
        WORDS: _compared(pairs, lambda text: _minhash(words(text))),
        CHARACTERS: _compared(pairs, lambda text: _minhash(five_grams(text))),
        RENSA: _compared(pairs, lambda text: _rensa([five_grams(text)])[0]),
        # Its score of a pair is the cosine of the model's vectors.
        SEMHASH: cosines(static, pairs),
        "TF-IDF": tf_idf(pairs),
    }


def tf_idf(pairs: Pairs) -> NDArray[np.float64]:
    """Cosine of character bigrams, weighted over these very texts."""
    texts = sorted({text for pair in pairs for text in pair})
    place = {text: number for number, text in enumerate(texts)}
    weighted = TfidfVectorizer(analyzer="char", ngram_range=(2, 2)).fit_transform(texts)
    firsts, seconds = ([place[pair[end]] for pair in pairs] for end in (0, 1))
    return np.asarray(weighted[firsts].multiply(weighted[seconds]).sum(axis=1)).ravel()


def _compared(pairs: Pairs, sketch: Callable[[str], Any]) -> NDArray[np.float64]:
    sketches = {text: sketch(text) for text in sorted({text for pair in pairs for text in pair})}
    return np.array([sketches[a].jaccard(sketches[b]) for a, b in pairs])


def _minhash(tokens: Iterable[str]) -> MinHash:
    made = MinHash(num_perm=PERMUTATIONS, seed=SEED)
    made.update_batch([each.encode() for each in tokens])
    return made


def _rensa(token_sets: Sequence[Sequence[str]]) -> list[RMinHash]:
    return list(RMinHash.from_token_sets(token_sets, num_perm=PERMUTATIONS, seed=SEED))


# What follows is for speed: texts in, pairs found out.


@dataclass(frozen=True, slots=True)
class Input:
    """Cleaned articles, as each contestant gets them."""

    titles: list[str]
    bodies: list[str]

    @property
    def texts(self) -> list[str]:
        return [f"{a}\n{b}" for a, b in zip(self.titles, self.bodies, strict=True)]


def run_fingerprints(given: Input) -> int:
    """Our candidates: fold, fingerprint, join."""
    postings = Postings.build(
        np.arange(len(given.bodies)), fingerprint_many(fold_many(given.bodies))
    )
    return sum(len(first) for first, _, _ in postings.pairs(min_shared=2))


def run_ours(given: Input) -> int:
    """The same, and the facts of every article."""
    found = run_fingerprints(given)
    for title, body in zip(given.titles, given.bodies, strict=True):
        extract_facts(title, body)
    return found


def run_datasketch(given: Input, split: Callable[[str], list[str]], threshold: float) -> int:
    index = MinHashLSH(threshold=threshold, num_perm=PERMUTATIONS)
    found = 0
    for number, text in enumerate(given.texts):
        made = _minhash(split(text))
        found += len(index.query(made))
        index.insert(number, made)
    return found


def run_rensa(given: Input) -> int:
    index = RMinHashDeduplicator(
        threshold=DEFAULTS[RENSA], num_perm=PERMUTATIONS, use_lsh=True, seed=SEED
    )
    kept = index.add_pairs(
        (str(number), five_grams(text)) for number, text in enumerate(given.texts)
    )
    return len(kept) - sum(kept)


def run_semhash(given: Input, static: StaticModel) -> int:
    index = SemHash.from_records(given.texts, model=static)
    return len(index.self_deduplicate(threshold=DEFAULTS[SEMHASH]).filtered)


def contestants(static: StaticModel) -> dict[str, Callable[[Input], int]]:
    return {
        "ours, fingerprints and facts": run_ours,
        "ours, fingerprints alone": run_fingerprints,
        WORDS: lambda given: run_datasketch(given, words, DEFAULTS[WORDS]),
        CHARACTERS: lambda given: run_datasketch(given, five_grams, DEFAULTS[CHARACTERS]),
        RENSA: run_rensa,
        SEMHASH: lambda given: run_semhash(given, static),
    }


def read_input(data: Path, count: int) -> Input:
    """Articles taken evenly over zh_news."""
    every = read_articles_of(data / "zh_news" / "articles.jsonl.gz")
    ids = sorted(every)
    step = max(1, len(ids) // count)
    chosen = [every[each] for each in ids[::step][:count]]
    return Input([each.title for each in chosen], [clean(each.body) for each in chosen])


def race(given: Input, static: StaticModel) -> dict[str, list[float]]:
    """Seconds of each in each round, one after another so that a busy minute hits all."""
    seconds: dict[str, list[float]] = {}
    every = contestants(static)
    for turn in range(ROUNDS):
        for number, (name, run) in enumerate(every.items()):
            start = time.perf_counter()
            run(given)
            seconds.setdefault(name, []).append(time.perf_counter() - start)
            show_progress("speed", turn * len(every) + number + 1, ROUNDS * len(every))
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder of the data sets")
    parser.add_argument("--cache", type=Path, default=Path("build") / "vectors")
    parser.add_argument("--articles", type=int, default=ARTICLES)
    arguments = parser.parse_args()
    given = read_input(arguments.data, arguments.articles)
    seconds = race(given, static_model(arguments.data, arguments.cache))
    count = len(given.bodies)
    rates = {name: count / statistics.median(each) for name, each in seconds.items()}
    ours = rates["ours, fingerprints and facts"]
    headers = ("method", "articles a second", "ours are as many times as fast", "seconds")
    rows = [
        [
            name,
            f"{rate:,.0f}",
            f"{ours / rate:.2f}",
            ", ".join(f"{each:.2f}" for each in seconds[name]),
        ]
        for name, rate in rates.items()
    ]
    result = {
        "articles": count,
        "characters": sum(map(len, given.bodies)),
        "seconds": {name: [round(one, 3) for one in each] for name, each in seconds.items()},
        "articles_per_second": {name: round(rate, 1) for name, rate in rates.items()},
        "ours_over": {name: round(ours / rate, 3) for name, rate in rates.items()},
    }
    note = (
        f"{count:,} articles of zh_news, cleaned beforehand, from texts to the pairs found; "
        f"median of {ROUNDS} rounds, all in turn.\n\n"
    )
    save("peers", result, note + markdown(headers, rows))


if __name__ == "__main__":
    main()

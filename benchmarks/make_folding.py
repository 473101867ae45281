"""Write `recommender/data/folding.json`: which traditional character folds to which simplified.

Single characters of OpenCC's dictionary (Apache-2.0). Frozen as data, because the folding is
part of the text recipe of every index: an upgrade of a library must not change it silently.

    python -m benchmarks.make_folding
"""

from __future__ import annotations

import json
from pathlib import Path

import opencc

RANGES = ((0x3400, 0xA000), (0xF900, 0xFB00), (0x20000, 0x323B0))
TARGET = Path(__file__).parent.parent / "recommender" / "data" / "folding.json"


def main() -> None:
    convert = opencc.OpenCC("t2s").convert
    pairs = [
        (character, folded)
        for start, end in RANGES
        for character in map(chr, range(start, end))
        if (folded := convert(character)) != character and len(folded) == 1
    ]
    data = {
        "source": f"OpenCC {opencc.__version__} t2s, single characters, Apache-2.0",
        "traditional": "".join(traditional for traditional, _ in pairs),
        "simplified": "".join(simplified for _, simplified in pairs),
    }
    TARGET.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"{len(pairs):,} characters")


if __name__ == "__main__":
    main()

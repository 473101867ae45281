"""What several test modules share: a small corpus, and ways to make articles and documents."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
from click.testing import CliRunner, Result

from recommender import Article, HashingEmbedder, Recommender, Thresholds
from recommender.cli import main
from recommender.records import Card
from recommender.store import Document, Sketch

NOW = datetime(2025, 8, 1, tzinfo=timezone.utc)
START = datetime(2025, 7, 1, 8, tzinfo=timezone.utc)

# Themes with their own words, so that articles of one theme are alike and others are not.
THEMES = {
    "桥": "跨江大桥主塔 桥面铺装 钢箱梁吊装 斜拉索张拉 通车验收 引桥施工 桥墩浇筑 荷载试验",
    "茶": "春茶采摘 茶农增收 古茶树保护 制茶工艺 茶叶拍卖 茶园管护 炒茶师傅 明前龙井",
    "雨": "暴雨预警 水库泄洪 堤坝巡查 转移群众 降雨量 河道水位 抢险队伍 防汛物资",
    "赛": "马拉松开跑 选手冲线 赛道补给 完赛奖牌 志愿者服务 终点计时 破纪录 起跑鸣枪",
    "馆": "博物馆新展 文物修复 青铜器展柜 观众预约 策展人导览 夜场开放 壁画数字化 捐赠藏品",
}


def body_of(theme: str, number: int, *, sentences: int = 8) -> str:
    """An article of a theme; the number picks its words and figures."""
    words = THEMES[theme].split()
    generator = np.random.default_rng([number, len(theme), ord(theme)])
    lines = []
    for position in range(sentences):
        first, second, third = generator.permutation(words)[:3]
        figure = int(generator.integers(10, 9_000))
        lines.append(
            f"{first}之后,{second}与{third}同时推进,共涉及{figure}处,编号{number}-{position}。"
        )
    return "".join(lines)


def article(article_id: str, theme: str = "桥", number: int = 0, **fields: object) -> Article:
    """One article; fields win over what is made up."""
    values: dict[str, object] = {
        "title": f"{THEMES[theme].split()[number % 8]}情况通报第{number}期",
        "body": body_of(theme, number),
        "date": START + timedelta(hours=number),
        "category": theme,
        "url": f"https://news.example/{article_id}",
        "source": "本站" if number % 2 else "电讯",
        **fields,
    }
    return Article(id=article_id, **values)  # type: ignore[arg-type]


def corpus(count: int = 40) -> list[Article]:
    """Articles of all themes in turn."""
    themes = list(THEMES)
    return [article(f"a{i:03d}", themes[i % len(themes)], i) for i in range(count)]


def build(folder: Path, articles: Sequence[Article], **options: object) -> Recommender:
    """An index made with the hashing embedder."""
    values: dict[str, object] = {"embedder": HashingEmbedder(), "now": NOW, **options}
    return Recommender.build(folder, articles, **values)  # type: ignore[arg-type]


def document(article_id: str, *, seed: int = 0, dimension: int = 8, **card: object) -> Document:
    """A document with made-up measures."""
    generator = np.random.default_rng(seed)
    return Document(
        card=Card(id=article_id, **card),  # type: ignore[arg-type]
        text=f"正文 {article_id} {seed}",
        content_digest=generator.bytes(16),
        input_digest=generator.bytes(16),
        sketch=Sketch(
            vector=generator.normal(size=dimension).astype(np.float16),
            fingerprint=np.unique(generator.integers(0, 2**32, 20, dtype=np.uint32)),
            facts=b"\x01\x02",
            length=100 + seed,
            text_digest=generator.bytes(16),
            title_digest=b"",
            flags=seed % 4,
        ),
    )


__all__ = [
    "NOW",
    "START",
    "THEMES",
    "Thresholds",
    "article",
    "body_of",
    "build",
    "corpus",
    "document",
]


def run_command(*arguments: str, stdin: str | bytes | None = None) -> Result:
    """A command as a shell runs it; an error that no user should see is raised."""
    result = CliRunner().invoke(main, arguments, input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def outputs_of_hash_seeds(code: str) -> set[bytes]:
    """What a program prints under different hash seeds."""
    return {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4711")
    }

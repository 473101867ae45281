"""Fitted numbers for an embedder: its background vectors and its similarity profile.

Both are looked up by the checksum of the weights. An embedder nobody has fitted has no
background; it takes the reference profile, and its cosines are matched to the reference's over
the corpus. `info` says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.calibration import CosineQuantiles, cosine_quantiles, matching
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


def profile_for(
    identity: EmbedderIdentity,
    centred: NDArray[np.float32] | None = None,
    languages: Sequence[str] = (),
) -> dict[str, Any]:
    """The similarity profile fitted for these weights, else the reference's, as plain values.

    Parameters
    ----------
    identity : EmbedderIdentity
    centred : ndarray of float32, shape (n, dimension), optional
        Centred vectors of the corpus, by which the cosines of a model nobody has fitted are
        matched to the reference's.
    languages : sequence of str, length n

    Returns
    -------
    dict
        As `Profile.from_dict` reads it, and: "fitted_for_embedder"; "cosines_matched", the
        articles by which the cosines were matched, 0 when they were not.
    """
    profiles: list[dict[str, Any]] = package_data(_PROFILES_FILE)["profiles"]
    for profile in profiles:
        if identity.fingerprint in profile["fingerprints"]:
            return {**_plain(profile), "fitted_for_embedder": True, "cosines_matched": 0}
    reference = profiles[0]
    found = {**_plain(reference), "fitted_for_embedder": False, "cosines_matched": 0}
    own = None if centred is None else cosine_quantiles(centred, languages)
    if own is not None:
        found["cosines"] = matching(own, CosineQuantiles.from_dict(reference["cosine_quantiles"]))
        found["cosines_matched"] = len(languages)
    return found


def reference_profile() -> dict[str, Any]:
    """The profile of the default model, as `Profile.from_dict` reads it."""
    return _plain(package_data(_PROFILES_FILE)["profiles"][0])


def _plain(profile: Mapping[str, Any]) -> dict[str, Any]:
    return {name: profile[name] for name in ("name", "fitted_on", "fingerprints", "weights")}

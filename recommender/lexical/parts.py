"""The folder in which a long run puts by what is done, so that an interrupted one goes on.

`manifest.json` names the file that is read (size, time, checksum of its edges) and all settings
on which the parts depend. Parts are complete or not there. What was left by a run over another
file is thrown away; a folder that holds anything else is refused: nothing in it is touched.
"""

from __future__ import annotations

import io
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from xxhash import xxh3_128_hexdigest

from recommender.errors import ConfigError, IndexStoreError
from recommender.files import write_whole

_MANIFEST = "manifest.json"
_FORMAT = 1
_EDGE = 1 << 16


def identity_of(path: str) -> dict[str, Any]:
    """What tells a file from another version of it, and is quick to ask.

    Raises
    ------
    ConfigError
        If the file cannot be read.
    """
    try:
        status = Path(path).stat()
        with Path(path).open("rb") as stream:
            edges = stream.read(_EDGE)
            stream.seek(max(0, status.st_size - _EDGE))
            edges += stream.read(_EDGE)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror or error}") from error
    return {
        "size": status.st_size,
        "modified": status.st_mtime_ns,
        "edges": xxh3_128_hexdigest(edges),
    }


@contextmanager
def work_folder(
    folder: Path | None, wanted: Mapping[str, Any], kept: Mapping[str, Any]
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """A folder for parts; gone when the work is done, kept when it was interrupted.

    Parameters
    ----------
    folder : Path or None
        `None` takes one of the system's for temporary files, which never stays.
    wanted : mapping
        What parts that are there must have been made with.
    kept : mapping
        Settings a resumed run takes from the interrupted one.

    Yields
    ------
    Path, dict
        The folder, and `kept` as it was when the work began.

    Raises
    ------
    ConfigError
        If the folder holds what is no work folder's.

    Notes
    -----
    What a run over another file, or with other settings, left there is thrown away.
    """
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="recommender-") as name:
            yield Path(name), dict(kept)
        return
    manifest = {"format": _FORMAT, **json.loads(json.dumps(wanted))}
    found = _manifest(folder)
    if found is None:
        folder.mkdir(parents=True, exist_ok=True)
        found = {"wanted": manifest, "kept": dict(kept)}
        write_whole(folder / _MANIFEST, [json.dumps(found).encode()])
    elif found.get("wanted") != manifest:
        # Left by a run over another file, or with other settings: nothing of it is of use.
        shutil.rmtree(folder)
        folder.mkdir(parents=True)
        found = {"wanted": manifest, "kept": dict(kept)}
        write_whole(folder / _MANIFEST, [json.dumps(found).encode()])
    yield folder, dict(found["kept"])
    shutil.rmtree(folder)


def _manifest(folder: Path) -> dict[str, Any] | None:
    """What was begun in a folder; `None` if nothing was."""
    if not folder.exists():
        return None
    if not folder.is_dir():
        raise ConfigError(f"{folder} is no folder; name another one for the work")
    path = folder / _MANIFEST
    if not path.exists():
        if any(folder.iterdir()):
            raise ConfigError(
                f"the folder {folder} holds files that are not a work folder's; name another one"
            )
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read ({error}); remove {folder}") from error
    return found if isinstance(found, dict) and "kept" in found else {}


def write_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write named arrays as one file, complete or not at all."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    write_whole(path, [buffer.getvalue()])


def write_json(path: Path, value: Any) -> None:
    """Write a JSON value as one file, complete or not at all."""
    write_whole(path, [json.dumps(value, ensure_ascii=False).encode()])


def read_json(path: Path) -> Any:
    """Read what `write_json` wrote."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise IndexStoreError(f"cannot read {path} ({error}); remove its folder") from error


def as_bytes(value: Any) -> Any:
    """A JSON value as an array of bytes, to stand beside arrays."""
    return np.frombuffer(json.dumps(value, ensure_ascii=True).encode(), np.uint8)


def from_bytes(array: Any) -> Any:
    """Read what `as_bytes` made."""
    return json.loads(array.tobytes())

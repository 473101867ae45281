"""Rows → JSON, JSON lines or CSV text.

A CSV cell that a spreadsheet would run as a formula is disarmed with an apostrophe, and the
file begins with a byte order mark, so that a double click in Excel shows Chinese.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

FORMATS: tuple[str, ...] = ("table", "json", "jsonl", "csv")

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_BYTE_ORDER_MARK = "\ufeff"


def render_rows(rows: Sequence[Mapping[str, Any]], form: str, *, names: Sequence[str] = ()) -> str:
    """Render rows as "json" (one array), "jsonl" or "csv", ending in a line break.

    Parameters
    ----------
    rows : sequence of mapping
    form : {"json", "jsonl", "csv"}
    names : sequence of str
        Columns that a CSV file has even without a row.
    """
    if form == "json":
        return json.dumps(list(rows), ensure_ascii=False, indent=2) + "\n"
    if form == "jsonl":
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return _csv(rows, names)


def _csv(rows: Sequence[Mapping[str, Any]], known: Sequence[str]) -> str:
    flat = [_flat(row) for row in rows]
    names = list(dict.fromkeys([*known, *(name for row in flat for name in row)]))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\r\n", restval="")
    writer.writeheader()
    writer.writerows(flat)
    return _BYTE_ORDER_MARK + text.getvalue()


def _flat(row: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            flat.update(_flat(value, f"{prefix}{name}_"))
        else:
            flat[f"{prefix}{name}"] = _cell(value)
    return flat


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        value = "; ".join(map(str, value))
    if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA_STARTS):
        return "'" + value
    return value

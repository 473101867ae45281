"""Values of a database → values that JSON can hold, and texts of unknown encoding. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

_FLAGS = {b"\x00": 0, b"\x01": 1}


def plain(value: Any) -> Any:
    """A value of a row as JSON can hold it; dates in ISO 8601, what MySQL has no date for as none.

    Other kinds of values become the text that Python has for them.
    """
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str):
        return None if value.startswith("0000-00-00") else value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Decimal):
        if not value.is_finite():
            return None
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        held = bytes(value)
        return _FLAGS[held] if held in _FLAGS else decoded(held)
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return str(value)


def decoded(data: bytes) -> str:
    """A text that is UTF-8 unless it cannot be; then it is GB18030, as old Chinese sites write."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("gb18030", "replace")

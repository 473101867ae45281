"""The moment at which the benchmarks take dates for plausible; imports nothing heavy."""

from datetime import datetime, timezone

NOW = datetime(2026, 11, 1, tzinfo=timezone.utc)

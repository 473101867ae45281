"""What `doctor` found, as text for a person in a hurry and as data."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.text import Text

from recommender.doctor import Diagnosis
from recommender.findings import Finding
from recommender.reports.tables import _rendered, printable

_STYLES = {"error": "bold red", "warning": "yellow", "note": "dim"}


def diagnosis_row(diagnosis: Diagnosis) -> dict[str, Any]:
    """The findings as JSON values."""
    return {
        "index": str(diagnosis.path),
        "healthy": diagnosis.healthy,
        "worst": diagnosis.worst,
        "checks": list(diagnosis.checks),
        "findings": [asdict(each) for each in diagnosis.findings],
    }


def diagnosis_text(diagnosis: Diagnosis, *, width: int, color: bool) -> str:
    """The findings, worst first, each with the command that mends it."""
    parts: list[object] = [_finding(each) for each in diagnosis.findings]
    worst = diagnosis.worst or "note"
    verdict = {
        "error": "something is wrong; begin with the first line",
        "warning": "it answers, and something should be looked after",
        "note": "nothing is wrong",
    }[worst]
    looked = f"{len(diagnosis.checks)} checks"
    parts.append(Text(printable(f"{diagnosis.path}: {verdict} ({looked})."), style="bold"))
    return _rendered(*parts, width=width, color=color)


def _finding(finding: Finding) -> Text:
    line = Text.assemble(
        (f"{finding.severity:<8}", _STYLES[finding.severity]),
        (f"{finding.check}: ", "bold"),
        printable(finding.text),
    )
    if finding.command:
        line.append(f"\n        mend: {printable(finding.command)}", style="cyan")
    return line

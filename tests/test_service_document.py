"""The OpenAPI document against the running service: schemathesis makes up what it allows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import build, corpus
from tests.services import TOKEN, serving

pytestmark = pytest.mark.slow

# Rules that a schema cannot say (either an id or an article, dates, the order of thresholds), and
# ids that may hold "/related", so that PUT is at home under every address.
_NOT_MEANT = "positive_data_acceptance,unsupported_method,allow_header_conformance"


def test_every_answer_is_as_the_document_says(tmp_path: Path) -> None:
    build(tmp_path / "index", corpus(20)).close()
    settings = "embeddings_per_minute = 1000000\nlogins_per_minute = 1000000"
    with serving(tmp_path / "index", tmp_path, settings=settings) as service:
        service.wait_for_model()
        document = tmp_path / "openapi.json"
        document.write_bytes(service.editor.get("/openapi.json").content)
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", str(document)),
                *("--url", service.url, "-H", f"Authorization: Bearer {TOKEN}"),
                *("--max-examples", "60", "--seed", "1", "--continue-on-failure", "--no-color"),
                *("--checks", "all", "--exclude-checks", _NOT_MEANT),
            ],
            cwd=tmp_path,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-8_000:] + done.stderr[-2_000:]
        assert [each for each in service.lines() if each["message"] == "failure"] == []
        assert all(each.get("status", 0) < 500 for each in service.lines())

"""A process of the service, as `processes` starts it: python -m recommender.service KIND.

What it needs to know, the token among it, comes over standard input, which stays open as long as
the parent lives.
"""

from __future__ import annotations

import json
import os
import sys

_STANDARD_INPUT = 0


def main() -> int:
    """Run a worker or the embedding process."""
    # Unbuffered: a thread will wait at it until the end, and must hold no lock then.
    with open(_STANDARD_INPUT, "rb", buffering=0, closefd=False) as stream:
        plan = json.loads(stream.readline())
    if sys.argv[1] == "embedding":
        from recommender.service import embedding_process

        return embedding_process.run(plan, _STANDARD_INPUT)
    # Read when the Prometheus client is imported.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = plan["metrics"]
    from recommender.service import worker

    return worker.run(plan, _STANDARD_INPUT)


if __name__ == "__main__":
    sys.exit(main())

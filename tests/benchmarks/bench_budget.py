"""
The budget's proof: randomised runs of 8 processes with random prices, usage, failures and kill -9.

    python tests/benchmarks/bench_budget.py [RUNS]

Always: billed <= what the ledger says <= the budget.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from spenders import WORKERS, run_once


def main() -> None:
    """Run, and print what came of it."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    began = time.monotonic()
    requests = doubts = 0
    shares: list[float] = []
    for seed in range(runs):
        with tempfile.TemporaryDirectory() as directory:
            budget, billed, totals = run_once(Path(directory), seed, forks=True)
        said = totals.spent + totals.held
        if not billed <= said <= budget:
            raise SystemExit(f"seed {seed}: billed {billed}, ledger {said}, budget {budget}")
        requests += totals.requests
        doubts += totals.doubts
        shares.append(said / budget)
    shares.sort()
    print(  # noqa: T201 - a script
        f"{runs} runs of {WORKERS} processes, {requests:,} requests, {doubts:,} of doubtful billing: "
        f"billed <= ledger <= budget in all; ledger/budget median {shares[runs // 2]:.1%}, most {shares[-1]:.1%}; "
        f"{time.monotonic() - began:.0f} s"
    )


if __name__ == "__main__":
    main()

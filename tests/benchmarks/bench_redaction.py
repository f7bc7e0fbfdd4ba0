"""
What it costs to take secrets out, as a share of writing the same record as JSON, both measured in one run.

    python -m tests.benchmarks.bench_redaction

The record is of 170 tool calls, about 100 KB, with words that nearly look like secrets; five variables hold keys.
"""

from __future__ import annotations

import json
import random
import sys
import time
from typing import TYPE_CHECKING, Any

from pytest_codeact.redaction import Redactor

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 30
WORDS = ("the", "key", "of", "task-list", "and", "token", "counts;", "sky", "monkey", "passage", "risk-free", "ask-me")


def record(*, ends_in: str) -> dict[str, Any]:
    """Make the JSON of a record."""
    draw = random.Random(1)
    calls = [
        {
            "name": f"tool_{number % 7}",
            "arguments": {"key": f"cups{number}", "note": " ".join(draw.choices(WORDS, k=12))},
            "result": {"items": [{"name": f"ab{item}", "count": item, "price": item * 1.25} for item in range(8)]},
            "error": None,
            "result_bytes": 312,
            "tool_s": 0.000123,
            "origin": "code",
        }
        for number in range(170)
    ]
    calls[-1]["result"] = ends_in
    return {"schema": 1, "turns": [], "calls": calls, "error": None, "success": None, "attempts": []}


def seconds(work: Callable[[], object]) -> float:
    """Give the seconds of the fastest of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def main() -> None:
    """Measure and print."""
    draw = random.Random(2)
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    keys = {f"VENDOR_{number}_API_KEY": "".join(draw.choices(letters, k=40)) for number in range(5)}
    redactor = Redactor.of(keys)
    clean, mixed = record(ends_in="done"), record(ends_in=f"with {keys['VENDOR_3_API_KEY']} in it")
    text, other = (json.dumps(each, separators=(",", ":")) for each in (clean, mixed))
    assert redactor.record_text(text) is text
    assert redactor.record_text(other) != other
    written_s = seconds(lambda: json.dumps(clean, separators=(",", ":")))
    sys.stdout.write(f"{len(text)} bytes; writing it as JSON takes {written_s * 1000:.2f} ms\n")
    for name, work in {
        "a record's text that holds no secret": lambda: redactor.record_text(text),
        "a record's text that holds one": lambda: redactor.record_text(other),
        "a value that holds none": lambda: redactor.record(clean),
        "a report's text that holds none": lambda: redactor.text(text),
    }.items():
        sys.stdout.write(f"{name}: {seconds(work) / written_s:.2f} x\n")


if __name__ == "__main__":
    main()

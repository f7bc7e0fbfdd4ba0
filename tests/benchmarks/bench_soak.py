"""
Run ten thousand programs, hostile and honest mixed, in two worker processes, and print what they leave behind.

Every session is a trial of one to three programs; one session in twenty ends in a program that never would, which its
limit of time ends. In the end the runtime is closed, and what the worker then holds is set against what it held before:
processes, descriptors, threads, files, memory. Memory is taken after the first tenth, when all that is loaded once is
loaded. Run it as a script::

    python tests/benchmarks/bench_soak.py
    python tests/benchmarks/bench_soak.py --programs 1000 --workers 1
"""

# ruff: noqa: T201  # a script prints
from __future__ import annotations

import argparse
import gc
import json
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from pytest_codeact.runtimes import Limits
from pytest_codeact.testing import Host
from pytest_codeact.testing._effects import resident_bytes
from pytest_codeact.testing._programs import programs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_codeact.runtimes import Runtime, RuntimeFactory

TARGET_GROWTH_BYTES: Final = 30 * 2**20
_ENDLESS: Final = "time-loop"
_LIMITS: Final = Limits(wall_s=5.0)
_BRIEF: Final = Limits(wall_s=0.2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Soaked:
    """
    What is left of some thousand programs.

    Attributes:
        programs: How many ran.
        seconds: How long it took.
        statuses: How often each status came.
        left: What the host found: processes, descriptors, files, threads, leaks. Empty if nothing.
        growth_bytes: Resident memory at the end, less that after the first tenth.
    """

    programs: int
    seconds: float
    statuses: dict[str, int]
    left: tuple[str, ...]
    growth_bytes: int


def soak(make: RuntimeFactory, *, count: int, seed: int) -> Soaked:
    """
    Run programs in a runtime and close it.

    Args:
        make: Makes the runtime, of Python.
        count: How many programs.
        seed: Chooses the same programs again.
    """
    threads_before = threading.active_count()
    statuses: Counter[str] = Counter()
    left: list[str] = []
    early_bytes = 0
    begin_s = time.monotonic()
    with Host() as host:
        before = host.footprint()
        runtime = make()
        for session in _sessions(count, seed):
            statuses.update(_run(runtime, host, session, left))
            # The host keeps the calls of programs until it judges.
            left += host.effects()
            if not early_bytes and statuses.total() >= count // 10:
                gc.collect()
                early_bytes = resident_bytes()
        runtime.close()
        left += host.leftovers(before)
    gc.collect()
    if threading.active_count() > threads_before:
        left.append(f"{threading.active_count() - threads_before} threads are left")
    return Soaked(
        programs=statuses.total(),
        seconds=time.monotonic() - begin_s,
        statuses=dict(statuses),
        left=tuple(left),
        growth_bytes=resident_bytes() - early_bytes,
    )


def _sessions(count: int, seed: int) -> Iterator[tuple[Limits, list[str]]]:
    """Give sessions, each with its limits and the programs of its trial."""
    draw = random.Random(seed)
    known = programs("python")
    endless = next(each.source for each in known if each.name == _ENDLESS)
    quick = [each.source for each in known if each.kind != "limits"]
    made = 0
    while made < count:
        chosen = [draw.choice(quick) for _ in range(min(draw.randint(1, 3), count - made))]
        hangs = draw.random() < 0.05
        made += len(chosen)
        yield (_BRIEF, [*chosen[:-1], endless]) if hangs else (_LIMITS, chosen)


def _run(runtime: Runtime, host: Host, session: tuple[Limits, Sequence[str]], left: list[str]) -> list[str]:
    limits, sources = session
    interpreter = runtime.start(host.bindings(), limits)
    interpreter.prepare()
    executions = [interpreter.run(host.aimed(source)) for source in sources]
    interpreter.close()
    left += host.leaks(executions)
    return [execution.status for execution in executions]


def main() -> int:
    """Print the figures of every worker; 1 if anything is left or memory grew too much."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=10_000, help="of all workers together")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, help="be one worker, with this seed")
    arguments = parser.parse_args()
    if arguments.seed is not None:
        return _work(arguments.programs, arguments.seed)
    command = [sys.executable, __file__, "--programs", str(arguments.programs // arguments.workers)]
    workers = [
        subprocess.Popen([*command, "--seed", str(number)], stdout=subprocess.PIPE, text=True)
        for number in range(arguments.workers)
    ]
    rows = [json.loads(worker.communicate()[0]) for worker in workers]
    for number, row in enumerate(rows):
        print(f"worker {number}: {row['programs']} programs in {row['seconds']:.0f} s, {row['statuses']}")
        print(f"  left: {'; '.join(row['left']) or 'nothing'}; memory: {row['growth_bytes'] / 2**20:+.1f} MiB")
    return int(any(row["left"] or row["growth_bytes"] > TARGET_GROWTH_BYTES for row in rows))


def _work(count: int, seed: int) -> int:
    from pytest_codeact.runtimes.restricted import RestrictedRuntime

    print(json.dumps(asdict(soak(RestrictedRuntime, count=count, seed=seed))))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""
What the sandbox costs: the zygote's start, a first result, a call, a whole program, and the kill.

Run it with `python tests/benchmarks/bench_sandbox.py [--rounds N]`. Times depend on machine and load: read the medians
beside the targets, and the ratios, which are taken within one run. Nothing here says anything of a model.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

from pytest_codeact.errors import SandboxError
from pytest_codeact.runtimes import Bindings, CallReply, Limits
from pytest_codeact.runtimes.lockdown.layers import LAYERS, RLIMITS
from pytest_codeact.runtimes.restricted import RestrictedRuntime
from pytest_codeact.runtimes.restricted._pool import ZygotePool

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from pytest_codeact.records import Json
    from pytest_codeact.runtimes import Interpreter, Runtime

ROW: Json = {
    "id": 17,
    "customer": "Ada Lovelace",
    "status": "shipped",
    "items": ["cup", "pot"],
    "total": 42.5,
    "paid": True,
}
"""What the tool returns: 130 bytes as a message."""

TEN_CALLS = """
rows = [get_order(order_id=i) for i in range(10)]
by_status = {}
for row in rows:
    by_status.setdefault(row["status"], []).append(row["total"])
print(f"{len(rows)} orders, {sum(sum(totals) for totals in by_status.values()):.2f}")
"""

THOUSAND_CALLS = "for i in range(1000):\n    get_order(order_id=i)\n"

ENDLESS = {
    "a loop": "while True:\n    pass",
    "C code": "sum(range(10**12))",
    "a bare except": "while True:\n    try:\n        x = 1 / 0\n    except:\n        pass",
    "a regex": "import re\nre.match('(a+)+$', 'a' * 64 + 'b')",
    "output": "while True:\n    print('x')",
    "memory": "rows = []\nwhile True:\n    rows.append([0] * 1000)\n    rows = rows[-100:]",
}
"""Programs that never end, by where they spend their time."""

PAUSE_S = 0.15
"""Between two trials, so that spares can be made; trials of a model are seconds apart."""

WALL_S = 0.2


def bindings() -> Bindings:
    """Give one tool."""
    return Bindings(functions=("get_order",), call=lambda *_call: CallReply(value=ROW))


def timed(run: Callable[[], object]) -> float:
    """Give the seconds that a call takes."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def say(text: str) -> None:
    """Print a line."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def told(name: str, seconds: list[float], target: str, scale: float = 1e3, unit: str = "ms") -> None:
    """Print one row."""
    ordered = sorted(seconds)
    median, late = statistics.median(ordered), ordered[int(len(ordered) * 0.99)]
    say(f"{name:44} p50 {median * scale:7.2f} {unit}  p99 {late * scale:7.2f} {unit}  target {target}")


def zygote_start(rounds: int) -> list[float]:
    """Start a runtime until it can say how it holds programs."""

    def start() -> None:
        runtime = RestrictedRuntime()
        runtime.confinement()
        runtimes.append(runtime)

    runtimes: list[RestrictedRuntime] = []
    seconds = [timed(start) for _ in range(rounds)]
    for runtime in runtimes:
        runtime.close()
    return seconds


def whole(runtime: Runtime, program: str) -> None:
    """Run a program in a session of its own, from the process's making to its end."""
    session = runtime.start(bindings(), Limits())
    session.run(program)
    session.close()


def first_result(runtime: Runtime, rounds: int) -> list[float]:
    """Make a session and run a trivial program; its end is not counted."""
    seconds = []
    for _ in range(rounds):
        time.sleep(PAUSE_S)
        session = runtime.start(bindings(), Limits())
        seconds.append(timed(partial(session.run, "1")))
        session.close()
    return seconds


def per_call(session: Interpreter, rounds: int) -> list[float]:
    """Make 1,000 calls in one program."""
    session.run("1")
    return [timed(partial(session.run, THOUSAND_CALLS)) / 1000 for _ in range(rounds)]


def paused(runtime: Runtime, rounds: int) -> list[float]:
    """Run the program of ten calls so often."""
    seconds = []
    for _ in range(rounds):
        time.sleep(PAUSE_S)
        seconds.append(timed(partial(whole, runtime, TEN_CALLS)))
    return seconds


def overshoot(runtime: Runtime) -> dict[str, float]:
    """Run what never ends; give the seconds beyond the limit until the host can go on."""
    found = {}
    for name, program in ENDLESS.items():
        session = runtime.start(bindings(), Limits(wall_s=WALL_S, hard_output_bytes=2**40, frames=2**40))
        session.prepare()
        found[name] = timed(partial(session.run, program)) - WALL_S
        session.close()
    return found


def walls(layers: Collection[str], spares: int) -> RestrictedRuntime:
    """Make a runtime with these layers and so many spares."""
    return RestrictedRuntime(source=ZygotePool(layers=layers, language=True, spares=spares))


def monty() -> Runtime | None:
    """Give Monty. None where it is not installed."""
    try:
        from pytest_codeact.runtimes.monty import MontyRuntime

        runtime = MontyRuntime()
        runtime.confinement()
    except (ImportError, SandboxError):
        return None
    return runtime


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    rounds = parser.parse_args().rounds
    told("zygote, once per worker", zygote_start(max(5, rounds // 10)), "200 ms")
    ready, on_demand, bare = walls(LAYERS, 2), walls(LAYERS, 0), walls({RLIMITS}, 0)
    for each in (on_demand, bare):
        each.confinement()
    held = ready.confinement()
    say(f"level {held.level}: {', '.join(held.layers)}")
    told("fork to first result, spare", first_result(ready, rounds), "4 ms")
    told("fork to first result, on demand", first_result(on_demand, rounds), "8 ms")
    session = ready.start(bindings(), Limits(tool_calls=10**9, frames=10**9))
    told("one call of 1,000", per_call(session, max(5, rounds // 10)), "120 us", 1e6, "us")
    session.close()
    # In turn, so that what the machine does meanwhile meets each.
    others = {"every layer": on_demand, "process limits alone": bare, "Monty": monty()}
    taken: dict[str, list[float]] = {name: [] for name, runtime in others.items() if runtime is not None}
    for _ in range(max(3, rounds // 10)):
        for name, runtime in others.items():
            if runtime is not None:
                taken[name] += paused(runtime, 10)
    told("ten calls, fork to reap, spare", paused(ready, rounds), "12 ms")
    for name, seconds in taken.items():
        told(f"ten calls, fork to reap, {name}", seconds, "shown" if name != "every layer" else "12 ms")
    base = statistics.median(taken["every layer"])
    for name, seconds in taken.items():
        say(f"every layer / {name}: {base / statistics.median(seconds):.2f}")
    for name, seconds_over in overshoot(ready).items():
        say(f"beyond the limit of {WALL_S:g} s, {name:20} {seconds_over * 1e3:7.1f} ms  target 250 ms")
    for runtime in (ready, *filter(None, others.values())):
        runtime.close()


if __name__ == "__main__":
    main()

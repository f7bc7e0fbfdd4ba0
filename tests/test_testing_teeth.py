"""The conformance suite finds what it looks for: without walls every hostile program gets through."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from bare_runtime import BareRuntime

from pytest_codeact.runtimes import Execution
from pytest_codeact.testing import Host
from pytest_codeact.testing._examine import examine, warm_up
from pytest_codeact.testing._programs import programs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_codeact.testing import Answer


@pytest.fixture(scope="module")
def ask() -> Iterator[Callable[[str], Answer]]:
    """Give a function that asks one thing of a runtime without walls."""
    runtime = BareRuntime()
    with Host() as host:
        warm_up(runtime, host)
        yield lambda name: examine(BareRuntime, runtime, host, name)
    runtime.close()


def names(kind: str, language: str = "python") -> list[str]:
    """List the programs of a kind."""
    return [program.name for program in programs(language) if program.kind == kind]


@pytest.mark.parametrize("name", names("hostile"))
def test_hostile_program_gets_through_without_walls(name: str, ask: Callable[[str], Answer]) -> None:
    """A hostile program that harmed nothing where nothing holds it would prove nothing where something does."""
    answer = ask(name)

    assert answer.verdict == "broken"
    assert answer.detail.startswith(("it ", "the canary", "the folder"))


@pytest.mark.parametrize("name", names("honest"))
def test_honest_program_does_what_plain_python_does(name: str, ask: Callable[[str], Answer]) -> None:
    """What is expected of a runtime is what plain Python does."""
    answer = ask(name)

    assert (answer.verdict, answer.detail) == ("kept", "")


DENO = shutil.which("deno", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
TOOLS = """
const orders = [1, 2, 3, 4, 5].map((id) => ({ id, customer: "Ada", total: 10.5 * id }));
const tools: any = {
  list_orders: async () => orders,
  get_order: async ({ order_id }: { order_id: number }) => {
    if (order_id <= 5) return orders[order_id - 1];
    throw Object.assign(new Error(`no order ${order_id}; known orders: 1 to 5`), { name: "ToolError" });
  },
};
"""


def run_deno(path: Path, source: str, *flags: str) -> Execution:
    """Run a TypeScript program with every permission."""
    assert DENO is not None
    path.write_text(source)
    try:
        done = _run([DENO, "run", "--allow-all", "--quiet", *flags, str(path)])
    except subprocess.TimeoutExpired:
        # It waits for an answer of the listener that it has reached.
        return Execution(status="limit")
    return Execution(status="error" if done.returncode else "ok", output=done.stdout, error=done.stderr)


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=3)


@pytest.mark.skipif(DENO is None, reason="deno is not installed")
@pytest.mark.parametrize("name", names("hostile", "typescript"))
def test_hostile_typescript_gets_through_without_walls(name: str, tmp_path: Path) -> None:
    """As for Python: every permission given, every program reaches its canary."""
    (program,) = (each for each in programs("typescript") if (each.kind, each.name) == ("hostile", name))
    with Host() as host:
        execution = run_deno(tmp_path / "main.ts", host.aimed(program.source), "--no-check")

        assert host.judge([execution]) != [], execution


@pytest.mark.skipif(DENO is None, reason="deno is not installed")
@pytest.mark.parametrize("name", names("honest", "typescript"))
def test_honest_typescript_does_what_deno_does(name: str, tmp_path: Path) -> None:
    """What is expected of a runtime is what Deno does."""
    (program,) = (each for each in programs("typescript") if (each.kind, each.name) == ("honest", name))
    execution = run_deno(tmp_path / "main.ts", TOOLS + program.source)

    assert (execution.output, execution.status) == (program.output, "ok")

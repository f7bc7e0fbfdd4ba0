"""
The `deno` binary, for tests of what is written in TypeScript: a type check, and a runtime that confines nothing. It is
made to run programs of our own, one per session.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_codeact.runtimes import Confinement, Execution

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_codeact.runtimes import Bindings, Interpreter, Limits

DENO: Final = shutil.which("deno", path=str(Path(sys.executable).parent)) or shutil.which("deno")

needs_deno = pytest.mark.skipif(DENO is None, reason="needs the deno binary; pip install deno")

OFFLINE: Final = ("--no-remote", "--no-npm", "--no-config", "--no-lock", "--quiet")

AMBIENT: Final = "declare class ToolError extends Error {}\n"
"""What a program may name and is not told of: the class of the errors of tools."""

_HOST: Final = """
class ToolError extends Error {
  name = "ToolError";
}
const replies = Deno.stdin.readable.pipeThrough(new TextDecoderStream()).getReader();
let unread = "";
async function call(name, args) {
  console.debug(JSON.stringify([name, args]));
  while (!unread.includes("\\n")) unread += (await replies.read()).value;
  const [line, ...rest] = unread.split("\\n");
  unread = rest.join("\\n");
  const reply = JSON.parse(line);
  if (reply.final) Deno.exit(0);
  if (reply.error !== null) throw new ToolError(reply.error);
  return reply.value;
}
const final_answer = (...args) => call("final_answer", args);
const tools = new Proxy({}, { get: (_, name) => (...args) => call(name, args) });
"""


def check_types(directory: Path, sources: Mapping[str, str]) -> dict[str, list[str]]:
    """
    Give the errors that `deno check` finds: per source that has any, their codes, in order.

    Args:
        directory: For the test's files.
        sources: Modules, by names of their own.
    """
    for name, source in sources.items():
        # Without an export it would be a script, whose names are those of the whole world.
        (directory / f"{name}.ts").write_text(f"{AMBIENT}{source}\nexport {{}};\n")
    done = subprocess.run(
        [str(DENO), "check", *OFFLINE, *(str(directory / f"{name}.ts") for name in sources)],
        capture_output=True,
        text=True,
        check=False,
        env={"DENO_DIR": str(directory), "NO_COLOR": "1"},
    )
    # An error is its code and text, the line, and "    at file:///.../NAME.ts:LINE:COLUMN".
    errors = re.findall(r"^(TS\d+) .*?^    at file:\S*/(\w+)\.ts:", done.stderr, re.MULTILINE | re.DOTALL)
    assert bool(errors) == bool(done.returncode), done.stderr
    return {name: [code for code, where in errors if where == name] for name in sorted({each for _, each in errors})}


class UnconfinedDeno:
    """
    A runtime of programs in TypeScript that are our own.

    Args:
        directory: For its files.
    """

    language = "typescript"

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def start(self, bindings: Bindings, limits: Limits) -> Interpreter:
        return _Session(self._directory, bindings)

    def confinement(self) -> Confinement:
        return Confinement(level="D")

    def close(self) -> None:
        """Nothing to end."""


class _Session:
    def __init__(self, directory: Path, bindings: Bindings) -> None:
        self._directory = directory
        self._bindings = bindings

    def prepare(self) -> None:
        """Nothing to start."""

    def run(self, program: str) -> Execution:
        module = self._directory / "program.ts"
        module.write_text(_HOST + program)
        with subprocess.Popen(
            [str(DENO), "run", *OFFLINE, "--no-check", str(module)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={"DENO_DIR": str(self._directory), "NO_COLOR": "1"},
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stderr is not None
            for line in process.stdout:
                reply = self._answered(*json.loads(line))
                process.stdin.write(json.dumps(reply) + "\n")
                process.stdin.flush()
                if reply["final"]:
                    return Execution(status="final")
            error = process.stderr.read()
        return Execution(status="error", error=error) if error else Execution(status="ok")

    def _answered(self, name: str, args: Sequence[Any]) -> dict[str, Any]:
        reply = self._bindings.call(name, list(args), {})
        return {"value": reply.value, "error": reply.error, "final": reply.final}

    def close(self) -> None:
        """Nothing to end."""

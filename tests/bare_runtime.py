"""
A runtime without any wall: plain Python in a process that inherits everything. The suite must find it wanting.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from pytest_codeact.runtimes import Confinement, Execution

if TYPE_CHECKING:
    from pytest_codeact.runtimes import Bindings, Limits

CHILD = r"""
import ast, asyncio, contextlib, io, json, sys, traceback, types
# Programs may not read the commands, and what they print is none.
commands, answers = sys.stdin, sys.stdout
class ToolError(Exception):
    pass
def say(**message):
    answers.write(json.dumps(message) + "\n")
    answers.flush()
    return json.loads(commands.readline() or "{}")
def stub(name):
    def call(*args, **keywords):
        reply = say(name=name, args=args, keywords=keywords)
        if reply["error"] is not None:
            raise ToolError(reply["error"])
        return reply["value"]
    return call
main = sys.modules["__main__"] = types.ModuleType("__main__")
tools = sys.modules["tools"] = types.ModuleType("tools")
program = json.loads(commands.readline())
for name in program["functions"]:
    setattr(tools, name, stub(name))
vars(main).update(vars(tools), __name__="__main__", tools=tools)
while "source" in program:
    out, value, error = io.StringIO(), None, None
    try:
        tree = ast.parse(program["source"])
        if tree.body and isinstance(tree.body[-1], ast.Expr):
            tree.body[-1] = ast.Assign([ast.Name("_final", ast.Store())], tree.body[-1].value)
            ast.fix_missing_locations(tree)
        code = compile(tree, "main.py", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        with contextlib.redirect_stdout(out):
            made = eval(code, vars(main))
            if made is not None:
                asyncio.run(made)
        value = vars(main).pop("_final", None)
    except BaseException:
        error = traceback.format_exc()
    program = say(output=out.getvalue(), value=None if value is None else repr(value), error=error)
"""


class BareRuntime:
    """Runs Python programs in a process with no walls around it, and with no limits."""

    language = "python"

    def __init__(self) -> None:
        self._sessions: list[_Session] = []

    def start(self, bindings: Bindings, _limits: Limits) -> _Session:
        """Start a session."""
        self._sessions.append(_Session(bindings))
        return self._sessions[-1]

    def confinement(self) -> Confinement:
        """Say that nothing holds it."""
        return Confinement(level="D")

    def close(self) -> None:
        """End all sessions."""
        for session in self._sessions:
            session.close()


class _Session:
    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def prepare(self) -> None:
        pass

    def run(self, program: str) -> Execution:
        message = self._say({"functions": self._bindings.functions, "source": program})
        while "name" in message:
            reply = self._bindings.call(message["name"], message["args"], message["keywords"])
            message = self._say({"value": reply.value, "error": reply.error})
        if not message:
            return Execution(status="crash", error="gone; restarted")
        error = message["error"]
        return Execution(
            status="error" if error else "ok", output=message["output"], value=message["value"], error=error
        )

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _say(self, message: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()
            answer: dict[str, Any] = json.loads(self._process.stdout.readline() or "{}")
        except (BrokenPipeError, ValueError):
            return {}
        return answer

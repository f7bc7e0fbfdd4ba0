"""Runs the corpus's honest programs, given by path, under plain Python with the suite's tools; prints JSON by path."""

import asyncio
import builtins
import importlib.util
import json
import sys
import types
from pathlib import Path

from pytest_codeact.testing._world import FUNCTIONS, Calls


class ToolError(Exception):
    pass


class ToolKeyError(ToolError, KeyError):
    __str__ = Exception.__str__


ToolKeyError.__name__, ToolKeyError.__qualname__, ToolKeyError.__module__ = "ToolError", "ToolError", "builtins"


def tool(name, calls):
    def call(*positional, **keywords):
        reply = calls(name, list(positional), keywords)
        if reply.error is not None:
            raise ToolKeyError(f"KeyError: {reply.error}")
        # A copy, as it is for a program in a process of its own.
        return json.loads(json.dumps(reply.value))

    async def call_async(*positional, **keywords):
        await asyncio.sleep(0)
        return call(*positional, **keywords)

    return call_async if name.endswith("_async") else call


def main():
    spec = importlib.util.spec_from_file_location("_native", Path(__file__).parent / "programs" / "_native.py")
    native = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(native)
    outcomes = {}
    for path in sys.argv[1:]:
        tools = types.ModuleType("tools")
        calls = Calls()
        for name in FUNCTIONS:
            setattr(tools, name, tool(name, calls))
            setattr(builtins, name, getattr(tools, name))
        builtins.tools = sys.modules["tools"] = tools
        outcomes[path] = native.run(Path(path).read_text(encoding="utf-8"))
    print(json.dumps(outcomes))


if __name__ == "__main__":
    main()

"""
Runs programs, given by path, under plain Python and prints what came of each as JSON: output, value, error.

With the option `--accounting` they are given the tools of the accounting scenarios as a program of the arm `code` is, and
what came of each has two more fields: the final answer and the end state. Standard error is part of the output.
"""

import ast
import asyncio
import contextlib
import io
import json
import linecache
import os
import re
import sys
import traceback
import types


class FinalError(BaseException):
    """The program gave its final answer, which ends it."""


def run(source, bind=lambda namespace: None):
    out, value, error = io.StringIO(), None, None
    # A file of that name, for the compiler to quote.
    with open("main.py", "w", encoding="utf-8") as file:
        file.write(source)
    linecache.clearcache()
    sys.argv = ["main.py"]
    sys.modules["__main__"] = main = types.ModuleType("__main__")
    try:
        bind(vars(main))
        tree = ast.parse(source, "main.py")
        if tree.body and isinstance(last := tree.body[-1], ast.Expr):
            tree.body[-1] = ast.copy_location(ast.Assign([ast.Name("FINAL", ast.Store())], last.value), last)
            ast.fix_missing_locations(tree)
        code = compile(tree, "main.py", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            coroutine = eval(code, vars(main))
            if coroutine is not None:
                asyncio.run(coroutine)
        value = vars(main).get("FINAL")
    except FinalError:
        pass
    except SystemExit as raised:
        error = report(raised) if raised.code not in {None, 0} else None
    except BaseException as raised:
        error = report(raised)
    # The caller's own frames, in what the program wrote of its errors.
    output = re.sub(r'  File "[^"]*_native\.py".*\n    .*\n(?: +[~^]+\n)?', "", out.getvalue())
    return output, None if value is None else repr(value), error


def report(raised):
    whole = traceback.TracebackException.from_exception(raised, compact=True)
    parts = [whole]
    while parts:
        part = parts.pop()
        part.stack[:] = [frame for frame in part.stack if frame.filename == "main.py"]
        parts += [each for each in (part.__cause__, part.__context__) if each is not None]
    return "".join(whole.format() if whole.stack else whole.format_exception_only()).rstrip("\n")


def run_with_tools(source):
    from pytest_codeact.tools import FinalAnswer, Toolbox, python_api, tools_of
    from scenarios.accounting.ledger import Ledger

    ledger = Ledger()
    toolbox = Toolbox(ledger)
    answers = []

    class ToolError(Exception):
        """As a program knows it."""

    ToolError.__module__, ToolError.__qualname__ = "builtins", "ToolError"

    def stub(name):
        def call(*args, **kwargs):
            record = toolbox.call_bound(name, list(args), kwargs)
            if record.error is not None:
                raise ToolError(record.error) from None
            return record.result

        call.__name__ = call.__qualname__ = name
        return call

    def final_answer(answer):
        answers.append(answer)
        raise FinalError

    def bind(namespace):
        api = python_api(tools_of(Ledger), FinalAnswer(None))
        exec(api.declarations, namespace)
        declared = {name: each for name, each in namespace.items() if not name.startswith("_")}
        functions = {tool.name: stub(tool.name) for tool in tools_of(Ledger)}
        module = sys.modules["tools"] = types.ModuleType("tools")
        vars(module).update({**declared, **functions, "ToolError": ToolError, "final_answer": final_answer})
        namespace.update({**functions, "ToolError": ToolError, "final_answer": final_answer, "tools": module})

    return (*run(source, bind), answers[0] if answers else None, ledger.end_state())


def forked(function, *arguments):
    # Of its own process: a program may leave handlers, filters and limits behind.
    reader, writer = os.pipe()
    if os.fork() == 0:
        with open(writer, "w", encoding="utf-8") as file:
            json.dump(function(*arguments), file)
        os._exit(0)
    os.close(writer)
    with open(reader, encoding="utf-8") as file:
        outcome = json.load(file)
    os.wait()
    return outcome


if __name__ == "__main__":
    chosen = run_with_tools if "--accounting" in sys.argv else run
    results = {}
    for path in sys.argv[1:]:
        if path != "--accounting":
            with open(path, encoding="utf-8") as file:
                results[path] = forked(chosen, file.read())
    print(json.dumps(results))

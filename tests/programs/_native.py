"""Runs programs, given by path, under plain Python and prints what came of each as JSON: output, value, error."""

import ast
import asyncio
import contextlib
import io
import json
import linecache
import sys
import traceback
import types


def run(source):
    out, value, error = io.StringIO(), None, None
    # A file of that name, for the compiler to quote.
    with open("main.py", "w", encoding="utf-8") as file:
        file.write(source)
    linecache.clearcache()
    sys.modules["__main__"] = main = types.ModuleType("__main__")
    try:
        tree = ast.parse(source, "main.py")
        if tree.body and isinstance(last := tree.body[-1], ast.Expr):
            tree.body[-1] = ast.copy_location(ast.Assign([ast.Name("FINAL", ast.Store())], last.value), last)
            ast.fix_missing_locations(tree)
        code = compile(tree, "main.py", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        with contextlib.redirect_stdout(out):
            coroutine = eval(code, vars(main))
            if coroutine is not None:
                asyncio.run(coroutine)
        value = vars(main).get("FINAL")
    except BaseException as raised:
        error = report(raised)
    return out.getvalue(), None if value is None else repr(value), error


def report(raised):
    whole = traceback.TracebackException.from_exception(raised, compact=True)
    parts = [whole]
    while parts:
        part = parts.pop()
        part.stack[:] = [frame for frame in part.stack if frame.filename == "main.py"]
        parts += [each for each in (part.__cause__, part.__context__) if each is not None]
    return "".join(whole.format() if whole.stack else whole.format_exception_only()).rstrip("\n")


if __name__ == "__main__":
    results = {}
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            results[path] = run(file.read())
    print(json.dumps(results))

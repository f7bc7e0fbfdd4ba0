"""
What the runtime seam promises besides running programs: one function per promise, which says what was not kept.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

from pytest_codeact.errors import SandboxError
from pytest_codeact.runtimes import LEVELS, Bindings, CallReply, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_codeact.runtimes import Execution, Interpreter, Runtime, RuntimeFactory
    from pytest_codeact.testing._effects import Host

    Promise: TypeAlias = Callable[[RuntimeFactory, Runtime, Host], str]

_PLENTY: Final = Limits(wall_s=10.0)
_BRIEF: Final = Limits(wall_s=0.5)

_PYTHON: Final = {
    "set": "kept = 41",
    "change": "kept += 1\nprint(kept)",
    "print kept": "print(kept)",
    "loop": "print('before')\nwhile True:\n    pass",
    "hello": "print('hello')",
    "final": "print('before')\nfinal_answer(7)\nprint('after')",
    "catch final": "try:\n    final_answer(7)\nexcept BaseException:\n    pass\nprint('after')",
    "call": "print(echo('a')), send_report(text='b', rows=[1, None, {'k': 2.5}]) and None",
    "change result": "o = get_order(1)\no['items'].append('x')\no['total'] = 0\no.clear()\n"
    "print(get_order(1)['total'])",
    "change argument": "rows = [1]\nsend_report(text='t', rows=rows)\nrows.append(2)\nprint(len(rows))",
    "fail tool": "raising_tool()",
    "unknown tool": "tools.no_such_tool()",
    "rest": "rest()\nprint('rested')",
    "long output": "for i in range(3000):\n    print('x' * 60)\nprint('the end')",
    "raise": "def f():\n    raise ValueError('broken here')\nf()",
    "syntax": "x = = 1",
    "number": "n = NUMBER\nprint(n * n, get_order(1 + n % 5)['id'])",
    "declared": "row: Row = {'id': 3}\nprint(row['id'])",
    "declarations": "from typing import TypedDict\nclass Row(TypedDict):\n    id: int\n",
}
_TYPESCRIPT: Final = {
    "set": "let kept = 41;",
    "change": "kept += 1;\nconsole.log(kept);",
    "print kept": "console.log(kept);",
    "loop": "console.log('before');\nwhile (true) {}",
    "hello": "console.log('hello');",
    "final": "console.log('before');\nawait final_answer(7);\nconsole.log('after');",
    "catch final": "try {\n  await final_answer(7);\n} catch {}\nconsole.log('after');",
    "call": "console.log(await tools.echo({ value: 'a' }));\n"
    "await tools.send_report({ text: 'b', rows: [1, null, { k: 2.5 }] });",
    "change result": "const o = await tools.get_order({ order_id: 1 });\no.items.push('x');\no.total = 0;\n"
    "console.log((await tools.get_order({ order_id: 1 })).total);",
    "change argument": "const rows = [1];\nawait tools.send_report({ text: 't', rows });\nrows.push(2);\n"
    "console.log(rows.length);",
    "fail tool": "await tools.raising_tool({});",
    "unknown tool": "await tools.no_such_tool({});",
    "rest": "await tools.rest({});\nconsole.log('rested');",
    "long output": "for (let i = 0; i < 3000; i++) console.log('x'.repeat(60));\nconsole.log('the end');",
    "raise": "function f() {\n  throw new Error('broken here');\n}\nf();",
    "syntax": "let x = = 1;",
    "number": "const n = NUMBER;\nconsole.log(n * n, (await tools.get_order({ order_id: 1 + n % 5 })).id);",
    "declared": "const row: Row = { id: 3 };\nconsole.log(row.id);",
    "declarations": "interface Row {\n  id: number;\n}\n",
}
_SNIPPETS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType({"python": _PYTHON, "typescript": _TYPESCRIPT})
"""What promises are asked with, by language and by what it does."""

_SESSIONS: Final = 8
_MACHINERY: Final = ("pytest_codeact", "site-packages", "/proc/")
"""What no text that the model is shown may hold: it speaks of its own file and lines alone."""


class _Session:
    """A session that is closed at the end of a `with`, and knows the snippets of its language."""

    def __init__(self, runtime: Runtime, bindings: Bindings, limits: Limits = _PLENTY) -> None:
        self.interpreter: Interpreter = runtime.start(bindings, limits)
        self._snippets = _SNIPPETS[runtime.language]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.interpreter.close()

    def run(self, snippet: str) -> Execution:
        return self.interpreter.run(self._snippets[snippet])


def _printed(execution: Execution, expected: str, when: str) -> str:
    if execution.status == "ok" and execution.output == expected:
        return ""
    return (
        f"{when}: it ended as {execution.status!r} and printed {execution.output!r:.200}; expected: {expected!r}; "
        f"{(execution.error or '')[-200:]}"
    )


def _variables_persist(_make: RuntimeFactory, runtime: Runtime, host: Host) -> str:
    with _Session(runtime, host.bindings()) as session:
        session.run("set")
        return _printed(session.run("change"), "42\n", "a variable of an earlier program")


def _variables_outlive_an_error(_make: RuntimeFactory, runtime: Runtime, host: Host) -> str:
    with _Session(runtime, host.bindings()) as session:
        session.run("set")
        session.run("raise")
        session.run("syntax")
        return _printed(session.run("change"), "42\n", "a variable after a program that failed")


def _sessions_are_apart(_make: RuntimeFactory, runtime: Runtime, host: Host) -> str:
    with _Session(runtime, host.bindings()) as one, _Session(runtime, host.bindings()) as other:
        one.run("set")
        execution = other.run("print kept")
        return "" if execution.status == "error" else "a session sees the variables of another"


def _fresh_after_a_limit(_make: RuntimeFactory, runtime: Runtime, host: Host) -> str:
    with _Session(runtime, host.bindings(), _BRIEF) as session:
        session.run("set")
        stopped = session.run("loop")
        if stopped.status != "limit" or "restarted" not in (stopped.error or ""):
            return f"an endless program ended as {stopped.status!r}: {stopped.error!r:.200}"
        if "before" not in stopped.output:
            return "what an endless program had printed is lost"
        if session.run("print kept").status != "error":
            return "a variable outlived the interpreter"
        return _printed(session.run("hello"), "hello\n", "a program after a limit")


def _final_answer_ends(_make: RuntimeFactory, runtime: Runtime, host: Host) -> str:
    with _Session(runtime, host.bindings()) as session:
        execution = session.run("final")
        if (execution.status, execution.output) != ("final", "before\n"):
            return f"final_answer: it ended as {execution.status!r} and printed {execution.output!r:.200}"
    ended = [call for call in host.calls.made if call[0] == "final_answer"]
    allowed: list[list[Any]] = [[("final_answer", [7], {})], [("final_answer", [], {"answer": 7})]]
    return "" if ended in allowed else f"final_answer was called with {ended!r:.200}"


def _final_answer_cannot_be_caught(_make: RuntimeFactory, runtime: Runtime, host: Host) -> str:
    with _Session(runtime, host.bindings()) as session:
        execution = session.run("catch final")
        return "" if (execution.status, execution.output) == ("final", "") else "a program ran on after final_answer"


def _arguments_arrive(_make: RuntimeFactory, runtime: Runtime, host: Host) -> str:
    with _Session(runtime, host.bindings()) as session:
        session.run("call")
    rows = [1, None, {"k": 2.5}]
    python = [("echo", ["a"], {}), ("send_report", [], {"text": "b", "rows": rows})]
    named = [("echo", [], {"value": "a"}), python[1]]
    return "" if host.calls.made in (python, named) else f"the calls that arrived: {host.calls.made!r:.300}"


def _results_are_copies(_make: RuntimeFactory, runtime: Runtime, host: Host) -> str:
    with _Session(runtime, host.bindings()) as session:
        printed = _printed(session.run("change result"), "10.5\n", "a result asked for again after it was changed")
    return printed or "; ".join(host.calls.problems())


def _arguments_are_copies(_make: RuntimeFactory, runtime: Runtime, host: Host) -> str:
    with _Session(runtime, host.bindings()) as session:
        printed = _printed(session.run("change argument"), "2\n", "an argument changed after the call")
    return printed or "; ".join(host.calls.problems())


def _tool_error_is_told(_make: RuntimeFactory, runtime: Runtime, host: Host) -> str:
    with _Session(runtime, host.bindings()) as session:
        failed, unknown = session.run("fail tool"), session.run("unknown tool")
    if failed.status != "error" or "the warehouse is closed" not in (failed.error or ""):
        return f"a tool's error: {failed.status!r}: {failed.error!r:.200}"
    if unknown.status != "error" or "no_such_tool" not in (unknown.error or ""):
        return f"a call of an unknown tool: {unknown.status!r}: {unknown.error!r:.200}"
    return ""


def _tool_time_is_not_the_programs(_make: RuntimeFactory, runtime: Runtime, _host: Host) -> str:
    def rest(*_call: Any) -> CallReply:
        threading.Event().wait(2 * _BRIEF.wall_s)
        return CallReply()

    with _Session(runtime, Bindings(functions=("rest",), call=rest), _BRIEF) as session:
        return _printed(session.run("rest"), "rested\n", "a program whose tool takes longer than its own time")


def _output_is_cut(_make: RuntimeFactory, runtime: Runtime, host: Host) -> str:
    with _Session(runtime, host.bindings()) as session:
        execution = session.run("long output")
    if len(execution.output) > _PLENTY.output_bytes or "left out" not in execution.output:
        return f"{len(execution.output)} characters of output are shown; allowed: {_PLENTY.output_bytes}, with a note"
    return "" if execution.output.endswith("the end\n") else "the end of long output is not shown"


def _errors_are_told(_make: RuntimeFactory, runtime: Runtime, host: Host) -> str:
    with _Session(runtime, host.bindings()) as session:
        failed, unread = session.run("raise"), session.run("syntax")
    for execution, line in ((failed, "2"), (unread, "1")):
        error = execution.error or ""
        if execution.status != "error" or line not in error:
            return f"an error that does not say its line: {execution.status!r}: {error!r:.300}"
        if any(word in error for word in _MACHINERY):
            return f"an error that shows the sandbox's own files: {error!r:.300}"
    return "" if "broken here" in (failed.error or "") else f"the text of an error is lost: {failed.error!r:.200}"


def _declarations_are_known(_make: RuntimeFactory, runtime: Runtime, host: Host) -> str:
    declarations = _SNIPPETS[runtime.language]["declarations"]
    bindings = Bindings(functions=("echo",), call=host.bindings().call, declarations=declarations)
    with _Session(runtime, bindings) as session:
        return _printed(session.run("declared"), "3\n", "a program that names a declared type")


def _many_at_a_time(_make: RuntimeFactory, runtime: Runtime, host: Host) -> str:
    def one(number: int) -> str:
        source = _SNIPPETS[runtime.language]["number"].replace("NUMBER", str(number))
        with _Session(runtime, host.bindings()) as session:
            expected = f"{number * number} {1 + number % 5}\n"
            return _printed(session.interpreter.run(source), expected, f"session {number} of {_SESSIONS}")

    with ThreadPoolExecutor(_SESSIONS) as threads:
        return "; ".join(filter(None, threads.map(one, range(_SESSIONS))))


def _close_may_be_repeated(make: RuntimeFactory, _runtime: Runtime, host: Host) -> str:
    runtime = make()
    try:
        session = runtime.start(host.bindings(), _PLENTY)
        unused = runtime.start(host.bindings(), _PLENTY)
        session.run(_SNIPPETS[runtime.language]["hello"])
        for _ in range(2):
            session.close()
            unused.close()
    finally:
        runtime.close()
    runtime.close()
    return _still_runs(session, runtime.language)


def _still_runs(session: Interpreter, language: str) -> str:
    try:
        session.run(_SNIPPETS[language]["hello"])
    except SandboxError:
        return ""
    return "a closed session runs programs; it must raise SandboxError"


def _closed_runtime_starts_nothing(make: RuntimeFactory, _runtime: Runtime, host: Host) -> str:
    runtime = make()
    runtime.close()
    try:
        runtime.start(host.bindings(), _PLENTY).run(_SNIPPETS[runtime.language]["hello"])
    except SandboxError:
        return ""
    return "a closed runtime runs programs; it must raise SandboxError"


def _nothing_is_left(make: RuntimeFactory, _runtime: Runtime, host: Host) -> str:
    before = host.footprint()
    threads_before = threading.active_count()
    runtime = make()
    try:
        session = runtime.start(host.bindings(), _BRIEF)
        for snippet in ("hello", "loop", "hello"):
            session.run(_SNIPPETS[runtime.language][snippet])
        # Left open on purpose: closing the runtime ends its sessions.
    finally:
        runtime.close()
    found = host.leftovers(before)
    if threading.active_count() > threads_before:
        found.append(f"{threading.active_count() - threads_before} threads are left")
    return "; ".join(found)


def _confinement_is_known(_make: RuntimeFactory, runtime: Runtime, _host: Host) -> str:
    found = runtime.confinement()
    if found.level not in LEVELS:
        return f"the level {found.level!r}; allowed: {', '.join(LEVELS)}"
    return "" if found.level == "D" or found.layers else f"level {found.level} with no layer named"


PROMISES: Final[Mapping[str, Promise]] = MappingProxyType(
    {
        "variables-persist": _variables_persist,
        "variables-outlive-an-error": _variables_outlive_an_error,
        "sessions-are-apart": _sessions_are_apart,
        "fresh-after-a-limit": _fresh_after_a_limit,
        "final-answer-ends": _final_answer_ends,
        "final-answer-cannot-be-caught": _final_answer_cannot_be_caught,
        "arguments-arrive": _arguments_arrive,
        "results-are-copies": _results_are_copies,
        "arguments-are-copies": _arguments_are_copies,
        "tool-error-is-told": _tool_error_is_told,
        "tool-time-is-not-the-programs": _tool_time_is_not_the_programs,
        "output-is-cut": _output_is_cut,
        "errors-are-told": _errors_are_told,
        "declarations-are-known": _declarations_are_known,
        "many-at-a-time": _many_at_a_time,
        "close-may-be-repeated": _close_may_be_repeated,
        "closed-runtime-starts-nothing": _closed_runtime_starts_nothing,
        "nothing-is-left": _nothing_is_left,
        "confinement-is-known": _confinement_is_known,
    }
)
"""Every promise by name, in the order of the suite. Each gives "" if it was kept, else what happened."""

"""
The arm `code`: one tool, `run_code`, and a typed Python API of the scenario's tools.
"""

from __future__ import annotations

from typing import Final

from pytest_codeact.arms import Answer, Bench, Observation, Offer, answer_from_text
from pytest_codeact.errors import ToolError
from pytest_codeact.records import CodeStatus, Json, Message, ToolCall, ToolResult, ToolSpec
from pytest_codeact.runtimes import Bindings, CallReply, Execution, Interpreter
from pytest_codeact.tools import python_api

RUN_CODE: Final = ToolSpec(
    name="run_code",
    description="Run a Python program against the API. Returns what it prints and the value of its last expression.",
    parameters={
        "type": "object",
        "properties": {"code": {"type": "string", "description": "The program."}},
        "required": ["code"],
        "additionalProperties": False,
    },
)

_SYSTEM: Final = """\
Carry out the user's task by writing Python programs that call the API below; run them with run_code. \
Variables and functions stay defined from one program to the next. A program that fails returns its error; \
what it did before the error stays done. When the task is done, call final_answer(...) in a program with the \
answer; it ends the task.

The API, already imported (also as the module `tools`):

"""
_SILENT: Final = "(the program ended without error and printed nothing)"


class CodeArm:
    """The model acts by programs. They share one interpreter per trial, which runs before the first turn begins."""

    def __init__(self) -> None:
        self._interpreter: Interpreter | None = None
        self._answer: Answer | None = None

    def offer(self, bench: Bench) -> Offer:
        """Offer `run_code`, and the API as part of the system prompt."""
        api = python_api(bench.toolbox.tools, bench.final)
        # Started here, the sandbox is no latency of the first turn, as making the model's client is none.
        self._session(bench).prepare()
        # One program per reply, as in the CodeAct paper: the second could not have seen the first one's output.
        return Offer(system=_SYSTEM + api.text, tools=(RUN_CODE,), parallel_tool_calls=False)

    def act(self, reply: Message, bench: Bench) -> Observation:
        """Run the programs in order, up to one that calls `final_answer`."""
        if not reply.tool_calls:
            return Observation(answer=answer_from_text(reply.text, bench.final))
        results: list[ToolResult] = []
        statuses: list[CodeStatus] = []
        for call in reply.tool_calls:
            program = _program(call)
            if program is None:
                results.append(_misused(call))
                if call.name == RUN_CODE.name:
                    statuses.append("error")
                continue
            execution = self._session(bench).run(program)
            statuses.append(execution.status)
            if execution.status == "final":
                return Observation(results=tuple(results), answer=self._answer, code_statuses=tuple(statuses))
            results.append(_observed(call, execution))
        return Observation(results=tuple(results), code_statuses=tuple(statuses))

    def _session(self, bench: Bench) -> Interpreter:
        if self._interpreter is None:
            api = python_api(bench.toolbox.tools, bench.final)
            names = (*(tool.name for tool in bench.toolbox.tools), bench.final.spec.name)

            def call(name: str, args: list[Json], kwargs: dict[str, Json]) -> CallReply:
                return self._call(bench, name, args, kwargs)

            self._interpreter = bench.sandbox.start(
                Bindings(functions=names, call=call, declarations=api.declarations), "python"
            )
        return self._interpreter

    def _call(self, bench: Bench, name: str, args: list[Json], kwargs: dict[str, Json]) -> CallReply:
        if name != bench.final.spec.name:
            record = bench.toolbox.call_bound(name, args, kwargs)
            return CallReply(value=record.result, error=record.error)
        try:
            self._answer = Answer(value=bench.final.check_value(bench.final.bind(args, kwargs)))
        except ToolError as error:
            return CallReply(error=str(error))
        return CallReply(final=True)


def _program(call: ToolCall) -> str | None:
    if call.name != RUN_CODE.name or not isinstance(call.arguments, dict) or set(call.arguments) != {"code"}:
        return None
    code = call.arguments["code"]
    return code if isinstance(code, str) else None


def _misused(call: ToolCall) -> ToolResult:
    if call.name == RUN_CODE.name:
        text = f"run_code takes one argument, 'code', a text; got {call.arguments!r:.200}"
    else:
        text = f"unknown tool {call.name!r}; the only tool is 'run_code'; call the API from a program"
    return ToolResult(call_id=call.id, name=call.name, content=text, is_error=True)


def _observed(call: ToolCall, execution: Execution) -> ToolResult:
    parts = [execution.output.rstrip("\n"), execution.value or "", execution.error or ""]
    content = "\n".join(part for part in parts if part)
    return ToolResult(call_id=call.id, name=call.name, content=content or _SILENT, is_error=execution.error is not None)

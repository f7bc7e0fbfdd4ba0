"""
The code arms, `code` and `code-ts`: one tool that runs programs, and a typed API of the scenario's tools. What the two
do not share is their `Dialect`.
"""

from __future__ import annotations

from typing import Final

from pytest_codeact.arms import Answer, Bench, Observation, Offer, answer_from_text
from pytest_codeact.arms._dialect import PYTHON, TYPESCRIPT, Dialect
from pytest_codeact.errors import ToolError
from pytest_codeact.records import CodeStatus, Json, Message, ToolCall, ToolResult
from pytest_codeact.runtimes import Bindings, CallReply, Execution, Interpreter

__all__ = ["PYTHON", "TYPESCRIPT", "CodeArm", "Dialect"]

_SILENT: Final = "(the program ended without error and printed nothing)"


class CodeArm:
    """
    The model acts by programs. They share one interpreter per trial, which runs before the first turn begins.

    Args:
        dialect: What they are written in, and how the model is told of it.
    """

    def __init__(self, dialect: Dialect = PYTHON) -> None:
        self._dialect = dialect
        self._interpreter: Interpreter | None = None
        self._answer: Answer | None = None

    def offer(self, bench: Bench) -> Offer:
        """Offer the tool that runs programs, and the API as part of the system prompt."""
        dialect, api = self._dialect, self._dialect.api(bench.toolbox.tools, bench.final)
        # Started here, the sandbox is no latency of the first turn, as making the model's client is none.
        self._session(bench).prepare()
        # One program per reply, as in the CodeAct paper: the second could not have seen the first one's output.
        return Offer(system=dialect.instructions + api.text, tools=(dialect.run,), parallel_tool_calls=False)

    def act(self, reply: Message, bench: Bench) -> Observation:
        """Run the programs in order, up to one that calls `final_answer`."""
        if not reply.tool_calls:
            return Observation(answer=answer_from_text(reply.text, bench.final))
        results: list[ToolResult] = []
        statuses: list[CodeStatus] = []
        for call in reply.tool_calls:
            program = self._program(call)
            if program is None:
                results.append(self._misused(call))
                if call.name == self._dialect.run.name:
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
            api = self._dialect.api(bench.toolbox.tools, bench.final)
            names = (*(tool.name for tool in bench.toolbox.tools), bench.final.spec.name)

            def call(name: str, args: list[Json], kwargs: dict[str, Json]) -> CallReply:
                return self._call(bench, name, args, kwargs)

            self._interpreter = bench.sandbox.start(
                Bindings(functions=names, call=call, declarations=api.declarations), self._dialect.language
            )
        return self._interpreter

    def _call(self, bench: Bench, name: str, args: list[Json], kwargs: dict[str, Json]) -> CallReply:
        if name != bench.final.spec.name:
            record = bench.toolbox.call_bound(name, *self._dialect.bound(args, kwargs))
            return CallReply(value=record.result, error=record.error)
        try:
            self._answer = Answer(value=bench.final.check_value(bench.final.bind(args, kwargs)))
        except ToolError as error:
            return CallReply(error=str(error))
        return CallReply(final=True)

    def _program(self, call: ToolCall) -> str | None:
        arguments = call.arguments
        if call.name != self._dialect.run.name or not isinstance(arguments, dict) or set(arguments) != {"code"}:
            return None
        code = arguments["code"]
        return code if isinstance(code, str) else None

    def _misused(self, call: ToolCall) -> ToolResult:
        run = self._dialect.run.name
        if call.name == run:
            text = f"{run} takes one argument, 'code', a text; got {call.arguments!r:.200}"
        else:
            text = f"unknown tool {call.name!r}; the only tool is {run!r}; call the API from a program"
        return ToolResult(call_id=call.id, name=call.name, content=text, is_error=True)


def _observed(call: ToolCall, execution: Execution) -> ToolResult:
    parts = [execution.output.rstrip("\n"), execution.value or "", execution.error or ""]
    content = "\n".join(part for part in parts if part)
    return ToolResult(call_id=call.id, name=call.name, content=content or _SILENT, is_error=execution.error is not None)

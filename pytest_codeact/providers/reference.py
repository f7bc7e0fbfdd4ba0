"""
The reference model: a deterministic policy that carries out a scenario's reference solution in any arm.

It holds no state between requests. Each reply is derived from the conversation in the request and the solution:
in a code arm the solution's source is the program (in TypeScript one that the author wrote beside it); elsewhere the
solution is run again against the tool results so far, and the calls that it makes next are the reply. It tests the
harness and measures the formats. It is no evidence about a language model.
"""

from __future__ import annotations

import itertools
import json
import keyword
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Literal, TypeAlias

from pytest_codeact.errors import ProviderError, ScenarioError, SolutionError
from pytest_codeact.providers import Reply
from pytest_codeact.providers._replay import Progress, answered_calls, replay
from pytest_codeact.providers._source import (
    ALLOWED_NAMES,
    RESERVED_NAMES,
    check_solution,
    described,
    solution_source,
)
from pytest_codeact.providers._tekken import TokenCounter, load_counter
from pytest_codeact.records import Json, Message, ToolCall, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_codeact.providers import ModelContext, Request, Solution
    from pytest_codeact.records import ToolResult

__all__ = ["ReferenceModel", "calling", "check_solution", "reference_model", "solution_source"]

RUN_CODE: Final = "run_code"
"""Name of the tool that makes an arm a code arm. It takes one argument, `code`: the program, in Python."""

RUN_TYPESCRIPT: Final = "run_typescript"
"""The same for programs in TypeScript. A request says the language by nothing else."""

FINAL_ANSWER: Final = "final_answer"
"""Name of the tool, and of the function in programs, that takes the answer: one argument, `answer`."""

_Call: TypeAlias = "tuple[str, dict[str, Json]]"
_Calls: TypeAlias = "tuple[_Call, ...]"


def reference_model(context: ModelContext) -> ReferenceModel:
    """
    Make the reference model of one trial.

    Args:
        context: `model` is "" or one of `ReferenceModel.FAULTS`.

    Raises:
        ScenarioError: The scenario has no reference solution.
        SolutionError: The solution cannot drive every arm; see `check_solution`.
        ProviderError: The fault is unknown.
    """
    if context.model and context.model not in ReferenceModel.FAULTS:
        known = ", ".join(repr(each) for each in ReferenceModel.FAULTS)
        raise ProviderError(
            f"unknown fault {context.model!r} of the reference model; known faults: {known}; for none, "
            "use --codeact-model=reference"
        )
    if context.solution is None:
        raise ScenarioError(
            "the scenario has no reference solution, and offline runs need one; add reference=... to its marker, "
            "or choose a live model with --codeact-model"
        )
    check_solution(context.solution.function)
    # Loaded here, the vocabulary does not count as the first reply's latency.
    load_counter()
    return ReferenceModel(solution=context.solution, fault=context.model, seed=context.seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceModel:
    """
    A `Provider` that acts by a scenario's reference solution.

    `Request.max_output_tokens` does not bind it.

    Attributes:
        solution: The reference solution.
        fault: What it does wrong in its first reply, one of `FAULTS`; afterwards it carries on properly. "" for
            nothing.
        seed: Seed of the fault's details.
        deadline_s: Seconds that one run of the solution may take.
        counter_loader: Gives the token counter, or None if its vocabulary is not installed: usage is unknown
            then. Called for every reply, and expected to remember.
    """

    FAULTS: ClassVar[tuple[str, ...]] = ("wrong-argument", "unknown-tool", "buggy-program", "early-answer")
    """
    * "wrong-argument": one of the first calls, with the name of an argument misspelt, on its own;
    * "unknown-tool": one of the first calls, to a tool that does not exist, on its own;
    * "buggy-program": a program that fails before its first tool call; no fault where no code is run;
    * "early-answer": "Done." without having done anything.

    The first two need a solution that calls a tool. In a code arm the call stands before the program.
    """

    solution: Solution
    fault: str = ""
    seed: int = 0
    deadline_s: float = 10.0
    counter_loader: Callable[[], TokenCounter | None] = load_counter

    def complete(self, request: Request) -> Reply:
        """
        Answer one request. Equal requests get equal replies, from any instance.

        Raises:
            SolutionError: The reference solution raised, did not end, did not repeat itself, or its program
                failed in the sandbox.
            ScenarioError: The arm runs TypeScript, and the scenario has no solution in it.
            ProviderError: The arm offers neither a tool that runs programs nor the tools that the solution calls.
        """
        asked_at = time.perf_counter()
        message = self._message(request)
        # Taken here: counting tokens is metering, and a vendor's model does none of it on the user's time.
        model_s = time.perf_counter() - asked_at
        counter = self.counter_loader()
        usage = None
        if counter is not None:
            usage = Usage(
                input_tokens=counter.count_request(request),
                output_tokens=counter.count_reply(message),
                counted_by=counter.name,
            )
        stop: Literal["tool_calls", "end"] = "tool_calls" if message.tool_calls else "end"
        return Reply(message=message, stop=stop, usage=usage, mode="reference", model_s=model_s)

    def _message(self, request: Request) -> Message:
        fault = self.fault if all(message.role != "assistant" for message in request.messages) else ""
        offered = {tool.name for tool in request.tools}
        if fault == "early-answer":
            return Message(role="assistant", text="Done.")
        if RUN_CODE in offered:
            return calling(request, ((RUN_CODE, {"code": self._program(request, fault, self._python())}),))
        if RUN_TYPESCRIPT in offered:
            return calling(request, ((RUN_TYPESCRIPT, {"code": self._program(request, fault, self._typescript())}),))
        progress = self._progress(request)
        if missing := [name for name, _ in progress.calls if name not in offered]:
            raise ProviderError(
                f"the reference model cannot act in this arm: it would call {missing[0]!r}, but the tools offered "
                f"are {_listed(offered)}; it can act where {RUN_CODE!r}, {RUN_TYPESCRIPT!r} or the scenario's tools "
                "are offered"
            )
        if progress.calls:
            mistake = self._mistaken_call(progress.calls, fault)
            return calling(request, progress.calls if mistake is None else (mistake,))
        if FINAL_ANSWER in offered:
            return calling(request, ((FINAL_ANSWER, {"answer": progress.answer}),))
        return Message(role="assistant", text=_as_text(progress.answer))

    def _progress(self, request: Request) -> Progress:
        """Run the solution against what the conversation holds."""
        answered = answered_calls(request.messages)
        answer = next((result for call, result in answered if call.name == FINAL_ANSWER), None)
        if answer is not None and answer.is_error:
            raise self._error(
                f"returned an answer that {FINAL_ANSWER} refuses: {answer.content}; it must return what the "
                "scenario's answer type says"
            )
        if answer is not None:
            raise self._error(f"had its answer accepted and was asked again; {FINAL_ANSWER} must end the trial")
        return replay(self.solution, answered, parallel=request.parallel_tool_calls, deadline_s=self.deadline_s)

    def _python(self) -> _Written:
        source = solution_source(self.solution.function)
        return _Written(
            program=source.program(),
            buggy=lambda: source.program(self._misspelt(source.name)),
            statement=_python_statement,
            advice="Mend it if it fails in the direct arm as well; if it does not, the sandbox is at fault: report it.",
        )

    def _typescript(self) -> _Written:
        program = self.solution.typescript
        if program is None:
            raise ScenarioError(
                "the scenario has no TypeScript solution; add reference_ts=... to its marker, or leave the arm "
                "'code-ts' out"
            )
        return _Written(
            program=program,
            buggy=lambda: f"console.log({self._misspelt('tools')});\n\n{program}",
            statement=_typescript_statement,
            advice="Mend reference_ts in the scenario's marker; if it is right, the sandbox is at fault: report it.",
        )

    def _program(self, request: Request, fault: str, written: _Written) -> str:
        """Give the program to run next: the solution's source, with a mistake in front or in it for a fault."""
        if fault == "buggy-program":
            return written.buggy()
        if fault:
            first = replay(self.solution, (), parallel=True, deadline_s=self.deadline_s)
            mistake = self._mistaken_call(first.calls, fault)
            return written.program if mistake is None else f"{written.statement(*mistake)}\n\n{written.program}"
        for call, result in answered_calls(request.messages)[-1:]:
            self._check_execution(call, result, written)
        return written.program

    def _check_execution(self, call: ToolCall, result: ToolResult, written: _Written) -> None:
        """Accept only the failure of a program that is not the solution's: an injected mistake."""
        if not result.is_error:
            raise self._error(
                f"ran as a program to its end, but its answer did not end the trial; the sandbox showed: "
                f"{result.content!r}"
            )
        if call.arguments == {"code": written.program}:
            raise self._error(f"failed as a program:\n{result.content}\n{written.advice}")

    def _mistaken_call(self, calls: _Calls, fault: str) -> _Call | None:
        """Give one of the calls with the mistake of the fault. None if the fault is not one of calls."""
        if fault not in {"wrong-argument", "unknown-tool"} or not calls:
            return None
        draw = self._draw()
        name, arguments = draw.choice(calls)
        if fault == "unknown-tool":
            return self._misspelt(name), arguments
        if not arguments:
            return name, {self._misspelt("argument"): True}
        chosen = draw.choice(sorted(arguments))
        return name, {self._misspelt(key) if key == chosen else key: arguments[key] for key in arguments}

    def _misspelt(self, name: str) -> str:
        """Give a name that no tool, parameter or builtin has, by two letters that changed places if possible."""
        parameters = self.solution.parameters
        known = {name, *parameters, *itertools.chain(*parameters.values()), *ALLOWED_NAMES, *RESERVED_NAMES}
        swapped = {name[:at] + name[at + 1] + name[at] + name[at + 2 :] for at in range(len(name) - 1)}
        usable = [each for each in swapped - known if each.isidentifier() and not keyword.iskeyword(each)]
        while not usable:
            name += "x"
            usable = [name] if name not in known else []
        return self._draw().choice(sorted(usable))

    def _draw(self) -> random.Random:
        return random.Random(self.seed)  # noqa: S311 - repeatable draws are wanted, not secure ones

    def _error(self, complaint: str) -> SolutionError:
        return SolutionError(f"reference solution {described(self.solution.function)} {complaint}")


def calling(request: Request, calls: _Calls) -> Message:
    """Make the message that asks for these calls, with ids that the conversation does not hold."""
    used = {call.id for message in request.messages for call in message.tool_calls}
    # Nine letters and digits: the only form that every provider's protocol takes.
    free = (each for number in itertools.count(len(used) + 1) if (each := f"call{number:05d}") not in used)
    return Message(
        role="assistant",
        tool_calls=tuple(
            ToolCall(id=call_id, name=name, arguments=arguments)
            for (name, arguments), call_id in zip(calls, free, strict=False)
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """
    The solution as programs of one language.

    Attributes:
        program: As it is.
        buggy: Gives one that fails before its first tool call.
        statement: Writes one call of a tool.
        advice: What to do if the program fails.
    """

    program: str
    buggy: Callable[[], str]
    statement: Callable[[str, dict[str, Json]], str]
    advice: str


def _python_statement(name: str, arguments: dict[str, Json]) -> str:
    return f"tools.{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"


def _typescript_statement(name: str, arguments: dict[str, Json]) -> str:
    return f"await tools.{name}({json.dumps(arguments, ensure_ascii=False)});"


def _as_text(answer: Json) -> str:
    return answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(repr(each) for each in sorted(names)) or "none"

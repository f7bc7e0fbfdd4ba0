"""
The model behind the protocols: the reference model with the solution of the task at hand, and its token counts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, cast

from pytest_codeact.errors import UnavailableError
from pytest_codeact.providers import Reply
from pytest_codeact.providers._tekken import load_counter
from pytest_codeact.providers.reference import ReferenceModel, calling
from pytest_codeact.records import ONE_CALL_PER_TURN, Message, Usage

if TYPE_CHECKING:
    from pytest_codeact.emulator._solutions import Solutions
    from pytest_codeact.providers import Request, Solution
    from pytest_codeact.records import Json, ToolCall, ToolResult

SHOWN_CHARACTERS: Final = 80
"""Characters of a task that the answer to an unknown one repeats."""

MISSPELT: Final = "_nope"
"""What the fault "unknown-tool" puts at the end of a tool's name."""


class EmulatedModel:
    """
    Answers any request: by its task's solution, or by saying that it knows none.

    Args:
        solutions: What it can do.

    Raises:
        UnavailableError: The tokenizer is not installed; a reply needs counts.
    """

    def __init__(self, solutions: Solutions) -> None:
        self._solutions = solutions
        counter = load_counter()
        if counter is None:
            raise UnavailableError(
                "the emulator counts tokens and finds no tokenizer; run: pip install 'pytest-codeact[emulator]'"
            )
        self._counter = counter

    def complete(self, request: Request) -> Reply:
        """
        Answer one request.

        Raises:
            ScenarioError: The task's solution is at fault.
            ProviderError: The solution cannot act with the tools that are offered.
        """
        task = task_of(request)
        solution = self._solutions.find(task)
        if solution is not None:
            return self._by_policy(solution, request)
        text = (
            f"The emulator knows no solution for this task: {task[:SHOWN_CHARACTERS]!r}. Start it with the path of the "
            "scenario, or let it learn one."
        )
        return self.counted(Reply(message=Message(role="assistant", text=text), stop="end"), request)

    def _by_policy(self, solution: Solution, request: Request) -> Reply:
        """Act by the policy, which makes no mistakes: it is shown what the conversation would be without them."""
        seen, owed = _mended(_unasked(request))
        if owed:
            asked = tuple((call.name, cast("dict[str, Json]", call.arguments)) for call in owed)
            message = calling(request, asked if seen.parallel_tool_calls else asked[:1])
            return self.counted(Reply(message=message, stop="tool_calls"), request)
        reply = ReferenceModel(solution=solution).complete(seen)
        if seen is request:
            return reply
        # Ids of calls that it was not shown are taken all the same.
        made = tuple((call.name, cast("dict[str, Json]", call.arguments)) for call in reply.message.tool_calls)
        message = calling(request, made) if made else reply.message
        return self.counted(replace(reply, message=message), request)

    def counted(self, reply: Reply, request: Request) -> Reply:
        """Give a reply with the tokens of its request and of what it says."""
        usage = Usage(
            input_tokens=self.count(request),
            output_tokens=self._counter.count_reply(reply.message),
            counted_by=self._counter.name,
        )
        return replace(reply, usage=usage, mode="reference")

    def count(self, request: Request) -> int:
        """Count the tokens of a request."""
        return self._counter.count_request(request)


def task_of(request: Request) -> str:
    """Give the text of a conversation's task."""
    return request.messages[0].text


def _unasked(request: Request) -> Request:
    """
    Give a request as though calls that were refused as one too many had not been made.

    Gemini's protocol cannot say beforehand that it wants one at a time: after the first of them the model asks for one
    call at a time, as a model would.
    """
    results = (result for message in request.messages for result in message.tool_results)
    too_many = {each.call_id for each in results if each.is_error and each.content == ONE_CALL_PER_TURN}
    if not too_many:
        return request
    answers = _answers(request)
    pairs = [
        [(call, answers.get(call.id)) for call in message.tool_calls if call.id not in too_many]
        for message in request.messages
    ]
    return replace(request, messages=_conversation(request.messages, pairs), parallel_tool_calls=False)


def _mended(request: Request) -> tuple[Request, list[ToolCall]]:
    """
    Put calls right that named a tool that there is not.

    Where the right call was made later, it takes the place of the wrong one: the order of calls is the solution's,
    though neighbours of the wrong one were carried out before. What else is of no tool that is offered is left out.

    Returns:
        The request as though that had been so from the beginning, and the right calls that are still to be made.
    """
    offered = {tool.name for tool in request.tools}
    wrong = {call.id for message in request.messages for call in message.tool_calls if call.name not in offered}
    if not wrong:
        return request, []
    owed: list[ToolCall] = []
    right: dict[str, ToolCall] = {}
    for message in request.messages:
        fresh = []
        for call in message.tool_calls:
            meant = replace(call, name=call.name.removesuffix(MISSPELT))
            made_good = next((each for each in owed if _is_same(each, meant)), None)
            if made_good is not None and call.id not in wrong:
                right[made_good.id] = call
                owed.remove(made_good)
            elif made_good is None and call.id in wrong and meant.name in offered:
                fresh.append(meant)
        owed += fresh
    answers = _answers(request)
    moved = {call.id for call in right.values()}
    pairs = []
    for message in request.messages:
        kept = [right.get(call.id, call) for call in message.tool_calls if call.id not in moved]
        pairs.append([(call, answers.get(call.id)) for call in kept if call.id not in wrong])
    return replace(request, messages=_conversation(request.messages, pairs)), owed


def _is_same(left: ToolCall, right: ToolCall) -> bool:
    return (left.name, left.arguments) == (right.name, right.arguments)


def _answers(request: Request) -> dict[str, ToolResult]:
    return {result.call_id: result for message in request.messages for result in message.tool_results}


def _conversation(
    messages: tuple[Message, ...], pairs: list[list[tuple[ToolCall, ToolResult | None]]]
) -> tuple[Message, ...]:
    """Give a conversation with other calls and results: per message of the model's its calls, and with them theirs."""
    found = []
    results: tuple[ToolResult, ...] = ()
    for message, kept in zip(messages, pairs, strict=True):
        if message.role == "assistant":
            results = tuple(result for _, result in kept if result is not None)
            found.append(replace(message, tool_calls=tuple(call for call, _ in kept)))
        else:
            found.append(replace(message, tool_results=results) if message.role == "tool" else message)
    return tuple(found)

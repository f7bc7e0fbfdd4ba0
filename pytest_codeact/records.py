"""
The values that travel between the parts: what is said to a model, what it says, and what was measured.

All are frozen. A `TrialRecord` survives a trip through JSON (`to_json`, `from_json`); it is how a trial
reaches the controller from an xdist worker.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, is_dataclass
from dataclasses import fields as dataclass_fields
from typing import Any, Final, Literal, TypeAlias

from pytest_codeact.attempt import Attempt
from pytest_codeact.attempt import Usage as Usage  # noqa: PLC0414 - it is one of these values; an error has it too
from pytest_codeact.errors import RecordError

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

Ended: TypeAlias = Literal["answered", "ill_typed_answer", "no_answer", "turn_limit", "error"]
"""
How a trial ended. "answered" says that there is an answer, not that it is right; "ill_typed_answer" that it is
not of the scenario's answer type; "no_answer" that the model refused, ran into its output limit or said nothing.
"""

CodeStatus: TypeAlias = Literal["ok", "final", "error", "denied", "limit", "crash"]
"""How a program ended. "final" called `final_answer`; "denied" met a rule of the sandbox; "crash" lost its process."""

Mode: TypeAlias = Literal["reference", "live", "replay", "mixed"]
"""Where replies came from. Runs of different modes are never compared."""

SCHEMA_VERSION: Final = 3
"""Version of the JSON form of `TrialRecord`. Raised when a reader of the old form would misread the new."""

RESULT_PREVIEW_BYTES: Final = 2_000
"""Results longer than this are left out of the JSON form of a call (`result_bytes` stays)."""

ONE_CALL_PER_TURN: Final = (
    "only one tool call per turn is allowed here; this call was not carried out; ask for it again"
)
"""
The result of a call that was one too many, where a model could not be kept from making it. The emulator knows by it, as
a model would, that nothing came of the call.
"""

_MAX_FAULT_DEPTH: Final = 40
_MAX_FAULT_PATH: Final = 100
"""How deep a value is searched for what JSON does not have, and characters of the path that a message shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """
    One tool as a model is offered it.

    Attributes:
        name: A Python identifier, unique among the tools of a request.
        description: Prose for the model. May span lines.
        parameters: JSON Schema (2020-12) of the arguments; always of type "object".
    """

    name: str
    description: str
    parameters: dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """
    A model's wish to call a tool. Not checked: the tool may not exist and the arguments may be nonsense.

    Attributes:
        id: The provider's id of the call, unique within a trial.
        name: Name of the tool as the model wrote it.
        arguments: The arguments; a JSON object if the model kept to the protocol. A string if what it
            wrote could not be parsed as JSON.
    """

    id: str
    name: str
    arguments: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """
    What the model is shown for one of its tool calls.

    Attributes:
        call_id: The `ToolCall.id` that it answers.
        name: Name of the tool.
        content: The text shown: the result as JSON, or an error in words.
        is_error: Whether `content` is an error.
    """

    call_id: str
    name: str
    content: str
    is_error: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """
    One message of a conversation.

    Attributes:
        role: Who speaks. "tool" carries `tool_results` and nothing else.
        text: The prose, "" for none.
        tool_calls: The calls an assistant asks for, in its order.
        tool_results: The results shown to it, one per call of the message before, in call order.
        native: Of an assistant's message, what its provider's protocol wants back with it beyond the other fields
            (signatures of its thoughts, say), under the provider's name. Nobody else reads it. None for nothing.
    """

    role: Literal["user", "assistant", "tool"]
    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_results: tuple[ToolResult, ...] = ()
    native: dict[str, Json] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """
    One execution of a tool that the model or its code asked for, failed ones included.

    Attributes:
        name: Name of the tool as it was asked for; it may not exist.
        arguments: The arguments as they were asked for.
        result: The result. None if it failed, returned None, or was left out of the JSON form (see
            `RESULT_PREVIEW_BYTES`).
        error: The error text shown to the model. None if the call succeeded.
        result_bytes: UTF-8 bytes of the result's JSON text, or of the error text.
        tool_s: Seconds inside validation and the tool. Excludes transport to and from a sandbox.
        origin: Whether the model called the tool itself or its program did.
    """

    name: str
    arguments: Json
    result: Json
    error: str | None
    result_bytes: int
    tool_s: float
    origin: Literal["direct", "code"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """
    One model request, its reply and what was done about it: one round trip.

    Attributes:
        index: Position in the trial. Starts at 0.
        model_s: Seconds from sending the request to the last byte of the reply; the provider's own figure where it
            gives one (`Reply.model_s`). Excludes retry waits.
        waited_s: Seconds before the attempt that brought the reply began: failed attempts, back-off, rate limits.
            0.0 if it was sent at once.
        action_s: Seconds to perform the reply's actions: tools, programs, their transport.
        usage: Tokens billed for the request. None if the provider reported none.
        tool_calls: Tool executions of this turn, failed ones included, `final_answer` excluded. They are
            the next so many entries of `TrialRecord.calls`.
        visible_result_bytes: UTF-8 bytes of what the model is shown for its actions: tool results, output
            of programs, error texts. 0 for the last turn of a trial: no request follows that would show them.
        code_statuses: How each program of this turn ended, in order; "error" for a call that was to run
            one and held none. Empty for arms that run no code.
        attempts: The failed attempts before the one that brought the reply, in order.
        request_id: The provider's id of the request, to ask it about. None if it gave none.
    """

    index: int
    model_s: float
    waited_s: float
    action_s: float
    usage: Usage | None
    tool_calls: int
    visible_result_bytes: int
    code_statuses: tuple[CodeStatus, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRecord:
    """
    Everything measured in one run of one scenario in one arm with one model.

    Attributes:
        scenario: Stable id of the scenario: the test's node id without its parameters (parameters that the
            test's author added stay).
        arm: Name of the arm.
        model: PROVIDER/MODEL as asked for, or "reference"; "custom" if it asked for the reference model and a fixture
            of the user's own put another in its place.
        trial: Number of the trial. Starts at 1.
        mode: Where the replies came from. None if there was none.
        turns: One entry per round trip, in order.
        calls: The journal: one entry per tool execution, in the order they were carried out.
        ended: How the trial ended.
        error: What went wrong, for `ended == "error"`: ours or the provider's doing. None otherwise.
        success: The validator's verdict. None if there is none: the trial ended in an error, its validator skipped
            it, or there is no ground truth to judge it by.
        worker: Name of the xdist worker that ran it. "" without xdist.
        model_version: The model's version as its provider reported it. None if it did not.
        sandbox_level: The level at which its programs were held, as of `runtimes.Level`; the least of several. None if
            no sandbox was started.
        in_flight: Trials that ran in this process when this one began, itself included. 1 unless
            `--codeact-concurrency` asks for more.
        attempts: Every attempt at the request that ended the trial as an error, in order. Empty if none did.
        sdk: Name and version of the package that spoke to the provider. None if none did, or it does not say.
        prices: Name and date of the price table by which the requests were priced. None if none was.
    """

    scenario: str
    arm: str
    model: str
    trial: int
    mode: Mode | None
    turns: tuple[Turn, ...]
    calls: tuple[CallRecord, ...]
    ended: Ended
    error: str | None = None
    success: bool | None = None
    worker: str = ""
    model_version: str | None = None
    sandbox_level: str | None = None
    in_flight: int = 1
    attempts: tuple[Attempt, ...] = ()
    sdk: str | None = None
    prices: str | None = None

    def to_json(self) -> str:
        """
        Give the record as one line of ASCII JSON.

        ASCII, so that neither a lone surrogate in a model's text nor a control character can stop it on its
        way through execnet, a file or a terminal.

        Raises:
            RecordError: A field holds what JSON does not have, put there by a provider, an arm or a runtime.
        """
        try:
            # Not by `asdict`, which copies every argument and result and takes most of the time.
            return json.dumps({"schema": SCHEMA_VERSION, **_fields(self)}, separators=(",", ":"), default=_json_form)
        except (TypeError, ValueError, RecursionError) as error:
            raise RecordError(
                f"{self.scenario}: trial {self.trial} of arm {self.arm!r}, model {self.model!r}, cannot be recorded: "
                f"{_fault(self, 'record') or error}; allowed are None, bool, int, float, str, list and dict; whoever "
                "made the value (provider, arm, runtime) must convert it"
            ) from error

    @classmethod
    def from_json(cls, text: str) -> TrialRecord:
        """
        Read what `to_json` wrote.

        Raises:
            RecordError: The text is not a record, or is one of another schema version.
        """
        try:
            fields = json.loads(text)
            version = fields.pop("schema")
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise RecordError(f"not a trial record: {text[:80]!r}; expected what TrialRecord.to_json wrote") from error
        if version != SCHEMA_VERSION:
            raise RecordError(
                f"trial record of schema {version!r}; this version reads {SCHEMA_VERSION}; "
                "run the trial again, or read it with the version that wrote it"
            )
        try:
            return cls(
                **{
                    **fields,
                    "turns": tuple(_turn(each) for each in fields["turns"]),
                    "calls": tuple(CallRecord(**each) for each in fields["calls"]),
                    "attempts": tuple(Attempt(**each) for each in fields["attempts"]),
                }
            )
        except (TypeError, KeyError) as error:
            raise RecordError(f"damaged trial record: {error}; run the trial again") from error


def message_of(fields: dict[str, Any]) -> Message:
    """
    Make a message of its fields, as JSON has them.

    Raises:
        KeyError: A field is missing.
        TypeError: A field is of another type.
    """
    return Message(
        role=fields["role"],
        text=fields["text"],
        tool_calls=tuple(ToolCall(**each) for each in fields["tool_calls"]),
        tool_results=tuple(ToolResult(**each) for each in fields["tool_results"]),
        native=fields["native"],
    )


def _fault(value: object, path: str, depth: int = 0) -> str:
    """Say where in a value something is that JSON does not have, and of which type it is. "" if it is not found."""
    faults: list[str] = []
    parts: list[tuple[str, object]] = []
    match value:
        case None | bool() | int() | float() | str():
            pass
        case _ if depth > _MAX_FAULT_DEPTH:
            faults = [f"{path[:_MAX_FAULT_PATH]}... contains itself, or is nested too deeply"]
        case dict():
            faults = [f"{path} has the key {key!r}" for key in value if _fault(key, path) or isinstance(key, tuple)]
            parts = [(f"{path}[{key!r}]", each) for key, each in value.items()]
        case list() | tuple():
            parts = [(f"{path}[{index}]", each) for index, each in enumerate(value)]
        case _ if is_dataclass(value):
            parts = [(f"{path}.{field.name}", getattr(value, field.name)) for field in dataclass_fields(value)]
        case _:
            faults = [f"{path} is a {type(value).__name__}"]
    return next(filter(None, (*faults, *(_fault(each, where, depth + 1) for where, each in parts))), "")


def _fields(value: TrialRecord | Turn | Usage | CallRecord | Attempt) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


def _json_form(value: object) -> dict[str, Any]:
    """Give the fields of a part of a record. As `json` asks, what is none raises TypeError."""
    if isinstance(value, CallRecord) and value.result_bytes > RESULT_PREVIEW_BYTES:
        return {**_fields(value), "result": None}
    if isinstance(value, Turn | Usage | CallRecord | Attempt):
        return _fields(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _turn(fields: dict[str, Any]) -> Turn:
    usage = fields["usage"]
    return Turn(
        **{
            **fields,
            "usage": usage and Usage(**usage),
            "code_statuses": tuple(fields["code_statuses"]),
            "attempts": tuple(Attempt(**each) for each in fields["attempts"]),
        },
    )

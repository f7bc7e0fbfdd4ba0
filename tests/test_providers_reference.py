"""Tests of the reference model."""

from __future__ import annotations

import asyncio
import copy
import functools
import inspect
import json
import pickle
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from pytest_codeact.errors import ProviderError, ScenarioError, SolutionError, ToolError
from pytest_codeact.providers import ModelContext, Reply, Request, Solution
from pytest_codeact.providers._replay import MAX_CALLS, _frames, place, replay
from pytest_codeact.providers._source import solution_source
from pytest_codeact.providers._tekken import TokenCounter
from pytest_codeact.providers.reference import (
    ReferenceModel,
    check_solution,
    reference_model,
)
from pytest_codeact.records import Json, Message, ToolCall, ToolResult, ToolSpec, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PARAMETERS = {"find": ("city",), "price": ("item", "count"), "book": ("item", "count"), "pay": ("amount",)}
READ_ONLY = frozenset({"find", "price"})
MODULE_NAME = "a name of this module"


class World:
    """A tiny shop: two reads, two writes, and a journal of what was called."""

    def __init__(self) -> None:
        self.journal: list[tuple[str, dict[str, Json]]] = []

    def call(self, name: str, arguments: dict[str, Json]) -> Json:
        self.journal.append((name, arguments))
        if name not in PARAMETERS:
            raise ToolError(f"unknown tool {name!r}")
        if not set(arguments) <= set(PARAMETERS[name]):
            raise ToolError(f"{name}: wrong arguments {sorted(arguments)}")
        if name == "find":
            return [f"{arguments['city']}-{number}" for number in range(3)]
        if name == "price":
            return {"item": arguments["item"], "total": 10.5 * len(str(arguments["item"]))}
        if name == "book" and arguments.get("item") == "sold out":
            raise ToolError("sold out")
        return {"done": True}


def trip(tools: Any) -> Json:
    """Book what is cheap: reads, writes, a loop and a decision."""
    near = tools.find(city="Rome")
    far = tools.find(city="Oslo")
    # Prices of one place are independent of each other.
    prices = [tools.price(item=item, count=2) for item in [*near, *far]]
    total = 0.0
    for price in prices:
        if price["total"] < 100:
            tools.book(price["item"], count=1)
            total += price["total"]
    tools.pay(amount=total)
    return {"total": total}


def failing_write(tools: Any) -> Json:
    """Handle a refusal, as code would."""
    try:
        tools.book(item="sold out", count=1)
    except ToolError as error:
        return str(error)
    return "booked"


def _no_calls(tools: Any) -> Json:
    return [1, "two", None]


def _spec(name: str, *parameters: str) -> ToolSpec:
    properties: Json = {parameter: {} for parameter in parameters}
    return ToolSpec(name=name, description="", parameters={"type": "object", "properties": properties})


TOOLS = tuple(_spec(name, *parameters) for name, parameters in PARAMETERS.items())
FINAL = _spec("final_answer", "answer")
RUN_CODE = _spec("run_code", "code")


def _solution(function: Callable[..., Json]) -> Solution:
    return Solution(function=function, parameters=PARAMETERS, read_only=READ_ONLY)


def _model(function: Callable[..., Json], fault: str = "", seed: int = 0) -> ReferenceModel:
    return reference_model(ModelContext(model=fault, solution=_solution(function), seed=seed))


def _request(
    messages: tuple[Message, ...] = (), *, tools: tuple[ToolSpec, ...] = TOOLS, parallel: bool = True
) -> Request:
    return Request(
        system="",
        messages=(Message(role="user", text="Go."), *messages),
        tools=tools,
        parallel_tool_calls=parallel,
        max_output_tokens=1000,
    )


def _answered(calls: tuple[ToolCall, ...], world: World) -> Message:
    """Carry out calls and give the message of their results."""
    results = []
    for call in calls:
        try:
            assert isinstance(call.arguments, dict)
            content, is_error = json.dumps(world.call(call.name, call.arguments)), False
        except ToolError as error:
            content, is_error = str(error), True
        results.append(ToolResult(call_id=call.id, name=call.name, content=content, is_error=is_error))
    return Message(role="tool", tool_results=tuple(results))


def _exchange(name: str, arguments: Json, content: str, *, is_error: bool = False) -> tuple[Message, Message]:
    call = ToolCall(id="call00001", name=name, arguments=arguments)
    result = ToolResult(call_id=call.id, name=name, content=content, is_error=is_error)
    return Message(role="assistant", tool_calls=(call,)), Message(role="tool", tool_results=(result,))


class Namespace:
    """The `tools` of a program that runs in the test."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __getattr__(self, name: str) -> Callable[..., Json]:
        def call(*args: Json, **kwargs: Json) -> Json:
            return self._world.call(name, {**dict(zip(PARAMETERS.get(name, ()), args, strict=False)), **kwargs})

        return call


class Finished(Exception):  # noqa: N818 - the end of a program is no error
    """Ends a program with its answer."""


def _execute(program: str, world: World) -> Json:
    """Run a program as a sandbox would, and give its answer."""

    def final_answer(answer: Json) -> None:
        raise Finished(answer)

    scope = {"tools": Namespace(world), "final_answer": final_answer, "ToolError": ToolError}
    with pytest.raises(Finished) as finished:
        exec(compile(program, "<program>", "exec", dont_inherit=True), scope)  # noqa: S102 - a sandbox stand-in
    answer: Json = finished.value.args[0]
    return answer


def _converse(
    make: Callable[[], ReferenceModel], world: World, *, tools: tuple[ToolSpec, ...] = TOOLS, parallel: bool = True
) -> list[Message]:
    """Hold a conversation in a direct arm to its end, and give the model's messages."""
    said: list[Message] = []
    messages: tuple[Message, ...] = ()
    while True:
        reply = make().complete(_request(messages, tools=tools, parallel=parallel)).message
        said.append(reply)
        if not reply.tool_calls or reply.tool_calls[0].name == "final_answer":
            return said
        messages += (reply, _answered(reply.tool_calls, world))


def _names(said: list[Message]) -> list[list[str]]:
    return [[call.name for call in message.tool_calls] for message in said]


def test_direct_arm_batches_independent_calls() -> None:
    """Calls that need no earlier result go out together; reads and writes never do."""
    said = _converse(lambda: _model(trip), World())

    assert _names(said) == [["find"] * 2, ["price"] * 6, ["book"] * 6 + ["pay"], []]
    assert said[-1] == Message(role="assistant", text='{"total": 378.0}')


def test_direct_arm_asks_for_one_call_at_a_time_without_parallel_calls() -> None:
    """The serial arm takes one round trip per call."""
    said = _converse(lambda: _model(trip), World(), parallel=False)

    assert [len(names) for names in _names(said)] == [1] * 15 + [0]


def test_every_arm_makes_the_same_calls() -> None:
    """One solution drives parallel, serial and code alike: same calls, same order, same answer."""
    parallel, serial, code = World(), World(), World()
    _converse(lambda: _model(trip), parallel)
    _converse(lambda: _model(trip), serial, parallel=False)
    reply = _model(trip).complete(_request(tools=(RUN_CODE,))).message
    answer = _execute(_program_of(reply), code)

    assert len(code.journal) == 15
    assert parallel.journal == serial.journal == code.journal
    assert answer == {"total": 378.0}


@pytest.mark.parametrize("parallel", [True, False])
@pytest.mark.parametrize("fault", ["", *ReferenceModel.FAULTS])
def test_replies_are_derived_from_the_conversation_alone(fault: str, *, parallel: bool) -> None:
    """A new model for every turn says exactly what one model says throughout."""
    model = _model(trip, fault, seed=3)
    one = _converse(lambda: model, World(), parallel=parallel, tools=(*TOOLS, FINAL))
    many = _converse(lambda: _model(trip, fault, seed=3), World(), parallel=parallel, tools=(*TOOLS, FINAL))

    assert many == one
    assert len(one) > 1 or fault == "early-answer"


def test_reads_do_not_join_writes_that_came_before() -> None:
    """The boundary holds in both directions."""

    def writes_then_reads(tools: Any) -> Json:
        tools.pay(amount=1)
        tools.pay(amount=2)
        tools.find(city="Rome")
        tools.pay(amount=3)
        return None

    said = _converse(lambda: _model(writes_then_reads), World())

    assert _names(said) == [["pay", "pay"], ["find"], ["pay"], []]
    assert said[-1].text == "null"


@pytest.mark.parametrize(
    ("function", "text"),
    [(lambda _: "A text", "A text"), (lambda _: None, "null"), (lambda _: ("ä", 1.5), '["ä", 1.5]')],
    ids=["str", "None", "json"],
)
def test_answer_as_text(function: Callable[..., Json], text: str) -> None:
    """A text is said as it is, everything else as JSON, as final_answer takes it in a code arm."""
    reply = ReferenceModel(solution=_solution(function)).complete(_request())

    assert reply.message == Message(role="assistant", text=text)
    assert reply.stop == "end"


def test_answer_goes_through_final_answer_where_it_is_offered() -> None:
    """Structured answers are a tool call."""
    reply = _model(_no_calls).complete(_request(tools=(*TOOLS, FINAL)))

    assert reply.message.tool_calls == (
        ToolCall(id="call00001", name="final_answer", arguments={"answer": [1, "two", None]}),
    )
    assert reply.stop == "tool_calls"


def test_reply_says_where_it_comes_from() -> None:
    """No reply of the policy can be taken for a model's."""
    reply = _model(_no_calls).complete(_request())

    assert (reply.mode, reply.model_version) == ("reference", None)


def test_call_ids_are_nine_alphanumerics_and_unique() -> None:
    """The ids suit the strictest provider."""
    ids = [call.id for message in _converse(lambda: _model(trip), World()) for call in message.tool_calls]

    assert len(set(ids)) == len(ids) == 15
    assert all(re.fullmatch(r"[a-zA-Z0-9]{9}", each) for each in ids)


def test_call_ids_avoid_those_of_the_conversation() -> None:
    """An id that is already there, whoever gave it, is not given again."""

    def pays(tools: Any) -> Json:
        return [tools.pay(amount=1), [tools.pay(amount=2)["done"]]]

    call = ToolCall(id="call00002", name="pay", arguments={"amount": 1})
    result = ToolResult(call_id=call.id, name="pay", content='{"done": true}')
    messages = (
        Message(role="assistant", tool_calls=(call,)),
        Message(role="tool", tool_results=(result,)),
    )
    reply = _model(pays).complete(_request(messages))

    assert [call.id for call in reply.message.tool_calls] == ["call00003"]


def test_error_results_are_raised_in_the_function() -> None:
    """The function sees a tool's failure as a `ToolError` with the text shown."""
    said = _converse(lambda: _model(failing_write), World())

    assert said[-1].text == "sold out"


def test_error_results_of_other_calls_are_skipped() -> None:
    """A mistake that was answered with an error is no call of the function."""
    messages = (
        *_exchange("fnid", {"city": "Rome"}, "unknown tool", is_error=True),
        *_exchange("book", {"item": "sold out", "count": 1}, "sold out", is_error=True),
        *_exchange("fnid", {"city": "Oslo"}, "unknown tool", is_error=True),
    )
    reply = _model(failing_write).complete(_request(messages))

    assert reply.message.text == "sold out"


def test_integers_may_come_back_as_floats() -> None:
    """Some wires write 1.0 as 1."""

    def pays(tools: Any) -> Json:
        tools.pay(amount=1.0)
        tools.pay(amount=[{"deep": 2}])
        return "paid"

    messages = (
        *_exchange("pay", {"amount": 1}, "null"),
        *_exchange("pay", {"amount": [{"deep": 2.0}]}, "null"),
    )
    reply = _model(pays).complete(_request(messages))

    assert reply.message.text == "paid"


@pytest.mark.parametrize("held", [True, "1", [1], {"a": 1}, None, 2])
def test_arguments_of_another_kind_are_another_call(held: Json) -> None:
    """JSON equality does not take True for 1."""

    def pays(tools: Any) -> Json:
        return tools.pay(amount=1)  # type: ignore[no-any-return]  # tools are Any

    with pytest.raises(SolutionError, match="where the conversation holds pay"):
        _model(pays).complete(_request(_exchange("pay", {"amount": held}, "null")))


def test_results_are_fresh_in_every_run() -> None:
    """A function may change what it was given."""

    def changes(tools: Any) -> Json:
        found = tools.find(city="Rome")
        found.append(tools.find(city="Oslo")[0])
        return found  # type: ignore[no-any-return]  # tools are Any

    said = _converse(lambda: _model(changes), World())

    assert json.loads(said[-1].text) == ["Rome-0", "Rome-1", "Rome-2", "Oslo-0"]


USES: dict[str, Callable[[Any, Any], object]] = {
    "bool": lambda p, _: bool(p),
    "not": lambda p, _: not p,
    "if": lambda p, _: 1 if p else 2,
    "eq": lambda p, _: p == 1,
    "eq-right": lambda p, _: 1 == p,  # noqa: SIM300 - the reflected method
    "ne": lambda p, _: p != 1,
    "lt": lambda p, _: p < 1,
    "le": lambda p, _: p <= 1,
    "gt": lambda p, _: p > 1,
    "ge-right": lambda p, _: 1 >= p,  # noqa: SIM300 - the reflected method
    "hash": lambda p, _: hash(p),
    "dict-key": lambda p, _: {p: 1},
    "set": lambda p, _: {p},
    "iter": lambda p, _: iter(p),
    "for": lambda p, _: [each for each in p],  # noqa: C416 - the loop under test
    "next": lambda p, _: next(p),
    "unpack": lambda p, _: _unpack(p),
    "star": lambda p, _: [*p],
    "star-call": lambda p, _: max(*p),
    "double-star": lambda p, _: {**p},
    "double-star-call": lambda p, _: dict(**p),
    "reversed": lambda p, _: reversed(p),
    "len": lambda p, _: len(p),
    "length-hint": lambda p, _: __import__("operator").length_hint(p),
    "getitem": lambda p, _: p["key"],
    "slice": lambda p, _: p[1:],
    "setitem": lambda p, _: p.__class__,
    "contains": lambda p, _: "key" in p,
    "contained": lambda p, _: p in [1, 2],
    "getattr": lambda p, _: p.key,
    "getattr-default": lambda p, _: getattr(p, "key", None),
    "hasattr": lambda p, _: hasattr(p, "key"),
    "method": lambda p, _: p.get("key"),
    "setattr": lambda p, _: setattr(p, "key", 1),
    "delattr": lambda p, _: delattr(p, "key"),
    "assign-item": lambda p, _: _assign_item(p),
    "delete-item": lambda p, _: _delete_item(p),
    "dir": lambda p, _: dir(p),
    "vars": lambda p, _: vars(p),
    "str": lambda p, _: str(p),
    "repr": lambda p, _: repr(p),
    "format": lambda p, _: format(p, "x"),
    "f-string": lambda p, _: f"{p}",
    "f-string-repr": lambda p, _: f"{p!r}",
    "percent": lambda p, _: "%s" % p,  # noqa: UP031 - the formatting under test
    "str-format": lambda p, _: "{}".format(p),  # noqa: UP032 - the formatting under test
    "join": lambda p, _: ",".join(p),
    "bytes": lambda p, _: bytes(p),
    "list": lambda p, _: list(p),
    "tuple": lambda p, _: tuple(p),
    "dict": lambda p, _: dict(p),
    "sorted": lambda p, _: sorted(p),
    "sum": lambda p, _: sum(p),
    "max": lambda p, _: max(p, 1),
    "add": lambda p, _: p + 1,
    "radd": lambda p, _: 1 + p,
    "str-add": lambda p, _: "a" + p,
    "list-add": lambda p, _: [] + p,  # noqa: RUF005 - the addition under test
    "list-extend": lambda p, _: [].extend(p),
    "iadd": lambda p, _: __import__("operator").iadd(p, 1),
    "sub": lambda p, _: p - 1,
    "rsub": lambda p, _: 1 - p,
    "mul": lambda p, _: p * 2,
    "rmul": lambda p, _: 2 * p,
    "truediv": lambda p, _: p / 2,
    "rtruediv": lambda p, _: 2 / p,
    "floordiv": lambda p, _: p // 2,
    "mod": lambda p, _: p % 2,
    "divmod": lambda p, _: divmod(p, 2),
    "rdivmod": lambda p, _: divmod(2, p),
    "pow": lambda p, _: p**2,
    "rpow": lambda p, _: 2**p,
    "matmul": lambda p, _: p @ 1,
    "and": lambda p, _: p & 1,
    "ror": lambda p, _: 1 | p,
    "dict-or": lambda p, _: {} | p,
    "xor": lambda p, _: p ^ 1,
    "lshift": lambda p, _: p << 1,
    "rrshift": lambda p, _: 1 >> p,
    "neg": lambda p, _: -p,
    "pos": lambda p, _: +p,
    "abs": lambda p, _: abs(p),
    "invert": lambda p, _: ~p,
    "int": lambda p, _: int(p),
    "float": lambda p, _: float(p),
    "complex": lambda p, _: complex(p),
    "index": lambda p, _: [1, 2][p],
    "range": lambda p, _: range(p),
    "round": lambda p, _: round(p, 2),
    "floor": lambda p, _: __import__("math").floor(p),
    "ceil": lambda p, _: __import__("math").ceil(p),
    "trunc": lambda p, _: __import__("math").trunc(p),
    "call": lambda p, _: p(),
    "copy": lambda p, _: copy.copy(p),
    "deepcopy": lambda p, _: copy.deepcopy([p]),
    "pickle": lambda p, _: pickle.dumps(p),
    "json": lambda p, _: json.dumps({"a": [p]}),
    "isinstance": lambda p, _: isinstance(p, dict),
    "isinstance-abc": lambda p, _: isinstance(p, Mapping),
    "isinstance-of": lambda p, _: isinstance(1, p),
    "issubclass-of": lambda p, _: issubclass(int, p),
    "class": lambda p, _: p.__class__,
    "dict-attribute": lambda p, _: p.__dict__,
    "subclass": lambda p, _: _subclass(p),
    "with": lambda p, _: _enter(p),
    "await": lambda p, _: asyncio.run(_await(p)),
    "async-for": lambda p, _: asyncio.run(_async_for(p)),
    "async-with": lambda p, _: asyncio.run(_async_with(p)),
    "match-value": lambda p, _: _match_value(p),
    "match-mapping": lambda p, _: _match_mapping(p),
    "match-class": lambda p, _: _match_class(p),
    "fspath": lambda p, _: __import__("os").fspath(p),
    "sizeof": lambda p, _: __import__("sys").getsizeof(p),
    "argument": lambda p, tools: tools.pay(amount=p),
    "argument-positional": lambda p, tools: tools.pay(p),
    "argument-in-list": lambda p, tools: tools.pay(amount=[1, [p]]),
    "argument-in-dict": lambda p, tools: tools.pay(amount={"a": {"b": p}}),
    "argument-in-tuple": lambda p, tools: tools.pay(amount=(1, p)),
    "argument-name": lambda p, tools: tools.pay(**{p: 1}),
}

REFUSED: dict[str, Callable[[Any, Any], object]] = {
    "join": lambda p, _: ", ".join([p]),  # noqa: FLY002 - the method under test
    "in-text": lambda p, _: p in "text",
    "startswith": lambda p, _: "text".startswith(p),
    "fromisoformat": lambda p, _: __import__("datetime").date.fromisoformat(p),
    "tool-name": lambda p, tools: getattr(tools, p),
    "raise": lambda p, _: _raise(p),
}


def _unpack(value: Any) -> object:
    first, second = value
    return first, second


def _assign_item(value: Any) -> None:
    value["key"] = 1


def _delete_item(value: Any) -> None:
    del value["key"]


def _subclass(value: Any) -> object:
    class Derived(value):  # type: ignore[misc]  # the base is no class
        pass

    return Derived


def _enter(value: Any) -> None:
    with value:
        pass


async def _await(value: Any) -> object:
    return await value


async def _async_for(value: Any) -> None:
    async for _ in value:
        pass


async def _async_with(value: Any) -> None:
    async with value:
        pass


def _match_value(value: Any) -> bool:
    match value:
        case "done":
            return True
    return False


def _match_mapping(value: Any) -> bool:
    match value:
        case {"done": _}:
            return True
    return False


def _match_class(value: Any) -> bool:
    match value:
        case dict():
            return True
    return False


def _raise(value: Any) -> None:
    raise value


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_any_use_of_a_missing_result_stops_the_run(use: Callable[[Any, Any], object]) -> None:
    """Nothing that comes after the use of an unknown result can be asked for."""
    reached: list[str] = []

    def uses(tools: Any) -> Json:
        pending = tools.pay(amount=1)
        try:
            use(pending, tools)
        except Exception:  # noqa: BLE001 - an honest handler must not see the stop
            reached.append("handler")
        reached.append("after")
        tools.pay(amount=2)
        return None

    progress = replay(_solution(uses), (), parallel=True, deadline_s=10)

    assert progress.calls == (("pay", {"amount": 1}),)
    assert progress.answer is None
    assert reached == []


@pytest.mark.parametrize("use", REFUSED.values(), ids=REFUSED)
def test_a_missing_result_of_the_wrong_type_stops_the_run(use: Callable[[Any, Any], object]) -> None:
    """Where Python refuses the value unseen, its TypeError is taken for the stop that it stands for."""

    def uses(tools: Any) -> Json:
        use(tools.pay(amount=1), tools)
        return tools.pay(amount=2)  # type: ignore[no-any-return]  # tools are Any

    progress = replay(_solution(uses), (), parallel=True, deadline_s=10)

    assert progress.calls == (("pay", {"amount": 1}),)


@pytest.mark.parametrize("wrap", [lambda p: p, lambda p: [p], lambda p: {"a": (1, p)}], ids=["bare", "list", "deep"])
def test_returning_a_missing_result_asks_for_it(wrap: Callable[[Any], Json]) -> None:
    """An answer that holds an unknown result is no answer yet."""

    def returns(tools: Any) -> Json:
        return wrap(tools.find(city="Rome"))

    progress = replay(_solution(returns), (), parallel=True, deadline_s=10)

    assert progress.calls == (("find", {"city": "Rome"}),)


def test_storing_and_identity_do_not_stop_the_run() -> None:
    """What Python lets no object notice goes on, which makes batches possible."""

    def stores(tools: Any) -> Json:
        kept = [tools.find(city="Rome")]
        kept.append(tools.find(city="Oslo"))
        by_name = {"first": kept[0]}
        if by_name["first"] is kept[0] and kept[0] is not None:
            kept.append(tools.find(city="Bern"))
        return None

    progress = replay(_solution(stores), (), parallel=True, deadline_s=10)

    assert [arguments["city"] for _, arguments in progress.calls] == ["Rome", "Oslo", "Bern"]


def _depends_on_none(tools: Any) -> Json:
    if tools.pay(amount=1) is None:
        tools.pay(amount=2)
    else:
        tools.pay(amount=3)
    return None


def test_a_decision_that_cannot_be_noticed_is_found_on_replay() -> None:
    """A test for None goes wrong silently in the batch; the next turn names its line."""
    first = _model(_depends_on_none).complete(_request()).message
    results = Message(
        role="tool",
        tool_results=tuple(ToolResult(call_id=call.id, name=call.name, content="null") for call in first.tool_calls),
    )
    line = _depends_on_none.__code__.co_firstlineno
    with pytest.raises(SolutionError) as caught:
        _model(_depends_on_none).complete(_request((first, results)))

    assert str(caught.value) == (
        f"reference solution '_depends_on_none' ({__file__}:{line}) called pay({{\"amount\": 2}}) at "
        f'{__file__}:{line + 2} (`tools.pay(amount=2)`) where the conversation holds pay({{"amount": 3}}); its '
        "calls may depend on nothing but results that it has looked into: not on `is None`, on the error of a call "
        "in the same batch, on chance or on the clock"
    )


def _ends_on_none(tools: Any) -> Json:
    if tools.pay(amount=1) is not None:
        tools.pay(amount=2)
    return None


def test_a_decision_to_end_early_names_the_last_line_that_agreed() -> None:
    """Where the function returns too soon, the line of its last call says where it took the other way."""
    first = _model(_ends_on_none).complete(_request()).message
    results = Message(
        role="tool",
        tool_results=tuple(ToolResult(call_id=call.id, name=call.name, content="null") for call in first.tool_calls),
    )
    line = _ends_on_none.__code__.co_firstlineno
    with pytest.raises(SolutionError) as caught:
        _model(_ends_on_none).complete(_request((first, results)))

    assert (
        f") returned after its call at {__file__}:{line + 1} (`if tools.pay(amount=1) is not None:`) where the "
        'conversation holds pay({"amount": 2}); its calls'
    ) in str(caught.value)


def test_a_function_that_ends_before_the_conversation_is_found() -> None:
    """Calls that the function no longer makes are as wrong as others."""
    with pytest.raises(SolutionError) as caught:
        _model(_no_calls).complete(_request(_exchange("pay", {"amount": "x" * 300}, "null")))

    shown = '{"amount": "' + "x" * 188 + "..."
    assert f") returned where the conversation holds pay({shown}); its calls may depend" in str(caught.value)


def _swallow_and_call(tools: Any) -> Json:
    try:  # noqa: SIM105 - what is under test
        len(tools.find(city="Rome"))
    except:  # noqa: E722, S110 - as above
        pass
    return tools.find(city="Oslo")  # type: ignore[no-any-return]  # tools are Any


def _swallow_and_return(tools: Any) -> Json:
    try:
        len(tools.find(city="Rome"))
    except BaseException:  # noqa: BLE001 - what is under test
        return "swallowed"
    return "not reached"


def _swallow_and_raise(tools: Any) -> Json:
    try:
        return len(tools.find(city="Rome"))
    except BaseException:  # noqa: BLE001 - what is under test
        raise ValueError("swallowed") from None


def _swallow_twice(tools: Any) -> Json:
    for _ in range(3):
        try:
            tools.find(city="Rome")["x"] += 1
        except BaseException:  # noqa: BLE001, S112 - what is under test
            continue
    return "swallowed"


def _raise_on_pending(tools: Any) -> Json:
    if type(tools.find(city="Rome")) is not list:
        raise TypeError("no list")
    return "a list"


@pytest.mark.parametrize(
    "function", [_swallow_and_call, _swallow_and_return, _swallow_and_raise, _swallow_twice, _raise_on_pending]
)
def test_a_swallowed_stop_is_a_stop(function: Callable[..., Json]) -> None:
    """Whatever a function does after it caught the stop, its reply is the calls before it."""
    reply = _model(function).complete(_request())

    assert [(call.name, call.arguments) for call in reply.message.tool_calls] == [("find", {"city": "Rome"})]


def _raises(tools: Any) -> Json:
    return {"a": 1}["b"]


def test_an_exception_of_the_function_names_its_line() -> None:
    """The author finds exception, file, line and source in the text, and the original as its cause."""
    line = _raises.__code__.co_firstlineno
    with pytest.raises(SolutionError) as caught:
        _model(_raises).complete(_request())

    assert str(caught.value) == (
        f"reference solution '_raises' ({__file__}:{line}) raised KeyError: 'b', at {__file__}:{line + 1} "
        '(`return {"a": 1}["b"]`)'
    )
    assert isinstance(caught.value.__cause__, KeyError)


def _exits(tools: Any) -> Json:
    raise SystemExit(3)


def _times_out(tools: Any) -> Json:
    raise TimeoutError("its own")


def test_place_falls_back_to_the_definition() -> None:
    """Where no frame is the function's, its first line has to do."""

    def elsewhere(tools: Any) -> Json:
        return None

    elsewhere.__code__ = elsewhere.__code__.replace(co_filename="other.py", co_firstlineno=7)

    assert place(elsewhere, _frames(inspect.currentframe())) == "at other.py:7 (``)"


@pytest.mark.parametrize(
    ("function", "text"), [(_exits, "raised SystemExit: 3, at"), (_times_out, "raised TimeoutError: its own, at")]
)
def test_every_exception_is_the_solution_s(function: Callable[..., Json], text: str) -> None:
    """Neither an exit nor a time-out of its own is taken for something else."""
    with pytest.raises(SolutionError) as caught:
        _model(function).complete(_request())

    assert text in str(caught.value)


def test_an_unhandled_tool_error_is_the_solution_s() -> None:
    """A reference solution has to cope with what its tools say."""

    def books(tools: Any) -> Json:
        return tools.book(item="sold out", count=1)["done"]  # type: ignore[no-any-return]  # tools are Any

    messages = _exchange("book", {"item": "sold out", "count": 1}, "sold out", is_error=True)
    with pytest.raises(SolutionError, match="raised ToolError: sold out, at "):
        _model(books).complete(_request(messages))


def _endless(tools: Any) -> Json:
    tools.pay(amount=1)
    while True:
        pass


def test_a_function_that_never_ends_is_stopped() -> None:
    """The text names the function, the deadline and how far it got."""
    model = ReferenceModel(solution=_solution(_endless), deadline_s=0.1)
    with pytest.raises(SolutionError) as caught:
        model.complete(_request())

    assert str(caught.value) == (
        f"reference solution '_endless' ({__file__}:{_endless.__code__.co_firstlineno}) did not end within 0.1 s and "
        "made 1 tool calls; it must end by itself, whatever the results"
    )


def test_a_function_that_calls_without_end_is_stopped() -> None:
    """The number of calls is limited, so that a batch cannot fill the memory."""

    def calls(tools: Any) -> Json:
        while True:
            tools.pay(amount=1)

    with pytest.raises(SolutionError) as caught:
        _model(calls).complete(_request())

    assert str(caught.value).endswith(
        f" made more than {MAX_CALLS} tool calls; it must end by itself, whatever the results"
    )


def _unknown_tool(tools: Any) -> Json:
    try:
        return tools.fly(city="Rome")  # type: ignore[no-any-return]  # tools are Any
    except Exception:  # noqa: BLE001 - an honest handler must not hide the mistake
        return "hidden"


def test_an_unknown_tool_is_named_with_the_known() -> None:
    """A mistake in the solution is its author's, even where the solution handles exceptions."""
    line = _unknown_tool.__code__.co_firstlineno
    with pytest.raises(SolutionError) as caught:
        _model(_unknown_tool).complete(_request())

    assert str(caught.value) == (
        f"reference solution '_unknown_tool' ({__file__}:{line}) uses an unknown tool 'fly' at {__file__}:{line + 2} "
        "(`return tools.fly(city=\"Rome\")  # type: ignore[no-any-return]  # tools are Any`); known tools: 'book', "
        "'find', 'pay', 'price'"
    )


def test_the_first_mistake_is_the_one_that_is_told() -> None:
    """A function that swallows the stop cannot replace its mistake by another."""

    def stumbles(tools: Any) -> Json:
        for name in ("first", "second"):
            try:
                getattr(tools, name)()
            except BaseException:  # noqa: BLE001, S112 - what is under test
                continue
        return None

    with pytest.raises(SolutionError, match="unknown tool 'first'"):
        _model(stumbles).complete(_request())


def test_special_attributes_are_no_tools() -> None:
    """The proxy can be looked at by the standard library."""

    def looks(tools: Any) -> Json:
        return hasattr(tools, "__deepcopy__")

    reply = _model(looks).complete(_request())

    assert reply.message.text == "false"


ALLOWED = "allowed are None, bool, int, finite float, str, and lists and str-keyed dicts of them"


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda tools: tools.pay(1, 2), "gives pay 2 positional arguments at {place}; it takes 1"),
        (lambda tools: tools.pay(1, amount=2), "gives pay the argument 'amount' twice at {place}; give it once"),
        (lambda tools: tools.pay({1, 2}), f"gives pay a set as amount at {{place}}; {ALLOWED}"),
        (lambda tools: tools.pay([1, b"x"]), f"gives pay a bytes as amount[1] at {{place}}; {ALLOWED}"),
        (lambda tools: tools.pay({"a": float("nan")}), f"gives pay nan as amount.a at {{place}}; {ALLOWED}"),
        (lambda tools: tools.pay({1: 2}), f"gives pay a dict with the key 1 as amount at {{place}}; {ALLOWED}"),
    ],
    ids=["positional", "twice", "set", "bytes", "nan", "key"],
)
def test_a_call_that_cannot_be_expressed_is_refused(call: Callable[..., Json], text: str) -> None:
    """Arguments that no tool call can carry are the solution's mistake, and its line is named."""
    with pytest.raises(SolutionError) as caught:
        ReferenceModel(solution=_solution(call)).complete(_request())
    line = call.__code__.co_firstlineno

    assert re.sub(r"\(`.*`\)", "", str(caught.value)).endswith(text.format(place=f"{__file__}:{line} "))


@pytest.mark.parametrize(
    ("answer", "text"),
    [({1, 2}, "a set as answer"), ({"a": [object()]}, "a object as answer.a[0]"), (float("inf"), "inf as answer")],
)
def test_an_answer_that_is_not_json_is_refused(answer: Any, text: str) -> None:
    """The answer has to fit into a tool call too."""
    with pytest.raises(SolutionError) as caught:
        ReferenceModel(solution=_solution(lambda _: answer)).complete(_request())

    assert str(caught.value).endswith(f" returned {text}; {ALLOWED}")


def test_unknown_arguments_are_left_to_the_tool() -> None:
    """The tool refuses them with a text that the function may handle."""

    def pays(tools: Any) -> Json:
        try:
            return tools.pay(sum=1)["done"]  # type: ignore[no-any-return]  # tools are Any
        except ToolError as error:
            return str(error)

    said = _converse(lambda: _model(pays), World())

    assert said[-1].text == "pay: wrong arguments ['sum']"


def test_a_result_that_is_not_json_is_refused() -> None:
    """A result that was cut on its way to the model cannot drive the solution."""

    def finds(tools: Any) -> Json:
        return tools.find(city="Rome")  # type: ignore[no-any-return]  # tools are Any

    with pytest.raises(SolutionError) as caught:
        _model(finds).complete(_request(_exchange("find", {"city": "Rome"}, '["Rome-0", ... 3 more')))

    assert str(caught.value).endswith(
        ' cannot read the result of find({"city": "Rome"}); it must be JSON; got \'["Rome-0", ... 3 more\'; '
        "if it was cut short, allow more with --codeact-observation-bytes"
    )


def test_a_refused_answer_is_the_solution_s_mistake() -> None:
    """The reference must answer what the scenario asks for."""
    messages = _exchange("final_answer", {"answer": [1, "two", None]}, "answer: expected a number", is_error=True)
    with pytest.raises(SolutionError) as caught:
        _model(_no_calls).complete(_request(messages, tools=(*TOOLS, FINAL)))

    assert str(caught.value).endswith(
        " returned an answer that final_answer refuses: answer: expected a number; it must return what the "
        "scenario's answer type says"
    )


def test_an_accepted_answer_must_end_the_trial() -> None:
    """A loop that asks on would otherwise be answered for ever."""
    messages = _exchange("final_answer", {"answer": [1, "two", None]}, "ok")
    with pytest.raises(SolutionError) as caught:
        _model(_no_calls).complete(_request(messages, tools=(*TOOLS, FINAL)))

    assert str(caught.value).endswith(" had its answer accepted and was asked again; final_answer must end the trial")


def test_an_arm_without_the_tools_is_refused() -> None:
    """The policy acts by native calls or `run_code`, and says so where neither is offered."""
    with pytest.raises(ProviderError) as caught:
        _model(trip).complete(_request(tools=(FINAL,)))

    assert str(caught.value) == (
        "the reference model cannot act in this arm: it would call 'find', but the tools offered are "
        "'final_answer'; it can act where 'run_code', 'run_typescript' or the scenario's tools are offered"
    )


def _program_of(message: Message) -> str:
    (call,) = message.tool_calls
    assert call.name == "run_code"
    assert isinstance(call.arguments, dict)
    program = call.arguments["code"]
    assert isinstance(program, str)
    return program


def test_code_arm_sends_the_source_of_the_function() -> None:
    """Header without annotations, no docstring, the body word for word, and the call."""
    reply = _model(trip).complete(_request(tools=(RUN_CODE, FINAL)))

    assert reply.stop == "tool_calls"
    assert _program_of(reply.message) == (
        "def trip(tools):\n"
        '    near = tools.find(city="Rome")\n'
        '    far = tools.find(city="Oslo")\n'
        "    # Prices of one place are independent of each other.\n"
        "    prices = [tools.price(item=item, count=2) for item in [*near, *far]]\n"
        "    total = 0.0\n"
        "    for price in prices:\n"
        '        if price["total"] < 100:\n'
        '            tools.book(price["item"], count=1)\n'
        '            total += price["total"]\n'
        "    tools.pay(amount=total)\n"
        '    return {"total": total}\n'
        "\n"
        "final_answer(trip(tools))"
    )


def _same(function: Callable[..., Json]) -> Callable[..., Json]:
    return function


# fmt: off
def commented(world: Any) -> Json:
    """Docstring."""  # noqa: D202 - the layout under test

    # A first comment.

    # And a second.
    value = "ä"; other = 1  # noqa: E702 - the layout under test
    return [value, other]
    # A last comment.


@_same
def _decorated(
    tools: Any,  # a comment in the header
) -> Json:
    # Straight after the header.
    return "decorated"


def _one_line(tools: Any) -> Json: return "ä" or "b"  # noqa: SIM222 - the layout under test


def doc_only(tools: Any) -> Json:
    """Nothing to do."""


def doc_line(tools: Any) -> Json:
    """Docstring."""; return "same line"  # noqa: E702 - the layout under test


def hash_doc(tools: Any) -> Json:
    """
    Docstring whose last line looks like a comment:
    # no comment"""  # noqa: D209, D415 - the layout under test
    return 1


def _nested_first(tools: Any) -> Json:
    def double(value: int) -> int:
        """Keep this docstring."""
        return 2 * value

    class Pair:
        first: int = 1

        def second(self) -> int:
            return double(self.first)

    import math as mathematics
    count = len([double(each) for each in range(3)])
    return [Pair().second(), mathematics.floor(2.5), count]


def _recursive(tools: Any, /) -> Json:
    depth = getattr(tools, "depth", 3)
    if depth == 0:
        return "bottom"

    class Deeper:
        depth = 0

    Deeper.depth = depth - 1
    return _recursive(Deeper)


def _multi_line(tools: Any) -> Json:
    text = """a
  b
c"""
    return "|".join(text.split("\n"))
# fmt: on


def _inner_functions() -> Iterator[Callable[..., Json]]:
    def indented(tools: Any) -> Json:
        # Deeper than a module's function.
        value = 1
        return value + 1

    def indented_text(tools: Any) -> Json:
        # This comment is lost: the text below needs its indentation.
        return """x
            y
        z"""

    def outdented_text(tools: Any) -> Json:
        return """x
y"""

    yield from (indented, indented_text, outdented_text)


SOURCES = {
    commented: (
        "def commented(world):\n    # A first comment.\n\n    # And a second.\n"
        '    value = "ä"; other = 1  # noqa: E702 - the layout under test\n'
        "    return [value, other]\n    # A last comment."
    ),
    _decorated: 'def _decorated(tools):\n    # Straight after the header.\n    return "decorated"',
    _one_line: 'def _one_line(tools):\n    return "ä" or "b"  # noqa: SIM222 - the layout under test',
    doc_only: "def doc_only(tools):\n    pass",
    doc_line: 'def doc_line(tools):\n    return "same line"  # noqa: E702 - the layout under test',
    hash_doc: "def hash_doc(tools):\n    return 1",
}


@pytest.mark.parametrize("function", SOURCES, ids=lambda function: function.__name__)
def test_source_keeps_the_body_as_it_is_written(function: Callable[..., Json]) -> None:
    """Whatever the layout, the program is the body verbatim."""
    source = solution_source(function)

    assert source.definition == SOURCES[function]


@pytest.mark.parametrize(
    "function",
    [*SOURCES, _nested_first, _recursive, _multi_line, *_inner_functions()],
    ids=lambda function: function.__name__,
)
def test_source_means_what_the_function_means(function: Callable[..., Json]) -> None:
    """The program gives the function's own answer, multi-line texts included."""
    program = solution_source(function).program()

    class Nothing:
        pass

    answers: list[Json] = []
    scope: dict[str, Any] = {"tools": Nothing(), "final_answer": answers.append}
    exec(compile(program, "<program>", "exec", dont_inherit=True), scope)  # noqa: S102 - a sandbox stand-in

    assert answers == [function(Nothing())]


def test_source_of_an_inner_function_is_dedented() -> None:
    """Indentation that comes from where the function stands is left out."""
    source = solution_source(next(_inner_functions()))

    assert source.definition == (
        "def indented(tools):\n    # Deeper than a module's function.\n    value = 1\n    return value + 1"
    )


def _uses_module_name(tools: Any) -> Json:
    """Doc."""
    # One line more.
    return [MODULE_NAME]


def _uses_global(tools: Any) -> Json:
    global MODULE_NAME  # noqa: PLW0603 - what is under test
    MODULE_NAME = "changed"
    return None


def _uses_nested(tools: Any) -> Json:
    return [each for each in [1] if str(pytest)]


def _uses_annotation(tools: Any) -> Json:
    def inner(value: Any) -> int:
        return int(value)

    return inner(1)


def _closure() -> Callable[..., Json]:
    outer = 1

    def solve(tools: Any) -> Json:
        return outer

    return solve


@pytest.mark.parametrize(
    ("function", "name", "kind", "line"),
    [
        (_uses_module_name, "MODULE_NAME", "a name of its module", 3),
        (_uses_global, "MODULE_NAME", "a name of its module", 2),
        (_uses_nested, "pytest", "a name of its module", 1),
        (_uses_annotation, "Any", "a name of its module", 1),
        (_closure(), "outer", "a variable of an enclosing function", 1),
    ],
    ids=["global", "assigned", "nested", "annotation", "closure"],
)
def test_check_solution_refuses_names_from_outside(
    function: Callable[..., Json], name: str, kind: str, line: int
) -> None:
    """A program has no module and no enclosing function, so the solution may not need them."""
    first = function.__code__.co_firstlineno
    with pytest.raises(SolutionError) as caught:
        check_solution(function)

    assert str(caught.value) == (
        f"reference solution {function.__qualname__!r} ({__file__}:{first}) uses {name!r}, {kind}, at "
        f"{__file__}:{first + line}; its source is sent as a program, so it may use only its parameter, its own "
        "variables, builtins and ToolError: define or import the name inside the function"
    )


async def _asynchronous(tools: Any) -> Json:
    return None


async def _asynchronous_generator(tools: Any) -> Any:
    yield None


def _generator(tools: Any) -> Any:
    yield None


def _no_parameter() -> Json:
    return None


def _two_parameters(tools: Any, more: int = 1) -> Json:
    return more


def _star_parameter(*tools: Any) -> Json:
    return None


def _keyword_parameter(*, tools: Any) -> Json:
    return None


@functools.wraps(_no_calls)
def _wrapped(tools: Any) -> Json:
    return None


def final_answer(tools: Any) -> Json:  # noqa: D103 - the name is what is under test
    return None


class Callable_:  # noqa: N801 - a stand-in for an object that can be called
    def __call__(self, tools: Any) -> Json:
        return None

    def __repr__(self) -> str:
        return "<a callable>"


PLAIN = "it must be a plain function written with `def`"
ONE = "it must take exactly one positional parameter: the tools"


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (_asynchronous, f"is async; {PLAIN}, and tools are called without await"),
        (_asynchronous_generator, f"is async; {PLAIN}, and tools are called without await"),
        (_generator, f"is a generator; {PLAIN} that returns the answer"),
        (lambda tools: None, f"is a lambda; {PLAIN}"),
        (len, f"is a builtin_function_or_method without source of its own; {PLAIN}"),
        (Callable_(), f"is a Callable_ without source of its own; {PLAIN}"),
        (_no_parameter, f"takes (); {ONE}"),
        (_two_parameters, f"takes (tools: 'Any', more: 'int' = 1); {ONE}"),
        (_star_parameter, f"takes (*tools: 'Any'); {ONE}"),
        (_keyword_parameter, f"takes (tools: 'Any'); {ONE}"),
        (_wrapped, f"is wrapped by a decorator, which its program would lose; {PLAIN}"),
        (
            final_answer,
            "has a name that its program needs for itself; reserved names: 'ToolError', 'final_answer', 'tools'",
        ),
    ],
    ids=lambda given: getattr(given, "__name__", type(given).__name__),
)
def test_check_solution_refuses_what_is_no_plain_function(function: Callable[..., Json], text: str) -> None:
    """Each refusal names the function and says what it must be."""
    with pytest.raises(SolutionError) as caught:
        check_solution(function)

    assert str(caught.value).startswith("reference solution ")
    assert str(caught.value).endswith(f" {text}")


def test_check_solution_refuses_a_function_without_source() -> None:
    """What was never in a file cannot be sent."""
    scope: dict[str, Any] = {}
    # A name of its own: Python 3.13 keeps the source of what it was started with as "<string>".
    exec(compile("def solve(tools):\n    return 1", "<nowhere>", "exec"), scope)  # noqa: S102 - without a file
    with pytest.raises(SolutionError) as caught:
        check_solution(scope["solve"])

    assert str(caught.value) == ("reference solution 'solve' (<nowhere>:1) has no source to read; define it in a file")


def test_check_solution_refuses_a_renamed_lambda() -> None:
    """Its source is no definition."""
    renamed = lambda tools: None  # noqa: E731 - what is under test
    renamed.__name__ = renamed.__qualname__ = "solve"
    with pytest.raises(SolutionError) as caught:
        check_solution(renamed)

    assert str(caught.value) == (
        f"reference solution 'solve' ({__file__}:{renamed.__code__.co_firstlineno}) has no `def` of its own; write one"
    )


def test_check_solution_allows_what_every_sandbox_has() -> None:
    """Builtins, ToolError, local imports, inner functions and recursion are fine."""
    for function in (trip, failing_write, _nested_first, _recursive):
        check_solution(function)


def test_a_failing_program_is_the_solution_s_or_the_sandbox_s_fault() -> None:
    """An honest program is not sent again; its error is quoted."""
    program = solution_source(_no_calls).program()
    messages = _exchange("run_code", {"code": program}, "NameError: name 'x'", is_error=True)
    with pytest.raises(SolutionError) as caught:
        _model(_no_calls).complete(_request(messages, tools=(RUN_CODE,)))

    assert str(caught.value) == (
        f"reference solution '_no_calls' ({__file__}:{_no_calls.__code__.co_firstlineno}) failed as a program:\n"
        "NameError: name 'x'\n"
        "Mend it if it fails in the direct arm as well; if it does not, the sandbox is at fault: report it."
    )


def test_a_program_that_does_not_end_the_trial_is_an_error() -> None:
    """A program whose answer was not taken must not be repeated up to the turn limit."""
    program = solution_source(_no_calls).program()
    messages = _exchange("run_code", {"code": program}, "(no output)")
    with pytest.raises(SolutionError) as caught:
        _model(_no_calls).complete(_request(messages, tools=(RUN_CODE,)))

    assert str(caught.value).endswith(
        " ran as a program to its end, but its answer did not end the trial; the sandbox showed: '(no output)'"
    )


@pytest.mark.parametrize("parallel", [True, False])
@pytest.mark.parametrize("fault", ["wrong-argument", "unknown-tool"])
def test_a_wrong_call_stands_alone_and_is_made_good(fault: str, *, parallel: bool) -> None:
    """The first reply is one wrong call; from then on the conversation is that of a faultless model."""
    clean, faulty = World(), World()
    expected = _converse(lambda: _model(trip), clean, parallel=parallel)
    said = _converse(lambda: _model(trip, fault), faulty, parallel=parallel)

    assert len(said[0].tool_calls) == 1
    assert _names(said)[1:] == _names(expected)
    assert faulty.journal[1:] == clean.journal
    assert faulty.journal[0] not in clean.journal


def test_wrong_argument_has_one_misspelt_name() -> None:
    """The value stays, the name is one that the tool does not take."""
    (call,) = _model(trip, "wrong-argument").complete(_request()).message.tool_calls

    assert call.name == "find"
    assert isinstance(call.arguments, dict)
    ((name, value),) = call.arguments.items()
    assert name != "city"
    assert sorted(name) == sorted("city")
    assert value in ("Rome", "Oslo")


def test_wrong_argument_of_a_call_without_arguments() -> None:
    """A call without arguments gets one that it does not take."""

    def solve(tools: Any) -> Json:
        return tools.find()  # type: ignore[no-any-return]  # tools are Any

    (call,) = _model(solve, "wrong-argument").complete(_request()).message.tool_calls

    assert call.name == "find"
    assert isinstance(call.arguments, dict)
    assert [sorted(name) for name in call.arguments] == [sorted("argument")]


def test_unknown_tool_is_a_misspelt_one() -> None:
    """The arguments stay, the name is no tool's."""
    (call,) = _model(trip, "unknown-tool").complete(_request()).message.tool_calls

    assert call.name not in PARAMETERS
    assert sorted(call.name) == sorted("find")
    assert call.arguments in ({"city": "Rome"}, {"city": "Oslo"})


def test_a_name_that_cannot_be_scrambled_is_lengthened() -> None:
    """Names of one letter, or of equal ones, are misspelt too."""

    def aa(tools: Any) -> Json:
        return None

    reply = _model(aa, "buggy-program").complete(_request(tools=(RUN_CODE,)))

    assert _program_of(reply.message).endswith("final_answer(aax(tools))")


def test_faults_are_drawn_from_the_seed() -> None:
    """The same seed makes the same mistake; others come from other seeds."""
    replies = [
        [_model(trip, "wrong-argument", seed=seed).complete(_request()).message for seed in range(20)] for _ in range(2)
    ]

    assert replies[0] == replies[1]
    assert len({repr(reply) for reply in replies[0]}) > 2


@pytest.mark.parametrize("fault", ["wrong-argument", "unknown-tool", "buggy-program"])
def test_a_faulty_program_changes_nothing_and_is_repaired(fault: str) -> None:
    """It fails before its first tool call succeeds; the clean program follows once the error is shown."""
    world = World()
    first = _model(trip, fault).complete(_request(tools=(RUN_CODE,))).message
    scope = {"tools": Namespace(world), "final_answer": pytest.fail}
    with pytest.raises((ToolError, NameError)) as error:
        exec(_program_of(first), scope)  # noqa: S102 - a sandbox stand-in
    messages = _exchange("run_code", first.tool_calls[0].arguments, str(error.value), is_error=True)
    second = _model(trip, fault).complete(_request(messages, tools=(RUN_CODE,))).message

    clean = solution_source(trip).program()
    assert len(world.journal) == (0 if fault == "buggy-program" else 1)
    assert _program_of(first) != clean
    assert _program_of(second) == clean
    assert second.tool_calls[0].id == "call00002"


@pytest.mark.parametrize("fault", ["wrong-argument", "unknown-tool"])
def test_a_wrong_call_is_the_first_line_of_a_program(fault: str) -> None:
    """The clean program stands below it, so that one repair is one round trip."""
    program = _program_of(_model(trip, fault).complete(_request(tools=(RUN_CODE,))).message)
    line, rest = program.split("\n\n", 1)

    assert re.fullmatch(r"tools\.\w+\(\w+='(Rome|Oslo)'\)", line)
    assert rest == solution_source(trip).program()


@pytest.mark.parametrize("fault", ["wrong-argument", "unknown-tool", "buggy-program"])
def test_a_second_error_of_a_faulty_model_is_the_solution_s(fault: str) -> None:
    """Only the injected mistake is forgiven."""
    first = _model(trip, fault).complete(_request(tools=(RUN_CODE,))).message
    messages = (
        *_exchange("run_code", first.tool_calls[0].arguments, "injected", is_error=True),
        *_exchange("run_code", {"code": solution_source(trip).program()}, "genuine", is_error=True),
    )
    with pytest.raises(SolutionError, match="failed as a program:\ngenuine\n"):
        _model(trip, fault).complete(_request(messages, tools=(RUN_CODE,)))


def test_buggy_program_has_no_effect_where_no_code_is_run() -> None:
    """Direct arms carry on properly."""
    clean = _converse(lambda: _model(trip), World())

    assert _converse(lambda: _model(trip, "buggy-program"), World()) == clean


@pytest.mark.parametrize("tools", [TOOLS, (*TOOLS, FINAL), (RUN_CODE,)], ids=["direct", "structured", "code"])
def test_early_answer_ends_at_once(tools: tuple[ToolSpec, ...]) -> None:
    """The model claims to be done without having done anything; asked again, it begins."""
    model = _model(trip, "early-answer")
    reply = model.complete(_request(tools=tools))
    again = model.complete(_request((reply.message, Message(role="user", text="Really?")), tools=tools))

    assert reply == Reply(
        message=Message(role="assistant", text="Done."), stop="end", usage=reply.usage, mode="reference"
    )
    assert again.message == _model(trip).complete(_request(tools=tools)).message


@pytest.mark.parametrize("fault", ["wrong-argument", "unknown-tool"])
@pytest.mark.parametrize("tools", [TOOLS, (RUN_CODE,)], ids=["direct", "code"])
def test_a_solution_without_calls_cannot_be_called_wrongly(fault: str, tools: tuple[ToolSpec, ...]) -> None:
    """There is nothing to get wrong, so the reply is the proper one."""
    assert _model(_no_calls, fault).complete(_request(tools=tools)) == _model(_no_calls).complete(_request(tools=tools))


def test_reference_model_needs_a_solution() -> None:
    """The text says what is missing and both ways out."""
    with pytest.raises(ScenarioError) as caught:
        reference_model(ModelContext(model="", solution=None, seed=0))

    assert str(caught.value) == (
        "the scenario has no reference solution, and offline runs need one; add reference=... to its marker, or "
        "choose a live model with --codeact-model"
    )


def test_reference_model_refuses_an_unknown_fault() -> None:
    """The text lists the known ones."""
    with pytest.raises(ProviderError) as caught:
        reference_model(ModelContext(model="typo", solution=_solution(trip), seed=0))

    assert str(caught.value) == (
        "unknown fault 'typo' of the reference model; known faults: 'wrong-argument', 'unknown-tool', "
        "'buggy-program', 'early-answer'; for none, use --codeact-model=reference"
    )


def test_reference_model_checks_the_solution_for_every_arm() -> None:
    """What only the code arm would trip over is found in the direct arm as well."""
    with pytest.raises(SolutionError, match="uses 'MODULE_NAME'"):
        reference_model(ModelContext(model="", solution=_solution(_uses_module_name), seed=0))


def test_usage_is_counted_over_request_and_reply() -> None:
    """Tokens are those of a real tokenizer, and the usage names it."""
    counter = TokenCounter(name="letters", count_text=len)
    model = ReferenceModel(solution=_solution(_no_calls), counter_loader=lambda: counter)
    request = _request()
    reply = model.complete(request)

    assert reply.usage == Usage(
        input_tokens=counter.count_request(request),
        output_tokens=len('[1, "two", null]') + 1,
        counted_by="letters",
    )


def test_usage_is_unknown_without_a_tokenizer() -> None:
    """No guess takes its place."""
    reply = ReferenceModel(solution=_solution(_no_calls), counter_loader=lambda: None).complete(_request())

    assert reply.usage is None

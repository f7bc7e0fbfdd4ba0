"""Calls on a world: arguments checked, results made plain, everything noted in the journal."""

from __future__ import annotations

import datetime as dt
import enum
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypedDict

import pytest

from pytest_codeact.errors import ScenarioError, ToolError
from pytest_codeact.tools import Toolbox, result_text, tool

if TYPE_CHECKING:
    from pytest_codeact.records import CallRecord, Json


class Mood(enum.Enum):
    GOOD = "good"
    BAD = "bad"


@dataclass
class Line:
    name: str
    price: float
    tags: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.price < 0:
            raise ValueError("a price cannot be negative")


class Entry(TypedDict):
    line: Line
    moods: list[Mood]


class Sum(TypedDict):
    total: float
    count: int


class Spot(NamedTuple):
    x: int
    y: int


class Unprintable(Exception):  # noqa: N818 - a name as authors give them
    def __str__(self) -> str:
        raise RuntimeError


class World:
    """A world whose tools give back what they are told to, or misbehave on order."""

    def __init__(self, value: Any = None) -> None:
        self.value = value
        self.given: list[Any] = []

    @tool
    def add(self, item: Line, moods: tuple[Mood, ...] = (), *, note: str = "") -> Sum:
        """Add an item."""
        self.given.append((item, moods, note))
        return {"total": item.price, "count": 1}

    @tool
    def enter(self, entry: Entry) -> None:
        """Enter something nested."""
        self.given.append(entry)

    @tool
    def keep(self, anything: Any) -> Any:
        """Keep a value, and give what was kept before."""
        self.given.append(anything)
        return self.given

    @tool(read_only=True)
    def give(self) -> Any:
        """Give the value of the world."""
        return self.value

    @tool(read_only=True)
    def give_sums(self) -> list[Sum]:
        """Give what may not be sums."""
        return self.value  # type: ignore[no-any-return]  # what the tests are about

    @tool(read_only=True)
    def give_spot(self) -> tuple[int, int]:
        """Give a place."""
        return Spot(1, 2)

    @tool(read_only=True)
    def give_nothing(self) -> None:
        """Give nothing, or so the hint says."""
        return self.value  # type: ignore[no-any-return]  # what the tests are about

    @tool
    def fail(self) -> None:
        """Raise the value of the world."""
        raise self.value


def call(value: Any, name: str, arguments: Any = None) -> CallRecord:
    """Call one tool of a fresh world."""
    return Toolbox(World(value)).call(name, {} if arguments is None else arguments, origin="direct")


def test_call_is_carried_out_and_noted() -> None:
    """The record has the call as it was asked for and the result as it is shown."""
    toolbox = Toolbox(World())
    arguments: Any = {"item": {"name": "tea", "price": 3}}
    record = toolbox.call("add", arguments, origin="code")

    assert toolbox.journal == (record,)
    assert (record.name, record.arguments, record.origin) == ("add", arguments, "code")
    assert (record.result, record.error) == ({"total": 3.0, "count": 1}, None)
    assert record.result_bytes == len('{"total": 3.0, "count": 1}')
    assert 0 < record.tool_s < 5


def test_tool_is_given_what_its_hints_say() -> None:
    """Dataclasses, Enum members, tuples and floats are built, at any depth; TypedDicts stay dicts."""
    world = World()
    toolbox = Toolbox(world)
    toolbox.call("add", {"item": {"name": "tea", "price": 3}, "moods": ["bad"]}, origin="direct")
    toolbox.call("enter", {"entry": {"line": {"name": "a", "price": 1}, "moods": ["good"]}}, origin="direct")

    assert world.given == [
        (Line("tea", 3.0), (Mood.BAD,), ""),
        {"line": Line("a", 1.0), "moods": [Mood.GOOD]},
    ]
    assert type(world.given[0][0].price) is float


def test_arguments_are_copies() -> None:
    """Neither the tool nor the caller can change what the other, or the journal, holds."""
    world = World()
    toolbox = Toolbox(world)
    arguments: Any = {"anything": {"a": [1]}}
    record = toolbox.call("keep", arguments, origin="direct")
    arguments["anything"]["a"].append(2)
    world.given[0]["a"].append(3)

    assert record.arguments == {"anything": {"a": [1]}}
    assert world.given == [{"a": [1, 3]}]


def test_results_are_copies() -> None:
    """A program cannot change the world through a result, nor the world what it has given."""
    world = World()
    toolbox = Toolbox(world)
    result: Any = toolbox.call("keep", {"anything": [1]}, origin="direct").result
    result[0].append(2)
    world.given[0].append(3)

    assert world.given == [[1, 3]]
    assert result == [[1, 2]]


ITEM_KEYS = "an object (dict) with the keys name, price, tags"
WRONG_ARGUMENTS: list[tuple[str, Any, str]] = [
    ("add", {}, f"invalid arguments for 'add': item: missing, expected {ITEM_KEYS}"),
    (
        "add",
        {"item": {"name": 1, "price": "3"}, "mood": [], "note": None},
        "invalid arguments for 'add': item.name: expected a string, got 1; item.price: expected a number, got '3'; "
        "note: expected a string, got None; mood: unknown, did you mean 'moods'?; known: item, moods, note",
    ),
    ("give", {"a": 1}, "invalid arguments for 'give': a: unknown; known: none"),
    ("add", {"item": "tea"}, f"invalid arguments for 'add': item: expected {ITEM_KEYS}, got 'tea'"),
    (
        "add",
        '{"item": ',
        "invalid arguments for 'add': expected a JSON object, got the text, which is not valid JSON, '{\"item\": '; "
        "parameters: item, moods, note",
    ),
    ("add", [1], "invalid arguments for 'add': expected a JSON object, got [1]; parameters: item, moods, note"),
    ("give", None, "invalid arguments for 'give': expected a JSON object, got None; parameters: none"),
    ("keep", {"anything": [float("nan")]}, "invalid arguments for 'keep': arguments.anything[0] is nan"),
    (
        "keep",
        {"anything": "\ud800"},
        "invalid arguments for 'keep': arguments.anything holds a lone surrogate at index 0",
    ),
    ("keep", {"anything": b""}, "invalid arguments for 'keep': arguments.anything is of type bytes"),
    (
        "keep",
        {"anything": 10**5_000},
        "invalid arguments for 'keep': arguments.anything is an integer of 16,610 bits",
    ),
    (
        "keeep",
        {},
        "unknown tool 'keeep', did you mean 'keep'?; "
        "known tools: add, enter, keep, give, give_sums, give_spot, give_nothing, fail",
    ),
    (
        "\ud800",
        {},
        "unknown tool '\\ud800'; known tools: add, enter, keep, give, give_sums, give_spot, give_nothing, fail",
    ),
]


@pytest.mark.parametrize(("name", "arguments", "text"), WRONG_ARGUMENTS, ids=range(len(WRONG_ARGUMENTS)))
def test_wrong_call_is_an_error_result(name: str, arguments: Any, text: str) -> None:
    """All problems of a call are told at once, the tool is not carried out, and the call is noted."""
    world = World()
    toolbox = Toolbox(world)
    record = toolbox.call(name, arguments, origin="direct")

    assert (record.error, record.result) == (text, None)
    assert record.result_bytes == len(text.encode())
    assert world.given == []
    assert toolbox.journal == (record,)


def test_journal_keeps_a_text_of_what_is_no_json() -> None:
    """Arguments that cannot be copied are noted as their cut repr."""
    assert call(None, "keep", {"anything": float("nan")}).arguments == "{'anything': nan}"


@pytest.mark.parametrize(
    ("raised", "text"),
    [
        (ToolError("no such account 'x'; known: 'y'"), "no such account 'x'; known: 'y'"),
        (ToolError(), "ToolError"),
        (ValueError("bad"), "ValueError: bad"),
        (ValueError(), "ValueError"),
        (KeyError("x"), "KeyError: 'x'"),
        (Unprintable(), "Unprintable"),
        (SystemExit(3), "SystemExit: 3"),
        (ToolError("a\ud800b"), "a?b"),
        (ValueError("a\ud800b"), "ValueError: a?b"),
        (ToolError("x" * 3_000), "x" * 1_990 + " ... [cut]"),
        (ValueError("x" * 3_000), "ValueError: " + "x" * 1_978 + " ... [cut]"),
    ],
    ids=range(11),
)
@pytest.mark.parametrize("origin", ["direct", "code"])
def test_tool_that_raises_is_an_error_result(
    raised: BaseException, text: str, origin: Literal["direct", "code"]
) -> None:
    """A ToolError is shown as it is, other exceptions with their type; the same in every arm."""
    record = Toolbox(World(raised)).call("fail", {}, origin=origin)

    assert (record.error, record.result, record.result_bytes) == (text, None, len(text.encode()))


@pytest.mark.parametrize("raised", [KeyboardInterrupt, GeneratorExit])
def test_interrupts_go_through(raised: type[BaseException]) -> None:
    """What stops the whole run is not the tool's error."""
    with pytest.raises(raised):
        call(raised(), "fail")


def test_refused_dataclass_is_an_error_result() -> None:
    """What a dataclass says about its values reaches the model."""
    record = call(None, "add", {"item": {"name": "tea", "price": -1}})

    assert record.error == "ValueError: a price cannot be negative"


ALLOWED = "allowed are None, bool, int, finite float, str, list, tuple, dict with str keys, dataclass and Enum"
TOO_LONG = "result is more than 1,000,000 bytes of JSON text; make it smaller: filter, page or summarise"
WRONG_RESULTS: list[tuple[str, Any, str]] = [
    (
        "give",
        {"items": [{"price": float("nan")}]},
        "the tool 'give' is broken: result.items[0].price is nan; JSON has no such number; use None or raise ToolError",
    ),
    (
        "give",
        dt.date(2025, 1, 1),
        f"the tool 'give' is broken: result is of type date; {ALLOWED}; use its .isoformat()",
    ),
    (
        "give",
        b"\x89PNG\r\n\x1a\n",
        f"the tool 'give' is broken: result is of type bytes; {ALLOWED}; an image cannot be shown: models are given "
        "text only, alike in all arms; return what it shows, in text",
    ),
    ("give", "x" * 1_000_001, f"the tool 'give' is broken: {TOO_LONG}"),
    ("give", ["\x00" * 400_000], f"the tool 'give' is broken: {TOO_LONG}"),
    ("give", ["ü" * 600_000], f"the tool 'give' is broken: {TOO_LONG}"),
    (
        "give_sums",
        [{"total": 1, "count": 2}, {"total": "1", "cont": 2}],
        "the tool 'give_sums' is broken: its result is not of its return type list[Sum]: "
        "result[1].total: expected a number, got '1'; result[1].count: missing, expected an integer; "
        "result[1].cont: unknown, did you mean 'count'?; known: total, count; "
        "the type hint or the method must be corrected",
    ),
    (
        "give_nothing",
        0,
        "the tool 'give_nothing' is broken: its result is not of its return type None: "
        "result: expected null (None), got 0; the type hint or the method must be corrected",
    ),
]


@pytest.mark.parametrize(("name", "value", "text"), WRONG_RESULTS, ids=range(len(WRONG_RESULTS)))
def test_wrong_result_is_an_error_result(name: str, value: Any, text: str) -> None:
    """What the tool returned is named with its path, and its author told what to do."""
    record = call(value, name)

    assert (record.error, record.result) == (text, None)


def test_result_may_have_all_the_bytes_allowed() -> None:
    """The limit is in UTF-8 bytes of the text that is shown: one more is too many."""
    sizes = {}
    for size in (98, 99):
        record = Toolbox(World("ü" + "x" * (size - 2)), max_result_bytes=100).call("give", {}, origin="direct")
        sizes[size] = (record.error is None, record.result_bytes if record.error is None else None)

    assert sizes == {98: (True, 100), 99: (False, None)}


@pytest.mark.parametrize("value", ["x" * 100_000_000, [0.5] * 20_000_000], ids=["text", "list"])
def test_hundred_megabytes_are_refused_at_once(value: Any) -> None:
    """An enormous result costs no more than one of the size allowed."""
    started = time.perf_counter()
    record = call(value, "give")

    assert record.error == f"the tool 'give' is broken: {TOO_LONG}"
    assert time.perf_counter() - started < 10


def test_result_is_normalised_to_its_type() -> None:
    """An integer where the type says float is a float, a named tuple is a list."""
    totals: Any = call([{"total": 3, "count": 2.0}], "give_sums").result

    assert [type(each) for each in totals[0].values()] == [float, int]
    assert call(None, "give_spot").result == [1, 2]


SHOWN: list[tuple[Any, str]] = [
    (None, "null"),
    ({"a": ["ü", 1.0, True]}, '{"a": ["ü", 1.0, true]}'),
    ("text", '"text"'),
    (Line("tea", 1.5), '{"name": "tea", "price": 1.5, "tags": []}'),
]


@pytest.mark.parametrize(("value", "text"), SHOWN, ids=range(len(SHOWN)))
def test_result_is_shown_as_json(value: Any, text: str) -> None:
    """The text is readable JSON, and its bytes are those of the record."""
    record = call(value, "give")

    assert result_text(record) == text
    assert record.result_bytes == len(text.encode())


def test_error_is_shown_as_it_is() -> None:
    """An error's text is not JSON."""
    assert result_text(call(ToolError("no\nsuch"), "fail")) == "no\nsuch"


def test_program_arguments_are_bound() -> None:
    """Positional arguments get the names of the parameters, in order."""
    toolbox = Toolbox(World())

    assert toolbox.bind("add", [1, 2], {"note": "x"}) == {"item": 1, "moods": 2, "note": "x"}
    assert toolbox.bind("add", [], {"odd": 1}) == {"odd": 1}


UNBOUND: list[tuple[str, list[Any], dict[str, Any], str]] = [
    ("add", [1, 2, 3], {}, "add() takes at most 2 positional arguments (item, moods), got 3"),
    ("give", [1], {}, "give() takes at most 0 positional arguments (none), got 1"),
    ("add", [1, 2], {"moods": 1, "item": 2}, "add() got 'item', 'moods' twice, by position and by name"),
    (
        "giv",
        [],
        {},
        "unknown tool 'giv', did you mean 'give'?; "
        "known tools: add, enter, keep, give, give_sums, give_spot, give_nothing, fail",
    ),
]


@pytest.mark.parametrize(("name", "args", "kwargs", "text"), UNBOUND, ids=range(len(UNBOUND)))
def test_what_cannot_be_bound_is_refused(name: str, args: list[Any], kwargs: dict[str, Any], text: str) -> None:
    """The message tells what the function takes; as a call it is an error result that the journal keeps."""
    toolbox = Toolbox(World())
    with pytest.raises(ToolError) as caught:
        toolbox.bind(name, args, kwargs)
    record = toolbox.call_bound(name, args, kwargs)

    assert (str(caught.value), record.error) == (text, text)
    assert record.arguments == ({"*": args, **kwargs} if args else kwargs)
    assert (record.origin, toolbox.journal) == ("code", (record,))


def test_refusal_of_a_bound_call_is_cut() -> None:
    """However many tools there are to be listed, the text stays short, and is the one that a direct call gets."""
    members = {f"{'a' * 50}_{index}": vars(World)["give"] for index in range(100)}
    toolbox = Toolbox(type("Many", (), members)())
    records = [toolbox.call_bound("b", [], {}), toolbox.call("b", {}, origin="direct")]

    assert [len(each.error or "") for each in records] == [2_000, 2_000]
    assert records[0].error == records[1].error


def test_program_call_is_bound_and_carried_out() -> None:
    """A bound call is noted once, by name, as one of a program."""
    toolbox = Toolbox(World())
    record = toolbox.call_bound("add", [{"name": "tea", "price": 1}], {"note": "x"})

    assert record.arguments == {"item": {"name": "tea", "price": 1}, "note": "x"}
    assert (record.error, record.origin, toolbox.journal) == (None, "code", (record,))


def test_toolbox_tells_what_the_reference_needs() -> None:
    """Parameter names per tool, and which tools only read."""
    toolbox = Toolbox(World())

    assert toolbox.parameters["add"] == ("item", "moods", "note")
    assert list(toolbox.parameters) == [each.name for each in toolbox.tools]
    assert toolbox.read_only == {"give", "give_sums", "give_spot", "give_nothing"}


class Stateful(World):
    """A world with an end state."""

    def end_state(self) -> Any:
        """Give the value, or raise it."""
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


def test_end_state_is_plain() -> None:
    """It is made JSON by the rules of results, and is a copy."""
    value = {"lines": [Line("tea", 1.5)], "mood": Mood.GOOD}
    state = Toolbox(Stateful(value)).end_state()

    assert state == {"lines": [{"name": "tea", "price": 1.5, "tags": []}], "mood": "good"}


def test_world_without_end_state_has_none() -> None:
    """None stands for no end state."""
    assert Toolbox(World()).end_state() is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (KeyError("x"), "Stateful.end_state: raised KeyError: 'x'; it must work in every state of the world"),
        ({1}, f"Stateful.end_state: end state is of type set; {ALLOWED}; use sorted(value)"),
        (
            "x" * 1_000_001,
            "Stateful.end_state: end state is more than 1,000,000 bytes of JSON text; "
            "make it smaller: filter, page or summarise",
        ),
    ],
    ids=["raises", "set", "long"],
)
def test_broken_end_state_is_the_authors_mistake(value: Any, text: str) -> None:
    """No model is at fault for it."""
    with pytest.raises(ScenarioError) as caught:
        Toolbox(Stateful(value)).end_state()

    assert str(caught.value) == text


def test_end_state_must_be_a_method() -> None:
    """An attribute of the name is refused."""
    world = World()
    world.__dict__["end_state"] = {"a": 1}
    with pytest.raises(ScenarioError) as caught:
        Toolbox(world).end_state()

    assert str(caught.value) == "World.end_state: is {'a': 1}; it must be a method that takes nothing but self"


class Counter:
    """A world that counts, and can refuse."""

    def __init__(self, step: int = 1) -> None:
        self.step, self.count, self.asked = step, 0, 0

    @tool
    def add(self, count: int = 1) -> int:
        """Add to the count."""
        self.asked += 1
        if count < 0:
            raise ToolError("only upwards")
        self.count += count * self.step
        return self.count

    def end_state(self) -> int:
        """Give the count."""
        return self.count


def counted() -> tuple[CallRecord, ...]:
    """Give the journal of a trial that called a tool well, badly and not at all."""
    ran = Toolbox(Counter())
    asked: list[dict[str, Json]] = [{"count": 2}, {"count": -1}, {"x": 1}, {}]
    for arguments in asked:
        ran.call("add", arguments, origin="direct")
    ran.call_bound("add", [1, 2, 3], {})
    return ran.journal


def test_restored_world_is_as_the_calls_left_it() -> None:
    """Whoever looks at the world of a trial that was run elsewhere finds it as it was; the journal is that trial's."""
    restored = Toolbox(Counter())
    restored.restore(counted())
    world = restored.world

    assert isinstance(world, Counter)
    assert (world.count, world.asked, restored.end_state()) == (3, 3, 3)
    assert [each.error for each in restored.journal] == [each.error for each in counted()]


def test_restored_calls_are_not_carried_out_for_nobody() -> None:
    """As long as nobody looks at the world no tool is run: it may take time, or money."""
    world = Counter()
    restored = Toolbox(world)
    restored.restore(counted())
    journal = restored.journal

    assert (len(journal), world.asked) == (5, 0)


def test_call_after_restored_ones_meets_their_world() -> None:
    """A validator may go on where the trial ended."""
    restored = Toolbox(Counter())
    restored.restore(counted())

    assert restored.call("add", {}, origin="direct").result == 4
    assert len(restored.journal) == 6


def test_world_that_does_not_repeat_itself_is_refused() -> None:
    """A verdict on another world than the trial's would be none."""
    restored = Toolbox(Counter(step=7))
    restored.restore(counted())
    with pytest.raises(ScenarioError) as caught:
        _ = restored.world

    assert str(caught.value) == (
        "Counter: the trial was taken from a journal, and its world cannot be had again: add gave 2 then and 14 now; "
        "judge codeact_trial alone, make the world deterministic, or start a new run without --codeact-resume"
    )

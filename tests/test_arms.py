"""The arms: what is offered and how a reply is acted upon."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fakes import Item, Shelf, calls, make_bench, runs, says

from pytest_codeact.arms import Answer, Bench, answer_from_text
from pytest_codeact.arms.code import TYPESCRIPT, CodeArm
from pytest_codeact.arms.direct import DirectArm
from pytest_codeact.errors import SandboxError
from pytest_codeact.runtimes import Bindings, Execution, Limits, Sandbox
from pytest_codeact.runtimes.restricted import RestrictedRuntime
from pytest_codeact.tools import FinalAnswer, Toolbox

if TYPE_CHECKING:
    from pytest_codeact.records import Json, Message


def shown(arm: DirectArm | CodeArm, reply: Message, bench: object) -> list[tuple[str, bool]]:
    """Give content and error flag of the results of a reply."""
    return [(result.content, result.is_error) for result in arm.act(reply, bench).results]  # type: ignore[arg-type]


def test_direct_offers_the_tools_and_parallel_calls() -> None:
    """Without an answer type there is no final_answer tool: the answer is text."""
    bench, _ = make_bench()
    offer = DirectArm(parallel=True).offer(bench)

    assert [spec.name for spec in offer.tools] == ["look", "put"]
    assert offer.parallel_tool_calls
    assert "reply with the answer as text" in offer.system


def test_direct_offers_final_answer_for_a_structured_answer() -> None:
    """With an answer type the model is given the same final_answer that programs get."""
    bench, _ = make_bench(answer=Item)
    offer = DirectArm(parallel=False).offer(bench)

    assert [spec.name for spec in offer.tools] == ["look", "put", "final_answer"]
    assert not offer.parallel_tool_calls
    assert "call final_answer" in offer.system


def test_direct_carries_out_every_call_in_order() -> None:
    """Each call has its result, in order, errors included."""
    bench, _ = make_bench()
    reply = calls(("put", {"name": "cup"}), ("look", {"name": "cup"}), ("look", {"name": "pot"})).message
    results = shown(DirectArm(parallel=True), reply, bench)

    assert results == [
        ('{"name": "cup", "count": 3}', False),
        ('{"name": "cup", "count": 3}', False),
        ("KeyError: \"no item 'pot'\"", True),
    ]


def test_direct_serial_carries_out_one_call() -> None:
    """Should a model not keep to one call per turn, the others are refused, not carried out."""
    bench, _ = make_bench()
    reply = calls(("put", {"name": "cup"}), ("put", {"name": "cup"})).message
    results = shown(DirectArm(parallel=False), reply, bench)

    assert results[1] == (
        "only one tool call per turn is allowed here; this call was not carried out; ask for it again",
        True,
    )
    assert bench.toolbox.end_state() == {"cup": 3}


def test_direct_ends_at_final_answer() -> None:
    """Calls before it are carried out, calls after it are not."""
    bench, _ = make_bench(answer=Item)
    answer: Json = {"answer": {"name": "cup", "count": 2}}
    observation = DirectArm(parallel=True).act(
        calls(("put", {"name": "a"}), ("final_answer", answer), ("put", {"name": "b"})).message, bench
    )

    assert observation.answer == Answer(value={"name": "cup", "count": 2})
    assert bench.toolbox.end_state() == {"cup": 2, "a": 1}


def test_direct_returns_an_ill_typed_final_answer_to_the_model() -> None:
    """The model is told what is wrong with it and may repair it."""
    bench, _ = make_bench(answer=Item)
    observation = DirectArm(parallel=True).act(calls(("final_answer", {"answer": {"name": 1}})).message, bench)

    assert observation.answer is None
    assert observation.results[0].is_error
    assert "answer.count" in observation.results[0].content


def test_code_offers_one_tool_and_a_typed_api() -> None:
    """The API with its exact result types is part of the instructions."""
    bench, _ = make_bench(answer=Item)
    offer = CodeArm().offer(bench)

    assert [spec.name for spec in offer.tools] == ["run_code"]
    assert "class Item(TypedDict):" in offer.system
    assert "def put(name: str, count: int = 1) -> Item:" in offer.system
    assert "def final_answer(answer: Item) -> None:" in offer.system


def test_code_starts_its_interpreter_before_the_first_turn() -> None:
    """Starting a process is no latency of the model's first action."""
    bench, runtime = make_bench()
    CodeArm().offer(bench)

    assert (len(runtime.started), runtime.prepared) == (1, 1)


def test_code_runs_programs_in_one_interpreter() -> None:
    """A second program finds the first one's interpreter, in another turn too."""
    bench, runtime = make_bench({"a": lambda _: Execution(status="ok"), "b": lambda _: Execution(status="ok")})
    arm = CodeArm()
    arm.act(runs("a").message, bench)
    arm.act(runs("b").message, bench)

    assert len(runtime.started) == 1


@pytest.mark.parametrize(
    ("execution", "content", "is_error"),
    [
        (Execution(status="ok"), "(the program ended without error and printed nothing)", False),
        (Execution(status="ok", output="hi\n", value="3"), "hi\n3", False),
        (Execution(status="error", output="hi\n", error="Traceback ..."), "hi\nTraceback ...", True),
        (Execution(status="limit", error="time limit"), "time limit", True),
    ],
)
def test_code_shows_output_value_and_error(execution: Execution, content: str, is_error: bool) -> None:
    """What a program printed comes first, then its value, then its error."""
    bench, _ = make_bench({"p": lambda _: execution})
    observation = CodeArm().act(runs("p").message, bench)

    assert [(r.content, r.is_error) for r in observation.results] == [(content, is_error)]
    assert observation.code_statuses == (execution.status,)


def test_code_calls_reach_the_tools_and_final_answer_ends() -> None:
    """A program's calls are the world's calls, marked as coming from code."""

    def program(bindings: Bindings) -> Execution:
        assert bindings.call("put", ["pot"], {"count": 4}).value == {"name": "pot", "count": 4}
        assert bindings.call("look", ["pan"], {}).error == "KeyError: \"no item 'pan'\""
        assert bindings.call("final_answer", [{"name": "pot", "count": 4}], {}).final
        return Execution(status="final")

    bench, _ = make_bench({"p": program}, answer=Item)
    observation = CodeArm().act(runs("p").message, bench)

    assert observation.answer == Answer(value={"name": "pot", "count": 4})
    assert [(call.name, call.origin) for call in bench.toolbox.journal] == [("put", "code"), ("look", "code")]


def test_a_bad_call_is_the_same_error_in_both_arms() -> None:
    """Unknown tool, missing, extra and ill-typed arguments read the same and are journalled the same."""
    bad: list[tuple[str, dict[str, Json]]] = [
        ("lok", {"name": "cup"}),
        ("look", {}),
        ("look", {"name": "cup", "size": 1}),
        ("look", {"name": 3}),
        ("look", {"name": "pan"}),
    ]
    direct, _ = make_bench()
    by_call = [text for text, _ in shown(DirectArm(parallel=True), calls(*bad).message, direct)]
    by_code: list[str | None] = []

    def program(bindings: Bindings) -> Execution:
        by_code.extend(bindings.call(name, [], arguments).error for name, arguments in bad)
        return Execution(status="ok")

    code, _ = make_bench({"p": program})
    CodeArm().act(runs("p").message, code)

    assert by_call == by_code
    assert [(c.name, c.arguments, c.error) for c in direct.toolbox.journal] == [
        (c.name, c.arguments, c.error) for c in code.toolbox.journal
    ]


def test_code_refuses_a_sandbox_of_another_language() -> None:
    """A runtime says what its programs are written in, and the arm writes Python."""
    bench, runtime = make_bench()
    runtime.language = "typescript"

    with pytest.raises(SandboxError) as caught:
        CodeArm().offer(bench)

    assert str(caught.value) == (
        "the arm writes python and its sandbox runs typescript; choose another with --codeact-sandbox, or another arm"
    )


def test_code_ts_offers_its_own_tool_and_a_typescript_api() -> None:
    """The tool's name tells the language; everything else that the two code arms say is alike."""
    bench, runtime = make_bench(answer=Item)
    runtime.language = "typescript"
    offer, python = CodeArm(TYPESCRIPT).offer(bench), CodeArm().offer(make_bench(answer=Item)[0])
    (ours,), (theirs,) = offer.tools, python.tools

    assert (ours.name, ours.parameters, offer.parallel_tool_calls) == ("run_typescript", theirs.parameters, False)
    assert ours.description == (
        "Run a TypeScript program against the API. Returns what it logs with console.log and the value of its last "
        "expression."
    )
    assert offer.system.startswith(
        "Carry out the user's task by writing TypeScript programs that call the API below; run them with "
        "run_typescript. They may use await at the top level. Variables and functions stay defined from one program to "
        "the next. A program that fails returns its error; what it did before the error stays done. When the task is "
        "done, call await final_answer(...) in a program with the answer; it ends the task.\n\n"
        "The API, already imported:\n\n"
    )
    assert "\ninterface Item {\n" in offer.system
    assert "  put(args: {\n" in offer.system
    assert "declare function final_answer(answer: Item): Promise<never>;\n" in offer.system
    assert "interface Item" in runtime.started[0].declarations
    assert runtime.started[0].functions == ("look", "put", "final_answer")


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [([{"name": "pot", "count": 4}], {}), ([], {"name": "pot", "count": 4}), (["pot", 4], {})],
    ids=["object", "by_name", "by_position"],
)
def test_code_ts_calls_reach_the_tools(args: list[Json], kwargs: dict[str, Json]) -> None:
    """One object holds the arguments by name, whether the runtime or the arm takes it apart."""

    def program(bindings: Bindings) -> Execution:
        assert bindings.call("put", args, kwargs).value == {"name": "pot", "count": 4}
        assert bindings.call("look", [{}], {}).error == (
            "invalid arguments for 'look': name: missing, expected a string"
        )
        assert bindings.call("final_answer", [{"name": "pot", "count": 4}], {}).final
        return Execution(status="final")

    bench, runtime = make_bench({"p": program}, answer=Item)
    runtime.language = "typescript"
    observation = CodeArm(TYPESCRIPT).act(calls(("run_typescript", {"code": "p"})).message, bench)

    assert observation.answer == Answer(value={"name": "pot", "count": 4})
    assert [(call.name, call.error is None) for call in bench.toolbox.journal] == [("put", True), ("look", False)]


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        (
            "run_code",
            {"code": "1"},
            "unknown tool 'run_code'; the only tool is 'run_typescript'; call the API from a program",
        ),
        ("run_typescript", {"code": 1}, "run_typescript takes one argument, 'code', a text; got {'code': 1}"),
    ],
)
def test_code_ts_refuses_what_is_no_program(name: str, arguments: Json, text: str) -> None:
    """It says the name of its own tool."""
    bench, _ = make_bench()
    observation = CodeArm(TYPESCRIPT).act(calls((name, arguments)).message, bench)

    assert [(result.content, result.is_error) for result in observation.results] == [(text, True)]
    assert observation.code_statuses == (("error",) if name == "run_typescript" else ())


@pytest.mark.parametrize(
    "call", ["tools.lok(name='cup')", "tools.look()", "look('cup', 1)", "look(nmae='cup')", "put(3)"]
)
def test_a_bad_call_in_the_sandbox_is_that_of_the_direct_arm(call: str) -> None:
    """What a program raises is worded as the direct arm's error result is, and is in the journal as well."""
    runtime = RestrictedRuntime()
    toolbox = Toolbox(Shelf())
    bench = Bench(toolbox=toolbox, final=FinalAnswer(None), sandbox=Sandbox(lambda _: runtime, Limits()))
    observation = CodeArm().act(runs(f"import tools\n{call}").message, bench)
    bench.sandbox.close()
    runtime.close()
    (journalled,) = toolbox.journal

    assert observation.code_statuses == ("error",)
    assert observation.results[0].content.splitlines()[-1] == f"ToolError: {journalled.error}"


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("put", {"name": "a"}, "unknown tool 'put'; the only tool is 'run_code'; call the API from a program"),
        ("run_code", "{", "run_code takes one argument, 'code', a text; got '{'"),
        ("run_code", {"code": 1}, "run_code takes one argument, 'code', a text; got {'code': 1}"),
    ],
)
def test_code_refuses_what_is_no_program(name: str, arguments: Json, text: str) -> None:
    """A native call of an API function, or a run_code without a program, is an error the model can read."""
    bench, runtime = make_bench()

    observation = CodeArm().act(calls((name, arguments)).message, bench)

    assert [(result.content, result.is_error) for result in observation.results] == [(text, True)]
    assert observation.code_statuses == (("error",) if name == "run_code" else ())
    assert runtime.started == []


@pytest.mark.parametrize("arm", [DirectArm(parallel=True), CodeArm()])
def test_text_is_the_answer(arm: DirectArm | CodeArm) -> None:
    """A reply without action ends the trial."""
    bench, _ = make_bench()

    assert arm.act(says("42").message, bench).answer == Answer(value="42")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ('{"name": "cup", "count": 2}', Answer(value={"name": "cup", "count": 2})),
        ('{"name": "cup"}', Answer(value='{"name": "cup"}', well_typed=False)),
        ("two cups", Answer(value="two cups", well_typed=False)),
    ],
)
def test_text_must_be_json_of_the_answer_type(text: str, answer: Answer) -> None:
    """With an answer type, text of another form is kept and marked."""
    assert answer_from_text(text, FinalAnswer(Item)) == answer

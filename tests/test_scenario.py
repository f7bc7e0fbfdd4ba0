"""The marker's arguments, and the direct run of a reference solution."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import pytest
from fakes import Item, Shelf

from pytest_codeact.errors import CodeActError, ScenarioError, SolutionError
from pytest_codeact.plugin import MARKER_HELP
from pytest_codeact.runtimes import Limits
from pytest_codeact.scenario import SIGNATURE, Budget, Scenario, solve

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ID = "test_a.py::test_one"


PROGRAM = 'await final_answer(await tools.put({ name: "pot", count: 2 }));\n'


def solution(tools: Any) -> Any:
    """Put a pot on the shelf."""
    return tools.put("pot", count=2)


def scenario(**kwargs: Any) -> Scenario:
    """Read a marker with a world and what else is given."""
    return Scenario.from_marker(ID, ("Do it.",), {"tools": Shelf, **kwargs})


def test_marker_is_read() -> None:
    """Every argument arrives, and what is not given has its default."""
    given = scenario(reference=solution, answer=Item, max_turns=3, tolerance=0.5, limits={"wall_s": 1})

    assert (given.id, given.prompt, given.tools, given.reference) == (ID, "Do it.", Shelf, solution)
    assert (given.answer, given.max_turns, given.tolerance, given.limits) == (Item, 3, 0.5, {"wall_s": 1})
    assert (scenario().max_turns, scenario().tolerance, scenario().reference) == (None, 0.0, None)


def test_typescript_is_read_from_its_file(tmp_path: Path) -> None:
    """Source stands for itself; a path is for the file's text."""
    path = tmp_path / "solve.ts"
    path.write_text(PROGRAM)

    assert scenario(reference=solution, reference_ts=PROGRAM).reference_ts == PROGRAM
    assert scenario(reference=solution, reference_ts=path).reference_ts == PROGRAM
    assert scenario(reference=solution).reference_ts is None


def test_sandbox_is_a_name_or_several() -> None:
    """One name needs no list."""
    assert scenario(sandbox="monty").runtimes == ("monty",)
    assert scenario(sandbox=["monty", "deno"]).runtimes == ("monty", "deno")
    assert scenario().runtimes == ()


def test_help_of_the_marker_shows_its_signature() -> None:
    """`pytest --markers` and the error messages say the same; the entry point cannot import it at load."""
    assert MARKER_HELP.startswith(f"{SIGNATURE}: ")


def test_budget_takes_the_turns_of_the_scenario() -> None:
    """Where the scenario says nothing, the default stands."""
    default = Budget(max_turns=9, max_output_tokens=10, observation_bytes=11)

    assert scenario().budget(default) == default
    assert scenario(max_turns=3).budget(default) == Budget(max_turns=3, max_output_tokens=10, observation_bytes=11)


class NoTools:
    """A world without tools."""


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((), {"tools": Shelf}, "the marker takes one positional argument, the prompt; got 0"),
        (("a", "b"), {"tools": Shelf}, "the marker takes one positional argument, the prompt; got 2"),
        ((" ",), {"tools": Shelf}, "the prompt must be a text that is not blank; got ' '"),
        ((3,), {"tools": Shelf}, "the prompt must be a text that is not blank; got 3"),
        (("a",), {}, "missing argument 'tools'; give the class of the scenario's world"),
        (
            ("a",),
            {"tools": Shelf, "refrence": solution},
            "unknown argument 'refrence'; allowed: tools, reference, reference_ts, answer, max_turns, "
            "tolerance, limits, sandbox, frozen_clock, deadline_s, min_success, fail; did you mean 'reference'?",
        ),
        (("a",), {"tools": 3}, "'tools' must be a class, or a function that makes the world; got 3"),
        (("a",), {"tools": Shelf, "reference": 3}, "'reference' must be a function that takes the tools; got 3"),
        (("a",), {"tools": Shelf, "max_turns": 0}, "'max_turns' must be a whole number from 1; got 0"),
        (("a",), {"tools": Shelf, "max_turns": True}, "'max_turns' must be a whole number from 1; got True"),
        (("a",), {"tools": Shelf, "tolerance": -1}, "'tolerance' must be a number from 0; got -1"),
        (("a",), {"tools": Shelf, "tolerance": float("inf")}, "'tolerance' must be a number from 0; got inf"),
        (("a",), {"tools": Shelf, "limits": 3}, "'limits' must be a mapping of limit names to numbers; got 3"),
        (("a",), {"tools": Shelf, "limits": {"wall_s": 0}}, "the limit 'wall_s' must be a number above 0; got 0"),
        (
            ("a",),
            {"tools": Shelf, "reference_ts": PROGRAM},
            "'reference_ts' stands beside a 'reference', which makes the ground truth; add reference=...",
        ),
        (
            ("a",),
            {"tools": Shelf, "reference": solution, "reference_ts": 3},
            "'reference_ts' must be TypeScript source, or a Path to a file of it; got 3",
        ),
        (
            ("a",),
            {"tools": Shelf, "reference": solution, "reference_ts": "return 1;"},
            "'reference_ts' must end in `await final_answer(...)`; got 'return 1;'",
        ),
        (
            ("a",),
            {"tools": Shelf, "reference": solution, "reference_ts": PurePath("solve.ts")},
            "'reference_ts' must be an absolute path; got 'solve.ts'; write Path(__file__).with_name(...) for a file "
            "beside the test",
        ),
        (
            ("a",),
            {"tools": Shelf, "reference": solution, "reference_ts": PurePath("/nowhere/solve.ts")},
            "'reference_ts' cannot be read: [Errno 2] No such file or directory: '/nowhere/solve.ts'",
        ),
        (("a",), {"tools": Shelf, "sandbox": 5}, "'sandbox' must be the name of a runtime or a list of such; got 5"),
        (
            ("a",),
            {"tools": Shelf, "sandbox": ["monty", None]},
            "'sandbox' must be the name of a runtime or a list of such; got ['monty', None]",
        ),
        (
            ("a",),
            {"tools": Shelf, "limits": {"walls": 1}},
            f"unknown limit 'walls'; known limits: {', '.join(Limits.__dataclass_fields__)}; got 1",
        ),
        (("a",), {"tools": Shelf, "min_success": 1.5}, "'min_success' must be a number from 0 to 1; got 1.5"),
        (("a",), {"tools": Shelf, "min_success": True}, "'min_success' must be a number from 0 to 1; got True"),
        (("a",), {"tools": Shelf, "min_success": "80%"}, "'min_success' must be a number from 0 to 1; got '80%'"),
        (("a",), {"tools": Shelf, "fail": 5}, "'fail' must be a rule METRIC:STAT:LIMIT or a list of such; got 5"),
        (
            ("a",),
            {"tools": Shelf, "fail": ["tokens:mean:5%", 5]},
            "'fail' must be a rule METRIC:STAT:LIMIT or a list of such; got ['tokens:mean:5%', 5]",
        ),
    ],
)
def test_wrong_argument_is_refused(args: tuple[object, ...], kwargs: dict[str, Any], message: str) -> None:
    """A mistake names the test, what was given and what is allowed."""
    with pytest.raises(ScenarioError) as caught:
        Scenario.from_marker(ID, args, kwargs)

    assert str(caught.value) == f"{ID}: {message}\nexpected @pytest.mark.{SIGNATURE}"


@pytest.mark.parametrize(("kwargs", "part"), [({"tools": NoTools}, "NoTools"), ({"answer": complex}, "complex")])
def test_surface_that_no_model_can_be_told_is_refused(kwargs: dict[str, Any], part: str) -> None:
    """A world without tools and an answer type without a schema are found when the marker is read."""
    with pytest.raises(ScenarioError, match=rf"^{ID}: .*{part}"):
        scenario(**kwargs)


def test_world_that_cannot_be_made_is_the_scenarios_fault() -> None:
    """What the author's code raised is quoted."""

    def broken() -> object:
        raise OSError("no such file")

    with pytest.raises(ScenarioError) as caught:
        scenario(tools=broken).make_world()

    assert str(caught.value) == (
        f"{ID}: making the world failed: OSError: no such file; 'tools' is called without arguments, once per trial"
    )


def test_solve_gives_the_outcome_of_the_reference() -> None:
    """The reference solution runs on a fresh world, through no arm."""
    given = scenario(reference=solution, answer=Item)

    assert solve(given) == {
        "answer": {"name": "pot", "count": 2},
        "ended": "answered",
        "state": {"cup": 2, "pot": 2},
    }
    assert solve(given) == solve(given)


def _raises(tools: Any) -> Any:
    raise LookupError("nothing there")


def _bad_call(tools: Any) -> Any:
    return tools.look(name="pan")


def _ill_typed(tools: Any) -> Any:
    return {"name": "pot"}


def _endless(tools: Any) -> Any:
    while True:
        pass


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        (_raises, "the reference solution raised LookupError: nothing there"),
        (_bad_call, "the reference solution raised ToolError: KeyError: \"no item 'pan'\""),
        (_endless, "the reference solution did not end within 0.2 s"),
        (None, "the scenario has no reference solution; add reference=... to its marker"),
    ],
)
def test_solve_says_what_is_wrong_with_a_reference(reference: Callable[[Any], Any], message: str) -> None:
    """A solution that raises or never ends is the scenario's fault, and named."""
    with pytest.raises(SolutionError) as caught:
        solve(scenario(reference=reference), deadline_s=0.2)

    assert str(caught.value) == f"{ID}: {message}"


def test_solve_checks_the_answer_type() -> None:
    """A solution whose answer is not of the scenario's answer type is refused."""
    with pytest.raises(CodeActError, match=r"the reference solution raised ToolError: .*answer\.count"):
        solve(scenario(reference=_ill_typed, answer=Item))

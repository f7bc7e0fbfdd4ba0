"""
A scenario: what the marker `@pytest.mark.scenario(...)` says, checked.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeGuard

from pytest_codeact.deadline import call_within
from pytest_codeact.errors import CodeActError, ScenarioError, SolutionError, ToolError
from pytest_codeact.runtimes import instant_s, limit_problem
from pytest_codeact.tools import FinalAnswer, Toolbox, tools_of

if TYPE_CHECKING:
    from pytest_codeact.records import Json

MARKER: Final = "scenario"

SIGNATURE: Final = (
    "scenario(prompt, *, tools, reference=None, reference_ts=None, answer=None, max_turns=None, tolerance=0.0, "
    "limits=None, sandbox=(), frozen_clock=None, deadline_s=None, min_success=None, fail=())"
)
"""The marker as the help shows it."""

_KEYWORDS: Final = (
    "tools",
    "reference",
    "reference_ts",
    "answer",
    "max_turns",
    "tolerance",
    "limits",
    "sandbox",
    "frozen_clock",
    "deadline_s",
    "min_success",
    "fail",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """
    What a trial may use, the same for every arm.

    Attributes:
        max_turns: Model requests. A trial that needs more ends as "turn_limit", which is a failure.
        max_output_tokens: Tokens of one reply.
        observation_bytes: UTF-8 bytes of one tool result or program output as the model is shown it; the
            middle of what is longer is left out, and the text says so.
        deadline_s: Seconds from its first request's making to its end state; waiting and hanging count. A trial that
            takes longer ends as "error". Making the world and the client has as many seconds each.
    """

    max_turns: int = 50
    max_output_tokens: int = 4096
    observation_bytes: int = 64 * 2**10
    deadline_s: float = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """
    A task, its world and how to judge it.

    Attributes:
        id: Node id of the test without our parameters.
        prompt: The task, word for word what every arm's model is given as the first message.
        tools: Makes the world: called without arguments once per trial.
        reference: The reference solution: takes the tools, returns the answer. None if there is none;
            then there is no offline run and no ground truth.
        reference_ts: The same solution in TypeScript, for offline runs of the arm `code-ts`: the source of a program
            that calls `tools` and ends in `await final_answer(...)`. The marker also takes the absolute path of a
            file that holds it. None if there is none.
        answer: Type of the answer. None for free text.
        max_turns: Overrides `Budget.max_turns`. None if it does not.
        tolerance: Absolute difference up to which numbers of outcome and snapshot are equal.
        limits: Overrides of `Limits`, by field name. None for none.
        sandbox: Name of the runtime for its programs, or several, at most one per language; each takes the place of
            that of the command line for its language.
        frozen_clock: Date and time at which the clock of its programs stands, as ISO 8601 has it. None for that of the
            option.
        deadline_s: Overrides `Budget.deadline_s`. None if it does not.
        min_success: Overrides `Settings.min_success`. None if it does not.
        fail: Rules METRIC:STAT:LIMIT of the gate, one or several; each takes the place of those on the command line
            with its metric.
    """

    id: str
    prompt: str
    tools: Callable[[], object]
    reference: Callable[[Any], Json] | None = None
    reference_ts: str | None = None
    answer: object | None = None
    max_turns: int | None = None
    tolerance: float = 0.0
    limits: Mapping[str, float] | None = None
    sandbox: str | Sequence[str] = ()
    frozen_clock: str | None = None
    deadline_s: float | None = None
    min_success: float | None = None
    fail: str | Sequence[str] = ()

    @classmethod
    def from_marker(cls, scenario_id: str, args: tuple[object, ...], kwargs: Mapping[str, Any]) -> Scenario:
        """
        Read the marker's arguments.

        Args:
            scenario_id: Node id of the test, for the messages too.
            args: The marker's positional arguments: the prompt.
            kwargs: Its keyword arguments.

        Raises:
            ScenarioError: An argument is missing, unknown or of the wrong type; or the world or the answer type is
                not one that a model can be told about.
        """
        check = _Check(scenario_id)
        if len(args) != 1:
            check.fail(f"the marker takes one positional argument, the prompt; got {len(args)}")
        for name in kwargs:
            if name not in _KEYWORDS:
                close = difflib.get_close_matches(name, _KEYWORDS, n=1)
                hint = f"; did you mean {close[0]!r}?" if close else ""
                check.fail(f"unknown argument {name!r}; allowed: {', '.join(_KEYWORDS)}{hint}")
        if "tools" not in kwargs:
            check.fail("missing argument 'tools'; give the class of the scenario's world")
        typescript = check.typescript(kwargs.get("reference_ts"), kwargs.get("reference"))
        scenario = cls(id=scenario_id, prompt=check.prompt(args[0]), **{**kwargs, "reference_ts": typescript})
        check.callables(scenario.tools, scenario.reference)
        check.numbers(scenario)
        check.limits(scenario.limits)
        check.share(scenario.min_success)
        check.names(scenario.sandbox)
        check.instant(scenario.frozen_clock)
        check.fail_rules(scenario.fail)
        check.surface(scenario)
        return scenario

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules of `fail`, as they were given."""
        return (self.fail,) if isinstance(self.fail, str) else tuple(self.fail)

    @property
    def frozen_clock_s(self) -> float | None:
        """`frozen_clock` in seconds since the epoch."""
        return None if self.frozen_clock is None else instant_s(self.frozen_clock)

    @property
    def runtimes(self) -> tuple[str, ...]:
        """The names of `sandbox`, as they were given."""
        return (self.sandbox,) if isinstance(self.sandbox, str) else tuple(self.sandbox)

    def make_world(self) -> object:
        """
        Make a fresh world.

        Raises:
            ScenarioError: `tools` raised.
        """
        try:
            return self.tools()
        except CodeActError:
            raise
        except Exception as error:
            raise ScenarioError(
                f"{self.id}: making the world failed: {type(error).__name__}: {error}; "
                "'tools' is called without arguments, once per trial"
            ) from error

    def budget(self, default: Budget) -> Budget:
        """Give the budget of its trials: `default`, with what the scenario overrides."""
        return replace(
            default,
            max_turns=default.max_turns if self.max_turns is None else self.max_turns,
            deadline_s=default.deadline_s if self.deadline_s is None else self.deadline_s,
        )


def solve(scenario: Scenario, deadline_s: float = 10.0) -> Json:
    """
    Run the reference solution directly on a fresh world, through no arm and no model.

    Args:
        scenario: One that has a reference.
        deadline_s: Seconds that it may take.

    Returns:
        The outcome, as `Trial.outcome` gives it.

    Raises:
        SolutionError: The solution raised, did not end in time, or its answer is not of the answer type.
    """
    toolbox = Toolbox(scenario.make_world())
    final = FinalAnswer(scenario.answer)
    reference = scenario.reference
    if reference is None:
        raise SolutionError(f"{scenario.id}: the scenario has no reference solution; add reference=... to its marker")
    try:
        answer = final.check_value(call_within(lambda: reference(_Direct(toolbox)), deadline_s))
    except TimeoutError as error:
        raise SolutionError(f"{scenario.id}: the reference solution did not end within {deadline_s:g} s") from error
    except Exception as error:
        raise SolutionError(f"{scenario.id}: the reference solution raised {type(error).__name__}: {error}") from error
    return {"answer": answer, "ended": "answered", "state": toolbox.end_state()}


class _Direct:
    """The tools as a reference solution calls them: attributes that return values and raise `ToolError`."""

    def __init__(self, toolbox: Toolbox) -> None:
        self._toolbox = toolbox

    def __getattr__(self, name: str) -> Any:
        def call(*args: Json, **kwargs: Json) -> Json:
            record = self._toolbox.call_bound(name, list(args), kwargs)
            if record.error is not None:
                raise ToolError(record.error)
            return record.result

        return call


@dataclass(frozen=True, slots=True)
class _Check:
    """Checks of one marker; each failure names the test."""

    scenario_id: str

    def fail(self, text: str) -> NoReturn:
        raise ScenarioError(f"{self.scenario_id}: {text}\nexpected @pytest.mark.{SIGNATURE}")

    def prompt(self, prompt: object) -> str:
        if not isinstance(prompt, str) or not prompt.strip():
            self.fail(f"the prompt must be a text that is not blank; got {prompt!r}")
        return prompt

    def callables(self, tools: object, reference: object) -> None:
        if not callable(tools):
            self.fail(f"'tools' must be a class, or a function that makes the world; got {tools!r}")
        if reference is not None and not callable(reference):
            self.fail(f"'reference' must be a function that takes the tools; got {reference!r}")

    def typescript(self, given: object, reference: object) -> str | None:
        """Give the source of the TypeScript solution, read from its file if it was given as a path."""
        if given is None:
            return None
        if reference is None:
            self.fail("'reference_ts' stands beside a 'reference', which makes the ground truth; add reference=...")
        source = given
        if isinstance(given, PurePath):
            if not given.is_absolute():
                self.fail(
                    f"'reference_ts' must be an absolute path; got {str(given)!r}; "
                    "write Path(__file__).with_name(...) for a file beside the test"
                )
            try:
                source = Path(given).read_text(encoding="utf-8")
            except (OSError, ValueError) as error:
                self.fail(f"'reference_ts' cannot be read: {error}")
        if not isinstance(source, str):
            self.fail(f"'reference_ts' must be TypeScript source, or a Path to a file of it; got {given!r}")
        if "final_answer(" not in source:
            self.fail(f"'reference_ts' must end in `await final_answer(...)`; got {given!r:.200}")
        return source

    def numbers(self, scenario: Scenario) -> None:
        # The types are claims of the marker's.
        max_turns: object = scenario.max_turns
        tolerance: object = scenario.tolerance
        deadline_s: object = scenario.deadline_s
        if max_turns is not None and (not _is_number(max_turns, int) or max_turns < 1):
            self.fail(f"'max_turns' must be a whole number from 1; got {max_turns!r}")
        if not _is_number(tolerance, int, float) or not 0 <= tolerance < math.inf:
            self.fail(f"'tolerance' must be a number from 0; got {tolerance!r}")
        if deadline_s is not None and (not _is_number(deadline_s, int, float) or not 0 < deadline_s < math.inf):
            self.fail(f"'deadline_s' must be a number of seconds above 0; got {deadline_s!r}")

    def limits(self, limits: object) -> None:
        if limits is None:
            return
        if not isinstance(limits, Mapping):
            self.fail(f"'limits' must be a mapping of limit names to numbers; got {limits!r}")
        for name, value in limits.items():
            problem = limit_problem(name, value)
            if problem:
                self.fail(f"{problem}; got {value!r}")

    def share(self, min_success: object) -> None:
        if min_success is not None and (not _is_number(min_success, int, float) or not 0 <= min_success <= 1):
            self.fail(f"'min_success' must be a number from 0 to 1; got {min_success!r}")

    def instant(self, frozen_clock: object) -> None:
        if frozen_clock is None:
            return
        try:
            instant_s(frozen_clock if isinstance(frozen_clock, str) else repr(frozen_clock))
        except ValueError as error:
            self.fail(f"'frozen_clock': {error}")

    def names(self, sandbox: object) -> None:
        listed = [sandbox] if isinstance(sandbox, str) else sandbox
        if not isinstance(listed, list | tuple) or not all(isinstance(name, str) for name in listed):
            self.fail(f"'sandbox' must be the name of a runtime or a list of such; got {sandbox!r}")

    def fail_rules(self, rules: object) -> None:
        listed = [rules] if isinstance(rules, str) else rules
        if not isinstance(listed, list | tuple) or not all(isinstance(rule, str) for rule in listed):
            self.fail(f"'fail' must be a rule METRIC:STAT:LIMIT or a list of such; got {rules!r}")

    def surface(self, scenario: Scenario) -> None:
        """Derive what models are shown, once, so that a mistake shows at collection and not in a paid trial."""
        try:
            FinalAnswer(scenario.answer)
            if isinstance(scenario.tools, type):
                tools_of(scenario.tools)
        except ScenarioError as error:
            raise ScenarioError(f"{self.scenario_id}: {error}") from error


def _is_number(value: object, *kinds: type[int | float]) -> TypeGuard[int | float]:
    """Tell whether a value is of one of the kinds; a bool is of none."""
    return type(value) in kinds

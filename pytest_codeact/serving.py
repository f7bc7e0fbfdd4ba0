"""
The emulator with the solutions of scenarios: for a test session, and as the command `serve`.
"""

from __future__ import annotations

import sys
from contextlib import redirect_stdout, suppress
from io import StringIO
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    import pytest

    from pytest_codeact.emulator import Emulator
    from pytest_codeact.providers import Solution
    from pytest_codeact.scenario import Scenario

ENDED: Final = 0
MISUSED: Final = 2
"""Exit codes of the command: ended by the user; not started, as stderr says."""

_DESCRIPTION: Final = """\
Serve the emulator: the protocols of Anthropic, Mistral, OpenAI and Gemini on
127.0.0.1, with the reference model behind them, until Ctrl-C. It knows the
solutions of the scenarios under PATH."""

_EPILOG: Final = """\
examples:
  python -m pytest_codeact serve --port 8080 scenarios/
  python -m pytest_codeact serve --ttft 0.4 --tokens-per-second 80
  python -m pytest_codeact serve --fault 429:retry-after=2@every,turn=2

a fault is KIND[:NAME=VALUE[,...]][@WHEN[,...]]; docs/emulator.md lists them."""


def add(commands: Any) -> None:
    """Add the command to the command line's."""
    from argparse import RawDescriptionHelpFormatter

    serve = commands.add_parser(
        "serve",
        help="serve the emulator of the vendors' protocols",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=RawDescriptionHelpFormatter,
    )
    serve.add_argument("paths", metavar="PATH", nargs="*", help="scenarios; default: what pytest collects here")
    serve.add_argument("--port", type=int, default=0, help="TCP port; default: 0, any that is free")
    serve.add_argument(
        "--ttft", type=_seconds, metavar="SECONDS", default=0.0, help="time to the first token; default: 0"
    )
    serve.add_argument(
        "--tokens-per-second", type=_seconds, metavar="N", default=0.0, help="speed from then on; default: 0, at once"
    )
    serve.add_argument("--fault", metavar="FAULT", action="append", default=[], help="order a fault; may be repeated")
    serve.set_defaults(run=run)


def _seconds(text: str) -> float:
    from argparse import ArgumentTypeError

    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise ArgumentTypeError(f"must be a number from 0; got {text!r}")
    return value


def run(given: argparse.Namespace) -> int:
    """
    Serve until Ctrl-C.

    Args:
        given: The command's arguments.

    Returns:
        The exit code.
    """
    from pytest_codeact.emulator import Emulator, Order, Speed
    from pytest_codeact.errors import ChoiceError, ScenarioError, UnavailableError

    try:
        orders = [Order.parse(text) for text in given.fault]
        speed = Speed(ttft_s=given.ttft, tokens_per_s=given.tokens_per_second)
        emulator = Emulator(port=given.port, speed=speed)
    except (ChoiceError, UnavailableError) as error:
        return _misused(str(error))
    except (OSError, OverflowError) as error:
        return _misused(f"cannot listen at port {given.port}: {error}; choose another with --port, or 0 for any")
    with emulator.closing():
        try:
            problem = _collect(given.paths, emulator)
        except ScenarioError as error:
            problem = str(error)
        if problem:
            return _misused(problem)
        for order in orders:
            emulator.place(order)
        tasks = f"{emulator.task_count} task{'' if emulator.task_count == 1 else 's'}"
        sys.stdout.write(
            f"emulator (the reference policy, no LLM) at {emulator.url} ({tasks} known); use it with "
            f"--codeact-base-url={emulator.url} --codeact-budget=none; end it with Ctrl-C\n"
        )
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            emulator.run()
    return ENDED


def _misused(message: str) -> int:
    sys.stderr.write(f"python -m pytest_codeact serve: error: {message}\n")
    return MISUSED


def _collect(paths: Sequence[str], emulator: Emulator) -> str:
    """Let an emulator learn the scenarios that pytest collects; says what is wrong, "" for nothing."""
    import pytest

    warnings: list[str] = []

    class Learner:
        def pytest_collection_finish(self, session: pytest.Session) -> None:
            warnings.extend(learn(session.items, emulator, session.config))

    said = StringIO()
    with redirect_stdout(said):
        code = pytest.main(["--collect-only", "-q", "-n0", "-p", "no:cacheprovider", *paths], plugins=[Learner()])
    # Not by the module of that name: pytest would keep them for its own summary, which is not shown.
    sys.stderr.writelines(f"python -m pytest_codeact serve: warning: {each}\n" for each in warnings)
    if code in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
        return ""
    return f"pytest cannot collect the scenarios:\n{said.getvalue()}"


def learn(items: Iterable[pytest.Item], emulator: Emulator, config: pytest.Config) -> list[str]:
    """
    Let an emulator learn the solutions of every scenario among these items that has one.

    Returns:
        What the user is to be warned of: scenarios that it cannot tell apart.

    Raises:
        ScenarioError: A scenario is wrong in itself.
    """
    from pytest_codeact.collection import case_of, scenario_of
    from pytest_codeact.kit import Kit

    known: dict[str, Scenario] = {}
    for item in items:
        if case_of(item) is not None and item.get_closest_marker("scenario") is not None:
            scenario = scenario_of(item, Kit.of(config).settings)
            known[scenario.id] = scenario
    return teach([each for each in known.values() if each.reference is not None], emulator)


def teach(scenarios: Iterable[Scenario], emulator: Emulator) -> list[str]:
    """
    Let an emulator learn the solutions of scenarios. Of two with one prompt and two solutions, it acts by the latter's.

    Returns:
        One sentence for each two of this kind.

    Raises:
        ScenarioError: A scenario is wrong in itself.
    """
    warnings = []
    taught: dict[str, tuple[str, Solution]] = {}
    for scenario in scenarios:
        solution = solution_of(scenario)
        emulator.learn(scenario.prompt, solution)
        earlier, earlier_solution = taught.get(scenario.prompt, (scenario.id, solution))
        if earlier_solution != solution:
            warnings.append(
                f"{earlier} and {scenario.id} have one prompt and two solutions; the emulator, which knows a task by "
                f"its text, acts by that of {scenario.id}; word one of the prompts otherwise"
            )
        taught[scenario.prompt] = scenario.id, solution
    return warnings


def solution_of(scenario: Scenario) -> Solution:
    """
    Give a scenario's solution, for the reference model.

    Args:
        scenario: One that has a reference.

    Raises:
        ScenarioError: There is none, or its world cannot be made.
    """
    from pytest_codeact.errors import ScenarioError
    from pytest_codeact.providers import Solution
    from pytest_codeact.tools import Toolbox

    if scenario.reference is None:
        raise ScenarioError(f"{scenario.id}: the scenario has no reference solution; add reference=... to its marker")
    toolbox = Toolbox(scenario.make_world())
    return Solution(
        function=scenario.reference,
        parameters=toolbox.parameters,
        read_only=toolbox.read_only,
        typescript=scenario.reference_ts,
    )

"""Mistakes of a scenario's author, seen through a whole run: a clear message, and nothing else is lost."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING

import pytest
from projects import reference_client

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD = '''
from typing import Any

import pytest

from pytest_codeact import tool


class World:
    @tool
    def act(self, what: int = 1) -> Any:
        """
        Act.

        Args:
            what: What to do.
        """
        {act}


def solve(tools):
    {solve}


@pytest.mark.scenario("Act.", tools=World, reference={reference}{more})
def test_bad(codeact_trial):
    assert codeact_trial.outcome["ended"] == "answered"
    assert codeact_trial.answer is None or {check}
'''


def bad(
    *,
    act: str = "return 1",
    solve: str = "tools.act(); return None",
    reference: str = "solve",
    more: str = "",
    check: str = "True",
) -> str:
    """Write a scenario with one thing wrong with it."""
    return HEAD.format(act=act, solve=solve, reference=reference, more=more, check=check)


@pytest.fixture
def run_beside(project: pytest.Pytester, run: Callable[..., pytest.RunResult]) -> Callable[..., pytest.RunResult]:
    """Give a function that runs a bad scenario beside the good ones."""

    def run_both(text: str, *args: str) -> pytest.RunResult:
        project.makepyfile(test_bad=text)
        return run(*args)

    return run_both


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            bad(solve="raise LookupError('nothing there')"),
            "*SolutionError: *reference solution *solve*LookupError*nothing there*",
        ),
        (bad(reference="None"), "*ScenarioError: test_bad.py::test_bad: the scenario has no reference solution*"),
    ],
)
def test_reference_at_fault_is_an_error_and_the_rest_runs(
    run_beside: Callable[..., pytest.RunResult], text: str, message: str
) -> None:
    """The trials of a broken scenario are errors, not failures of the model; the other scenarios pass."""
    result = run_beside(text, "--codeact-arms=direct")

    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines([message])
    result.stdout.fnmatch_lines(["scenario *arm *error *ok*", "bad *direct *1 *0/0 *n/a*"])


def test_endless_reference_ends_at_its_deadline(project: pytest.Pytester, run: Callable[..., pytest.RunResult]) -> None:
    """A solution that never ends costs its deadline and says so."""
    project.makepyfile(test_bad=bad(solve="while True: pass"))
    project.makeconftest(reference_client("deadline_s=0.5"))
    result = run("--codeact-arms=direct")

    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*SolutionError: reference solution *solve*0.5 s*"])


@pytest.mark.parametrize(
    ("act", "message"),
    [
        ("raise OSError('disk full')", "OSError: disk full"),
        ("return float('nan')", "the tool 'act' is broken: result is nan*"),
        ("return [{'price': float('inf')}]", "the tool 'act' is broken: result[[]0[]].price is inf*"),
        ("return b'x'", "the tool 'act' is broken: result is *bytes*"),
        ("x = []; x.append(x); return x", "the tool 'act' is broken: result[[]0[]] is a cycle: it holds itself*"),
        ("return 'x' * 100_000_000", "the tool 'act' is broken: *more than 1,000,000 bytes*"),
    ],
)
def test_tool_at_fault_is_an_error_result_in_both_arms(project: pytest.Pytester, act: str, message: str) -> None:
    """What a tool does wrong is a text that the model can read, the same whoever called it; the trial goes on."""
    solve = """try:
        tools.act()
    except Exception as error:
        return str(error)"""
    project.makepyfile(
        test_bad=bad(act=act, solve=solve)
        + "    print('ANSWER', codeact_trial.answer)\n    assert not codeact_trial.record.calls[0].result\n"
    )
    result = project.runpytest_subprocess("test_bad.py", "-s")

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines([f"*ANSWER {message}"] * 2)


def test_answer_of_the_wrong_type_is_named(project: pytest.Pytester) -> None:
    """A reference whose answer is not of the answer type is told what the type is."""
    project.makepyfile(test_bad=bad(solve="tools.act(); return 'many'", more=", answer=int"))
    result = project.runpytest_subprocess("test_bad.py")

    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["*SolutionError: *final_answer was not accepted: *int*many*"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (bad(more=", max_turn=3"), "*test_bad.py::test_bad: unknown argument 'max_turn'*did you mean 'max_turns'?*"),
        (bad(reference="lambda tools: 1"), "*test_bad.py::test_bad: *lambda*"),
        (bad(solve="return HEIGHT"), "*test_bad.py::test_bad: *'HEIGHT'*"),
        (
            bad().replace("(codeact_trial)", "()"),
            "*test_bad.py::test_bad: marked as a scenario, but it uses no codeact*",
        ),
        (bad().replace("what: int", "what"), "*test_bad.py::test_bad: *World.act*what*type hint*"),
    ],
)
def test_mistake_in_a_marker_is_a_collection_error(project: pytest.Pytester, text: str, message: str) -> None:
    """The message names the test, without a traceback, before anything is run."""
    project.makepyfile(test_bad=text)
    result = project.runpytest_subprocess()

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines([message])
    assert "Traceback" not in result.stdout.str()


def test_fixture_without_a_scenario_says_what_is_missing(pytester: pytest.Pytester) -> None:
    """A test that asks for a trial without the marker is told of it."""
    pytester.makepyfile("def test_one(codeact_trial): pass")
    result = pytester.runpytest_subprocess()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*test_one: codeact fixtures need @pytest.mark.scenario(prompt, [*], tools, *"])


def test_world_that_cannot_be_made_is_an_error(run_beside: Callable[..., pytest.RunResult]) -> None:
    """An exception of the world's own constructor is quoted."""
    text = bad().replace("class World:", "class World:\n    def __init__(self): raise OSError('no file')\n")
    result = run_beside(text, "--codeact-arms=direct")

    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*ScenarioError: test_bad.py::test_bad: making the world failed: OSError: no file*"])
    assert "exception" not in result.stdout.str()


FAULTY_PROVIDERS = """
from pytest_codeact.errors import ProviderError

class Vendor:
    def complete(self, request):
        try:
            raise OSError("connection reset")
        except OSError as error:
            raise ProviderError("the vendor cannot be reached") from error

class Broken:
    def complete(self, request):
        return self.look_up()

    def look_up(self):
        return {}["key"]

def pytest_codeact_register(registry):
    registry.add_provider("vendor", lambda context: Vendor())
    registry.add_provider("broken", lambda context: Broken())
"""


def test_error_of_ours_is_shown_once_and_with_its_cause(project: pytest.Pytester) -> None:
    """Its text stands there once, below what caused it; nothing happened 'during the handling' of it."""
    project.makeconftest(FAULTY_PROVIDERS)
    result = project.runpytest_subprocess("-k", "fill", "--codeact-arms=code", "--codeact-model=vendor")
    text = result.stdout.str().partition("short test summary")[0]

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [
            "connection reset",
            "The above exception was the direct cause of the following exception:",
            "ProviderError: the vendor cannot be reached",
        ]
    )
    assert (text.count("the vendor cannot be reached"), text.count("During handling")) == (1, 0)


def test_error_of_a_provider_of_the_users_shows_its_lines(project: pytest.Pytester) -> None:
    """What it raises by mistake comes with the traceback, to its own line."""
    project.makeconftest(FAULTY_PROVIDERS)
    result = project.runpytest_subprocess("-k", "fill", "--codeact-arms=code", "--codeact-model=broken")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(['*return {}?"key"?', "E *KeyError: 'key'"])


@pytest.mark.parametrize("mode", [(), ("-n2",)], ids=["plain", "-n2"])
def test_scenarios_that_would_share_a_snapshot_are_refused_before_any_trial(
    project: pytest.Pytester, mode: tuple[str, ...]
) -> None:
    """Both are named, and nothing was paid for."""
    project.makeconftest("import pytest\n@pytest.fixture\ndef codeact_client():\n    open('paid', 'a').close()")
    text = (project.path / "test_shelf.py").read_text()
    for directory in ("one", "two"):
        project.mkpydir(directory)
        (project.path / directory / "test_same.py").write_text(text)
    result = project.runpytest_subprocess("one", "two", "-p", "no:cacheprovider", *mode)
    said = result.stdout.str() + result.stderr.str()

    assert (
        "scenarios 'one/test_same.py::test_fill' and 'two/test_same.py::test_fill' would share the snapshot "
        "'test_same/test_fill.json'; rename one of them, or its module"
    ) in said
    assert "Traceback" not in said
    assert not (project.path / "paid").exists()
    if not mode:
        assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_worker_of_another_version_is_refused(project: pytest.Pytester) -> None:
    """Its scenarios fail at their set-up, by a text that names both versions."""
    project.makeconftest(
        """
        import pytest

        @pytest.hookimpl(trylast=True)
        def pytest_configure_node(node):
            node.workerinput["codeact_version"] = "0.0.1"
        """
    )
    result = project.runpytest_subprocess("-n2", "-p", "no:cacheprovider")
    version = metadata.version("pytest-codeact")

    result.assert_outcomes(errors=4)
    result.stdout.fnmatch_lines(
        [
            f"*this worker has pytest-codeact {version} and its controller has 0.0.1: what they measure is not alike; "
            "install the same version on every host"
        ]
    )


def test_record_that_cannot_be_read_is_an_error_of_its_trial(project: pytest.Pytester) -> None:
    """The run goes on, is red, and says which trial was lost."""
    project.makeconftest(
        """
        import pytest

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_logreport(report):
            if report.nodeid.endswith("test_fill[code]") and hasattr(report, "codeact"):
                report.codeact = "{}"
        """
    )
    result = project.runpytest_subprocess("-p", "no:cacheprovider")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(
        [
            "fill *direct *0 *1/1 *",
            "test_shelf.py::test_fill[[]code]: what its worker sent cannot be read: *; "
            "install the same version on every host",
        ]
    )

"""Many workers: one saved run, equal to that of one process; what cannot be right is refused; nothing gets lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from stored_runs import assert_same_run, counted, stored

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]

LOSER = """
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    # Says that it ran the test and reports nothing.
    return True if item.name in {names!r} else None
"""

ODD = '''
import pytest
from decimal import Decimal
from pytest_codeact.providers import Reply
from pytest_codeact.records import Message, Usage

class Odd:
    """Answers at once, with a usage that is no number."""

    def __init__(self, inner, tokens):
        self.inner, self.tokens = inner, tokens

    def complete(self, request):
        usage = Usage(input_tokens=self.tokens, output_tokens=1)
        return Reply(message=Message(role="assistant", text="6"), stop="end", usage=usage)

@pytest.fixture
def codeact_client(codeact_client, codeact_scenario, codeact_case):
    if "fill" not in codeact_scenario.id or codeact_case.arm != "code":
        return codeact_client
    return Odd(codeact_client, {tokens})
'''

SURROGATES = """
import warnings
import pytest
from decimal import Decimal
from test_shelf import Shelf, double

@pytest.mark.filterwarnings("default")
@pytest.mark.scenario("Double.", tools=Shelf, reference=double, answer=int)
def test_odd(codeact_trial, record_property):
    print("out \\ud800")
    warnings.warn("warned \\ud800")
    record_property("price", Decimal("1.5"))
    record_property("text", "\\ud800")
    raise ValueError("said \\ud800")
"""


@pytest.mark.parametrize(
    ("workers", "count"),
    [("-n0", 0), ("-n2", 2), ("-n8", 8), ("--tx=2*popen --dist=load", 2), ("-n2 --maxschedchunk=1", 2)],
)
def test_workers_store_what_one_process_stores(project: pytest.Pytester, workers: str, count: int) -> None:
    """ONE file, equal to that of a plain run in every field that is not a time."""
    arguments = ("--codeact-trials=4", "--codeact-seed=3", "-p", "no:cacheprovider")
    project.runpytest_subprocess("--benchmark-json=plain.json", *arguments).assert_outcomes(passed=16)
    result = project.runpytest_subprocess(
        "--benchmark-json=many.json", "--benchmark-save=many", *workers.split(), *arguments
    )
    plain, many = stored(project, "plain.json"), stored(project, "many.json")

    result.assert_outcomes(passed=16)
    assert_same_run(plain, many)
    assert (plain["codeact"]["worker_count"], many["codeact"]["worker_count"]) == (0, count)
    assert len(counted(plain)) == 20
    assert len(list((project.path / ".benchmarks").rglob("*.json"))) == 1


def test_skipped_scenario_is_skipped_and_not_refused(project: pytest.Pytester) -> None:
    """What would not run anyway needs no mode that is right."""
    project.makepyfile(
        test_skipped="""
        import pytest
        from test_shelf import Shelf, fill

        @pytest.mark.skip(reason="not now")
        @pytest.mark.scenario("Fill.", tools=Shelf, reference=fill, answer=int)
        def test_skipped(codeact_trial):
            assert False
        """
    )
    result = project.runpytest_subprocess("-n2", "--dist=loadscope", "test_skipped.py")

    result.assert_outcomes(skipped=2)


def test_stored_run_holds_order_and_seed(project: pytest.Pytester) -> None:
    """They are part of what makes a run repeatable."""
    project.runpytest_subprocess("-n2", "--benchmark-json=run.json", "--codeact-seed=7", "--codeact-order=shuffled")

    assert (stored(project)["codeact"]["order"], stored(project)["codeact"]["seed"]) == ("shuffled", 7)


@pytest.mark.parametrize("mode", ["each", "loadscope", "loadfile", "loadgroup", "worksteal"])
def test_mode_that_would_be_wrong_is_refused_for_scenarios_alone(project: pytest.Pytester, mode: str) -> None:
    """Every scenario is an error that says why; nothing is run, and other tests go on."""
    project.makepyfile(test_other="def test_other(): pass")
    project.makeconftest("import pytest\n@pytest.fixture\ndef codeact_client():\n    open('paid', 'a').close()")
    result = project.runpytest_subprocess("-n2", f"--dist={mode}")
    times = 2 if mode == "each" else 1

    result.assert_outcomes(passed=times, errors=4 * times)
    result.stdout.fnmatch_lines([f"scenarios do not run with --dist={mode}: *; use --dist=load, which -n N means"])
    assert not (project.path / "paid").exists()


def test_lost_test_makes_the_run_fail_and_is_named(project: pytest.Pytester) -> None:
    """A worker that says nothing of a trial does not leave the run green."""
    project.makeconftest(LOSER.format(names=["test_fill[code]"]))
    result = project.runpytest_subprocess("-n2", "--benchmark-json=run.json")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(
        [
            "1 trial was collected and never reported: no worker was left to run it, or one lost it; run again:",
            "  test_shelf.py::test_fill[[]code]",
        ]
    )
    assert len(stored(project)["benchmarks"]) == 15


def test_run_that_lost_everything_fails(project: pytest.Pytester) -> None:
    """Without any record there is no table, and the first ten are named."""
    names = [
        f"test_{name}[{arm}-t{trial}]"
        for name in ("fill", "double")
        for arm in ("direct", "code")
        for trial in (1, 2, 3)
    ]
    project.makeconftest(LOSER.format(names=names))
    result = project.runpytest_subprocess("-n2", "--codeact-trials=3")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "12 trials were collected and never reported: *",
            "  test_shelf.py::test_fill?direct-t1?",
            "  ... and 2 more",
        ]
    )


@pytest.mark.parametrize("mode", ["-n0", "-n2"])
def test_record_that_cannot_be_written_is_an_error(project: pytest.Pytester, mode: str) -> None:
    """A provider's Decimal costs one trial: its test fails, says which field it was, and the others go on."""
    project.makeconftest(ODD.format(tokens='Decimal("1")'))
    result = project.runpytest_subprocess(mode, "--benchmark-json=run.json")

    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(
        [
            "test_shelf.py::test_fill: trial 1 of arm 'code', model 'reference', cannot be recorded: "
            "record.turns[[]0].usage.input_tokens is a Decimal; allowed are *",
            "*code *1 *0/0 *",
        ]
    )
    assert stored(project)["codeact"]["failed"] == ["test_shelf.py::test_fill"]


@pytest.mark.parametrize("mode", ["-n0", "-n2"])
def test_text_that_cannot_be_sent_is_escaped(project: pytest.Pytester, mode: str) -> None:
    """Lone surrogates in output, warning, property and exception, and a property that is no JSON: a plain failure."""
    project.makepyfile(test_odd=SURROGATES)
    result = project.runpytest_subprocess(mode, "test_odd.py", "test_shelf.py", "--junit-xml=junit.xml")

    result.assert_outcomes(passed=4, failed=2)
    result.stdout.fnmatch_lines(["E *ValueError: said \\ud800", "*warned \\ud800*"])
    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()


def test_worker_that_cannot_start_ends_the_run(project: pytest.Pytester) -> None:
    """--tx has xdist's own limit of -n: a broken remote is not restarted for ever."""
    project.makepyfile(dies="import os\nif 'PYTEST_XDIST_WORKER' in os.environ:\n    os._exit(3)")
    result = project.runpytest_subprocess("--tx=1*popen", "--dist=load", "-p", "dies")

    assert result.ret != pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*maximum crashed workers reached: 4*"])


def test_collect_only_with_workers_loses_nothing(project: pytest.Pytester) -> None:
    """What is not run need not be reported."""
    assert project.runpytest_subprocess("-n2", "--collect-only", "-W", "default").ret == pytest.ExitCode.OK

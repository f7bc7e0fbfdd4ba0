"""How the plugin behaves where it is installed and not used, and beside other plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

HEAVY = (
    "RestrictedPython",
    "anthropic",
    "genai_prices",
    "google.genai",
    "httpx",
    "mistral_common",
    "mistralai",
    "numpy",
    "openai",
    "pydantic",
    "sqlite3",
    "tenacity",
    "tiktoken",
    "uvicorn",
    "pytest_codeact.arms",
    "pytest_codeact.cassettes",
    "pytest_codeact.clients",
    "pytest_codeact.emulator",
    "pytest_codeact.journal",
    "pytest_codeact.kit",
    "pytest_codeact.measure",
    "pytest_codeact.modes",
    "pytest_codeact.money",
    "pytest_codeact.planning",
    "pytest_codeact.providers",
    "pytest_codeact.registry",
    "pytest_codeact.resume",
    "pytest_codeact.runtimes",
    "pytest_codeact.scenario",
    "pytest_codeact.session",
    "pytest_codeact.snapshots",
    "pytest_codeact.spending",
    "pytest_codeact.storage",
    "pytest_codeact.tools",
    "pytest_codeact.trial",
)


def test_nothing_heavy_is_imported_without_scenarios(pytester: pytest.Pytester) -> None:
    """A suite that uses none of it pays for the entry point, the options and the fixtures' names."""
    pytester.makepyfile(
        f"""
        import sys

        def test_modules():
            assert not [name for name in {(*HEAVY, "ssl")!r} if name in sys.modules]
        """
    )
    # anyio comes with the SDKs, and its plugin imports ssl.
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:anyio")

    result.assert_outcomes(passed=1)


LOADED = """
import os
import sys

def pytest_unconfigure():
    worker = os.environ.get("PYTEST_XDIST_WORKER", "controller")
    with open(f"loaded-{worker}.txt", "w") as file:
        file.write(" ".join(name for name in sys.modules if name.startswith("pytest_codeact.")))
"""


@pytest.mark.parametrize("mode", [(), ("-n2",)], ids=["plain", "-n2"])
def test_run_without_scenarios_ends_without_the_session_too(pytester: pytest.Pytester, mode: tuple[str, ...]) -> None:
    """Neither the end of a run nor a worker's needs what measures, stores and shows."""
    pytester.makeconftest(LOADED)
    pytester.makepyfile("import pytest\n\n@pytest.mark.parametrize('n', range(4))\ndef test_one(n): pass")
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", *mode)
    loaded = {path.name: set(path.read_text().split()) for path in pytester.path.glob("loaded-*.txt")}

    result.assert_outcomes(passed=4)
    assert len(loaded) == (3 if mode else 1)
    for modules in loaded.values():
        assert not modules & {f"pytest_codeact.{room}" for room in ("ahead", "kit", "session", "shipping", "snapshots")}


def test_nothing_is_shown_or_written_without_scenarios(pytester: pytest.Pytester) -> None:
    """No header, no section, no file."""
    pytester.makepyfile(test_other="def test_one(): pass")
    pytester.runpytest_subprocess("-p", "no:codeact")
    files = set(pytester.path.rglob("*"))
    result = pytester.runpytest_subprocess()
    shown = [line for line in result.outlines if not line.startswith("plugins: ")]

    assert [line for line in shown if "codeact" in line] == []
    assert {path for path in pytester.path.rglob("*") if "runpytest" not in str(path)} <= files


@pytest.mark.parametrize("switch", ["-pno:benchmark", "-pno:xdist", "-Werror", "-pno:terminalreporter"])
def test_scenarios_run_beside_and_without_other_plugins(project: pytest.Pytester, switch: str) -> None:
    """Without pytest-benchmark nothing is stored, without xdist there is one process; the table is there."""
    result = project.runpytest_subprocess(switch)

    assert (result.ret, result.stderr.str()) == (pytest.ExitCode.OK, "")
    if "terminal" not in switch:
        result.assert_outcomes(passed=4)
        result.stdout.fnmatch_lines(["code vs direct *saving*verdict"])


def test_without_the_plugin_its_tests_are_not_understood(project: pytest.Pytester) -> None:
    """-p no:codeact leaves pytest as it is: under strict mode the marker is unknown."""
    result = project.runpytest_subprocess("-p", "no:codeact")

    result.stdout.fnmatch_lines(["*'scenario' not found in `markers` configuration option*"])


def test_other_tests_run_without_the_plugin(pytester: pytest.Pytester) -> None:
    """-p no:codeact is harmless where no scenario is."""
    pytester.makepyfile("def test_one(): pass")

    pytester.runpytest_subprocess("-p", "no:codeact").assert_outcomes(passed=1)


def test_without_syrupy_the_snapshot_fixture_says_so(project: pytest.Pytester) -> None:
    """The one fixture that needs syrupy names it; nothing crashes."""
    result = project.runpytest_subprocess("-p", "no:syrupy")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*codeact_snapshot needs the plugin syrupy*drop -p no:syrupy*"])


def test_strict_mode_and_warnings_as_errors(run: Callable[..., pytest.RunResult]) -> None:
    """The project of these tests is strict, and every warning there is an error."""
    result = run()

    result.assert_outcomes(passed=4)


def test_other_peoples_benchmarks_keep_their_table(project: pytest.Pytester) -> None:
    """pytest-benchmark's own table shows other benchmarks and leaves our rows to our table."""
    project.makepyfile(test_speed="def test_speed(benchmark): benchmark(lambda: 1)")
    result = project.runpytest_subprocess("-p", "no:cacheprovider")

    result.assert_outcomes(passed=5)
    result.stdout.fnmatch_lines(["*benchmark: 1 tests*"])
    result.stdout.no_fnmatch_line("*codeact tokens*")


def test_help_names_every_option(pytester: pytest.Pytester) -> None:
    """--help shows the options and ini keys in a group of their own."""
    text = str(pytester.runpytest_subprocess("--help").stdout)

    assert "pytest-codeact" in text
    for name in (
        "arms",
        "model",
        "trials",
        "metrics",
        "seed",
        "sandbox",
        "limit",
        "max-turns",
        "max-output-tokens",
        "observation-bytes",
        "mode",
        "base-url",
        "request-timeout",
        "cassettes",
        "budget",
        "max-requests",
        "max-seconds",
        "rpm",
        "tpm",
        "prices",
        "secrets",
    ):
        assert f"--codeact-{name}=" in text
        assert f"codeact_{name.replace('-', '_')} (" in text


def test_marker_is_documented(pytester: pytest.Pytester) -> None:
    """--markers shows the marker and its arguments."""
    result = pytester.runpytest_subprocess("--markers")

    result.stdout.fnmatch_lines(["@pytest.mark.scenario(prompt, [*], tools, reference=None*"])


def test_directory_that_is_named_like_the_marker_makes_no_scenario(pytester: pytest.Pytester) -> None:
    """A failed subtest below it is none of ours."""
    pytester.mkpydir("scenario")
    text = "def test_one(subtests):\n    with subtests.test():\n        assert False\n"
    (pytester.path / "scenario" / "test_one.py").write_text(text)
    result = pytester.runpytest_subprocess("-v", "-p", "no:cacheprovider")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.no_fnmatch_line("codeact: journal*")

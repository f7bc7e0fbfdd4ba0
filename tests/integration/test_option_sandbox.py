"""--codeact-sandbox, the marker's `sandbox`, and the arm `code-ts`, with runtimes that a conftest registers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

RUNTIMES = '''
import json
import re

from pytest_codeact.runtimes import Confinement, Execution
from pytest_codeact.runtimes.restricted import RestrictedRuntime


class Interpreter:
    """Runs programs of which each line is a call whose arguments are JSON."""

    def __init__(self, name, bindings):
        self.name, self.bindings = name, bindings

    def prepare(self):
        pass

    def run(self, program):
        note(self.name)
        for name, given in re.findall(r"^await (?:tools\\.)?(\\w+)\\((.*)\\);$", program, re.MULTILINE):
            reply = self.bindings.call(name, [json.loads(given)], {})
            if reply.error is not None:
                return Execution(status="error", error=f"ToolError: {reply.error}")
            if reply.final:
                return Execution(status="final")
        return Execution(status="ok")

    def close(self):
        pass


class Script:
    language = "typescript"

    def __init__(self, name):
        self.name = name
        note(f"made-{name}")

    def start(self, bindings, limits):
        return Interpreter(self.name, bindings)

    def confinement(self):
        return Confinement(level="A")

    def close(self):
        note(f"closed-{self.name}")


class Mine(RestrictedRuntime):
    def start(self, bindings, limits):
        note("mine")
        return super().start(bindings, limits)


def note(word):
    with open("notes.txt", "a") as file:
        file.write(word + "\\n")


def pytest_codeact_register(registry):
    registry.add_runtime("script", lambda: Script("script"), language="typescript")
    registry.add_runtime("other", lambda: Script("other"), language="typescript")
    registry.add_runtime("mine", Mine)
    registry.add_runtime("ruby", Mine, language="ruby")

'''

FILL = (
    'await tools.put({"name": "pot", "count": 3});\n'
    'await tools.put({"name": "pan", "count": 1});\n'
    "await final_answer(6);\n"
)


@pytest.fixture
def solved(project: pytest.Pytester) -> pytest.Pytester:
    """Give the project runtimes, and its scenarios a solution in TypeScript: one as text, one in a file."""
    project.makeconftest(RUNTIMES)
    (project.path / "double.ts").write_text('await tools.put({"name": "cup", "count": 2});\nawait final_answer(4);\n')
    change(project, "reference=fill,", f"reference=fill, reference_ts={FILL!r},")
    change(project, "reference=double,", 'reference=double, reference_ts=Path(__file__).with_name("double.ts"),')
    change(project, "import pytest\n", "from pathlib import Path\n\nimport pytest\n")
    return project


def change(project: pytest.Pytester, before: str, after: str) -> None:
    """Change the scenarios' source."""
    path = project.path / "test_shelf.py"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


def notes(project: pytest.Pytester) -> list[str]:
    """List what the runtimes noted, sorted, and forget it."""
    path = project.path / "notes.txt"
    words = path.read_text().split() if path.exists() else []
    path.unlink(missing_ok=True)
    return sorted(words)


def test_arms_of_two_languages_run_side_by_side(solved: pytest.Pytester, run: Callable[..., pytest.RunResult]) -> None:
    """Each arm's programs run in the runtime of their language; both reach the same end."""
    result = run("--codeact-arms=direct,code,code-ts", "--codeact-sandbox=script", "-v")

    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines(["*test_shelf.py::test_double?code-ts?*"])
    result.stdout.fnmatch_lines(["total *direct *", " *code *", " *code-ts *", "code-ts vs direct *"])
    assert [each for each in notes(solved) if "-" not in each] == ["script", "script"]


def test_runtime_is_made_once_per_process_and_closed(solved: pytest.Pytester) -> None:
    """Whatever the number of trials; one that nobody needs is never made."""
    solved.runpytest_subprocess(
        "--codeact-arms=code,code-ts", "--codeact-sandbox=other,mine", "--codeact-trials=2", "--codeact-concurrency=2"
    ).assert_outcomes(passed=8)

    assert notes(solved) == ["closed-other", "made-other", *["mine"] * 4, *["other"] * 4]


@pytest.mark.parametrize(
    ("arms", "sandbox", "line"),
    [
        ("direct", "mine", "codeact: arms direct; model reference policy (no LLM)"),
        ("code", "script", "codeact: arms code; model reference policy (no LLM); sandbox restricted"),
        ("direct,code-ts", "script", "codeact: arms direct, code-ts; model reference policy (no LLM); sandbox script"),
        (
            "code-ts,code",
            "mine,script",
            "codeact: arms code-ts, code; model reference policy (no LLM); sandbox*script, mine",
        ),
    ],
)
def test_plan_names_the_sandboxes_that_the_arms_use(
    solved: pytest.Pytester, arms: str, sandbox: str, line: str
) -> None:
    """No others: an arm without programs has none."""
    result = solved.runpytest_subprocess(f"--codeact-arms={arms}", f"--codeact-sandbox={sandbox}")
    text = " ".join(result.stdout.str().split())

    pytest.LineMatcher([text]).fnmatch_lines([f"*{line} *"])


def test_scenario_chooses_its_own(solved: pytest.Pytester, run: Callable[..., pytest.RunResult]) -> None:
    """Per language: what it does not name is the command line's."""
    change(solved, "reference=fill,", "reference=fill, sandbox=['mine', 'other'],")
    run("--codeact-arms=code,code-ts", "--codeact-sandbox=script").assert_outcomes(passed=4)

    assert [each for each in notes(solved) if "-" not in each] == ["mine", "other", "script"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("'nope'", "unknown runtime 'nope'; known runtimes: 'deno', 'mine', *'script'; register others with *"),
        ("['mine', 'restricted']", "'mine' and 'restricted' both run python; name one per language"),
    ],
)
def test_wrong_choice_of_a_scenario_is_an_error_of_collection(
    solved: pytest.Pytester, given: str, message: str
) -> None:
    """It names the test; nothing is run."""
    change(solved, "reference=fill,", f"reference=fill, sandbox={given},")
    result = solved.runpytest_subprocess()

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines([f"*test_shelf.py::test_fill: {message}"])


@pytest.mark.parametrize(
    ("sandbox", "message"),
    [
        ("restricted,mine", "'restricted' and 'mine' both run python; name one per language"),
        ("script,other", "'script' and 'other' both run typescript; name one per language"),
        ("script,script", "'script' comes twice in 'script,script'; name each once"),
        ("script,nope", "unknown runtime 'nope'; known runtimes: *; register others with the hook *"),
        ("", "empty name in ''; expected names separated by commas*"),
    ],
)
def test_wrong_choice_is_one_line_and_exit_code_4(
    solved: pytest.Pytester, run: Callable[..., pytest.RunResult], sandbox: str, message: str
) -> None:
    """Before anything runs, with xdist too."""
    result = run(f"--codeact-sandbox={sandbox}")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --codeact-sandbox: {message}"])
    assert "Traceback" not in result.stderr.str() + result.stdout.str()


def test_ini_sets_the_default(solved: pytest.Pytester) -> None:
    """The ini key takes a list; the command line wins, and errors name what it was."""
    config = solved.path / "pyproject.toml"
    config.write_text(config.read_text() + '\ncodeact_sandbox = ["other", "mine"]\n')
    solved.runpytest_subprocess("--codeact-arms=code-ts").assert_outcomes(passed=2)
    from_ini = notes(solved)
    solved.runpytest_subprocess("--codeact-arms=code-ts", "--codeact-sandbox=script").assert_outcomes(passed=2)
    config.write_text(config.read_text().replace('"mine"]', '"script"]'))
    clash = solved.runpytest_subprocess()

    assert from_ini == ["closed-other", "made-other", "other", "other"]
    assert notes(solved) == ["closed-script", "made-script", "script", "script"]
    clash.stderr.fnmatch_lines(["ERROR: codeact_sandbox: 'other' and 'script' both run typescript; *"])


def test_scenario_without_a_typescript_solution_is_an_error_there(
    project: pytest.Pytester, run: Callable[..., pytest.RunResult]
) -> None:
    """In that arm alone, with what to do; other arms run."""
    project.makeconftest(RUNTIMES)
    result = run("--codeact-arms=code,code-ts", "--codeact-sandbox=script")

    result.assert_outcomes(passed=2, errors=2)
    result.stdout.fnmatch_lines(
        [
            "*ScenarioError: the scenario has no TypeScript solution; add reference_ts=... to its marker, or leave the "
            "arm 'code-ts' out"
        ]
    )


def test_language_without_a_runtime_is_an_error_of_the_trial(project: pytest.Pytester) -> None:
    """An arm of somebody's writes what nothing runs."""
    project.makeconftest(
        """
        from dataclasses import replace


        def cobol():
            from pytest_codeact.arms.code import PYTHON, CodeArm

            return CodeArm(replace(PYTHON, language="cobol"))


        def pytest_codeact_register(registry):
            registry.add_arm("cobol", cobol, language="cobol")
        """
    )
    result = project.runpytest_subprocess("--codeact-arms=cobol", "-k", "fill")

    result.assert_outcomes(errors=1, deselected=1)
    result.stdout.fnmatch_lines(
        [
            "*SandboxError: the arm writes cobol and no sandbox runs it; name one that does with --codeact-sandbox, or "
            "choose another arm"
        ]
    )


def test_resumed_run_keeps_its_sandboxes(solved: pytest.Pytester) -> None:
    """How they were written does not matter; another choice is refused."""
    solved.runpytest_subprocess("--codeact-arms=code,code-ts", "--codeact-sandbox=script", "-k", "fill")
    notes(solved)
    again = solved.runpytest_subprocess("--codeact-resume=last", "--codeact-sandbox=script,restricted")
    refused = solved.runpytest_subprocess("--codeact-resume=last", "--codeact-sandbox=other")

    again.assert_outcomes(passed=4)
    again.stdout.fnmatch_lines(["2 of 4 trials taken from the journal"])
    assert notes(solved) == ["closed-script", "made-script", "script"]
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(
        [
            "ERROR: --codeact-resume: * was begun with --codeact-sandbox=restricted,script, and "
            "--codeact-sandbox=restricted,other is asked for; leave --codeact-sandbox out to go on with it, *"
        ]
    )


def test_trial_of_another_sandbox_is_not_taken(solved: pytest.Pytester) -> None:
    """Where a program ran is part of what a trial is, also if its scenario says so."""
    solved.runpytest_subprocess("--codeact-arms=code-ts", "--codeact-sandbox=script")
    notes(solved)
    change(solved, "reference=fill,", "reference=fill, sandbox='other',")
    again = solved.runpytest_subprocess("--codeact-resume=last")

    again.assert_outcomes(passed=2)
    # Both are made, for the header says how each holds programs; a program ran in one.
    assert [each for each in notes(solved) if "-" not in each] == ["other"]

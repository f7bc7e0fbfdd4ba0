"""--codeact-resume: what is taken from the journal, what is run, and which runs are refused."""

from __future__ import annotations

import fcntl
import json
from typing import TYPE_CHECKING, Any

import pytest
from baselines import change_samples, saved_baseline
from live_fake import LIVE

from pytest_codeact.journal import FILE, LOCK, run_names
from pytest_codeact.options import Settings
from pytest_codeact.redaction import MARK
from pytest_codeact.resume import _settled

if TYPE_CHECKING:
    from collections.abc import Callable

LOGGING = """
import pathlib
import pytest
from pytest_codeact.providers.reference import ReferenceModel

class Logged:
    def __init__(self, inner, name):
        self.inner, self.name = inner, name

    def complete(self, request):
        if len(request.messages) == 1:
            with open("executed.log", "a") as log:
                log.write(self.name + "\\n")
        return self.inner.complete(request)

def pytest_codeact_register(registry):
    from pytest_codeact.providers.reference import reference_model

    def make(context):
        return Logged(reference_model(context), context.model)

    registry.add_provider("logged", make)
"""


def executed(project: pytest.Pytester) -> int:
    """Give the number of trials whose model was asked since this was last asked."""
    log = project.path / "executed.log"
    count = len(log.read_text().splitlines()) if log.exists() else 0
    log.unlink(missing_ok=True)
    return count


def runs(project: pytest.Pytester) -> list[str]:
    """List the runs, newest first."""
    return run_names(project.path / ".codeact")


def rewrite_first_line(project: pytest.Pytester, change: Callable[[dict[str, Any]], object]) -> str:
    """Change the first line of the only journal; give the run."""
    (run,) = runs(project)
    path = project.path / ".codeact" / run / FILE
    first, rest = path.read_bytes().split(b"\n", 1)
    fields = json.loads(first)
    change(fields)
    path.write_bytes(json.dumps(fields, separators=(",", ":")).encode() + b"\n" + rest)
    return run


@pytest.fixture
def logged(project: pytest.Pytester) -> pytest.Pytester:
    """Give the project a model that leaves a line for every trial that is run."""
    project.makeconftest(LOGGING)
    config = project.path / "pyproject.toml"
    config.write_text(config.read_text().rstrip() + '\ncodeact_model = ["logged"]\n')
    return project


@pytest.mark.parametrize("mode", [(), ("-n0",), ("-n2",)])
def test_finished_run_is_judged_again_and_nothing_is_run(logged: pytest.Pytester, mode: tuple[str, ...]) -> None:
    """Every trial comes from the journal; tests, snapshots and the stored run are as if it had just been made."""
    logged.runpytest_subprocess("--codeact-trials=2", "--benchmark-json=first.json").assert_outcomes(passed=8)
    first = executed(logged)
    again = logged.runpytest_subprocess("--codeact-resume=last", "--benchmark-json=again.json", *mode)
    stored = [json.loads((logged.path / name).read_text()) for name in ("first.json", "again.json")]

    again.assert_outcomes(passed=8)
    again.stdout.fnmatch_lines(["8 of 8 trials taken from the journal", "*2 snapshots passed*"])
    assert (first, executed(logged)) == (8, 0)
    # Even the times: they were measured once.
    assert [entry["stats"] for entry in stored[0]["benchmarks"]] == [
        entry["stats"] for entry in stored[1]["benchmarks"]
    ]


def test_only_what_is_missing_is_run(logged: pytest.Pytester) -> None:
    """A run of one scenario is completed by the other; a third one finds nothing missing."""
    logged.runpytest_subprocess("-k", "fill").assert_outcomes(passed=2, deselected=2)
    counts = [executed(logged)]
    for _ in range(2):
        logged.runpytest_subprocess("--codeact-resume=last").assert_outcomes(passed=4)
        counts.append(executed(logged))

    assert counts == [2, 2, 0]
    assert len(runs(logged)) == 1


def test_settings_come_from_the_journal(project: pytest.Pytester) -> None:
    """Arms, trials and all else that was given need not be given again, with workers neither."""
    project.runpytest_subprocess(
        "--codeact-trials=3", "--codeact-arms=code", "--codeact-seed=5", "--codeact-limit=wall_s=9"
    )
    for mode in ("-n0", "-n2"):
        result = project.runpytest_subprocess("--codeact-resume=last", "--codeact-metrics=tokens", mode)
        result.assert_outcomes(passed=6)
        result.stdout.fnmatch_lines(["6 of 6 trials taken from the journal"])
        result.stdout.no_fnmatch_line("*latency*")


@pytest.mark.parametrize("mode", [(), ("-n2",)])
def test_what_judges_comes_from_the_command(project: pytest.Pytester, mode: tuple[str, ...]) -> None:
    """Without its options a resumed run judges and writes nothing; with them it judges as the first one did."""
    content = saved_baseline(project)
    change_samples(project, content, "tokens", lambda column: [n / 1.2 for n in column])
    judged = (
        "--benchmark-compare=main.json",
        "--codeact-fail=tokens:mean:5%",
        "--codeact-require-baseline",
        "--codeact-fail-on-noise",
        "--codeact-save-baseline=next.json",
        "--codeact-metrics=tokens",
    )
    first = project.runpytest_subprocess(*judged, "--codeact-trials=2", *mode)
    plain = project.runpytest_subprocess("--codeact-resume=last", *mode)
    written = (project.path / "next.json").exists()
    again = project.runpytest_subprocess("--codeact-resume=last", *judged, *mode)

    assert [first.ret, plain.ret, again.ret] == [1, 0, 1]
    assert not written
    plain.stdout.no_fnmatch_line("*gate*")
    plain.stdout.fnmatch_lines(["scenario*latency*", "8 of 8 trials taken from the journal"])
    again.stdout.fnmatch_lines(["gate failed: *; baseline main.json", "the baseline 'next.json' is not written: *"])


@pytest.mark.parametrize(
    ("first", "then", "held"),
    [
        ("--codeact-arms=code", "--codeact-arms=direct", "--codeact-arms=code"),
        ("--codeact-arms=code,direct", "--codeact-arms=direct,code", "--codeact-arms=code,direct"),
        ("--codeact-seed=1", "--codeact-seed=2", "--codeact-seed=1"),
        ("--codeact-trials=2", "--codeact-trials=3", "--codeact-trials=2"),
        ("--codeact-order=abba", "--codeact-order=shuffled", "--codeact-order=abba"),
        ("--codeact-limit=wall_s=2", "--codeact-limit=wall_s=0.5", "--codeact-limit=wall_s=2"),
        ("--codeact-arms=code", "--codeact-limit=wall_s=0.5", "no --codeact-limit"),
        ("--codeact-arms=code", "--codeact-control", "no --codeact-control"),
        ("--codeact-model=reference", "--codeact-model=reference/x", "--codeact-model=reference"),
        ("--codeact-max-turns=9", "--codeact-max-turns=8", "--codeact-max-turns=9"),
    ],
)
def test_another_experiment_is_refused(project: pytest.Pytester, first: str, then: str, held: str) -> None:
    """A run goes on as it was begun: the message names what it has and what was asked for, as one gives them."""
    project.runpytest_subprocess(first, "-k", "fill")
    (run,) = runs(project)
    result = project.runpytest_subprocess("--codeact-resume=last", then)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines_random(
        f"ERROR: --codeact-resume: {run} was begun with {held}, and {then} is asked for; "
        f"leave {then.partition('=')[0]} out to go on with it, or start a new run without --codeact-resume",
    )


def test_other_experiment_of_the_ini_file_is_named_by_its_key(project: pytest.Pytester) -> None:
    """What is to be left out is where it stands."""
    project.runpytest_subprocess("--codeact-trials=2", "-k", "fill")
    config = project.path / "pyproject.toml"
    config.write_text(config.read_text() + "\ncodeact_trials = 3\n")
    result = project.runpytest_subprocess("--codeact-resume=last")

    result.stderr.fnmatch_lines(
        ["*was begun with --codeact-trials=2, and --codeact-trials=3 is asked for; leave codeact_trials out to go on*"]
    )


def test_longer_deadline_runs_only_what_is_missing(logged: pytest.Pytester) -> None:
    """What was overdue is run again with the new deadline; what met the old one is taken."""
    conftest = logged.path / "conftest.py"
    fast = conftest.read_text()
    conftest.write_text(
        fast.replace(
            "        return self.inner",
            '        if "3 pots" in request.messages[0].text:\n'
            "            __import__('threading').Event().wait(30)\n"
            "        return self.inner",
        )
    )
    logged.runpytest_subprocess("--codeact-arms=code", "--codeact-deadline=1").assert_outcomes(passed=1, errors=1)
    conftest.write_text(fast)
    executed(logged)
    result = logged.runpytest_subprocess("--codeact-resume=last", "--codeact-deadline=60")

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["1 of 2 trials taken from the journal"])
    result.stdout.no_fnmatch_line("*the scenario has changed since*")
    assert executed(logged) == 1


def test_same_settings_may_be_given_again(project: pytest.Pytester) -> None:
    """The same command with the option added goes on."""
    command = ("--codeact-arms=code", "--codeact-seed=1", "--codeact-limit=wall_s=2", "--codeact-trials=2")
    project.runpytest_subprocess(*command).assert_outcomes(passed=4)

    project.runpytest_subprocess(*command, "--codeact-resume=last").assert_outcomes(passed=4)


@pytest.mark.parametrize("mode", [("-q",), (), ("-q", "-n2")])
def test_run_that_is_gone_on_with_is_named(project: pytest.Pytester, mode: tuple[str, ...]) -> None:
    """The newest run need not be the one that is meant: its name and when it was begun are said, with -q too."""
    project.runpytest_subprocess("-k", "fill")
    (run,) = runs(project)
    begun = json.loads((project.path / ".codeact" / run / FILE).read_text().partition("\n")[0])["started"]
    result = project.runpytest_subprocess("--codeact-resume=last", *mode)

    assert result.outlines.count(f"codeact: going on with {run}, begun {begun}") == 1


def test_run_is_named_as_it_is_shown(project: pytest.Pytester) -> None:
    """The name alone, or with its directory; not only the newest."""
    for _ in range(2):
        project.runpytest_subprocess("--codeact-arms=code")
    newest, oldest = runs(project)
    for name in (oldest, f".codeact/{oldest}", f".codeact/{oldest}/"):
        project.runpytest_subprocess(f"--codeact-resume={name}").assert_outcomes(passed=2)
    ends = {
        name: (project.path / ".codeact" / name / FILE).read_bytes().count(b'"kind":"end"') for name in runs(project)
    }

    assert ends == {newest: 1, oldest: 4}


def test_unknown_run_lists_the_newest(project: pytest.Pytester) -> None:
    """The message names what there is, newest first."""
    for _ in range(2):
        project.runpytest_subprocess("--codeact-arms=code", "-k", "fill")
    result = project.runpytest_subprocess("--codeact-resume=nope")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        f"ERROR: --codeact-resume: no run 'nope' in {project.path}/.codeact; the newest: {', '.join(runs(project))}; "
        "give one of them, or last"
    )


@pytest.mark.parametrize("asked", ["last", "20261121-120000-abcd"])
def test_without_any_run_it_says_so(project: pytest.Pytester, asked: str) -> None:
    """There is nothing to go on with; nothing is made either."""
    result = project.runpytest_subprocess(f"--codeact-resume={asked}")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        f"ERROR: --codeact-resume: no run '{asked}' in {project.path}/.codeact; there is none at all; "
        "run without --codeact-resume first"
    )
    assert not (project.path / ".codeact").exists()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda first: first.update(schema=99), "it is of schema 99, and this version reads 3"),
        (lambda first: first.pop("settings"), "its first line cannot be read: *"),
    ],
)
def test_unreadable_journal_is_refused(
    project: pytest.Pytester, change: Callable[[dict[str, Any]], object], problem: str
) -> None:
    """Another schema or a damaged first line: one line says what and what to do."""
    project.runpytest_subprocess("-k", "fill")
    run = rewrite_first_line(project, change)
    result = project.runpytest_subprocess("--codeact-resume=last")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        f"ERROR: --codeact-resume: the journal of {run} cannot be gone on with: {problem}; "
        "start a new run without --codeact-resume"
    )


def test_journal_of_another_version_is_refused(project: pytest.Pytester) -> None:
    """Trials of two versions of the harness would not be comparable."""
    project.runpytest_subprocess("-k", "fill")
    run = rewrite_first_line(project, lambda first: first.update(version="0.0.1"))
    result = project.runpytest_subprocess("--codeact-resume=last")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        f"ERROR: --codeact-resume: {run} was begun with pytest-codeact 0.0.1, and this is *: its trials would not be "
        "measured alike; go on with that version, or start a new run without --codeact-resume"
    )


def test_run_in_use_is_refused(project: pytest.Pytester) -> None:
    """Two processes never go on with one run."""
    project.runpytest_subprocess("-k", "fill")
    (run,) = runs(project)
    with (project.path / ".codeact" / run / LOCK).open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = project.runpytest_subprocess("--codeact-resume=last")
        listed = project.runpytest_subprocess("--codeact-resume=last", "--collect-only", "-q")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        f"ERROR: --codeact-resume: {run} is in use: another pytest runs it or goes on with it; "
        "wait until that has ended, or start a new run without --codeact-resume"
    )
    assert listed.ret == pytest.ExitCode.OK


def test_journal_that_cannot_be_written_is_refused(project: pytest.Pytester) -> None:
    """Before anything is paid for, and not after."""
    project.runpytest_subprocess("-k", "fill")
    (run,) = runs(project)
    lock = project.path / ".codeact" / run / LOCK
    lock.unlink()
    lock.mkdir()
    result = project.runpytest_subprocess("--codeact-resume=last")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        f"ERROR: --codeact-resume: the journal of {run} cannot be opened for writing: *; "
        "make it writable, or start a new run without --codeact-resume"
    )


def test_validator_judges_again(logged: pytest.Pytester, pytester: pytest.Pytester) -> None:
    """A mended validator is answered from the journal, and one that became stricter too."""
    path = logged.path / "test_shelf.py"
    good = path.read_text()
    path.write_text(
        good.replace("assert codeact_trial.outcome", "assert codeact_trial.answer == 0 and codeact_trial.outcome")
    )
    logged.runpytest_subprocess().assert_outcomes(failed=4)
    path.write_text(good)
    result = logged.runpytest_subprocess("--codeact-resume=last")

    result.assert_outcomes(passed=4)
    assert executed(logged) == 4


def test_error_is_run_again_and_failure_is_not(logged: pytest.Pytester) -> None:
    """A provider that was down is asked again; a wrong answer stays a wrong answer, and stays red."""
    conftest = logged.path / "conftest.py"
    down = conftest.read_text().replace(
        "        return self.inner",
        '        if "3 pots" in request.messages[0].text:\n'
        '            raise OSError("down")\n'
        "        return self.inner",
    )
    conftest.write_text(down)
    snapshot = logged.path / "snapshots" / "test_shelf" / "test_double.json"
    snapshot.write_text(snapshot.read_text().replace('"answer": 4', '"answer": 5'))
    logged.runpytest_subprocess().assert_outcomes(errors=2, failed=2)
    conftest.write_text(down.replace('raise OSError("down")', "pass"))
    executed(logged)
    result = logged.runpytest_subprocess("--codeact-resume=last")

    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(["2 of 4 trials taken from the journal"])
    assert executed(logged) == 2


def test_changed_scenario_is_run_again_and_counted(logged: pytest.Pytester) -> None:
    """A trial of another prompt is another trial."""
    logged.runpytest_subprocess()
    path = logged.path / "test_shelf.py"
    path.write_text(path.read_text().replace("Double the cups.", "Double the cups!"))
    executed(logged)
    result = logged.runpytest_subprocess("--codeact-resume=last", "-n2")

    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(
        ["2 of 4 trials taken from the journal", "2 trials of the journal run again: the scenario has changed since"]
    )
    assert executed(logged) == 2


def test_damaged_line_is_counted_and_its_trial_run(logged: pytest.Pytester) -> None:
    """A line in the middle that cannot be read costs one trial."""
    logged.runpytest_subprocess()
    (run,) = runs(logged)
    path = logged.path / ".codeact" / run / FILE
    lines = path.read_bytes().splitlines(keepends=True)
    trials = [index for index, line in enumerate(lines) if line.startswith(b'{"kind":"trial"')]
    lines[trials[1]] = lines[trials[1]][:200] + b"\n"
    path.write_bytes(b"".join(lines))
    executed(logged)
    result = logged.runpytest_subprocess("--codeact-resume=last", "-n2")

    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["3 of 4 trials taken from the journal", "1 damaged line of the journal left out"])
    assert executed(logged) == 1


def test_validator_may_look_at_the_world_itself(logged: pytest.Pytester) -> None:
    """A test that judges the world, and not the trial alone, finds it as the trial left it."""
    path = logged.path / "test_shelf.py"
    path.write_text(
        path.read_text()
        + """

@pytest.mark.scenario("Double the cups.", tools=Shelf, reference=double)
def test_world(codeact_trial, codeact_tools):
    assert codeact_tools.world.items == {"cup": 4}
    assert codeact_tools.journal == codeact_trial.record.calls
"""
    )
    logged.runpytest_subprocess("-k", "world").assert_outcomes(passed=2, deselected=4)
    executed(logged)
    logged.runpytest_subprocess("-k", "world", "--codeact-resume=last").assert_outcomes(passed=2, deselected=4)

    assert executed(logged) == 0


def test_live_run_goes_on_as_it_began(project: pytest.Pytester) -> None:
    """
    Its model, its mode and its recordings are the journal's; that it is a live one is known from there too: it needs a
    budget, and its bill is shown.
    """
    project.makeconftest(LIVE)
    run = project.runpytest_subprocess
    first = run("--codeact-model=fake/x", "--codeact-budget=none", "--codeact-mode=record", "--codeact-cassettes=held")
    first.assert_outcomes(passed=4)
    bare = run("--codeact-resume=last")
    resumed = run("--codeact-resume=last", "--codeact-budget=none", "-k", "fill")

    assert bare.ret == pytest.ExitCode.USAGE_ERROR
    bare.stderr.fnmatch_lines(["ERROR: a live run needs a budget*"])
    resumed.assert_outcomes(passed=2, deselected=2)
    resumed.stdout.fnmatch_lines(["codeact plan:", "codeact: spent *"])
    assert not (project.path / "cassettes").exists()


def test_address_is_the_journals() -> None:
    """The rest of a run is asked where it began, unless another address is given; a secret in it is given again."""
    held: dict[str, Any] = {"base_urls": {"openai": "http://127.0.0.1:1"}, "cassettes": "held", "rpm": 7}
    other = Settings(base_urls={"": "http://127.0.0.1:2"}, sources={"base_urls": "--codeact-base-url"})

    assert _settled("RUN", Settings(), held).base_urls == {"openai": "http://127.0.0.1:1"}
    assert (_settled("RUN", Settings(), held).cassettes, _settled("RUN", Settings(), held).rpm) == ("held", 7)
    assert _settled("RUN", other, held).base_urls == {"": "http://127.0.0.1:2"}
    with pytest.raises(pytest.UsageError, match=r"^--codeact-resume: RUN was begun with an address that held a secret"):
        _settled("RUN", Settings(), {"base_urls": {"": f"http://127.0.0.1:1?{MARK}"}})

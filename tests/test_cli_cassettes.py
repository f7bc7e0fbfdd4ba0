"""The command `cassettes`, in this process; what pytest collects, in one of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import ScriptedModel
from live_fake import LIVE
from projects import CONFIG, SHELF
from recordings_of import FULL, request, trial_record

from pytest_codeact import cli
from pytest_codeact.cassettes import CassetteModel, Slot, cassette_files, read_cassette
from pytest_codeact.cli._library import secrets_in
from pytest_codeact.redaction import Redactor

ROOT = Path(__file__).parent.parent
CASSETTES = Path("cassettes")
SHELF_IDS = ("test_shelf.py::test_fill", "test_shelf.py::test_double")


def record(
    scenario: str = SHELF_IDS[0],
    *,
    arm: str = "direct",
    model: str = "fake/x",
    trial: int = 1,
    date: str = "",
    ends: bool = True,
    **changes: Any,
) -> Path:
    """Record a trial of one reply; give the file."""
    slot = Slot(root=CASSETTES, scenario=scenario, arm=arm, model=model, trial=trial)
    client = CassetteModel(slot, ask=lambda: ScriptedModel(replace(FULL, **changes)))
    client.complete(request())
    if ends:
        client.settle(trial_record(0.5))
    if date:
        cassette = read_cassette(slot.path)
        assert cassette is not None
        (interaction,) = cassette.recordings[-1].interactions
        slot.path.write_text(slot.path.read_text().replace(interaction.date, date))
    return slot.path


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory of recordings, in a terminal of 80 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    CASSETTES.mkdir()


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str]]:
    """Run the command; give its exit code and its lines."""
    code = cli.main(["cassettes", *arguments])
    captured = capsys.readouterr()
    assert captured.err == ""
    return code, captured.out.splitlines()


def test_list_is_a_table_of_each_model(capsys: pytest.CaptureFixture[str]) -> None:
    """Figures are sums over all trials; what is unknown is no 0; what is not whole is said."""
    for trial in (1, 2):
        record(trial=trial, date="2026-05-01T10:00:00+00:00")
    record(SHELF_IDS[1], arm="code", usage=None, ends=False, date="2026-06-01T10:00:00+00:00")
    record(model="other/long-name", sdk=None, date="2026-07-01T10:00:00+00:00")

    assert run(capsys, "list") == (
        0,
        [
            "fake/x, recorded with fake 1.0",
            "scenario  arm     trials  requests  tokens     USD        date",
            "double    code         1         1     n/a     n/a  2026-06-01",
            "fill      direct       2         2      22  0.2000  2026-05-01",
            "not recorded to their end: 1; --codeact-mode=record goes on with them",
            "",
            "other/long-name, recorded with no known SDK",
            "scenario  arm     trials  requests  tokens     USD        date",
            "fill      direct       1         1      11  0.1000  2026-07-01",
        ],
    )


def test_list_tells_the_emulators_replies(capsys: pytest.CaptureFixture[str]) -> None:
    """What the reference policy said does not stand there as a vendor's."""
    record(mode="reference")

    assert run(capsys, "list")[1][0] == (
        "fake/x, recorded with fake 1.0; replies of the emulator's reference policy, no"
    )
    assert json.loads("\n".join(run(capsys, "list", "--json")[1]))["cassettes"][0]["reference"] is True


def test_list_as_json_holds_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    """For programs: one entry for a file."""
    record(date="2026-05-01T10:00:00+00:00")
    code, lines = run(capsys, "list", "--json")

    assert code == 0
    assert json.loads("\n".join(lines)) == {
        "cassettes": [
            {
                "scenario": SHELF_IDS[0],
                "arm": "direct",
                "model": "fake/x",
                "trials": 1,
                "incomplete": 0,
                "requests": 1,
                "tokens": 11,
                "cost_usd": 0.1,
                "date": "2026-05-01T10:00:00+00:00",
                "sdks": ["fake 1.0"],
                "reference": False,
            }
        ],
        "unreadable": [],
    }


def test_list_of_nothing_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """An empty directory is no mistake."""
    assert run(capsys, "list") == (0, ["nothing is recorded"])


def test_unreadable_file_is_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    """Every command says which it is, and deletes nothing of it."""
    record()
    bad = CASSETTES / "bad.json"
    bad.write_text('{"schema": 99}')

    for arguments in (("list",), ("verify",), ("prune", "--trials=1", "--yes")):
        code, lines = run(capsys, *arguments)
        assert code == 1
        assert f"{bad} is of schema 99, and this version reads 1" in " ".join(" ".join(lines).split())
        assert max(map(len, lines)) <= 80
    assert bad.exists()


def test_verify_finds_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    """Keys that are not their requests', files in a wrong place, drafts of a killed process; else it is silent."""
    path = record()
    assert run(capsys, "verify") == (0, ["verified: 1; problems: 0"])
    path.write_text(path.read_text().replace("How many?", "How much?").replace('"stop": "end"', '"stop": "odd"'))
    (CASSETTES / "moved.json").write_text(path.read_text())
    (CASSETTES / ".x.json.77.tmp").touch()

    code, lines = run(capsys, "verify")

    said = " ".join(" ".join(lines).split())
    assert code == 1
    assert said.count("has been changed: its key would be") == 2
    assert said.count("holds a damaged reply (unknown stop 'odd')") == 2
    assert f"cassettes/moved.json: a replay would look for it in {path}" in said
    assert "cassettes/.x.json.77.tmp: left behind by a process that was killed; delete it" in said
    assert lines[-1] == "verified: 2; problems: 6"


def test_scan_says_where_and_never_what(capsys: pytest.CaptureFixture[str]) -> None:
    """Every part of a file is looked at: what was asked, offered and answered."""
    planted = "correct-horse-battery"
    path = record(request_id=planted)
    cassette = read_cassette(path)
    assert cassette is not None
    assert list(secrets_in(cassette, Redactor.of({"FAKE_API_KEY": planted}))) == [
        "reply 1 of trial 1: value of FAKE_API_KEY"
    ]

    assert run(capsys, "scan") == (0, ["scanned: 1; found: 0"])


def test_prune_shows_before_it_deletes(capsys: pytest.CaptureFixture[str]) -> None:
    """Without --yes nothing is touched; with it, files and directories that are empty then go too."""
    for trial in (1, 2, 3):
        record(trial=trial)
    gone = record(arm="code", trial=3)

    assert run(capsys, "prune", "--trials=1") == (
        0,
        [
            "test_shelf.py::test_fill, arm code, model fake/x: all trials: beyond 1",
            "test_shelf.py::test_fill, arm direct, model fake/x: 2 of 3 trials: beyond 1",
            "3 recorded trials to delete; give --yes to do it",
        ],
    )
    assert len(cassette_files(CASSETTES)) == 2
    assert run(capsys, "prune", "--trials=1", "--yes")[1][-1] == "3 recorded trials deleted"
    (path,) = cassette_files(CASSETTES)
    cassette = read_cassette(path)
    assert cassette is not None
    assert [each.trial for each in cassette.recordings] == [1]
    assert not gone.parent.parent.exists()
    assert list(cassette.problems()) == []


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        (("--older-than=30",), {("direct", "fake/x", 2), ("code", "fake/x", 1), ("direct", "other/y", 1)}),
        (("--arm=code",), {("direct", "fake/x", 1), ("direct", "fake/x", 2), ("direct", "other/y", 1)}),
        (("--model=fake/x",), {("direct", "other/y", 1)}),
        (("--model=other/y", "--arm=code"), {("direct", "fake/x", 1), ("direct", "fake/x", 2)}),
    ],
)
def test_prune_by_age_arm_and_model(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], left: set[tuple[str, str, int]]
) -> None:
    """A criterion is enough, and pytest is not asked."""
    record(date="2020-01-01T00:00:00+00:00")
    record(trial=2)
    record(arm="code")
    record(model="other/y")

    run(capsys, "prune", "--yes", *arguments)

    cassettes = [read_cassette(path) for path in cassette_files(CASSETTES)]
    assert {(each.arm, each.model, one.trial) for each in cassettes if each for one in each.recordings} == left


def test_prune_of_what_is_gone_asks_pytest(capsys: pytest.CaptureFixture[str]) -> None:
    """Scenarios that are not collected, arms and providers that nobody registers; not what is only deselected."""
    Path("pyproject.toml").write_text(CONFIG.rstrip() + '\naddopts = ["-k", "double"]\n')
    Path("test_shelf.py").write_text(SHELF)
    Path("conftest.py").write_text(LIVE)
    record()
    record(SHELF_IDS[1], arm="control")
    for scenario, arm, model in (
        ("test_shelf.py::test_old", "direct", "fake/x"),
        (SHELF_IDS[0], "sideways", "fake/x"),
        (SHELF_IDS[0], "direct", "gone/x"),
    ):
        record(scenario, arm=arm, model=model)

    assert run(capsys, "prune", "--yes") == (
        0,
        [
            "test_shelf.py::test_fill, arm direct, model gone/x: all trials: nobody registers",
            "  the provider",
            "test_shelf.py::test_fill, arm sideways, model fake/x: all trials: nobody",
            "  registers the arm",
            "test_shelf.py::test_old, arm direct, model fake/x: all trials: pytest collects",
            "  no such scenario",
            "3 recorded trials deleted",
        ],
    )
    assert len(cassette_files(CASSETTES)) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["list", "--dir=none"], "no directory 'none'; name that of the recordings with --dir"),
        (["prune", "test_bad.py"], "pytest cannot collect the scenarios here: "),
        (
            ["prune", "test_empty.py"],
            "pytest collects no scenario here, and everything would be deleted; name the tests, or give --arm, "
            "--model, --trials or --older-than",
        ),
        (["prune", "--older-than=999999999"], "--older-than: 999999999 days are more than a calendar has"),
    ],
)
def test_misuse_is_exit_code_2(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be read is one line on standard error, and nothing is deleted."""
    record()
    Path("test_bad.py").write_text("import nothing_of_this_name")
    Path("test_empty.py").write_text("def test_x():\n    pass\n")
    code = cli.main(["cassettes", *arguments])

    captured = capsys.readouterr()
    assert (code, captured.out) == (2, "")
    assert captured.err.startswith(f"python -m pytest_codeact: error: {message}")
    assert len(captured.err.splitlines()) == 1
    assert len(cassette_files(CASSETTES)) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["prune", "--trials=0"], "argument --trials: expected a whole number from 1; got '0'"),
        (["prune", "--older-than=x"], "argument --older-than: expected a whole number from 1; got 'x'"),
        ([], "the following arguments are required: COMMAND"),
    ],
)
def test_argument_that_cannot_be_read(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 as well, and what was expected."""
    with pytest.raises(SystemExit) as caught:
        cli.main(["cassettes", *arguments])

    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_help_fits_80_columns_and_needs_no_sdk() -> None:
    """Every help is for a terminal of 80 columns; the command shows examples and exit codes."""
    for arguments in (["cassettes"], *(["cassettes", name] for name in ("list", "prune", "scan", "verify"))):
        done = subprocess.run(
            [sys.executable, "-m", "pytest_codeact", *arguments, "--help"],
            capture_output=True,
            text=True,
            check=True,
            env={"COLUMNS": "80", "PYTHONPATH": str(ROOT)},
        )
        assert max(map(len, done.stdout.splitlines())) <= 80
        if len(arguments) == 1:
            assert "examples:" in done.stdout
            assert "  1  a file is damaged, or holds what looks like a secret" in done.stdout


def test_piped_output_is_plain() -> None:
    """Without a terminal there is nothing but text, and neither pytest nor an SDK is imported."""
    record()
    code = (
        "import sys; from pytest_codeact.cli import main; main(['cassettes', 'list']); main(['cassettes', 'verify']); "
        "print([name for name in ('pytest', 'anthropic', 'mistralai', 'openai', 'tenacity') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT)}
    )

    assert "\x1b" not in done.stdout
    assert done.stdout.splitlines()[-2:] == ["verified: 1; problems: 0", "[]"]

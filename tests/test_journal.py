"""The journal: what is written, what is taken from it, and what a bad file or a full disk costs."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from fakes import Shelf
from records_of import call, record

from pytest_codeact import tool
from pytest_codeact.errors import RecordError
from pytest_codeact.journal import (
    FILE,
    LOCK,
    Cell,
    Header,
    Journal,
    JournalFile,
    Outbox,
    Tally,
    blotted,
    cell_of,
    new_name,
    prune,
    read_header,
    run_names,
)
from pytest_codeact.money import Bounds, Ledger
from pytest_codeact.options import Settings
from pytest_codeact.records import Message, ToolCall, ToolResult
from pytest_codeact.scenario import Scenario
from pytest_codeact.tools import FinalAnswer, Toolbox
from pytest_codeact.trial import Case, Trial

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEADER = Header(version="1.0", started="2026-11-21T12:00:00+00:00", args=("-q",), settings={"arms": ["direct", "code"]})
RUN = "20261121-120000-abcd"

OPENED: list[JournalFile] = []
"""What a test opened."""


def end_processes() -> None:
    """Let go of all files, as the end of the processes that hold them would."""
    while OPENED:
        OPENED.pop().close()


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    """Close what a test leaves open."""
    yield
    end_processes()


def cell(scenario: str = "test_a.py::test_one", *, trial: int = 1, fingerprint: str = "same") -> Cell:
    """Make the place of a trial."""
    return Cell(scenario=scenario, arm="direct", model="reference", trial=trial, fingerprint=fingerprint)


def trial(answer: Any = 7, **fields: Any) -> Trial:
    """Make a trial of one message, not yet judged."""
    return Trial(
        record=record(success=None, **fields), answer=answer, state=None, messages=(Message(role="user", text="Go."),)
    )


def never() -> NoReturn:
    """Stand for a trial that must not be run."""
    raise AssertionError("the trial was run again")


def file(root: Path, *, owner: bool = False) -> JournalFile:
    """Open the journal of the run."""
    OPENED.append(JournalFile(root / RUN, HEADER.to_line, owner=owner))
    return OPENED[-1]


def journal(root: Path, *, looks_up: bool = True) -> Journal:
    """Make the journal as one more process of the run sees it."""
    return Journal(file(root), RUN, looks_up=looks_up)


def tally(of: Journal) -> Tally:
    """Give what a journal has counted."""
    unsent = of.unsent()
    return of.receive(unsent) if unsent else Tally()


def lines(root: Path) -> list[bytes]:
    """Give the lines of the file."""
    return (root / RUN / FILE).read_bytes().split(b"\n")


def test_trial_is_whole_when_it_comes_back(tmp_path: Path) -> None:
    """Record, answer, state and messages survive, long tool results and lone surrogates included."""
    calls = (call("x" * 5_000, size=5_002),)
    messages = (
        Message(role="user", text="lone \ud800"),
        Message(role="assistant", tool_calls=(ToolCall(id="1", name="look", arguments={"id": [1, None]}),)),
        Message(role="tool", tool_results=(ToolResult(call_id="1", name="look", content="{}", is_error=True),)),
    )
    original = Trial(record=record(calls=calls, success=None), answer={"n": [1.5]}, state={"a": 1}, messages=messages)
    journal(tmp_path).once(cell(), lambda: original)

    assert journal(tmp_path).once(cell(), never) == original


def test_made_up_password_is_taken_back(tmp_path: Path) -> None:
    """What only its name tells to be a secret stays in a trial: it is not run, and paid for, again."""
    calls = (call({"password": "honest-12345", "note": "api_key: abcd12345"}),)
    original = Trial(
        record=record(calls=calls, success=None), answer={"token": "t"}, state={"password": "honest-12345"}, messages=()
    )
    journal(tmp_path).once(cell(), lambda: original)

    assert journal(tmp_path).once(cell(), never) == original


def test_first_line_says_what_the_run_is(tmp_path: Path) -> None:
    """It is read back as it was written, and no other process writes it again."""
    for number in (1, 2):
        journal(tmp_path, looks_up=False).once(cell(trial=number), trial)

    assert read_header(tmp_path / RUN) == HEADER
    assert [json.loads(line)["kind"] for line in lines(tmp_path)[:-1]] == ["run", "trial", "trial"]


def test_directory_is_kept_out_of_git(tmp_path: Path) -> None:
    """Like pytest's cache, the directory of the runs ignores itself, and what the user wrote there stays."""
    journal(tmp_path / "a").once(cell(), trial)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / ".gitignore").write_text("mine\n")
    journal(tmp_path / "b").once(cell(), trial)

    assert (tmp_path / "a" / ".gitignore").read_text() == "# Made by pytest-codeact.\n*\n"
    assert (tmp_path / "b" / ".gitignore").read_text() == "mine\n"


def test_nothing_is_made_before_a_trial_begins(tmp_path: Path) -> None:
    """A journal that is asked for nothing leaves no trace, also when its run ends."""
    idle = journal(tmp_path)
    idle.look_through()
    idle.end(interrupted=False, modes=[])

    assert list(tmp_path.iterdir()) == []


def test_run_can_be_found_while_its_first_trial_runs(tmp_path: Path) -> None:
    """One that is killed then is the last run all the same, and not the one before it."""
    seen: list[list[str]] = []

    def look() -> Trial:
        seen.append(run_names(tmp_path))
        return trial()

    journal(tmp_path).once(cell(), look)

    assert seen == [[RUN]]
    assert read_header(tmp_path / RUN) == HEADER


def test_error_is_run_again(tmp_path: Path) -> None:
    """A trial that ended in an error is written down for the reader, and is none that could be taken."""
    journal(tmp_path).once(cell(), lambda: trial(ended="error"))
    again = journal(tmp_path)

    assert again.once(cell(), lambda: trial("new")).answer == "new"
    assert tally(again) == Tally()


def test_repeated_trial_is_taken_in_order(tmp_path: Path) -> None:
    """What a plugin ran again because it failed comes back in the same order; then the cell is run."""
    first = journal(tmp_path, looks_up=False)
    for answer in ("wrong", "right"):
        first.once(cell(), lambda answer=answer: trial(answer))  # type: ignore[misc]  # bound in the loop
    again = journal(tmp_path)
    answers = [again.once(cell(), lambda: trial("new")).answer for _ in range(3)]

    assert answers == ["wrong", "right", "new"]


def test_process_does_not_take_its_own_trials(tmp_path: Path) -> None:
    """A worker that repeats a failed test runs it again: its own first attempt is no answer."""
    worker = journal(tmp_path)
    answers = [worker.once(cell(), lambda n=n: trial(n)).answer for n in (1, 2)]  # type: ignore[misc]  # as above

    assert answers == [1, 2]


def test_worker_takes_what_another_wrote_since(tmp_path: Path) -> None:
    """What a worker had run ahead before it died is taken by the one that gets its items, though it lived before."""
    living, dying = journal(tmp_path), journal(tmp_path)
    living.once(cell(trial=1), trial)
    dying.once(cell(trial=2), lambda: trial("ahead"))

    assert living.once(cell(trial=2), never).answer == "ahead"
    assert tally(living) == Tally(taken=1)


def test_changed_scenario_is_run_again(tmp_path: Path) -> None:
    """A trial of another fingerprint is not taken, and counted once."""
    journal(tmp_path).once(cell(fingerprint="old"), trial)
    again = journal(tmp_path)

    assert again.once(cell(fingerprint="new"), lambda: trial("new")).answer == "new"
    assert tally(again) == Tally(stale=1)


class Other:
    """Another world."""

    @tool
    def other(self) -> int:
        """Do something else."""
        return 1


def solve_so(tools: Any) -> int:
    """Solve it one way."""
    return int(tools.look(name="cup")["count"])


def solve_thus(tools: Any) -> int:
    """Solve it another way."""
    return int(tools.look(name="pot")["count"])


BASE = Scenario(id="t.py::test", prompt="Count.", tools=Shelf, reference=solve_so)


def fingerprint(scenario: Scenario = BASE, settings: Settings | None = None, model: str = "reference") -> str:
    """Give the fingerprint of a scenario's trials."""
    case = Case(arm="code", model=model)
    final = FinalAnswer(scenario.answer)
    return cell_of(case, scenario, Toolbox(scenario.tools()), final, settings or Settings()).fingerprint


@pytest.mark.parametrize(
    ("scenario", "settings"),
    [
        (replace(BASE, prompt="Count well."), Settings()),
        (replace(BASE, tools=Other), Settings()),
        (replace(BASE, answer=int), Settings()),
        (replace(BASE, answer=str), Settings()),
        (replace(BASE, max_turns=3), Settings()),
        (replace(BASE, limits={"wall_s": 1.0}), Settings()),
        (replace(BASE, sandbox="other"), Settings()),
        (replace(BASE, reference_ts="await final_answer(1);"), Settings()),
        (replace(BASE, reference=solve_thus), Settings()),
        (BASE, Settings(max_turns=7)),
        (BASE, Settings(max_output_tokens=7)),
        (BASE, Settings(observation_bytes=7)),
        (BASE, Settings(limits={"wall_s": 1.0})),
        (BASE, Settings(sandbox=("other",))),
        (BASE, Settings(seed=7)),
    ],
)
def test_fingerprint_holds_what_makes_another_trial(scenario: Scenario, settings: Settings) -> None:
    """Whatever the model is given or may use is in it."""
    assert fingerprint(scenario, settings) != fingerprint()


def test_fingerprint_ignores_what_makes_no_other_trial() -> None:
    """How trials are judged, ordered and shown is not in it, nor a solution that the model does not know."""
    judged = replace(BASE, tolerance=0.5, min_success=0.5, deadline_s=5.0)
    elsewhere = Settings(metrics=("tokens",), concurrency=8, trials=9, arms=("code",), deadline_s=7.0)

    assert fingerprint(judged, elsewhere) == fingerprint()
    assert fingerprint(replace(BASE, reference=solve_thus), model="x/y") == fingerprint(model="x/y")


def _append_many(root: Path, writer: int) -> None:
    store = file(root)

    def append(thread: int) -> None:
        for number in range(25):
            store.append(json.dumps({"by": [writer, thread, number], "text": "x" * 20_000}).encode())

    threads = [threading.Thread(target=append, args=(thread,)) for thread in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()


def test_lines_of_many_processes_and_threads_are_whole(tmp_path: Path) -> None:
    """Four processes of four threads append at once: one first line, none lost or mixed. Blank ones are nothing."""
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_append_many, args=(tmp_path, writer)) for writer in range(4)]
    for each in processes:
        each.start()
    for each in processes:
        each.join()
    first, *others, end = lines(tmp_path)

    assert (Header.from_line(first), end) == (HEADER, b"")
    assert sorted(json.loads(line)["by"] for line in others if line) == [
        [writer, thread, number] for writer in range(4) for thread in range(4) for number in range(25)
    ]


def test_torn_last_line_is_taken_off(tmp_path: Path) -> None:
    """A run that goes on removes what its last process did not finish, says nothing of it, and keeps the rest."""
    journal(tmp_path).once(cell(), trial)
    end_processes()
    whole = (tmp_path / RUN / FILE).read_bytes()
    with (tmp_path / RUN / FILE).open("ab") as torn:
        torn.write(b'{"kind":"trial","scenario":"x' + b"y" * 3_000_000)
    store = file(tmp_path, owner=True)
    store.take_over()
    again = Journal(store, RUN, looks_up=True)
    again.look_through()

    assert (tmp_path / RUN / FILE).read_bytes() == whole
    assert again.once(cell(), never).answer == 7
    assert tally(again) == Tally(taken=1)


def test_line_after_a_torn_one_is_whole(tmp_path: Path) -> None:
    """Within a run a torn line costs itself alone: the next begins on a line of its own."""
    journal(tmp_path).once(cell(trial=1), trial)
    with (tmp_path / RUN / FILE).open("ab") as torn:
        torn.write(b'{"kind":"trial","sc')
    journal(tmp_path).once(cell(trial=2), trial)
    again = journal(tmp_path)
    again.look_through()

    assert [again.once(cell(trial=number), never).answer for number in (1, 2)] == [7, 7]
    assert tally(again) == Tally(taken=2, damaged=1)


@pytest.mark.parametrize(
    "damage", [b"garbage", b'{"kind":"trial","scenario":1}', b'{"kind":"trial","x":3,"record":{}}']
)
def test_damaged_line_is_left_out_and_counted(tmp_path: Path, damage: bytes) -> None:
    """A line in the middle that is not one of ours costs its trial and no other."""
    journal(tmp_path).once(cell(trial=1), trial)
    file(tmp_path).append(damage)
    journal(tmp_path).once(cell(trial=2), trial)
    again = journal(tmp_path)
    again.look_through()

    assert [again.once(cell(trial=number), never).answer for number in (1, 2)] == [7, 7]
    assert tally(again) == Tally(taken=2, damaged=1)


@pytest.mark.parametrize(
    "change", [(b'"answer":7', b'"answer":!'), (b'"schema":3', b'"schema":1'), (b"turns", b"burns")]
)
def test_damage_inside_a_trial_is_found_when_it_is_asked_for(tmp_path: Path, change: tuple[bytes, bytes]) -> None:
    """What looks whole and is not, or is of another schema, is run again and counted."""
    journal(tmp_path).once(cell(), trial)
    path = tmp_path / RUN / FILE
    path.write_bytes(path.read_bytes().replace(*change))
    again = journal(tmp_path)

    assert again.once(cell(), lambda: trial("new")).answer == "new"
    assert tally(again) == Tally(damaged=1)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"", "its first line cannot be read: b''"),
        (b'{"kind":"trial","a":1}', 'its first line cannot be read: b\'{"kind":"trial","a":1}\''),
        (b'{"kind":"run","schema":3}', 'its first line cannot be read: b\'{"kind":"run","schema":3}\''),
        (
            b'{"kind":"run","schema":1,"settings":{"sandbox":"restricted"}}',
            "it is of schema 1, and this version reads 3",
        ),
        (b'{"kind":"run","schema":9,"new":1}', "it is of schema 9, and this version reads 3"),
    ],
)
def test_unreadable_first_line_says_so(line: bytes, problem: str) -> None:
    """A first line that is none, or of another schema, is refused in words."""
    with pytest.raises(RecordError) as caught:
        Header.from_line(line)

    assert str(caught.value) == problem


def test_full_disk_costs_the_journal_and_not_the_trial(tmp_path: Path) -> None:
    """The trial is given all the same; the fault is counted with its reason."""
    (tmp_path / RUN).mkdir()
    (tmp_path / RUN / FILE).symlink_to("/dev/full")
    full = journal(tmp_path, looks_up=False)

    assert full.once(cell(), trial).answer == 7
    assert tally(full) == Tally(unwritten=1, fault="OSError: [Errno 28] No space left on device")


def test_disk_that_fills_up_tears_one_line(tmp_path: Path) -> None:
    """What fitted is torn and stays alone; when there is room again the journal goes on."""
    filling = journal(tmp_path, looks_up=False)
    filling.once(cell(trial=1), trial)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    room = (tmp_path / RUN / FILE).stat().st_size + 100
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        filling.once(cell(trial=2), trial)
        filling.once(cell(trial=3), trial)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    filling.once(cell(trial=4), trial)
    again = journal(tmp_path)
    again.look_through()

    assert tally(filling) == Tally(unwritten=2, fault="OSError: [Errno 27] File too large")
    assert [again.once(cell(trial=n), lambda: trial("new")).answer for n in (1, 2, 3, 4)] == [7, "new", "new", 7]
    assert tally(again) == Tally(taken=2, damaged=1)


def test_half_a_first_line_does_not_stay(tmp_path: Path) -> None:
    """A disk that is full before the first line is whole leaves an empty file, and no run that could be found."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    late = journal(tmp_path, looks_up=False)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30, hard))
    try:
        late.once(cell(trial=1), trial)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    names = run_names(tmp_path)
    late.once(cell(trial=2), trial)

    assert names == []
    assert read_header(tmp_path / RUN) == HEADER
    assert tally(late).unwritten == 1


def test_directory_that_cannot_be_made_costs_the_journal_alone(tmp_path: Path) -> None:
    """Where a file is in the way the trials are given and counted; verdicts and the end are let go."""
    (tmp_path / "file").touch()
    barred = Journal(JournalFile(tmp_path / "file" / RUN, HEADER.to_line, owner=True), RUN, looks_up=True)
    barred.once(cell(), trial)
    barred.note_verdict(record())
    barred.end(interrupted=False, modes=["reference"])
    counted = tally(barred)

    assert (counted.unwritten, counted.fault.partition("]")[0]) == (1, "NotADirectoryError: [Errno 20")


@pytest.mark.parametrize(
    ("answer", "fault"),
    [({1, 2}, "TypeError: set is no JSON"), (1j, "TypeError: complex is no JSON")],
)
def test_trial_that_is_no_json_is_given_and_counted(tmp_path: Path, answer: object, fault: str) -> None:
    """What a foreign client put into a trial cannot end the run from here."""
    odd = journal(tmp_path)

    assert odd.once(cell(), lambda: trial(answer)).answer == answer
    assert tally(odd) == Tally(unwritten=1, fault=fault)


class Interrupting(dict[str, int]):
    """Raises Ctrl-C while it is written down."""

    def items(self) -> Any:
        signal.raise_signal(signal.SIGINT)
        return super().items()


def test_interrupt_waits_until_the_trial_is_written(tmp_path: Path) -> None:
    """Ctrl-C at the worst moment: the trial that ended is in the journal, and then the run is interrupted."""
    with pytest.raises(KeyboardInterrupt):
        journal(tmp_path).once(cell(), lambda: trial(Interrupting(a=1)))

    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert journal(tmp_path).once(cell(), never).answer == {"a": 1}


def test_worker_elsewhere_sends_its_lines(tmp_path: Path) -> None:
    """A worker that does not see the file sends its lines with its counts, each once; the controller writes them."""
    remote = Journal(Outbox(Outbox.pack(b"")), RUN, looks_up=True)
    controller = journal(tmp_path, looks_up=False)
    remote.once(cell(trial=1), trial)
    remote.once(cell(trial=2), trial)

    assert controller.receive(remote.unsent()) == Tally()
    assert remote.unsent() == ""
    assert [journal(tmp_path).once(cell(trial=number), never).answer for number in (1, 2)] == [7, 7]


def test_worker_elsewhere_is_given_the_journal(tmp_path: Path) -> None:
    """It takes from what the controller sent along as from the file."""
    journal(tmp_path).once(cell(), trial)
    remote = Journal(Outbox(Outbox.pack((tmp_path / RUN / FILE).read_bytes())), RUN, looks_up=True)
    unsent = remote.unsent()

    assert remote.once(cell(), never).answer == 7
    assert (unsent, json.loads(remote.unsent())["taken"]) == ("", 1)


def test_controller_says_what_it_could_not_write_for_others(tmp_path: Path) -> None:
    """Lines that arrive when its own disk is full are counted like those of a local worker."""
    remote = Journal(Outbox(Outbox.pack(b"")), RUN, looks_up=True)
    remote.once(cell(), trial)
    (tmp_path / RUN).mkdir()
    (tmp_path / RUN / FILE).symlink_to("/dev/full")

    assert journal(tmp_path).receive(remote.unsent()) == Tally(
        unwritten=1, fault="OSError: [Errno 28] No space left on device"
    )


def test_run_is_gone_on_with_once(tmp_path: Path) -> None:
    """The first takes the run, a second is refused, and is let in when the first has ended."""
    journal(tmp_path).once(cell(), trial)
    end_processes()
    first, second = file(tmp_path, owner=True), file(tmp_path, owner=True)
    first.take_over(wait_s=0)
    with pytest.raises(BlockingIOError):
        second.take_over(wait_s=0)
    first.close()
    second.take_over(wait_s=0)


def test_running_run_is_not_gone_on_with(tmp_path: Path) -> None:
    """Its controller holds it from its first line on."""
    running = file(tmp_path, owner=True)
    running.append(b"{}")
    with pytest.raises(BlockingIOError):
        file(tmp_path, owner=True).take_over(wait_s=0)


def test_workers_of_a_killed_controller_are_waited_for(tmp_path: Path) -> None:
    """While one lives its trials still come in: the run is not gone on with until it has ended."""
    orphan, late = file(tmp_path), file(tmp_path, owner=True)
    orphan.append(b"{}")
    with pytest.raises(BlockingIOError):
        late.take_over(wait_s=0.1)
    late.close()
    threading.Timer(0.2, orphan.close).start()
    late.take_over(wait_s=60)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("-n 2 -k cup -m slow", "-n 2 -k cup -m slow"),
        ("-n2 -xvs -rA tests/a.py::test_b[c]", "-n2 -xvs -rA tests/a.py::test_b[c]"),
        ("--lf -- tests", "--lf -- tests"),
        ("--maxfail 2 --codeact-arms direct,code tests", "--maxfail 2 --codeact-arms direct,code tests"),
        ("--codeact-control tests", "--codeact-control tests"),
        ("--codeact-model=x/y --codeact-fail=tokens:mean:5%", "--codeact-model=x/y --codeact-fail=tokens:mean:5%"),
        ("--benchmark-storage=elasticsearch+https://user:hunter2@es", "--benchmark-storage=***"),
        ("--dsn=postgres://u:hunter2@h/db", "--dsn=***"),
        ("--passwd=abc --pin=1 tests", "--passwd=*** --pin=*** tests"),
        ("--api-key hunter2 more -x tests", "--api-key *** *** -x tests"),
        ("--auth=Bearer=abc", "--auth=***"),
        ("--api-key=abc//def", "--api-key=***"),
        ("--tx ssh=host//env:TOKEN=abc", "--tx ***"),
        ("-o key=ghp_abc", "-o ***"),
        ("-Zghp_abc tests", "-Z*** tests"),
        ("--codeact-save-baseline=https://u:hunter2@h/f", "--codeact-save-baseline=***@h/f"),
        ("--benchmark-compare https://u:hun@t:er2@h/f", "--benchmark-compare ***@h/f"),
        ("--codeact-unknown=abc", "--codeact-unknown=***"),
    ],
)
def test_arguments_that_could_be_secrets_are_blotted_out(given: str, kept: str) -> None:
    """Values stay of options that are known to hold none; a login is blotted out wherever it stands."""
    assert " ".join(blotted(given.split())) == kept


WITHOUT_LOCKS = """
import os, sys
sys.modules["fcntl"] = None
del os.pread
from pathlib import Path
from pytest_codeact.journal import JournalFile
root = Path(sys.argv[1])
file = JournalFile(root, lambda: b"first", owner=True)
for line in (b"one", b"two"):
    file.append(line)
again = JournalFile(root, lambda: b"first", owner=True)
again.take_over()
print([line.decode() for _, line in again.added()], again.read(6, 3).decode())
"""


def test_without_locks_it_is_done_without(tmp_path: Path) -> None:
    """Where the operating system has no flock, and no pread, the journal is written and gone on with."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_LOCKS, tmp_path / RUN], check=False, capture_output=True, text=True
    )

    assert (done.stdout, done.stderr) == ("['first', 'one', 'two'] one\n", "")


def test_names_sort_by_time() -> None:
    """To the second for the reader, and on to a thousandth in the suffix."""
    moments = [datetime(2026, 11, 21, 11, 55, 23, microsecond, UTC) for microsecond in (0, 400, 500_000, 999_999)]
    names = [new_name(each)[:-2] for each in moments]

    assert names == ["20261121-115523-00", "20261121-115523-00", "20261121-115523-i0", "20261121-115523-zz"]
    assert len({new_name() for _ in range(50)}) > 40


def complete(root: Path, name: str, *, mode: Any = "reference", interrupted: bool = False) -> None:
    """Make a run of one trial that ended."""
    store = JournalFile(root / name, HEADER.to_line, owner=False)
    made = Journal(store, name, looks_up=False)
    made.once(cell(), lambda: Trial(record=replace(record(), mode=mode), answer=1, state=None, messages=()))
    made.end(interrupted=interrupted, modes=[mode])
    store.close()


def test_old_runs_that_cost_nothing_are_deleted(tmp_path: Path) -> None:
    """Of the complete runs of the reference policy the newest stay."""
    for number in range(5):
        complete(tmp_path, f"2026-{number}")
    prune(tmp_path, keep=2)

    assert run_names(tmp_path) == ["2026-4", "2026-3"]
    assert sorted(each.name for each in tmp_path.iterdir()) == [".gitignore", "2026-3", "2026-4"]


def test_old_run_goes_with_its_ledger(tmp_path: Path) -> None:
    """An emulator's run costs nothing, and has a ledger; one that is still open does not keep its run."""
    complete(tmp_path, "2026-emulated")
    ledgers = [Ledger(tmp_path / "2026-emulated", Bounds(), 0.0) for _ in range(2)]
    ledgers[0].reserve(1, None, 0.0)
    ledgers[0].close()
    prune(tmp_path, keep=0)
    ledgers[1].close()

    assert [each.name for each in tmp_path.iterdir()] == [".gitignore"]


def test_what_somebody_paid_for_or_needs_is_never_deleted(tmp_path: Path) -> None:
    """Live, replayed, interrupted, locked and unreadable runs stay, and so does what is not ours."""
    complete(tmp_path, "2026-live", mode="live")
    complete(tmp_path, "2026-replay", mode="replay")
    complete(tmp_path, "2026-interrupted", interrupted=True)
    complete(tmp_path, "2026-once-live", mode="live")
    complete(tmp_path, "2026-once-live")
    complete(tmp_path, "2026-locked")
    complete(tmp_path, "2026-damaged")
    complete(tmp_path, "2026-beside")
    with (tmp_path / "2026-damaged" / FILE).open("ab") as damaged:
        damaged.write(b"garbage")
    (tmp_path / "2026-beside" / "notes.txt").touch()
    locked = JournalFile(tmp_path / "2026-locked", HEADER.to_line, owner=True)
    locked.take_over()
    before = run_names(tmp_path)
    prune(tmp_path, keep=0)
    locked.close()

    assert run_names(tmp_path) == [name for name in before if name != "2026-beside"]
    assert [each.name for each in (tmp_path / "2026-beside").iterdir()] == ["notes.txt"]


def test_what_comes_after_the_end_keeps_a_run(tmp_path: Path) -> None:
    """A run that was gone on with and cut short again is not complete."""
    complete(tmp_path, "2026-again")
    with (tmp_path / "2026-again" / FILE).open("ab") as again:
        again.write(b'{"kind":"trial"}\n')
    prune(tmp_path, keep=0)

    assert run_names(tmp_path) == ["2026-again"]


@pytest.mark.parametrize(
    ("given", "of", "said"),
    [
        (Tally(), 3, []),
        (Tally(taken=1), 1, ["1 of 1 trial taken from the journal"]),
        (
            Tally(taken=5, stale=1, damaged=2),
            8,
            [
                "5 of 8 trials taken from the journal",
                "1 trial of the journal run again: the scenario has changed since",
                "2 damaged lines of the journal left out",
            ],
        ),
        (Tally(damaged=1), 1, ["1 damaged line of the journal left out"]),
    ],
)
def test_tally_says_what_came_out(given: Tally, of: int, said: list[str]) -> None:
    """Only what there is to say is said, in the right number."""
    assert given.lines(of) == said


def test_incomplete_journal_says_what_it_lacks() -> None:
    """How many, why, and what it means for a resumed run."""
    added = Tally(unwritten=2, fault="OSError: full")
    added.add(Tally(taken=1))

    assert Tally(taken=3).incomplete == ""
    assert added.incomplete == (
        "the journal is incomplete: 2 trials could not be written (OSError: full); "
        "a resumed run will run what is missing again"
    )


def test_locks_end_with_their_process(tmp_path: Path) -> None:
    """Nothing has to be tidied up after a process that was killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - the process is killed
        held = file(tmp_path, owner=True)
        held.append(b"{}")
        os.write(writing, b"!")
        signal.pause()
    os.read(reading, 1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    file(tmp_path, owner=True).take_over(wait_s=0)

    assert (tmp_path / RUN / LOCK).exists()


def test_closed_journal_is_not_opened_again(tmp_path: Path) -> None:
    """A thread that outlives its run writes nothing into what may be somebody else's by then."""
    store = JournalFile(tmp_path / RUN, HEADER.to_line, owner=True)
    store.append(b"{}")
    store.close()

    with pytest.raises(OSError, match="the run is over"):
        store.append(b"{}")
    assert (tmp_path / RUN / FILE).read_bytes().count(b"\n") == 2

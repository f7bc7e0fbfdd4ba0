"""Every fault of the emulator's with every adapter: how the trial ends, what is recorded of it, and what it costs."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fakes import Shelf
from live_adapters import Live, Noted
from live_faults_table import PROVIDERS, ROWS, cases, page, pattern_of

from pytest_codeact.arms import Bench
from pytest_codeact.arms.code import CodeArm
from pytest_codeact.arms.direct import DirectArm
from pytest_codeact.emulator import KINDS, Emulator
from pytest_codeact.errors import ProviderError
from pytest_codeact.providers import Connections, Reply, Solution
from pytest_codeact.runtimes import Limits, Runtime, Sandbox
from pytest_codeact.runtimes.restricted import RestrictedRuntime
from pytest_codeact.scenario import Budget
from pytest_codeact.tools import FinalAnswer, Toolbox
from pytest_codeact.trial import Case, Trial, run_trial

if TYPE_CHECKING:
    from collections.abc import Iterator

    from live_faults_table import End, Row

    from pytest_codeact.records import TrialRecord, Usage

for sdk in ("anthropic", "mistralai", "openai", "google.genai", "uvicorn"):
    pytest.importorskip(sdk)

TASK = "Put pots and a pan on the shelf. How many pots are there?"
ANSWER = "3"
STATE = {"cup": 2, "pot": 3, "pan": 1}
TURNS = {"direct": 3, "code": 1}

HANG_S = 0.6
"""Seconds for which a client waits that meets a hang; the others wait for a minute."""


def solve(tools: Any) -> Any:
    """Put two things in one turn, look at one in the next."""
    tools.put(name="pot", count=3)
    tools.put(name="pan")
    return str(tools.look(name="pot")["count"])


@pytest.fixture(scope="module")
def served() -> Iterator[Emulator]:
    """Serve an emulator that knows the task."""
    box = Toolbox(Shelf())
    with Emulator() as running:
        running.learn(TASK, Solution(function=solve, parameters=box.parameters, read_only=box.read_only))
        yield running


@pytest.fixture
def emulator(served: Emulator) -> Iterator[Emulator]:
    """Give it without orders."""
    served.clear_orders()
    yield served
    served.clear_orders()


@pytest.fixture(scope="module")
def connections() -> Iterator[Connections]:
    """Give the SDKs' clients that all trials share."""
    made = Connections()
    yield made
    made.close()


@pytest.fixture(scope="module")
def runtime() -> Iterator[Runtime]:
    """Give the runtime of programs."""
    made = RestrictedRuntime()
    yield made
    made.close()


def perform(live: Live, arm: str, runtime: Runtime) -> Trial:
    """Run one trial."""
    sandbox = Sandbox(lambda _: runtime, Limits())
    bench = Bench(toolbox=Toolbox(Shelf()), final=FinalAnswer(None), sandbox=sandbox)
    try:
        return run_trial(
            scenario_id="faults",
            prompt=TASK,
            case=Case(arm=arm, model="live"),
            arm=CodeArm() if arm == "code" else DirectArm(parallel=True),
            provider=live.model,
            bench=bench,
            budget=Budget(deadline_s=60),
            clock=live.clock,
        )
    finally:
        sandbox.close()


def order(emulator: Emulator, row: Row, at: str) -> None:
    """Order a row's fault."""
    ordered = partial(emulator.order, row.fault)
    match at:
        case "first":
            ordered()
        case "turn 2":
            ordered(turn=2)
        case "every":
            ordered(times=None)


def price(usage: Usage) -> int:
    """Give what a reply costs in pico-dollars, by the rates of `live_adapters` and by other code than the gate's."""
    read, written = usage.cached_input_tokens or 0, usage.cache_write_tokens or 0
    fresh = usage.input_tokens - read - written
    return 10**6 * (10 * fresh + 1 * read + 20 * written + 100 * usage.output_tokens)


@pytest.mark.parametrize(
    ("row", "at", "provider"),
    [
        pytest.param(*each, id=f"{each[0].fault}-{each[1]}-{each[2]}".replace(" ", "-").replace("/", "-"))
        for each in cases()
    ],
)
def test_trial_ends_as_the_table_says(
    emulator: Emulator, connections: Connections, runtime: Runtime, row: Row, at: str, provider: str
) -> None:
    """End, message, round trips, attempts, waits and money are those of the table."""
    order(emulator, row, at)
    before = emulator.requests[-1].number if emulator.requests else 0
    with Live(provider, emulator, connections, timeout_s=HANG_S if row.fault == "hang" else 60.0) as live:
        trial = perform(live, row.arm, runtime)
        sent = [seen for seen in emulator.requests if seen.number > before]
        end = row.end_of(provider)

        assert [seen.fault for seen in sent if seen.fault], "the fault did not happen"
        check_end(trial, end, turns_before=1 if at == "turn 2" else 0, turns=TURNS[row.arm], provider=provider)
        check_attempts(trial.record, end, live)
        check_money(trial.record, end, live)
        assert live.ledger.totals().requests == len(live.gate.admitted) == len(sent)


def check_end(trial: Trial, end: End, *, turns_before: int, turns: int, provider: str) -> None:
    """Check how the trial ended, after how many round trips and with what message."""
    record = trial.record
    says = pattern_of(end, provider)
    failed_calls = [call for call in record.calls if call.error is not None]
    match end.ends:
        case "repaired":
            assert (record.ended, record.error, trial.answer, trial.state) == ("answered", None, ANSWER, STATE)
            assert len(record.turns) == turns + end.turns
            texts = [each.error for turn in record.turns for each in turn.attempts]
            texts += [each.content for message in trial.messages for each in message.tool_results if each.is_error]
            assert says.fullmatch(texts[0]) if texts else not end.says, texts
        case "failed":
            assert (record.ended, record.error, trial.failure) == ("answered" if end.says else "no_answer", None, None)
            assert trial.answer == (end.says or None)
            assert len(record.turns) == turns_before + 1
            # What the reply called was not carried out, and none of its program.
            assert len(record.calls) == 2 * turns_before
            assert record.turns[-1].code_statuses == ()
        case "error":
            assert isinstance(trial.failure, ProviderError)
            assert record.ended == "error"
            assert says.fullmatch(str(trial.failure)), record.error
            assert record.error == f"ProviderError: {trial.failure}"
            assert len(record.turns) == turns_before
    assert len(failed_calls) == end.failed_calls
    assert "canary" not in record.to_json()


def check_attempts(record: TrialRecord, end: End, live: Live) -> None:
    """Check which attempts are on the record, what was waited, and that none of it is latency."""
    found = record.attempts or tuple(each for turn in record.turns for each in turn.attempts)
    waits = [each.backoff_s for each in found]

    assert tuple(each.status for each in found) == end.statuses
    assert waits == pytest.approx(live.clock.slept + [0.0] * (len(waits) - len(live.clock.slept)))
    assert all(wait > 0 for wait in live.clock.slept)
    assert len(live.clock.slept) == max(0, len(end.statuses) - (end.ends == "error"))
    for turn in record.turns:
        assert turn.model_s < 0.1
        spent_s = sum(each.attempt_s + each.backoff_s for each in turn.attempts)
        assert spent_s <= turn.waited_s < spent_s + 0.1


def check_money(record: TrialRecord, end: End, live: Live) -> None:
    """Check the ledger against the replies, one by one."""
    totals = live.ledger.totals()
    usages = [turn.usage for turn in record.turns]
    priced = [price(usage) for usage in usages if usage is not None]
    failed = [each for each in live.gate.admitted if not isinstance(each.ends[0], Reply)]
    doubtful = sum(each.inner.worst for each in failed) if end.is_billed is None else 0

    assert len(priced) == len(usages)
    assert [usage.cost_usd for usage in usages if usage is not None] == pytest.approx(
        [each / 10**12 for each in priced]
    )
    assert all(len(each.ends) == 1 for each in live.gate.admitted)
    assert [getattr(each.ends[0], "is_billed", None) for each in failed] == [end.is_billed] * len(end.statuses)
    assert (totals.held, totals.unpriced) == (0, 0)
    assert totals.doubtful == doubtful
    assert totals.spent == sum(priced) + doubtful + sum(map(known_cost, failed))
    assert record.prices == ("the test's own" if usages else None)


def known_cost(failed: Noted) -> int:
    """Give what a reply of no use cost, in pico-dollars, where it says so."""
    usage = getattr(failed.ends[0], "usage", None)
    return 0 if usage is None else price(usage)


def test_page_is_the_table() -> None:
    """docs/live-faults.md says what is tested here."""
    text = (Path(__file__).parent.parent / "docs" / "live-faults.md").read_text(encoding="utf-8")

    assert text == page(), "run: python tests/live_faults_table.py > docs/live-faults.md"


def test_table_holds_every_fault() -> None:
    """No fault of the emulator's is missing, and no row is there twice."""
    keys = [(row.fault, at) for row in ROWS for at in row.at]

    assert {row.fault.partition(":")[0] for row in ROWS} == set(KINDS)
    assert len(set(keys)) == len(keys)
    assert all(set(row.unlike) <= set(PROVIDERS) for row in ROWS)

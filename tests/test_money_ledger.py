"""The ledger and its rates: what is set aside, settled, refused and outlived."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from spenders import run_once

from pytest_codeact.errors import BudgetError, ProviderError
from pytest_codeact.money import Bounds, Ledger, MoneyGate, Rate, Rates, Terms, Totals, read_totals, reopen
from pytest_codeact.money._pace import Pace
from pytest_codeact.providers import Request
from pytest_codeact.records import Message, Usage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REQUEST = Request(
    system="",
    messages=(Message(role="user", text=""),),
    tools=(),
    parallel_tool_calls=True,
    max_output_tokens=3_000,
)
"""It may have 1,050 tokens at most."""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Give a ledger of 100 pico-dollars and 5 requests."""
    made = Ledger(tmp_path, Bounds(budget=100, requests=5), 0.0)
    yield made
    made.close()


def test_settled_cost_takes_the_place_of_what_was_set_aside(ledger: Ledger) -> None:
    """What a request did not use is free again."""
    assert ledger.reserve(90, None, 0.0) == 0.0
    ledger.settle(90, 20, is_known=True)

    assert ledger.totals() == Totals(spent=20, requests=1)


def test_request_waits_while_what_is_in_flight_may_leave_enough(ledger: Ledger) -> None:
    """It is neither admitted nor refused: what is in flight may cost less than was set aside."""
    ledger.reserve(60, None, 0.0)

    assert ledger.reserve(60, None, 0.0) is None


def test_request_beyond_the_budget_is_refused(ledger: Ledger) -> None:
    """What can never be admitted says what is left and what it might cost."""
    with pytest.raises(BudgetError, match=r"the budget of .* is used up: .* is left, and the next request may cost"):
        ledger.reserve(101, None, 0.0)


def test_requests_beyond_their_number_are_refused(ledger: Ledger) -> None:
    """Every request counts, released ones too."""
    for _ in range(5):
        ledger.reserve(1, None, 0.0)
        ledger.settle(1, 0, is_known=True)

    with pytest.raises(BudgetError, match=r"sent its 5 requests \(--codeact-max-requests\)"):
        ledger.reserve(1, None, 0.0)


def test_doubtful_billing_counts_as_spent(ledger: Ledger) -> None:
    """A request of which nobody knows whether it is billed keeps what was set aside."""
    ledger.reserve(30, None, 0.0)
    ledger.settle(30, None, is_known=False)

    assert ledger.totals() == Totals(spent=30, requests=1, doubtful=30, doubts=1)


def test_reopened_run_keeps_what_was_spent(tmp_path: Path, ledger: Ledger) -> None:
    """What closed a run is forgotten when it is gone on with; money is not, what was in flight included."""
    ledger.reserve(30, None, 0.0)
    ledger.close_run("used up")
    assert read_totals(tmp_path) == (Totals(held=30, requests=1), "used up")

    reopen(tmp_path)

    assert read_totals(tmp_path) == (Totals(spent=30, requests=1, doubtful=30, doubts=1), "")


def test_rpm_places_requests_in_a_sliding_minute(tmp_path: Path) -> None:
    """No sixty seconds hold more requests than are allowed, and whoever came first goes first."""
    ledger = Ledger(tmp_path, Bounds(), 0.0)
    waits = [ledger.reserve(0, Pace(model="m", rpm=2, tpm=None, tokens=1), now) for now in (0.0, 1.0, 2.0, 3.0, 100.0)]
    ledger.close()

    assert waits == [0.0, 0.0, 58.0, 58.0, 20.0]


def test_tpm_counts_what_was_used_once_it_is_known(tmp_path: Path) -> None:
    """An estimate holds its tokens until the request has ended; one larger than a minute waits to be alone."""
    ledger = Ledger(tmp_path, Bounds(), 0.0)
    first = Pace(model="m", rpm=None, tpm=100, tokens=90)
    waits = [ledger.reserve(0, first, 0.0)]
    ledger.correct(first, 10)
    waits += [ledger.reserve(0, Pace(model="m", rpm=None, tpm=100, tokens=each), 1.0) for each in (90, 10, 500)]
    ledger.close()

    assert waits == [0.0, 0.0, 59.0, 119.0]


@pytest.mark.parametrize("seed", range(2))
def test_budget_holds_whatever_dies(tmp_path: Path, seed: int) -> None:
    """Eight processes, some killed in the middle: what was billed is within the ledger, and that within the budget."""
    budget, billed, totals = run_once(tmp_path, seed)

    assert billed <= totals.spent + totals.held <= budget


@pytest.mark.parametrize(
    ("error", "spent", "doubts"),
    [
        (ProviderError("refused"), 0, 0),
        (ProviderError("broken off", is_billed=None), 4_050_000_000, 1),
        (ProviderError("of no use", usage=Usage(input_tokens=7, output_tokens=2)), 9_000_000, 0),
        (None, 4_050_000_000, 1),
    ],
    ids=["refused", "broken-off", "useless", "bug"],
)
def test_request_without_a_reply_costs_what_is_known_of_it(
    error: ProviderError | None, spent: int, doubts: int
) -> None:
    """Nothing if it is not billed, what its usage says if it has one, and the most that it may cost if nobody knows."""
    ledger = Ledger(None, Bounds(), 0.0)
    rates = Rates(input=Rate.of(1), output=Rate.of(1), source="test")
    gate = MoneyGate(ledger=ledger, terms=Terms(model="m/n", rates=rates))
    gate.admit(REQUEST).fail(error)
    totals = ledger.totals()
    ledger.close()

    assert (totals.spent, totals.doubts, totals.held) == (spent, doubts, 0)

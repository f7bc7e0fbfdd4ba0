"""The gate of one trial's requests: what is set aside, waited for, settled and refused."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from fakes import ScriptedModel, says
from recordings_of import request

from pytest_codeact.errors import BudgetError, ProviderError
from pytest_codeact.money import Bounds, Ledger, MoneyGate, Rate, Rates, Terms, ToolSizes, Totals, read_totals
from pytest_codeact.money._gate import FIRST_WAIT_S, LONGEST_WAIT_S
from pytest_codeact.money._size import RequestSize
from pytest_codeact.providers.retry import Retrying
from pytest_codeact.records import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RATES = Rates(input=Rate(base=1), output=Rate(base=10), cache_write=Rate(base=2), source="drawn")
USED = Usage(input_tokens=100, output_tokens=9)
ASKED = request()
BOUND = RequestSize(ToolSizes()).bound(ASKED)
WORST = RATES.worst(input_tokens=BOUND, output_tokens=ASKED.max_output_tokens, prompt_cache=False)


@dataclass
class Gates:
    """Makes gates over one ledger, whose sleeps are written down and may do something."""

    directory: Path
    bounds: Bounds = field(default_factory=Bounds)
    slept: list[float] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None
    ledgers: list[Ledger] = field(default_factory=list)

    def gate(self, **terms: Any) -> MoneyGate:
        """Make the gate of a trial."""
        if not self.ledgers:
            self.ledgers.append(Ledger(self.directory, self.bounds, 0.0))
        return MoneyGate(
            ledger=self.ledgers[0],
            terms=replace(Terms(model="fake/x", rates=RATES), **terms),
            clock=lambda: 1.0 + sum(self.slept),
            sleep=self.sleep,
        )

    def sleep(self, wait_s: float) -> None:
        """Write a sleep down, and do what happens meanwhile."""
        self.slept.append(wait_s)
        self.meanwhile()

    @property
    def totals(self) -> Totals:
        """Give what the ledger says."""
        return self.ledgers[0].totals()


@pytest.fixture
def gates(tmp_path: Path) -> Iterator[Gates]:
    """Give gates without a limit."""
    made = Gates(tmp_path)
    yield made
    for each in made.ledgers:
        each.close()


def test_reply_is_priced(gates: Gates) -> None:
    """What a request used is its price, which takes the place of what was set aside, and says where it is from."""
    admission = gates.gate().admit(ASKED)
    assert gates.totals == Totals(held=WORST, requests=1)
    settled = admission.settle(says("hi", usage=USED))

    assert settled.usage == replace(USED, cost_usd=190e-12)
    assert settled.prices == "drawn"
    assert gates.totals == Totals(spent=190, requests=1)


def test_unknown_price_stays_unknown(gates: Gates) -> None:
    """Without rates a reply has no cost, and the ledger counts a request of unknown price."""
    gate = gates.gate(rates=None)
    settled = gate.admit(ASKED).settle(says("hi", usage=USED))
    gate.admit(ASKED).fail(None)

    assert settled == says("hi", usage=USED)
    assert gates.totals == Totals(requests=2, unpriced=2)


@pytest.mark.parametrize("usage", [None, Usage(input_tokens=1, output_tokens=1, cached_input_tokens=2)])
def test_reply_without_a_usable_usage_counts_as_its_worst(gates: Gates, usage: Usage | None) -> None:
    """Nobody knows what it costs: its cost is unknown, and the budget takes the most that it may be."""
    settled = gates.gate().admit(ASKED).settle(says("hi", usage=usage))

    assert settled == says("hi", usage=usage)
    assert gates.totals == Totals(spent=WORST, requests=1, doubtful=WORST, doubts=1)


@pytest.mark.parametrize(
    ("error", "spent"),
    [
        (ProviderError("refused", is_billed=False), 0),
        (ProviderError("cut off", is_billed=None), WORST),
        (None, WORST),
    ],
    ids=["not billed", "perhaps billed", "not the provider's"],
)
def test_failed_request_counts_unless_it_is_surely_free(gates: Gates, error: ProviderError | None, spent: int) -> None:
    """What nobody knows not to be billed counts as spent."""
    gates.gate().admit(ASKED).fail(error)

    assert (gates.totals.spent, gates.totals.doubtful, gates.totals.held) == (spent, spent, 0)


def test_interrupt_in_mid_request_keeps_what_was_set_aside(gates: Gates) -> None:
    """After Ctrl-C nobody knows whether the request is billed."""
    client = Retrying(provider=ScriptedModel(KeyboardInterrupt()), gate=gates.gate())

    with pytest.raises(KeyboardInterrupt):
        client.complete(ASKED)
    assert gates.totals == Totals(spent=WORST, requests=1, doubtful=WORST, doubts=1)


def test_cached_prompts_are_set_aside_at_their_dearer_rate(gates: Gates) -> None:
    """Only where the run writes caches."""
    worst = [gates.gate(prompt_cache=each).admit(ASKED).worst for each in (False, True)]

    assert worst[0] == WORST < worst[1]


def test_request_waits_until_what_is_in_flight_has_ended(gates: Gates) -> None:
    """It looks again and again, less often each time, and is admitted once enough is left."""
    gates.bounds = Bounds(budget=WORST + 500)
    first = gates.gate().admit(ASKED)

    def end_it() -> None:
        if len(gates.slept) == 9:
            first.settle(says("hi", usage=USED))

    gates.meanwhile = end_it
    gates.gate().admit(ASKED)

    assert gates.totals == Totals(spent=190, held=WORST, requests=2)
    assert len(gates.slept) == 9
    assert FIRST_WAIT_S / 2 <= gates.slept[0] <= FIRST_WAIT_S
    assert LONGEST_WAIT_S / 2 <= gates.slept[-1] <= LONGEST_WAIT_S


def test_refusal_lets_no_other_trial_begin(tmp_path: Path, gates: Gates) -> None:
    """A trial in its middle goes on while it can; one that would only begin is refused with the first's reason."""
    gates.bounds = Bounds(requests=2)
    begun, late = gates.gate(), gates.gate()
    begun.admit(ASKED).fail(ProviderError("refused"))
    gates.ledgers[0].close_run("the first reason")

    with pytest.raises(BudgetError, match="the first reason"):
        late.admit(ASKED)
    begun.admit(ASKED)
    with pytest.raises(BudgetError, match=r"sent its 2 requests \(--codeact-max-requests\)"):
        begun.admit(ASKED)
    assert read_totals(tmp_path) == (Totals(held=WORST, requests=2), "the first reason")


def test_refused_request_closes_the_run(gates: Gates) -> None:
    """What ended the budget is why no trial begins any more."""
    gates.bounds = Bounds(budget=WORST - 1)

    with pytest.raises(BudgetError) as refused:
        gates.gate().admit(ASKED)
    assert gates.ledgers[0].closed == str(refused.value)
    assert str(refused.value).startswith("the budget of $0.00 is used up: $0.0000 is left, and the next request may")


def test_rate_is_waited_for_after_the_money_is_set_aside(gates: Gates) -> None:
    """The second request of a minute of one sleeps until the minute is over."""
    gate = gates.gate(rpm=1)
    gate.admit(ASKED)
    gate.admit(ASKED)

    assert gates.slept == [60.0]
    assert gates.totals == Totals(held=2 * WORST, requests=2)


def test_interrupted_wait_for_a_rate_costs_nothing(gates: Gates) -> None:
    """Its request was never sent."""
    gate = gates.gate(rpm=1)
    gate.admit(ASKED)

    def interrupt() -> None:
        raise KeyboardInterrupt

    gates.meanwhile = interrupt
    with pytest.raises(KeyboardInterrupt):
        gate.admit(ASKED)
    assert gates.totals == Totals(held=WORST, requests=2)


def test_tokens_of_a_minute_are_those_that_were_used(gates: Gates) -> None:
    """Once a reply has come, its own figure counts, not the bound; without a price as well."""
    gate = gates.gate(tpm=BOUND + 600, rates=None)
    for _ in range(5):
        gate.admit(ASKED).settle(says("hi", usage=USED))

    assert gates.slept == []


def test_tokens_in_flight_hold_the_next_request_up(gates: Gates) -> None:
    """Input and the most of output count until the reply has come."""
    gate = gates.gate(tpm=BOUND + 600)
    gate.admit(ASKED)
    gate.admit(ASKED)

    assert gates.slept == [60.0]

"""
The gate of live requests: rates first, then the budget; and the price of each reply.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from pytest_codeact.errors import BudgetError
from pytest_codeact.money._pace import Pace
from pytest_codeact.money._rates import usd
from pytest_codeact.money._size import RequestSize, ToolSizes

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_codeact.errors import ProviderError
    from pytest_codeact.money._ledger import Ledger
    from pytest_codeact.money._rates import Rates
    from pytest_codeact.providers import Reply, Request
    from pytest_codeact.records import Usage

FIRST_WAIT_S: Final = 0.02
LONGEST_WAIT_S: Final = 0.5
"""Between two looks at whether what is in flight has ended and left enough of the budget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """
    What holds for the requests of one model.

    Attributes:
        model: PROVIDER/MODEL.
        rates: Its prices. None if nobody knows them.
        prompt_cache: Whether its input may be written to the provider's cache.
        rpm: Requests per minute at most. None for any number.
        tpm: Tokens per minute at most. None for any number.
    """

    model: str
    rates: Rates | None
    prompt_cache: bool = False
    rpm: int | None = None
    tpm: int | None = None


@dataclass(slots=True, kw_only=True)
class MoneyGate:
    """
    The gate of one trial's requests.

    Attributes:
        ledger: The process's.
        terms: Those of its model.
        tools: The process's; what it knows of tools.
        clock: Gives seconds, the same in all processes of the run. A seam for tests.
        sleep: Waits so many seconds. A seam for tests.
    """

    ledger: Ledger
    terms: Terms
    tools: ToolSizes = field(default_factory=ToolSizes)
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _size: RequestSize = field(init=False)
    _has_begun: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._size = RequestSize(self.tools)

    def admit(self, request: Request) -> MoneyAdmission:
        """
        Wait until a request may be sent, and set aside what it may cost.

        Raises:
            BudgetError: The run may send none any more; then no trial of it begins either.
        """
        if not self._has_begun and (reason := self.ledger.closed):
            # A trial in its middle goes on while the budget allows; one that would only begin does not.
            raise BudgetError(reason)
        self._has_begun = True
        terms = self.terms
        input_tokens = self._size.bound(request) if terms.rates is not None or terms.tpm is not None else 0
        worst = 0
        # Without a budget too: a resumed run may have one, and must know what the processes before left in flight.
        if terms.rates is not None:
            worst = terms.rates.worst(
                input_tokens=input_tokens, output_tokens=request.max_output_tokens, prompt_cache=terms.prompt_cache
            )
        pace = None
        if terms.rpm is not None or terms.tpm is not None:
            tokens = input_tokens + request.max_output_tokens
            pace = Pace(model=terms.model, rpm=terms.rpm, tpm=terms.tpm, tokens=tokens)
        try:
            wait_s = self._reserved(worst, pace)
        except BudgetError as error:
            self.ledger.close_run(str(error))
            raise
        admission = MoneyAdmission(ledger=self.ledger, terms=terms, worst=worst, pace=pace)
        if wait_s > 0:
            self._sit_out(wait_s, admission)
        return admission

    def _reserved(self, worst: int, pace: Pace | None) -> float:
        pause_s = FIRST_WAIT_S
        while (wait_s := self.ledger.reserve(worst, pace, self.clock())) is None:
            # What a dead process had in flight will never end.
            self.ledger.bury_the_dead()
            # Not all at the same moment: the first to look would always be the same.
            self.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
            pause_s = min(LONGEST_WAIT_S, pause_s * 2)
        return wait_s

    def _sit_out(self, wait_s: float, admission: MoneyAdmission) -> None:
        try:
            self.sleep(wait_s)
        except BaseException:
            admission.release()
            raise


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyAdmission:
    """
    Leave to send one request.

    Attributes:
        ledger: The process's.
        terms: Those of the model.
        worst: Pico-dollars that are set aside for it.
        pace: Its place in the queue of its model. None if it has none.
    """

    ledger: Ledger
    terms: Terms
    worst: int
    pace: Pace | None

    def settle(self, reply: Reply) -> Reply:
        """Take in what the request used; gives the reply, priced."""
        usage, rates = reply.usage, self.terms.rates
        cost = self._booked(usage)
        if usage is None or rates is None or cost is None:
            return reply
        return replace(reply, usage=replace(usage, cost_usd=usd(cost)), prices=rates.source)

    def fail(self, error: ProviderError | None) -> None:
        """Take in that no reply came. What nobody knows not to be billed counts as spent; a bill counts as it is."""
        if error is not None and error.is_billed is False:
            self.release()
        else:
            self._booked(None if error is None else error.usage)

    def _booked(self, usage: Usage | None) -> int | None:
        """Put what a request used in the books, or the most that it may have cost. Gives its price, if it is known."""
        rates = self.terms.rates
        if usage is not None and self.pace is not None:
            self._correct(usage, self.pace)
        cost = None if usage is None or rates is None else rates.price(usage)
        if rates is None:
            self.ledger.settle_unpriced()
        else:
            self.ledger.settle(self.worst, cost, is_known=cost is not None)
        return cost

    def release(self) -> None:
        """Take in that nothing is billed."""
        self.ledger.settle(self.worst, 0, is_known=True)

    def _correct(self, usage: Usage, pace: Pace) -> None:
        if self.terms.tpm is not None:
            self.ledger.correct(pace, usage.input_tokens + usage.output_tokens)

"""
The one retry policy, outside of every SDK: what is sent again, when, and what became of each attempt.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from random import SystemRandom
from typing import TYPE_CHECKING, Final

from pytest_codeact.attempt import Attempt
from pytest_codeact.errors import ProviderError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenacity import RetryCallState

    from pytest_codeact.providers import Gate, Provider, Reply, Request

MAX_ATTEMPTS: Final = 6
"""Sendings of one request. With the waits below a vendor's bad minute is outlived, a bad hour is not."""

FIRST_BACKOFF_S: Final = 0.5
MAX_BACKOFF_S: Final = 60.0
"""
Back-off before attempt n + 1: FIRST_BACKOFF_S * 2**(n-1), at most MAX_BACKOFF_S, of which a random half to the whole is
waited ("equal jitter"; Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
"""

MAX_RETRY_AFTER_S: Final = 300.0
"""A server that asks for a longer wait is not asked again: the trial would only run into its deadline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrying:
    """
    A provider whose failed requests are sent again. Each attempt passes the gate by itself.

    Latency is that of the attempt that brought the reply; everything before it is `Reply.waited_s`.

    Attributes:
        provider: Asks the model once per call.
        gate: What each attempt must pass.
        sleep: Waits so many seconds. A seam for tests.
        clock: Gives seconds. A seam for tests.
        jitter: Gives a number from 0 to 1. A seam for tests; not `random.random`, which test plugins seed.
    """

    provider: Provider
    gate: Gate
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.perf_counter
    jitter: Callable[[], float] = SystemRandom().random

    def complete(self, request: Request) -> Reply:
        """
        Ask, and ask again while the failure is one that may pass.

        Raises:
            ProviderError: The last attempt's; its `attempts` are all that were made.
            BudgetError: The run may ask no more.
        """
        from tenacity import Retrying as Tenacity
        from tenacity import retry_if_exception, stop_after_attempt

        failed: list[Attempt] = []
        asked_at = self.clock()
        policy = Tenacity(
            retry=retry_if_exception(_may_pass),
            stop=stop_after_attempt(MAX_ATTEMPTS),
            wait=self._backoff_s,
            before_sleep=lambda state: _note_backoff(failed, state),
            sleep=self.sleep,
            reraise=True,
        )
        try:
            return policy(self._attempt, request, failed, asked_at)
        except ProviderError as error:
            error.attempts = tuple(failed)
            if error.transient and (asked_s := error.retry_after_s or 0.0) > MAX_RETRY_AFTER_S:
                too_long = (
                    f"it asks for {asked_s:g} s of patience, and more than {MAX_RETRY_AFTER_S:g} s are not waited"
                )
                error.args = (f"{error}; {too_long}; run again later",)
            raise

    def _attempt(self, request: Request, failed: list[Attempt], asked_at: float) -> Reply:
        admission = self.gate.admit(request)
        sent_at = self.clock()
        try:
            reply = self.provider.complete(request)
        except ProviderError as error:
            failed.append(
                Attempt(error=str(error), status=error.status, attempt_s=self.clock() - sent_at, backoff_s=0.0)
            )
            admission.fail(error)
            raise
        except BaseException:
            admission.fail(None)
            raise
        model_s = self.clock() - sent_at
        settled = admission.settle(reply)
        return replace(
            settled,
            model_s=model_s if reply.model_s is None else reply.model_s,
            waited_s=sent_at - asked_at,
            attempts=tuple(failed),
        )

    def _backoff_s(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        longest = min(MAX_BACKOFF_S, FIRST_BACKOFF_S * 2 ** (state.attempt_number - 1))
        backoff_s = longest / 2 * (1 + self.jitter())
        asked_s = (error.retry_after_s if isinstance(error, ProviderError) else None) or 0.0
        # Never sooner than asked. 0 is what servers say that do not know. Jitter on top: workers that were all told the
        # same must not come back at once.
        return asked_s + FIRST_BACKOFF_S * self.jitter() if asked_s else backoff_s


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, ProviderError) and error.transient and (error.retry_after_s or 0.0) <= MAX_RETRY_AFTER_S


def _note_backoff(failed: list[Attempt], state: RetryCallState) -> None:
    failed[-1] = replace(failed[-1], backoff_s=state.upcoming_sleep)

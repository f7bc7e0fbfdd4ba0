"""The retry policy: what is sent again, when, and what is recorded of it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from fakes import ScriptedModel, Ticks, says

from pytest_codeact.attempt import Attempt
from pytest_codeact.errors import BudgetError, ProviderError
from pytest_codeact.providers import Reply, Request
from pytest_codeact.providers.retry import MAX_ATTEMPTS, Retrying
from pytest_codeact.records import Message, Usage

if TYPE_CHECKING:
    from collections.abc import Callable

REQUEST = Request(
    system="",
    messages=(Message(role="user", text="hello"),),
    tools=(),
    parallel_tool_calls=True,
    max_output_tokens=10,
)


class Ledger:
    """A gate that writes down what passes it, and may refuse or hold up an attempt."""

    def __init__(self, *, refuses: int | None = None, price: float | None = None) -> None:
        self.events: list[str] = []
        self._refuses = refuses
        self._price = price

    def admit(self, request: Request) -> Pass:
        """Admit all but the one that is to be refused."""
        if self.events.count("admit") == self._refuses:
            raise BudgetError("the money is gone")
        self.events.append("admit")
        return Pass(self.events, self._price)


@dataclass
class Pass:
    """Leave to send one request."""

    events: list[str]
    price: float | None

    def settle(self, reply: Reply) -> Reply:
        """Price a reply."""
        self.events.append("settle")
        if self.price is None or reply.usage is None:
            return reply
        return replace(reply, usage=replace(reply.usage, cost_usd=self.price))

    def fail(self, error: ProviderError | None) -> None:
        """Write a failure down."""
        self.events.append("fail" if error is None else f"fail {error}")


@dataclass
class Run:
    """A policy over a scripted model, whose sleeps are written down and whose clock is given."""

    replies: tuple[Reply | BaseException, ...]
    gate: Ledger = field(default_factory=Ledger)
    jitter: float = 1.0
    clock: Callable[[], float] = field(default_factory=lambda: Ticks([0.0] * 100))
    slept: list[float] = field(default_factory=list)

    def complete(self) -> Reply:
        """Ask once."""
        policy = Retrying(
            provider=ScriptedModel(*self.replies),
            gate=self.gate,
            sleep=self.slept.append,
            clock=self.clock,
            jitter=lambda: self.jitter,
        )
        return policy.complete(REQUEST)


def passing(text: str = "busy", *, status: int | None = 503, after_s: float | None = None) -> ProviderError:
    """Make an error that may pass."""
    return ProviderError(text, status=status, transient=True, retry_after_s=after_s)


def test_reply_passes_the_gate_once() -> None:
    """A request that is answered at once is admitted once, settled once, and has waited for nothing."""
    run = Run((says("hi"),))
    reply = run.complete()

    assert reply.message.text == "hi"
    assert (reply.waited_s, reply.attempts) == (0.0, ())
    assert run.gate.events == ["admit", "settle"]
    assert run.slept == []


@pytest.mark.parametrize(("jitter", "expected"), [(1.0, [0.5, 1.0, 2.0, 4.0, 8.0]), (0.0, [0.25, 0.5, 1.0, 2.0, 4.0])])
def test_back_off_doubles_and_is_jittered(jitter: float, expected: list[float]) -> None:
    """Waits double from half a second on, of which a random half to the whole is waited, and the attempts end."""
    run = Run((*[passing()] * MAX_ATTEMPTS, says("too late")), jitter=jitter)

    with pytest.raises(ProviderError, match="busy") as raised:
        run.complete()

    assert run.slept == expected
    assert [each.backoff_s for each in raised.value.attempts] == [*expected, 0.0]
    assert run.gate.events == ["admit", "fail busy"] * MAX_ATTEMPTS


def test_back_off_is_capped() -> None:
    """No wait of our own is longer than a minute, however many came before it."""
    from tenacity import RetryCallState
    from tenacity import Retrying as Tenacity

    state = RetryCallState(Tenacity(), None, (), {})
    state.attempt_number = 20
    policy = Retrying(provider=ScriptedModel(), gate=Ledger(), jitter=lambda: 1.0)

    assert policy._backoff_s(state) == 60.0


def test_retry_after_is_honoured() -> None:
    """What the server asks for is waited, a little jitter on top and never less; 0 is as if it said nothing."""
    run = Run((passing(after_s=20.0), passing(after_s=0.0), says("hi")), jitter=0.5)
    run.complete()

    assert run.slept == [20.25, 0.75]


def test_long_retry_after_is_not_waited() -> None:
    """A server that asks for more than five minutes is not asked again, and the error says so."""
    run = Run((passing("slow down", status=429, after_s=3600.0), says("hi")))

    with pytest.raises(ProviderError) as raised:
        run.complete()

    assert str(raised.value) == (
        "slow down; it asks for 3600 s of patience, and more than 300 s are not waited; run again later"
    )
    assert run.slept == []
    assert len(raised.value.attempts) == 1


def test_each_attempt_is_recorded() -> None:
    """A reply carries the attempts before it: what they met, how long they took, what was waited after them."""
    # asked, then per attempt: sent, ended.
    clock = Ticks([10.0, 1.0, 3.0, 0.0, 0.25, 0.0, 2.0])
    run = Run((passing("one", status=529), passing("two", status=None), says("hi")), clock=clock)
    reply = run.complete()

    assert reply.attempts == (
        Attempt(error="one", status=529, attempt_s=3.0, backoff_s=0.5),
        Attempt(error="two", status=None, attempt_s=0.25, backoff_s=1.0),
    )


def test_waits_are_no_latency() -> None:
    """`model_s` is the last attempt's alone; the wait for the gate and what failed before are `waited_s`."""
    clock = Ticks([0.0, 1.0, 3.0, 5.0, 2.0])
    reply = Run((passing(), says("hi")), clock=clock).complete()

    assert (reply.model_s, reply.waited_s) == (2.0, 9.0)


def test_model_seconds_of_the_provider_stay() -> None:
    """Where a provider gives its own clock's seconds, they are kept."""
    reply = Run((replace(says("hi"), model_s=0.125),)).complete()

    assert reply.model_s == 0.125


def test_price_of_the_gate_is_kept() -> None:
    """What the gate makes of a reply is what comes out."""
    usage = Usage(input_tokens=1, output_tokens=1)
    reply = Run((says("hi", usage=usage),), gate=Ledger(price=0.5)).complete()

    assert reply.usage == replace(usage, cost_usd=0.5)


def test_lasting_error_is_not_sent_again() -> None:
    """A failure that will not pass ends it, with its one attempt."""
    run = Run((ProviderError("no such model", status=404), says("hi")))

    with pytest.raises(ProviderError, match="no such model") as raised:
        run.complete()

    assert raised.value.attempts == (Attempt(error="no such model", status=404, attempt_s=0.0, backoff_s=0.0),)
    assert run.gate.events == ["admit", "fail no such model"]
    assert run.slept == []


def test_budget_error_passes_through() -> None:
    """An attempt that the gate does not admit is not made, and the refusal is not sent again."""
    run = Run((passing(), says("hi")), gate=Ledger(refuses=1))

    with pytest.raises(BudgetError, match="the money is gone"):
        run.complete()

    assert run.gate.events == ["admit", "fail busy"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(), RuntimeError("a bug"), BudgetError("inner")])
def test_other_exceptions_release_the_admission(error: BaseException) -> None:
    """Whatever else ends an attempt leaves nothing set aside, and is not sent again."""
    run = Run((error, says("hi")))

    with pytest.raises(type(error)):
        run.complete()

    assert run.gate.events == ["admit", "fail"]
    assert run.slept == []


def test_interrupt_ends_a_back_off() -> None:
    """An interrupt while nothing is in flight ends the request, and no admission is open."""

    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    gate = Ledger()
    policy = Retrying(provider=ScriptedModel(passing(), says("hi")), gate=gate, sleep=interrupted)
    with pytest.raises(KeyboardInterrupt):
        policy.complete(REQUEST)

    assert gate.events == ["admit", "fail busy"]


def test_importing_it_imports_no_library() -> None:
    """The library is imported when a request is sent, not with the module."""
    program = "import sys, pytest_codeact.providers.retry; print('tenacity' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"

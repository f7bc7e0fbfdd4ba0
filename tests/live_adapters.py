"""The vendors' adapters against an emulator, behind the retry policy and the gate of money, with no time slept."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING

from pytest_codeact.money import Bounds, Ledger, MoneyGate, Rate, Rates, Terms
from pytest_codeact.providers import ModelContext
from pytest_codeact.providers.retry import Retrying

if TYPE_CHECKING:
    from typing import Self

    from pytest_codeact.emulator import Emulator
    from pytest_codeact.errors import ProviderError
    from pytest_codeact.money import MoneyAdmission
    from pytest_codeact.providers import Connections, Provider, Reply, Request

PROVIDERS = ("anthropic", "openai", "mistral", "google")

KEYS = {
    "ANTHROPIC_API_KEY": "sk-canary-anthropic",
    "OPENAI_API_KEY": "sk-canary-openai",
    "MISTRAL_API_KEY": "canary-of-mistral",
    "GOOGLE_API_KEY": "canary-of-google",
}

RATES = Rates(
    input=Rate.of(10),
    output=Rate.of(100),
    cached_input=Rate.of(1),
    cache_write=Rate.of(20),
    source="the test's own",
)
"""US dollars per million tokens."""


def adapter(provider: str, emulator: Emulator, connections: Connections, *, timeout_s: float = 60.0) -> Provider:
    """Make the adapter of one trial, which asks an emulator."""
    context = ModelContext(
        model="some-model",
        solution=None,
        seed=0,
        base_url=emulator.base_url(provider),
        timeout_s=timeout_s,
        environment=KEYS,
        connections=connections,
    )
    made: Provider = import_module(f"pytest_codeact.providers.{provider}").live_model(context)
    return made


class Clock:
    """A clock that moves by a millisecond with every reading, and by what is slept."""

    def __init__(self) -> None:
        self._now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        self._now += 0.001
        return self._now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._now += seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """An admission, and how it ended: settled, or failed with an error that says what is billed."""

    inner: MoneyAdmission
    ends: list[ProviderError | Reply | None]

    def settle(self, reply: Reply) -> Reply:
        settled = self.inner.settle(reply)
        self.ends.append(settled)
        return settled

    def fail(self, error: ProviderError | None) -> None:
        self.ends.append(error)
        self.inner.fail(error)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotingGate:
    """The real gate; keeps each admission."""

    inner: MoneyGate
    admitted: list[Noted] = field(default_factory=list)

    def admit(self, request: Request) -> Noted:
        noted = Noted(inner=self.inner.admit(request), ends=[])
        self.admitted.append(noted)
        return noted


class Live:
    """
    A live model's client as a run makes it: adapter, retry policy, gate and a ledger of its own.

    Args:
        provider: The adapter's name.
        emulator: What it asks.
        connections: The SDKs' clients, for many trials.
        timeout_s: As in `ModelContext`.
    """

    def __init__(self, provider: str, emulator: Emulator, connections: Connections, *, timeout_s: float = 60.0) -> None:
        self.clock = Clock()
        self.ledger = Ledger(None, Bounds(budget=10**13, requests=1000), 0.0)
        terms = Terms(model=f"{provider}/some-model", rates=RATES)
        self.gate = NotingGate(
            inner=MoneyGate(ledger=self.ledger, terms=terms, clock=self.clock, sleep=self.clock.sleep)
        )
        self.model = Retrying(
            provider=adapter(provider, emulator, connections, timeout_s=timeout_s),
            gate=self.gate,
            sleep=self.clock.sleep,
            clock=self.clock,
            jitter=lambda: 1.0,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.ledger.close()

"""
The price of a request: exact whole numbers of a very small unit, so that sums over many requests stay exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pytest_codeact.records import Usage

PICO: Final = 10**12
"""Pico-dollars in a US dollar: the unit in which money is counted. A whole number of them is the price of a token."""

_PER_MILLION: Final = PICO // 10**6
"""Pico-dollars per token of one US dollar per million tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """
    What one kind of token costs.

    Attributes:
        base: Pico-dollars per token.
        tiers: Input tokens of a request above which all its tokens of this kind cost otherwise, and pico-dollars per
            token then; in ascending order.
    """

    base: int
    tiers: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, usd_per_million: float | Decimal, tiers: tuple[tuple[int, float | Decimal], ...] = ()) -> Rate:
        """
        Make one of prices in US dollars per million tokens.

        Args:
            usd_per_million: The price.
            tiers: As the attribute, in US dollars per million tokens.
        """
        steps = sorted((above, pico_per_token(each)) for above, each in tiers)
        return cls(base=pico_per_token(usd_per_million), tiers=tuple(steps))

    def at(self, input_tokens: int) -> int:
        """Give pico-dollars per token in a request of so many input tokens."""
        price = self.base
        for above, tier in self.tiers:
            if input_tokens > above:
                price = tier
        return price

    def most(self, input_tokens: int) -> int:
        """Give the most pico-dollars per token that a request of at most so many input tokens may meet."""
        return max(self.base, *(tier for above, tier in self.tiers if input_tokens > above), 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """
    What the requests of one model cost.

    Attributes:
        input: Of input tokens that are neither read from a cache nor written to one.
        output: Of output tokens, reasoning included.
        cached_input: Of those read from the provider's cache. None: as `input`.
        cache_write: Of those written to it. None: as `input`.
        request: Pico-dollars per request on top.
        source: Name and date of the price table.
    """

    input: Rate
    output: Rate
    source: str
    cached_input: Rate | None = None
    cache_write: Rate | None = None
    request: int = 0

    def price(self, usage: Usage) -> int | None:
        """
        Give the price of one request in pico-dollars.

        Args:
            usage: What it used; its input includes cache reads and writes.

        Returns:
            The price. None if the figures contradict each other.
        """
        cached, written = usage.cached_input_tokens or 0, usage.cache_write_tokens or 0
        plain = usage.input_tokens - cached - written
        if min(plain, cached, written, usage.output_tokens) < 0:
            return None
        size = usage.input_tokens
        return (
            self.request
            + plain * self.input.at(size)
            + cached * (self.cached_input or self.input).at(size)
            + written * (self.cache_write or self.input).at(size)
            + usage.output_tokens * self.output.at(size)
        )

    def worst(self, *, input_tokens: int, output_tokens: int, prompt_cache: bool) -> int:
        """
        Give the most pico-dollars that one request may cost.

        Args:
            input_tokens: The most that it may send.
            output_tokens: The most that it may be answered.
            prompt_cache: Whether its input may be written to a cache.
        """
        rates = [self.input, *([self.cache_write] if prompt_cache and self.cache_write else [])]
        input_price = max(rate.most(input_tokens) for rate in rates)
        return self.request + input_tokens * input_price + output_tokens * self.output.most(input_tokens)


def pico_per_token(usd_per_million: float | Decimal) -> int:
    """Give pico-dollars per token of a price in US dollars per million tokens; a fraction counts as a whole."""
    # Through its text: 0.1 is meant, not the nearest binary fraction.
    return math.ceil(Decimal(str(usd_per_million)) * _PER_MILLION)


def usd(pico: int) -> float:
    """Give pico-dollars as US dollars."""
    return pico / PICO


def pico(dollars: float) -> int | None:
    """Give US dollars as whole pico-dollars. None if they are infinite."""
    return None if math.isinf(dollars) else math.floor(Decimal(str(dollars)) * PICO)

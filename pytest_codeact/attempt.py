"""
One attempt at a model request, and what it used: the values that an error and a record share.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """
    One sending of a request that brought no reply.

    Attributes:
        error: What it met, in words; no secret is in it.
        status: HTTP status of the answer. None if there was none.
        attempt_s: Seconds from sending it to its failure.
        backoff_s: Seconds waited after it, before the next one. 0.0 after the last.
    """

    error: str
    status: int | None
    attempt_s: float
    backoff_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """
    Tokens of one model request, and their price.

    Attributes:
        input_tokens: Everything the model read: system prompt, tools, messages. INCLUDES prompt-cache reads
            and writes.
        output_tokens: Everything it wrote, reasoning included.
        cached_input_tokens: The part of `input_tokens` read from the provider's prompt cache. None if the
            provider does not say.
        counted_by: Name of the tokenizer when the tokens were counted here and not billed. None for
            figures that the provider reported.
        cost_usd: What the request cost, in US dollars, priced by itself. None if its price is unknown.
        cache_write_tokens: The part of `input_tokens` written to the provider's prompt cache. None if the provider does
            not say.
        reasoning_tokens: The part of `output_tokens` that is reasoning. None if the provider does not say.
    """

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int | None = None
    counted_by: str | None = None
    cost_usd: float | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None

"""Prices of single requests, against sums by hand and against the price library's own."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from pytest_codeact.money import PriceTable, Rate, Rates, usd
from pytest_codeact.records import Usage

NOW = datetime(2026, 11, 1, tzinfo=UTC)
TABLE = PriceTable(now=lambda: NOW)
MODELS = (
    "anthropic/claude-sonnet-4-5",
    "anthropic/claude-haiku-4-5",
    "mistral/mistral-small-latest",
    "openai/gpt-4o",
    "google/gemini-2.5-pro",
)


def rates(model: str) -> Rates:
    """Give the rates of a model that the table knows."""
    found = TABLE.find(model)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("usage", "cost_usd"),
    [
        (Usage(input_tokens=200_000, output_tokens=1_000), 200_000 * 3e-6 + 1_000 * 15e-6),
        (Usage(input_tokens=200_001, output_tokens=1_000), 200_001 * 6e-6 + 1_000 * 22.5e-6),
        (
            Usage(input_tokens=60_000, output_tokens=100, cached_input_tokens=50_000, cache_write_tokens=4_000),
            6_000 * 3e-6 + 50_000 * 0.3e-6 + 4_000 * 3.75e-6 + 100 * 15e-6,
        ),
        (
            Usage(input_tokens=250_000, output_tokens=0, cached_input_tokens=249_000),
            1_000 * 6e-6 + 249_000 * 0.6e-6,
        ),
    ],
    ids=["at the tier", "above the tier", "cached", "cached above the tier"],
)
def test_tiers_and_cached_rates_of_a_model(usage: Usage, cost_usd: float) -> None:
    """The whole request takes the tier that its whole input is in; cache reads and writes have their own rates."""
    price = rates("anthropic/claude-sonnet-4-5").price(usage)

    assert price is not None
    assert usd(price) == pytest.approx(cost_usd, rel=1e-12)


def test_requests_are_priced_one_by_one() -> None:
    """Eight requests of 60,000 tokens cost half of what their sum would cost in one."""
    model = rates("anthropic/claude-sonnet-4-5")
    single = model.price(Usage(input_tokens=60_000, output_tokens=500))
    summed = model.price(Usage(input_tokens=480_000, output_tokens=4_000))

    assert single is not None
    assert summed is not None
    assert (round(usd(8 * single), 2), round(usd(summed), 2)) == (1.5, 2.97)


@pytest.mark.parametrize("model", MODELS)
def test_prices_are_those_of_the_library(model: str) -> None:
    """Our whole-number arithmetic gives what genai-prices computes, whatever the usage."""
    genai_prices = pytest.importorskip("genai_prices")
    draw = random.Random(model)
    provider, _, name = model.partition("/")
    for _ in range(200):
        cached, written, plain = (draw.choice([0, draw.randrange(300_000)]) for _ in range(3))
        usage = Usage(
            input_tokens=plain + cached + written,
            output_tokens=draw.randrange(9_000),
            cached_input_tokens=cached,
            cache_write_tokens=written,
        )
        theirs = genai_prices.calc_price(
            genai_prices.Usage(
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
                cache_read_tokens=cached,
                cache_write_tokens=written,
            ),
            name,
            provider_id=provider,
            genai_request_timestamp=NOW,
        )

        assert usd(rates(model).price(usage) or 0) == pytest.approx(float(theirs.total_price), rel=1e-12)


def test_worst_price_is_never_below_the_price() -> None:
    """Whatever a request within its bounds uses, it costs no more than what was set aside."""
    draw = random.Random(5)
    for model in map(rates, MODELS):
        for _ in range(300):
            bound, most = draw.randrange(1, 400_000), draw.randrange(1, 9_000)
            total = draw.randrange(bound + 1)
            written = draw.randrange(total + 1)
            usage = Usage(input_tokens=total, output_tokens=draw.randrange(most + 1), cache_write_tokens=written)
            worst = model.worst(input_tokens=bound, output_tokens=most, prompt_cache=True)

            assert (model.price(usage) or 0) <= worst


def test_contradictory_usage_has_no_price() -> None:
    """More cached tokens than tokens is no usage that could be priced."""
    model = Rates(input=Rate.of(1), output=Rate.of(1), source="drawn")

    assert model.price(Usage(input_tokens=5, output_tokens=1, cached_input_tokens=6)) is None


@pytest.mark.parametrize("model", ["fake/x", "openai/llama-3", "my-openai/gpt-4o", "anthropic"])
def test_unknown_model_has_no_price(model: str) -> None:
    """A provider or model that the table does not hold by this very name has no price."""
    assert TABLE.find(model) is None


def test_source_names_version_and_day() -> None:
    """What a price is from is the package's version, and the day by which its dated prices were chosen."""
    source = rates("openai/gpt-4o").source

    assert source.startswith("genai-prices 0.")
    assert source.endswith(", 2026-11-01")

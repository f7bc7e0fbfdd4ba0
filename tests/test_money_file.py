"""The user's file of prices: what it may say, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_codeact.errors import PriceError
from pytest_codeact.money import PriceFile, PriceTable, Rate, Rates, usd
from pytest_codeact.records import Usage

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = """
as_of = 2026-11-01

["fake/*"]
input = 3
output = 15

["fake/x"]
input = 3.0
output = 15.0
cached_input = 0.3
cache_write = 3.75
request = 0.01
tiers = [{ above = 200000, input = 6.0, output = 22.5 }]
"""


def read(tmp_path: Path, text: str) -> PriceFile:
    """Read a file of this text."""
    path = tmp_path / "prices.toml"
    path.write_text(text)
    return PriceFile.read(path)


def rates(file: PriceFile, model: str) -> Rates:
    """Give rates that the file has."""
    found = file.find(model)
    assert found is not None
    return found


def test_every_key_is_a_price(tmp_path: Path) -> None:
    """Dollars per million tokens, dollars per request, and tiers that keep what they do not name."""
    found = rates(read(tmp_path, WHOLE), "fake/x")

    assert found.input == Rate.of(3, ((200_000, 6),))
    assert found.cached_input == Rate.of(0.3)
    assert found.cache_write == Rate.of(3.75)
    assert usd(found.price(Usage(input_tokens=0, output_tokens=0)) or 0) == 0.01
    assert usd(found.price(Usage(input_tokens=200_001, output_tokens=1, cached_input_tokens=200_001)) or 0) == (
        pytest.approx(0.01 + 200_001 * 0.3e-6 + 22.5e-6)
    )


def test_name_goes_before_patterns(tmp_path: Path) -> None:
    """Wherever it stands; what neither fits has no price here."""
    file = read(tmp_path, WHOLE)

    assert rates(file, "fake/x").cached_input is not None
    assert rates(file, "fake/y").cached_input is None
    assert file.find("other/x") is None


def test_source_names_file_digest_and_day(tmp_path: Path) -> None:
    """No directory: a record is read elsewhere. Another text is another digest."""
    dated, undated = (rates(read(tmp_path, text), "fake/y").source for text in (WHOLE, WHOLE.replace("as_of", "#")))

    assert dated.startswith("prices.toml, sha256 ")
    assert dated.endswith(", 2026-11-01")
    assert len(undated.split(",")) == 2
    assert dated.split(",")[1] != undated.split(",")[1]


def test_file_goes_before_the_bundled_table(tmp_path: Path) -> None:
    """And the table is asked for what the file does not have."""
    table = PriceTable(read(tmp_path, '["openai/gpt-4o"]\ninput = 1\noutput = 2\n'))
    found = table.find("openai/gpt-4o")

    assert found is not None
    assert found.input == Rate.of(1)
    assert table.find("fake/x") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fake/x", "the price file '{}' is no TOML: "),
        ("as_of = 2026", "the price file '{}': 'as_of' is 2026; expected a date, for example 2026-11-01"),
        (
            '"fake/x" = 3',
            "the price file '{}': 'fake/x' is 3; expected a table, for example [\"fake/x\"] with input and output "
            "below it",
        ),
        (
            '["fake/x"]\ninput = 3',
            "the price file '{}': 'fake/x' lacks 'output'; give US dollars per million tokens",
        ),
        (
            '["fake/x"]\ninput = 3\noutput = 15\ncached = 1',
            "the price file '{}': 'fake/x' has the unknown key 'cached'; allowed are input, output, cached_input, "
            "cache_write, request, tiers",
        ),
        (
            '["fake/x"]\ninput = -3\noutput = 15',
            "the price file '{}': 'fake/x.input' is -3; expected US dollars per million tokens, from 0",
        ),
        (
            '["fake/x"]\ninput = 3\noutput = inf',
            "the price file '{}': 'fake/x.output' is inf; expected US dollars per million tokens, from 0",
        ),
        (
            '["fake/x"]\ninput = true\noutput = 15',
            "the price file '{}': 'fake/x.input' is True; expected US dollars per million tokens, from 0",
        ),
        (
            '["fake/x"]\ninput = 3\noutput = 15\nrequest = "1"',
            "the price file '{}': 'fake/x.request' is '1'; expected US dollars per request",
        ),
        (
            '["fake/x"]\ninput = 3\noutput = 15\ntiers = 5',
            "the price file '{}': 'fake/x.tiers' is 5; expected a list such as "
            "[{{above = 200000, input = 6.0, output = 22.5}}]",
        ),
        (
            '["fake/x"]\ninput = 3\noutput = 15\ntiers = [{above = 1.5}]',
            "the price file '{}': 'fake/x.tiers.above' is 1.5; expected a whole number of input tokens",
        ),
        (
            '["fake/x"]\ninput = 3\noutput = 15\ntiers = [{above = 1, request = 2}]',
            "the price file '{}': 'fake/x.tiers' has the unknown key 'request'; allowed are above, input, output, "
            "cached_input, cache_write",
        ),
    ],
)
def test_wrong_file_is_blamed_by_file_and_key(tmp_path: Path, text: str, message: str) -> None:
    """What is wrong, what was given, and what is allowed."""
    with pytest.raises(PriceError) as raised:
        read(tmp_path, text)

    assert str(raised.value).startswith(message.format(tmp_path / "prices.toml"))


def test_missing_file_is_told_by_its_path(tmp_path: Path) -> None:
    """With what the system says."""
    path = tmp_path / "none.toml"

    with pytest.raises(PriceError) as raised:
        PriceFile.read(path)
    assert str(raised.value) == f"cannot read the price file '{path}': No such file or directory"

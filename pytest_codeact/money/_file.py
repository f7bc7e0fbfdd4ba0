"""
The user's own file of prices, which go before the bundled ones.
"""

from __future__ import annotations

import hashlib
import math
import tomllib
from datetime import date
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from pytest_codeact.errors import PriceError
from pytest_codeact.money._rates import Rate, Rates, pico_per_token

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_PRICES: Final = ("input", "output", "cached_input", "cache_write")
_KEYS: Final = (*_PRICES, "request", "tiers")
_TIER_KEYS: Final = ("above", *_PRICES)
_DATE_KEY: Final = "as_of"

_DIGEST_DIGITS: Final = 8


class PriceFile:
    """
    Prices by model, read from TOML.

    Args:
        rates: Per "PROVIDER/MODEL", or pattern of it as of a shell, its rates; in the order of the file.
    """

    def __init__(self, rates: Mapping[str, Rates]) -> None:
        self._rates = dict(rates)

    @classmethod
    def read(cls, path: Path) -> PriceFile:
        """
        Read a file.

        Raises:
            PriceError: It cannot be read, or an entry of it is wrong; the text names file and key.
        """
        try:
            raw = path.read_bytes()
            content = tomllib.loads(raw.decode("utf-8"))
        except OSError as error:
            raise PriceError(f"cannot read the price file {str(path)!r}: {error.strerror or error}") from error
        except ValueError as error:
            raise PriceError(f"the price file {str(path)!r} is no TOML: {error}") from error
        return cls(_Reader(path.name, str(path), raw).rates(content))

    def find(self, model: str) -> Rates | None:
        """
        Give the rates of a model. None if the file has none.

        Args:
            model: PROVIDER/MODEL. Its own name goes before every pattern, a pattern before those below it.
        """
        if model in self._rates:
            return self._rates[model]
        return next((rates for pattern, rates in self._rates.items() if fnmatchcase(model, pattern)), None)


class _Reader:
    """Makes rates of what a file holds, and blames it by its name."""

    def __init__(self, name: str, path: str, raw: bytes) -> None:
        self._path = path
        # No path: a run's record is read elsewhere. The digest tells one version of the file from another.
        self._source = f"{name}, sha256 {hashlib.sha256(raw).hexdigest()[:_DIGEST_DIGITS]}"

    def rates(self, content: Mapping[str, Any]) -> dict[str, Rates]:
        day = content.get(_DATE_KEY)
        if day is not None and type(day) is not date:
            raise self._wrong(_DATE_KEY, day, "a date, for example 2026-11-01")
        source = self._source if day is None else f"{self._source}, {day}"
        return {model: self._entry(model, entry, source) for model, entry in content.items() if model != _DATE_KEY}

    def _entry(self, model: str, entry: Any, source: str) -> Rates:
        if not isinstance(entry, dict):
            raise self._wrong(model, entry, f'a table, for example ["{model}"] with input and output below it')
        self._check_keys(model, entry, _KEYS)
        for key in ("input", "output"):
            if key not in entry:
                raise PriceError(
                    f"the price file {self._path!r}: {model!r} lacks {key!r}; give US dollars per million tokens"
                )
        steps = self._tiers(model, entry.get("tiers", []))
        rates = {
            key: Rate.of(
                self._price(model, key, entry[key]),
                tuple((above, step[key]) for above, step in steps if key in step),
            )
            for key in _PRICES
            if key in entry
        }
        request = self._price(model, "request", entry.get("request", 0))
        return Rates(**rates, source=source, request=pico_per_token(request) * 10**6)

    def _tiers(self, model: str, tiers: Any) -> list[tuple[int, dict[str, float]]]:
        if not isinstance(tiers, list) or not all(isinstance(tier, dict) for tier in tiers):
            raise self._wrong(f"{model}.tiers", tiers, "a list such as [{above = 200000, input = 6.0, output = 22.5}]")
        found = []
        for tier in tiers:
            self._check_keys(f"{model}.tiers", tier, _TIER_KEYS)
            above = tier.get("above")
            if type(above) is not int or above < 0:
                raise self._wrong(f"{model}.tiers.above", above, "a whole number of input tokens")
            prices = {key: self._price(f"{model}.tiers", key, tier[key]) for key in _PRICES if key in tier}
            found.append((above, prices))
        return found

    def _price(self, model: str, key: str, value: Any) -> float:
        if type(value) not in (int, float) or not 0 <= value < math.inf:
            unit = "US dollars per request" if key == "request" else "US dollars per million tokens, from 0"
            raise self._wrong(f"{model}.{key}", value, unit)
        return float(value)

    def _check_keys(self, model: str, entry: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
        for key in entry:
            if key not in allowed:
                raise PriceError(
                    f"the price file {self._path!r}: {model!r} has the unknown key {key!r}; "
                    f"allowed are {', '.join(allowed)}"
                )

    def _wrong(self, key: str, value: object, allowed: str) -> PriceError:
        return PriceError(f"the price file {self._path!r}: {key!r} is {value!r}; expected {allowed}")

"""
The bundled price table: the only module that knows genai-prices.

The package's table is read as it was installed. It is never updated over the network: that is `UpdatePrices`, which
nothing here calls, and a snapshot that somebody else's call put in place is not looked at.
"""

from __future__ import annotations

import contextlib
import threading
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING, Any, Final

from pytest_codeact.money._rates import Rate, Rates, pico_per_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_codeact.money._file import PriceFile

PACKAGE: Final = "genai-prices"


class PriceTable:
    """
    Finds the rates of models: the user's own file first, then the bundled table. Safe for threads.

    Args:
        file: The user's. None for none.
        now: Gives the time by which dated prices are chosen. A seam for tests.
    """

    def __init__(self, file: PriceFile | None = None, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._file = file
        self._now = now
        self._loading = threading.Lock()
        self._snapshot: Any = None
        self._name = ""

    def find(self, model: str, base_url: str | None = None) -> Rates | None:
        """
        Give the rates of a model as they are now. None if nobody knows them.

        Args:
            model: PROVIDER/MODEL.
            base_url: Where its requests go. A vendor that serves others' models there has prices of its own. None for
                the provider's own server.
        """
        own = None if self._file is None else self._file.find(model)
        return own or self._bundled(model, base_url)

    def _bundled(self, model: str, base_url: str | None) -> Rates | None:
        provider_id, _, name = model.partition("/")
        snapshot = self._loaded()
        if snapshot is None:
            return None
        provider = _provider(snapshot, provider_id, base_url)
        found = name and provider and provider.find_model(name, all_providers=snapshot.providers)
        if not found:
            return None
        now = self._now()
        return _rates(found.get_prices(now), f"{self._name}, {now:%Y-%m-%d}")

    def _loaded(self) -> Any:
        """Give the table; the first call imports it, which takes 0.2 s of CPU. None if it is not installed."""
        with self._loading:
            if not self._name:
                self._name = PACKAGE
                with contextlib.suppress(ImportError):
                    from genai_prices.data import providers
                    from genai_prices.data_snapshot import DataSnapshot

                    self._snapshot = DataSnapshot(providers=providers, from_auto_update=False)
                    self._name = f"{PACKAGE} {metadata.version(PACKAGE)}"
            return self._snapshot


def _provider(snapshot: Any, provider_id: str, base_url: str | None) -> Any:
    """Find whose prices count. Ids are compared whole: the package's own search would take "my-openai" for openai."""
    if base_url is not None:
        try:
            return snapshot.find_provider(None, None, base_url)
        except LookupError:
            # A server of the user's own, or the emulator: what it stands for.
            pass
    return next((each for each in snapshot.providers if each.id == provider_id), None)


def _rates(price: Any, source: str) -> Rates | None:
    """Read the rates off a model's price. None if it is not one of text tokens."""
    if price.input_mtok is None or price.output_mtok is None:
        return None
    write = price.cache_write_mtok if price.cache_write_mtok is not None else price.cache_write_5m_mtok
    return Rates(
        input=_rate(price.input_mtok),
        output=_rate(price.output_mtok),
        cached_input=None if price.cache_read_mtok is None else _rate(price.cache_read_mtok),
        cache_write=None if write is None else _rate(write),
        # It is quoted per thousand requests.
        request=0 if price.requests_kcount is None else pico_per_token(price.requests_kcount) * 10**3,
        source=source,
    )


def _rate(price: Any) -> Rate:
    tiers = getattr(price, "tiers", None)
    if tiers is None:
        return Rate.of(price)
    return Rate.of(price.base, tuple((tier.start, tier.price) for tier in tiers))

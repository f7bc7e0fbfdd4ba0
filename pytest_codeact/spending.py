"""
What a run may spend, in each of its processes: its ledger, its prices, the gate of each live client; and the totals.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import pytest

from pytest_codeact.errors import BudgetError, PriceError
from pytest_codeact.money import (
    Bounds,
    Ledger,
    MoneyGate,
    PriceFile,
    PriceTable,
    Rates,
    Terms,
    ToolSizes,
    Totals,
    pico,
    read_totals,
    usd,
)
from pytest_codeact.options import source_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_codeact.kit import Kit
    from pytest_codeact.options import Settings
    from pytest_codeact.providers import Gate, Request

_ASKING_MODES: Final = ("live", "record", "refresh")


def live_models(kit: Kit) -> list[str]:
    """Name the models of the run that are really asked, in the order of the options."""
    settings = kit.settings
    if settings.mode not in _ASKING_MODES:
        return []
    return [model for model in settings.models if kit.registry.is_live(model)]


def check_prices(kit: Kit) -> None:
    """
    Refuse a budget that cannot be held, and a price file that cannot be read.

    Raises:
        pytest.UsageError: The price of a model that is asked is not known, and there is a budget; or the file of
            prices is wrong.
    """
    settings = kit.settings
    try:
        unknown = [model for model in live_models(kit) if rates_of(kit, model) is None]
    except PriceError as error:
        raise pytest.UsageError(f"{source_of(settings, 'prices')}: {error}") from error
    if unknown and settings.budget_usd is not None and pico(settings.budget_usd) is not None:
        names = ", ".join(map(repr, unknown))
        raise pytest.UsageError(
            f"{source_of(settings, 'budget_usd')}: no price is known of {names}, and a budget cannot be held without "
            "one; give prices with --codeact-prices=FILE, install the bundled ones with pip install "
            "'pytest-codeact[live]', or use --codeact-budget=none with --codeact-max-requests=N"
        )


def rates_of(kit: Kit, model: str) -> Rates | None:
    """
    Give the prices of a model, as they were when the process first asked. None if nobody knows them.

    Raises:
        PriceError: The user's file of prices is wrong.
    """
    settings = kit.settings
    table: PriceTable = kit.connections.get(("money", "prices"), lambda: PriceTable(_price_file(kit)))
    provider = model.partition("/")[0]
    url = settings.base_urls.get(provider, settings.base_urls.get(""))
    # To find them takes as long as a twentieth of a request, and each trial asks.
    rates: Rates | None = kit.connections.get(("money", "rates", model), lambda: table.find(model, url))
    return rates


def gate_for(kit: Kit, model: str) -> Gate:
    """
    Make the gate of one trial's client.

    Args:
        kit: The process's.
        model: PROVIDER/MODEL, a live one.
    """
    settings = kit.settings
    try:
        ledger: Ledger = kit.connections.get(("money", "ledger"), lambda: _opened(kit))
        rates = rates_of(kit, model)
    except (BudgetError, PriceError) as error:
        return _Shut(reason=str(error))
    return MoneyGate(
        ledger=ledger,
        terms=Terms(model=model, rates=rates, prompt_cache=settings.prompt_cache, rpm=settings.rpm, tpm=settings.tpm),
        tools=kit.connections.get(("money", "tools"), ToolSizes),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shut:
    """A gate that nothing passes. A trial that is taken from the journal asks nothing and never meets it."""

    reason: str

    def admit(self, request: Request) -> NoReturn:  # noqa: ARG002 - the seam's
        raise BudgetError(self.reason)


def _opened(kit: Kit) -> Ledger:
    import sqlite3

    settings = kit.settings
    budget_usd = settings.budget_usd
    bounds = Bounds(
        budget=None if budget_usd is None else pico(budget_usd),
        requests=settings.max_requests,
        seconds=settings.max_seconds,
    )
    try:
        directory = kit.journal.directory()
        if directory is not None:
            return Ledger(directory, bounds, kit.began_s)
        if bounds != Bounds() or settings.rpm is not None or settings.tpm is not None:
            raise BudgetError(
                "this worker does not see the run's ledger, which is on the controller's machine: it cannot hold "
                f"{_held_options(settings)}; run live trials with -n, or without a limit (--codeact-budget=none)"
            )
        # Nothing is to be held: the figures of its own requests are all that it needs.
        return Ledger(None, bounds, kit.began_s)
    except (sqlite3.Error, OSError) as error:
        raise BudgetError(
            f"the ledger of the run cannot be opened ({error}), so no budget can be held; "
            "make .codeact in the root directory writable"
        ) from error


def _held_options(settings: Settings) -> str:
    flags = {
        "--codeact-budget": settings.budget_usd is not None and pico(settings.budget_usd) is not None,
        "--codeact-max-requests": settings.max_requests is not None,
        "--codeact-max-seconds": settings.max_seconds is not None,
        "--codeact-rpm": settings.rpm is not None,
        "--codeact-tpm": settings.tpm is not None,
    }
    return ", ".join(flag for flag, given in flags.items() if given)


def _price_file(kit: Kit) -> PriceFile | None:
    if kit.settings.prices is None:
        return None
    given = Path(kit.settings.prices)
    # From an ini file it is meant from the root directory, which is also where a worker may not be.
    directory = kit.journal.root
    within = directory / given if directory is not None else given
    return PriceFile.read(within if within.exists() and not given.exists() else given)


@dataclass(slots=True, kw_only=True)
class Bill:
    """
    What is said of a run's money at its end.

    Attributes:
        totals: What the ledger says. None if nothing was asked.
        settings: The run's.
        refused: Why trials were not run, one entry per trial.
    """

    totals: Totals | None
    settings: Settings
    refused: Sequence[str]

    @classmethod
    def of(cls, directory: Path, settings: Settings, refused: Sequence[str]) -> Bill:
        """
        Read the ledger.

        Args:
            directory: Of the run.
            settings: The run's.
            refused: As the attribute.
        """
        found = read_totals(directory)
        return cls(totals=None if found is None else found[0], settings=settings, refused=refused)

    def lines(self, prices: Sequence[str]) -> list[str]:
        """
        Give what is to be said, a sentence each.

        Args:
            prices: Names and dates of the price tables that the records name.
        """
        return [*([self._spent(prices)] if self.totals else []), *self._doubts()]

    @property
    def incomplete(self) -> str:
        """Say that trials were not run, and why. "" if all were."""
        if not self.refused:
            return ""
        reasons = list(dict.fromkeys(self.refused))
        others = len(reasons) - 1
        more = f" (and {others} other reason{'' if others == 1 else 's'})" if others else ""
        count = len(self.refused)
        was = "1 trial was" if count == 1 else f"{count} trials were"
        return f"incomplete: {was} not run: {reasons[0]}{more}"

    def _spent(self, prices: Sequence[str]) -> str:
        totals = self.totals or Totals()
        budget_usd = self.settings.budget_usd
        of = "" if budget_usd is None or pico(budget_usd) is None else f" of ${budget_usd:.2f}"
        spent = totals.spent + totals.held
        money = f"spent ${usd(spent):,.4f}{of}" if spent or totals.unpriced < totals.requests else f"spent n/a{of}"
        requests = f"{totals.requests:,} request{'' if totals.requests == 1 else 's'}"
        unpriced = f", {totals.unpriced:,} of them of unknown price" if totals.unpriced else ""
        priced_by = f"; prices: {'; '.join(prices)}" if prices else ""
        return f"codeact: {money} in {requests}{unpriced}{priced_by}"

    def _doubts(self) -> list[str]:
        totals = self.totals or Totals()
        doubtful = totals.doubtful + totals.held
        if not doubtful:
            return []
        return [
            (
                f"codeact: ${usd(doubtful):,.4f} of it may not be billed: requests that broke off, or whose process "
                "died, count as the most that they may have cost"
            )
        ]

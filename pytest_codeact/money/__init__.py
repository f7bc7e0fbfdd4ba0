"""
Money: what requests cost, what a run may spend, and how fast it may ask.

Pure but for the clock and one file, the run's ledger. Settings come in as values.
"""

from __future__ import annotations

from pytest_codeact.money._file import PriceFile
from pytest_codeact.money._gate import MoneyAdmission, MoneyGate, Terms
from pytest_codeact.money._ledger import Bounds, Ledger, Totals, read_totals, reopen
from pytest_codeact.money._rates import Rate, Rates, pico, usd
from pytest_codeact.money._size import ToolSizes
from pytest_codeact.money._table import PriceTable

__all__ = [
    "Bounds",
    "Ledger",
    "MoneyAdmission",
    "MoneyGate",
    "PriceFile",
    "PriceTable",
    "Rate",
    "Rates",
    "Terms",
    "ToolSizes",
    "Totals",
    "pico",
    "read_totals",
    "reopen",
    "usd",
]

"""
Command line and ini options, read once into a frozen `Settings`. Below it nobody sees `pytest.Config`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_codeact.options._declared import OPTIONS
from pytest_codeact.options._settings import CONTROL, DEFAULT_ARMS, DEFAULT_METRICS, DEFAULT_MODELS, Settings

if TYPE_CHECKING:
    import pytest

__all__ = [
    "CONTROL",
    "DEFAULT_ARMS",
    "DEFAULT_METRICS",
    "DEFAULT_MODELS",
    "Settings",
    "add_options",
    "flag_of",
    "read_settings",
    "takes_value",
]


def add_options(parser: pytest.Parser) -> None:
    """Declare every option. Each durable one has an ini key of the same name."""
    group = parser.getgroup("codeact", "direct tool calling against code as action (pytest-codeact)")
    for option in OPTIONS:
        option.declare(parser, group)


def flag_of(field: str) -> str:
    """Give the command line's name of a field of `Settings`."""
    return next(option.flag for option in OPTIONS if option.name == field)


def takes_value(flag: str) -> bool | None:
    """Tell whether an option of this plugin takes a value. None if it is none."""
    return next((not option.flag_only for option in OPTIONS if option.flag == flag), None)


def read_settings(config: pytest.Config) -> Settings:
    """
    Build the settings from command line, ini and defaults, in that order of precedence.

    Raises:
        pytest.UsageError: A value cannot be read; the text names the option.
    """
    values = {option.name: option.value(config) for option in OPTIONS}
    given = {name: value for name, value in values.items() if value is not None}
    return Settings(**given, explicit=frozenset(given))

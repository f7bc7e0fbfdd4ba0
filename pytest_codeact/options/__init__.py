"""
Command line and ini options, read once into a frozen `Settings`. Below it nobody sees `pytest.Config`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_codeact.options._declared import OPTIONS
from pytest_codeact.options._settings import CONTROL, DEFAULT_ARMS, DEFAULT_METRICS, DEFAULT_MODELS, Settings

if TYPE_CHECKING:
    import pytest

    from pytest_codeact.options._option import Option

__all__ = [
    "CONTROL",
    "DEFAULT_ARMS",
    "DEFAULT_METRICS",
    "DEFAULT_MODELS",
    "Settings",
    "add_options",
    "as_given",
    "read_settings",
    "source_of",
    "takes_value",
]


def add_options(parser: pytest.Parser) -> None:
    """Declare every option. Each durable one has an ini key of the same name."""
    group = parser.getgroup("codeact", "direct tool calling against code as action (pytest-codeact)")
    for option in OPTIONS:
        option.declare(parser, group)


def source_of(settings: Settings, field: str) -> str:
    """Say, for a message, what a setting came from: the flag, or the ini key if it was that."""
    return settings.sources.get(field) or _option(field).flag


def as_given(field: str, value: object) -> str:
    """
    Write the value of a setting as it is given on the command line.

    Args:
        field: Name of the field of `Settings`.
        value: What stands in it, or its form as JSON.
    """
    return _option(field).as_given(value)


def takes_value(flag: str) -> bool | None:
    """Tell whether an option of this plugin takes a value. None if it is none."""
    return next((not option.flag_only for option in OPTIONS if option.flag == flag), None)


def read_settings(config: pytest.Config) -> Settings:
    """
    Build the settings from command line, ini and defaults, in that order of precedence.

    Raises:
        pytest.UsageError: A value cannot be read; the text names the option.
    """
    found = {option.name: given for option in OPTIONS if (given := option.given(config)) is not None}
    values = {name: given.value for name, given in found.items()}
    return Settings(**values, sources={name: given.source for name, given in found.items()})


def _option(field: str) -> Option:
    return next(option for option in OPTIONS if option.name == field)

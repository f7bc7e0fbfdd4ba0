"""
One option: how it is declared on the command line and in ini files, and how it is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """
    What the user set.

    Attributes:
        source: Where: the flag, or the ini key.
        value: What, read.
    """

    source: str
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """
    One option: how it is declared and read.

    Attributes:
        name: The field of `Settings`.
        flag: On the command line; the ini key is the same with underscores.
        metavar: What the help calls its value. "" for a flag.
        help: What the help says.
        parse: Reads a value.
        ini: Type of the ini key. None for an option of one run, which has none.
        repeated: Whether it may be given several times.
        flag_only: Whether it takes no value.
    """

    name: str
    flag: str
    metavar: str
    help: str
    parse: Callable[[str, Any], Any]
    ini: Literal["args", "int", "float", "string", "bool"] | None
    repeated: bool = False
    flag_only: bool = False

    @property
    def dest(self) -> str:
        return self.flag.removeprefix("--").replace("-", "_")

    def declare(self, parser: pytest.Parser, group: pytest.OptionGroup) -> None:
        if self.flag_only:
            group.addoption(self.flag, dest=self.dest, action="store_true", default=None, help=self.help)
        else:
            action = "append" if self.repeated else "store"
            group.addoption(
                self.flag, dest=self.dest, metavar=self.metavar, default=None, action=action, help=self.help
            )
        if self.ini is not None:
            parser.addini(self.dest, help=f"Default of {self.flag}.", type=self.ini, default=None)

    def given(self, config: pytest.Config) -> Given | None:
        """
        Give what the user set. None if nothing.

        Raises:
            pytest.UsageError: It cannot be read.
        """
        source, raw = self.flag, config.getoption(self.dest)
        if raw is None and self.ini is not None:
            source, raw = self.dest, _ini_value(config, self.dest)
        return None if raw is None else Given(source=source, value=self.parse(source, raw))

    def as_given(self, value: Any) -> str:
        """Write a value as it is given on the command line."""
        if self.flag_only:
            return self.flag if value else f"no {self.flag}"
        if isinstance(value, Mapping):
            values = [f"{name}={_written(each)}" for name, each in value.items()]
        else:
            values = [",".join(value) if isinstance(value, list | tuple) else str(value)]
        return " ".join(f"{self.flag}={each}" for each in values) or f"no {self.flag}"


def _written(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.12g}"


def _ini_value(config: pytest.Config, name: str) -> Any:
    try:
        return config.getini(name)
    except (pytest.UsageError, ValueError, TypeError) as error:
        raise pytest.UsageError(f"{name}: {error}") from error

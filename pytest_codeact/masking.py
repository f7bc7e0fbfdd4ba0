"""
Takes secrets off what pytest shows and writes of scenarios: reports, with all that a traceback is made of, warnings.

Names of pytest that are not documented: `saferepr`, and the parts of `ExceptionRepr`, which are walked as any objects
are, by their attributes.
"""

from __future__ import annotations

import sys
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import pytest
from _pytest._io.saferepr import saferepr as pytest_saferepr

from pytest_codeact.worker import IS_SCENARIO

if TYPE_CHECKING:
    import warnings
    from collections.abc import Mapping

    from pytest_codeact.redaction import Redactor

_TEXTS: Final[Mapping[str, Any]] = MappingProxyType(
    {"longrepr": None, "sections": [], "user_properties": [], "wasxfail": None}
)
"""Attributes of a report that hold texts of the test's, and what is in their place if they cannot be masked."""

_MAX_DEPTH: Final = 60
_MAX_SIDE_CHARACTERS: Final = 240
"""Of one side of a comparison, as pytest's own `saferepr` has it."""


class Mask:
    """
    The hooks that take secrets off, registered in every process; they import nothing where no scenario runs.

    Args:
        config: The process's.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @property
    def _redactor(self) -> Redactor | None:
        """What takes secrets out. None while the process has no kit."""
        module = sys.modules.get("pytest_codeact.kit")
        kit = None if module is None else module.Kit.get(self._config)
        return None if kit is None else kit.redactor

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take secrets off the report of a scenario, in place, before anyone shows, writes or sends it."""
        held = vars(report)
        redactor = self._redactor if IS_SCENARIO in held else None
        if redactor is None:
            return
        for name, empty in _TEXTS.items():
            if not held.get(name):
                continue
            try:
                held[name] = _masked(held[name], redactor, 0)
            except Exception as error:  # noqa: BLE001 - other plugins put anything there, and no report may be lost
                told = f"[left out: secrets could not be taken off it ({type(error).__name__})]"
                held[name] = told if empty is None else empty

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage) -> None:
        """Take secrets out of a warning that is about to be shown."""
        redactor = self._redactor
        if redactor is None:
            return
        warning = warning_message.message
        try:
            text = str(warning)
        except Exception:  # noqa: BLE001 - a foreign __str__ may do anything; whoever shows the warning meets it too
            return
        clean = redactor.text(text)
        if clean is text:
            return
        if isinstance(warning, Warning) and warning.args == (text,):
            warning.args = (clean,)
        if str(warning) != clean:
            # Its text comes from elsewhere than its arguments.
            warning_message.message = UserWarning(f"{type(warning).__name__}: {clean}")

    # The first explanation is the one that is shown, and pytest's own shows parts of long texts.
    @pytest.hookimpl(tryfirst=True)
    def pytest_assertrepr_compare(self, op: str, left: object, right: object) -> list[str] | None:
        """Explain a comparison in which a secret stands without the difference, whose lines show parts of it."""
        redactor = self._redactor
        if redactor is None:
            return None
        try:
            shown = [_shown(side, redactor) for side in (left, right)]
        except Exception:  # noqa: BLE001 - a foreign __repr__ may do anything; pytest says so itself
            return None
        if all(text is None for text in shown):
            return None
        sides = (
            pytest_saferepr(side) if text is None else text for side, text in zip((left, right), shown, strict=True)
        )
        return [f" {op} ".join(sides), "the difference is not shown: a secret was taken out of what was compared"]


def _shown(side: object, redactor: Redactor) -> str | None:
    """Write one side of a comparison without the secrets in it. None if it holds none."""
    text = repr(side)
    clean = redactor.talk(text)
    if isinstance(side, str | dict | list | tuple) and (plain := redactor.talked(side)) is not side:
        # Cut as pytest cuts it, but after the secrets are out; of what is no plain value they are in its repr alone.
        return redactor.talk(pytest_saferepr(plain))
    if clean is text:
        return None
    return clean if len(clean) <= _MAX_SIDE_CHARACTERS else f"{clean[:_MAX_SIDE_CHARACTERS]}..."


def _masked(value: Any, redactor: Redactor, depth: int) -> Any:
    """Give a value with its texts masked; an object is changed in place. What holds none is the same object."""
    if isinstance(value, str):
        return redactor.text(value)
    if depth > _MAX_DEPTH:
        return value
    if isinstance(value, list | tuple):
        return (
            type(value)(_masked(each, redactor, depth + 1) for each in value) if type(value) in (list, tuple) else value
        )
    module = type(value).__module__
    if module.startswith("_pytest._code") and hasattr(value, "__dict__"):
        for name, each in list(vars(value).items()):
            if name not in ("path", "style"):
                setattr(value, name, _masked(each, redactor, depth + 1))
    elif isinstance(value, pytest.ExceptionInfo):
        return redactor.text(str(value))
    return value

"""
Benchmarks as tests: should my agent call tools directly, or act by writing code?

PYTEST_DONT_REWRITE (the package holds no bare asserts, and a top-level conftest imports part of it early)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pytest_codeact.errors import CodeActError, CodeActWarning, ScenarioError, ToolError
    from pytest_codeact.tools import tool

__all__ = ["CodeActError", "CodeActWarning", "ScenarioError", "ToolError", "tool"]

_HOMES: Final = {
    "CodeActError": "errors",
    "CodeActWarning": "errors",
    "ScenarioError": "errors",
    "ToolError": "errors",
    "tool": "tools",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: every pytest run imports this package, few use it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

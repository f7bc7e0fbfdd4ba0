"""
The command line `python -m pytest_codeact`: one module per command, each with `add(commands)` and `run(given)`.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from pytest_codeact import serving
from pytest_codeact.cli import _cassettes, _compare
from pytest_codeact.cli._compare import DEFAULT_METRICS
from pytest_codeact.cli._exit import FAILED, MISUSED, PASSED, PROGRAM

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["DEFAULT_METRICS", "FAILED", "MISUSED", "PASSED", "main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run a command.

    Args:
        arguments: Those after the program's name. None for the process's own.

    Returns:
        The exit code.
    """
    given = _parser().parse_args(arguments)
    code: int = given.run(given)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description="Tools of pytest-codeact outside a test run.")
    commands = parser.add_subparsers(title="commands", dest="command", required=True, metavar="COMMAND")
    for command in (_compare, _cassettes, serving):
        command.add(commands)
    return parser

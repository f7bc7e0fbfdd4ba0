"""
`python -m pytest_codeact.testing NAME ...`: print the page of docs of registered runtimes.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pytest_codeact.errors import SandboxError, UnknownNameError
from pytest_codeact.registry import Registry, register_builtins
from pytest_codeact.testing._examine import survey
from pytest_codeact.testing._page import page

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(names: Sequence[str]) -> int:
    """
    Print the page.

    Args:
        names: Names of built-in runtimes, in the order of the columns.

    Returns:
        0 if every runtime contained everything; 1 if one did not; 2 if there is no page.
    """
    registry = Registry()
    register_builtins(registry)
    if not names:
        sys.stderr.write("no runtime given; run: python -m pytest_codeact.testing restricted\n")
        return 2
    try:
        surveys = {name: survey(registry.runtime(name)) for name in names}
    except (SandboxError, UnknownNameError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(page(surveys))
    broken = [
        f"{name}: {answer.name}: {answer.detail}\n"
        for name, each in surveys.items()
        for answer in each.answers
        if answer.verdict == "broken"
    ]
    sys.stderr.write("".join(broken))
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The page of what is refused is true: every example of it is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_codeact.runtimes import Bindings, CallReply, Limits
from pytest_codeact.runtimes.restricted import RestrictedRuntime

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_codeact.runtimes import Interpreter

PAGE = Path(__file__).parent.parent / "docs" / "refused.md"
BEFORE, AFTER = PAGE.read_text(encoding="utf-8").split("\n## When the program comes to it\n")
ROW = re.compile(r"^\| .*?\| `([^`]+)` \| [^|]+ \|$", re.MULTILINE)
EXAMPLES = [(example, not_run) for part, not_run in ((BEFORE, True), (AFTER, False)) for example in ROW.findall(part)]
"""Each example with whether it is refused before the program runs. `^^` stands for the end of a line."""


@pytest.fixture(scope="module")
def session() -> Iterator[Interpreter]:
    """Give one session for all examples."""
    runtime = RestrictedRuntime()
    yield runtime.start(Bindings(functions=(), call=lambda *_call: CallReply()), Limits())
    runtime.close()


def test_every_row_has_an_example() -> None:
    """No row of the page is left out of this test."""
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|") and "`" in line]

    assert len(rows) == len(EXAMPLES)


@pytest.mark.parametrize(("example", "not_run"), EXAMPLES)
def test_example_is_refused(example: str, not_run: bool, session: Interpreter) -> None:
    """It is denied, and where the page says so before a line of it runs."""
    source = "\n".join(["print('ran')", *example.split("^^"), ""])

    execution = session.run(source)

    assert execution.status == "denied"
    assert (execution.output == "") is not_run

"""
Programs that models write for the accounting scenarios, 15 in the style of each of four: none is refused, and each
prints, gives, fails with, answers and leaves in the books what it does under plain Python.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_codeact.runtimes import Bindings, CallReply, Limits
from pytest_codeact.runtimes._text import escape
from pytest_codeact.runtimes.restricted import RestrictedRuntime
from pytest_codeact.runtimes.restricted._zygote import ENVIRONMENT
from pytest_codeact.tools import FinalAnswer, Toolbox, python_api, tools_of
from scenarios.accounting.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_codeact.records import Json

ROOT = Path(__file__).parent.parent
FOLDER = Path(__file__).parent / "programs"
PROGRAMS = sorted((FOLDER / "accounting").glob("*.py"))
STYLES = ("claude", "gemini", "gpt", "mistral")
TOOLS = tools_of(Ledger)
API = python_api(TOOLS, FinalAnswer(None))


class Books:
    """The host's side of one program: the world, and the answer that ends it."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.answer: Json = None
        self._toolbox = Toolbox(self.ledger)

    def bindings(self) -> Bindings:
        """Give what the program is given."""
        names = (*(tool.name for tool in TOOLS), "final_answer")
        return Bindings(functions=names, call=self._call, declarations=API.declarations)

    def _call(self, name: str, args: list[Json], kwargs: dict[str, Json]) -> CallReply:
        if name == "final_answer":
            (self.answer,) = (*args, *kwargs.values())
            return CallReply(final=True)
        record = self._toolbox.call_bound(name, args, kwargs)
        return CallReply(value=record.result, error=record.error)


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """Run every program under plain Python; give output, value, error, answer and end state by path."""
    command = [sys.executable, str(FOLDER / "_native.py"), "--accounting", *map(str, PROGRAMS)]
    environment = {**ENVIRONMENT, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])}
    folder = tmp_path_factory.mktemp("native")
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=True)
    outcomes: dict[str, list[Any]] = json.loads(done.stdout)
    return outcomes


@pytest.fixture(scope="module")
def runtime() -> Iterator[RestrictedRuntime]:
    """Give a runtime."""
    made = RestrictedRuntime()
    yield made
    made.close()


def test_there_are_as_many_programs_of_every_style() -> None:
    """The figure is one of sixty programs, fifteen to a style."""
    counts = {style: sum(path.name.startswith(f"{style}_") for path in PROGRAMS) for style in STYLES}

    assert counts == dict.fromkeys(STYLES, 15)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_program_does_to_the_books_what_it_does_under_plain_python(
    path: Path, native: dict[str, list[Any]], runtime: RestrictedRuntime
) -> None:
    """Output with standard error, final value, error text, answer and books are equal to the letter."""
    books = Books()
    session = runtime.start(books.bindings(), Limits())
    execution = session.run(path.read_text(encoding="utf-8"))
    session.close()

    output, *others = native[str(path)]
    outcome = [execution.output, execution.value, execution.error, books.answer, books.ledger.end_state()]
    assert json.loads(json.dumps(outcome)) == [escape(output), *others]
    assert execution.status in {"ok", "final", "error"}

"""Honest programs: what they print, give and fail with in the sandbox is what plain Python makes of them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_codeact.runtimes import Bindings, CallReply, Limits
from pytest_codeact.runtimes.restricted import RestrictedRuntime
from pytest_codeact.runtimes.restricted._zygote import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parent / "programs"
PROGRAMS = sorted(path for folder in (FOLDER, FOLDER / "failing") for path in folder.glob("[!_]*.py"))
NO_TOOLS = Bindings(functions=(), call=lambda *_call: CallReply())

RUNS = {
    "3.12": {
        "nested_quotes": ('d = {"k": 1}\nf"{d["k"]}"\n', "'1'"),
        "type_parameters": ("def first[T](xs: list[T]) -> T:\n    return xs[0]\n\nfirst([3])\n", "3"),
        "generic_class": ("class Box[T]:\n    def __init__(self, x: T):\n        self.x = x\n\nBox(4).x\n", "4"),
        "type_alias": ("type Ids = list[int]\nIds.__name__\n", "'Ids'"),
    }
}
"""Programs in the syntax of a later Python, by the version that has it, with their values."""


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str | None]]:
    """Run every program under plain Python; give output, value and error by path."""
    command = [sys.executable, str(FOLDER / "_native.py"), *map(str, PROGRAMS)]
    folder = tmp_path_factory.mktemp("native")
    done = subprocess.run(command, env=ENVIRONMENT, cwd=folder, capture_output=True, text=True, check=True)
    outcomes: dict[str, list[str | None]] = json.loads(done.stdout)
    return outcomes


@pytest.fixture(scope="module")
def runtime() -> Iterator[RestrictedRuntime]:
    """Give a runtime."""
    made = RestrictedRuntime()
    yield made
    made.close()


def without_depth(text: str | None) -> str | None:
    """Leave out how often a line was repeated: plain Python has other frames below the program."""
    return text and re.sub(r"repeated \d+ more times", "repeated", text)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_program_does_what_plain_python_does(
    path: Path, native: dict[str, list[str | None]], runtime: RestrictedRuntime
) -> None:
    """Output, final value and traceback are those of plain Python, to the letter."""
    session = runtime.start(NO_TOOLS, Limits())
    execution = session.run(path.read_text(encoding="utf-8"))
    session.close()
    output, value, error = native[str(path)]

    assert (output, value, without_depth(error)) == (execution.output, execution.value, without_depth(execution.error))
    assert ("error" if "failing" in path.parts else "ok") == execution.status


@pytest.mark.skipif(sys.version_info < (3, 12), reason="syntax of Python 3.12")
@pytest.mark.parametrize("name", RUNS["3.12"])
def test_syntax_of_python_3_12_runs(name: str, runtime: RestrictedRuntime) -> None:
    """What the running Python can parse runs."""
    source, value = RUNS["3.12"][name]
    session = runtime.start(NO_TOOLS, Limits())
    execution = session.run(source)
    session.close()

    assert ("ok", value) == (execution.status, execution.value)


def test_recursion_is_as_deep_as_under_plain_python(runtime: RestrictedRuntime) -> None:
    """A function may nest as deep as the default limit lets it in a script, give or take the script's own frames."""
    session = runtime.start(NO_TOOLS, Limits())
    execution = session.run("def depth(n):\n    return 0 if n == 0 else 1 + depth(n - 1)\n\ndepth(990)\n")
    session.close()

    assert (execution.status, execution.value) == ("ok", "990")

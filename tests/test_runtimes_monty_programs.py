"""Honest programs in Monty: which of them it runs, with the output and the value that plain Python gives."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_codeact.runtimes import Bindings, CallReply, Limits
from pytest_codeact.runtimes.monty import MontyRuntime
from pytest_codeact.runtimes.restricted._zygote import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest.importorskip("pydantic_monty")

FOLDER = Path(__file__).parent / "programs"
PROGRAMS = sorted(
    path.relative_to(FOLDER).with_suffix("").as_posix()
    for path in FOLDER.rglob("*.py")
    if path.name[0] != "_" and "accounting" not in path.parts
)

SAME = {
    "comprehensions", "final_expression", "loops", "failing/assertion", "failing/attribute", "failing/chained",
    "failing/group_raise", "failing/in_coroutine", "failing/multiline", "failing/name", "failing/none_attribute",
    "failing/recursion", "failing/setitem", "failing/system_exit", "failing/type_error", "failing/value",
    "failing/wrong_call", "failing/zero_division",
}  # fmt: skip
"""Programs that end as under plain Python: output, value and the last line of the error."""

OTHER_WORDS = {
    "failing/immutable_attribute": "AttributeError",
    "failing/indentation": "SyntaxError",
    "failing/json_error": "json.JSONDecodeError",
    "failing/keyword": "KeyError",
    "failing/missing_key": "KeyError",
    "failing/syntax": "SyntaxError",
    "failing/unpacking": "ValueError",
}
"""Programs that fail as under plain Python, with this error in Monty's words."""

NO_RUN = "The program was not run."
LACKS = "The sandbox does not have this; plain Python does."
DENIED = {
    "assignments": NO_RUN,
    "builtin_functions": LACKS,
    "classes": NO_RUN,
    "closures": NO_RUN,
    "concurrent_calls": "The sandbox does not have the module 'concurrent'; it has ",
    "context_managers": NO_RUN,
    "coroutines": NO_RUN,
    "dataclasses_and_enums": NO_RUN,
    "errors": NO_RUN,
    "formatting": LACKS,
    "generators": NO_RUN,
    "imports": LACKS,
    "matching": NO_RUN,
    "toplevel_await": NO_RUN,
    "typing_declarations": NO_RUN,
    "failing/bare_raise": LACKS,
    "failing/custom": NO_RUN,
    "failing/in_class": NO_RUN,
    "failing/in_generator": NO_RUN,
}
"""Programs that Monty refuses, with the beginning of the last line of what they are told."""

ACCEPTED = {"failing/return_outside"}
"""Programs that run although plain Python refuses them."""


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str | None]]:
    """Run every program under plain Python; give output, value and error by path."""
    command = [sys.executable, str(FOLDER / "_native.py"), *(str(FOLDER / f"{name}.py") for name in PROGRAMS)]
    folder = tmp_path_factory.mktemp("native")
    done = subprocess.run(command, env=ENVIRONMENT, cwd=folder, capture_output=True, text=True, check=True)
    outcomes: dict[str, list[str | None]] = json.loads(done.stdout)
    return outcomes


@pytest.fixture(scope="module")
def runtime() -> Iterator[MontyRuntime]:
    """Give a runtime."""
    made = MontyRuntime()
    yield made
    made.close()


def test_table_names_every_program() -> None:
    """Each program stands in the table once."""
    assert sorted([*SAME, *OTHER_WORDS, *DENIED, *ACCEPTED]) == PROGRAMS


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_ends_as_the_table_says(name: str, native: dict[str, list[str | None]], runtime: MontyRuntime) -> None:
    """What Monty runs does what plain Python does; a release that accepts more, or less, shows up here."""
    path = FOLDER / f"{name}.py"
    session = runtime.start(Bindings(functions=(), call=lambda *_call: CallReply()), Limits())
    execution = session.run(path.read_text(encoding="utf-8"))
    session.close()
    output, value, error = native[str(path)]
    last = (execution.error or "").rpartition("\n")[2]

    if name in DENIED:
        assert execution.status == "denied"
        assert last.startswith(DENIED[name])
        return
    if name in ACCEPTED:
        assert (execution.status, error is None) == ("ok", False)
        return
    assert ("error" if error else "ok", output, value) == (execution.status, execution.output, execution.value)
    if name in OTHER_WORDS:
        assert last.startswith(f"{OTHER_WORDS[name]}: ")
    else:
        assert (error or "").rpartition("\n")[2] == last

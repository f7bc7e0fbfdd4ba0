"""The conformance suite itself: its verdicts, its messages, its page, its data."""

# ruff: noqa: E501  # a table of cases has one case to a line
from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_codeact.errors import SandboxError
from pytest_codeact.registry import Registry, register_builtins
from pytest_codeact.runtimes import Confinement, Execution
from pytest_codeact.testing import Answer, Host, Survey, survey
from pytest_codeact.testing.__main__ import main
from pytest_codeact.testing._examine import examine, expectations
from pytest_codeact.testing._page import cell, page
from pytest_codeact.testing._programs import programs

if TYPE_CHECKING:
    from pytest_codeact.runtimes import Bindings, Limits

PAGE = Path(__file__).parent.parent / "docs" / "runtimes.md"


class Fixed:
    """A runtime, and its own interpreter, whose every program ends in the same way."""

    language = "python"

    def __init__(self, execution: Execution) -> None:
        self.execution = execution

    def start(self, _bindings: Bindings, _limits: Limits) -> Fixed:
        return self

    def confinement(self) -> Confinement:
        return Confinement(level="D")

    def prepare(self) -> None:
        pass

    def run(self, _program: str) -> Execution:
        return self.execution

    def close(self) -> None:
        pass


def ask(name: str, execution: Execution) -> tuple[str, str]:
    """Ask one thing of such a runtime."""
    runtime = Fixed(execution)
    with Host() as host:
        answer = examine(lambda: runtime, runtime, host, name)
    return answer.verdict, answer.detail


VERDICTS = {
    "as expected": ("walrus", Execution(status="ok", output="3 [4, 9]\n"), ("kept", "")),
    "refused": ("walrus", Execution(status="denied", error="no :="), ("refused", "it ended as 'denied': no :=")),
    "failed": ("walrus", Execution(status="error", error="no :="), ("refused", "it ended as 'error': no :=")),
    "wrong output": ("walrus", Execution(status="ok", output="4"), ("broken", "it printed '4'; expected: '3 [4, 9]\\n'")),
    "wrong value": ("final-expression", Execution(status="ok", value="1"), ("broken", "its value is '1'; expected: \"{'sum': 31.5}\"")),
    "crash": ("walrus", Execution(status="crash", error="gone"), ("broken", "it ended as 'crash': gone")),
    "contained": ("read-file", Execution(status="denied", error="no"), ("kept", "")),
    "mark": ("read-file", Execution(status="ok", output="a PWNED b"), ("broken", "it says that it got through: 'PWNED b'")),
    "limit": ("time-loop", Execution(status="limit", error="time limit; restarted"), ("kept", "")),
    "other limit": ("time-loop", Execution(status="limit", error="memory; restarted"), ("broken", "it ended as 'limit': memory; restarted; expected: limit time")),
    "limit refused": ("time-loop", Execution(status="denied", error="no while"), ("refused", "it ended as 'denied': no while; expected: limit time")),
    "not restarted": ("time-loop", Execution(status="limit", error="time"), ("broken", "its error does not say that the interpreter was restarted: 'time'")),
    "long": ("huge-value", Execution(status="ok", value="x" * 65537), ("broken", "65537 bytes of output are shown; allowed: 65536")),
    "long error": ("huge-error", Execution(status="error", error="ValueError" + "x" * 65536), ("broken", "its error text is longer than 65536 bytes")),
    "raw": ("broken-text", Execution(status="ok", output="\x1b"), ("broken", "control characters or surrogates of the program are shown")),
    "promise": ("sessions-are-apart", Execution(status="ok"), ("refused", "a session sees the variables of another")),
}  # fmt: skip
"""Names with how a program ended, and what is made of it."""


@pytest.mark.parametrize("case", VERDICTS)
def test_verdict_says_what_happened(case: str) -> None:
    """Each way to end is a verdict and a text."""
    name, execution, expected = VERDICTS[case]

    assert ask(name, execution) == expected


class Vandal(Fixed):
    """A runtime whose programs do to the host what they are told."""

    def run(self, program: str) -> Execution:
        exec(program)  # noqa: S102  # the harm is the point, and the host's own canaries take it
        return self.execution


HARM = {
    "print(open('CANARY_DIR/pwn/x', 'w'))": "it made 'pwn/x' in the canary's folder",
    "open('CANARY_DIR/canary.txt', 'w')": "the canary file was changed",
    "import os; os.remove('CANARY_DIR/canary.txt')": "the canary file was taken away",
    "import os; os.rmdir('CANARY_DIR/pwn')": "the folder pwn/ was replaced",
    "import socket; socket.create_connection(('127.0.0.1', CANARY_PORT))": "it reached the TCP listener",
}


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("program", HARM)
def test_host_sees_harm(program: str) -> None:
    """What is done to a canary is found, said, and mended before the next program."""
    with Host() as host:
        runtime = Vandal(Execution(status="ok"))
        runtime.run(host.aimed(program))

        assert host.effects() == [HARM[program]]
        assert host.effects() == []


def test_host_sees_secrets() -> None:
    """A secret is found in whatever a model would see, and in calls."""
    with Host() as host:
        leaks = host.leaks([Execution(status="error", error=f"x {host.secret}")])
        host.bindings().call("echo", [host.secret], {})

        assert leaks == ["it was shown the secret"]
        assert host.effects() == ["it passed the secret to a tool"]


def test_host_sees_changed_tools() -> None:
    """State behind the tools, and arguments after their call, are the host's."""
    with Host() as host:
        call = host.bindings().call
        rows: list[object] = [1]
        call("send_report", ["text", rows], {})  # type: ignore[list-item]
        rows.append(2)
        orders = call("list_orders", [], {}).value
        assert isinstance(orders, list)
        orders.clear()

        assert host.effects() == ["the orders were changed", "the arguments of a call were changed after it"]


CONFORMING = """
from pytest_codeact.runtimes import Confinement, Execution
from pytest_codeact.testing import RuntimeConformance

class Fixed:
    language = "python"
    def __init__(self): self.prepare = self.close = lambda: None
    def start(self, bindings, limits): return self
    def confinement(self): return Confinement(level="D")
    def run(self, program): return Execution(status="{status}", output={output!r}, error="no :=")

class TestFixed(RuntimeConformance):
    refuses = {refuses}
    def make_runtime(self): return Fixed()
"""


def suite(pytester: pytest.Pytester, **parts: object) -> str:
    """Run the suite's test of one program on a runtime and give what pytest prints."""
    pytester.makepyfile(test_it=CONFORMING.format(**{"output": "", "refuses": {}, **parts}))
    return str(pytester.runpytest_subprocess("-p", "no:cacheprovider", "-k", "walrus or language").stdout)


def test_refusal_that_is_not_declared_fails(pytester: pytest.Pytester) -> None:
    """An honest program must run."""
    printed = suite(pytester, status="denied")

    assert "walrus: it ended as 'denied': no :=" in printed
    assert "1 failed, 1 passed" in printed


def test_declared_refusal_passes(pytester: pytest.Pytester) -> None:
    """A runtime may say what it refuses."""
    assert "2 passed" in suite(pytester, status="denied", refuses={"walrus": "no expressions"})


def test_refusal_that_became_acceptance_fails(pytester: pytest.Pytester) -> None:
    """What is declared must be so."""
    printed = suite(pytester, status="ok", output="3 [4, 9]\n", refuses={"walrus": "no expressions"})

    assert "walrus is kept now; take it out of TestFixed.refuses: 'no expressions'" in printed


def test_wrong_result_cannot_be_declared(pytester: pytest.Pytester) -> None:
    """A refusal is truthful: a wrong result is none."""
    printed = suite(pytester, status="ok", output="4", refuses={"walrus": "wrong"})

    assert "walrus: it printed '4'; expected: '3 [4, 9]\\n'" in printed


def test_refusal_of_what_is_not_asked_fails(pytester: pytest.Pytester) -> None:
    """Neither unknown names nor hostile programs can be declared."""
    printed = suite(pytester, status="denied", refuses={"walrus": "x", "nope": "x", "read-file": "x"})

    assert "TestFixed.refuses names what the suite does not ask: ['nope', 'read-file']" in printed


def test_runtime_of_another_language_fails(pytester: pytest.Pytester) -> None:
    """The class must say what the runtime runs."""
    pytester.makepyfile(CONFORMING.format(status="ok", output="", refuses={}) + "    language = 'typescript'\n")
    printed = str(pytester.runpytest_subprocess("-p", "no:cacheprovider", "-k", "language").stdout)

    assert "TestFixed.language is 'typescript' and the runtime's is 'python'" in printed


def test_class_without_a_runtime_says_so(pytester: pytest.Pytester) -> None:
    """What to define is said."""
    pytester.makepyfile(
        "from pytest_codeact.testing import RuntimeConformance\nclass TestIt(RuntimeConformance): pass\n"
    )
    printed = str(pytester.runpytest_subprocess("-p", "no:cacheprovider", "-k", "language").stdout)

    assert "TestIt must define make_runtime(self), which makes the runtime" in printed


@pytest.mark.parametrize("language", ["python", "typescript"])
def test_names_are_unique(language: str) -> None:
    """A name means one program or promise; every kind is there."""
    counts = Counter(name for _, name in expectations(language))

    assert [name for name, count in counts.items() if count > 1] == []
    assert {kind for kind, _ in expectations(language)} == {"honest", "hostile", "limits", "promise"}
    assert all(each.ends for each in programs(language) if each.kind == "limits")


# The page


def test_page_shows_runtimes_side_by_side() -> None:
    """One table per language and kind, one column per runtime."""
    one = Survey(language="python", answers=(Answer(kind="honest", name="walrus", verdict="kept"),))
    two = Survey(language="python", answers=(Answer(kind="honest", name="walrus", verdict="refused", detail="x"),))
    made = page({"one": one, "two": two})

    assert "| honest | one | two |\n|---|---|---|\n| walrus | yes | no |\n| **together** | 1 of 1 | 0 of 1 |" in made


def columns(text: str) -> dict[str, dict[str, str]]:
    """Read the page: per runtime, what it says by kind and name."""
    found: dict[str, dict[str, str]] = {}
    kind, names = "", []
    for line in text.splitlines():
        first, *cells = [each.strip() for each in line.strip("|").split("|")]
        if first in {"honest", "hostile", "limits", "promise"}:
            kind, names = first, cells
        elif line.startswith("| ") and not first.startswith("**"):
            for name, said in zip(names, cells, strict=True):
                found.setdefault(name, {})[f"{kind} {first}"] = said
    return found


@pytest.mark.parametrize("name", sorted(columns(PAGE.read_text(encoding="utf-8"))))
def test_page_of_docs_is_what_the_runtimes_give(name: str) -> None:
    """docs/runtimes.md is up to date for every runtime that is installed."""
    registry = Registry()
    register_builtins(registry)
    try:
        asked = survey(registry.runtime(name))
    except SandboxError as error:
        pytest.skip(str(error))
    expected = {f"{each.kind} {each.name}": cell(each) for each in asked.answers}

    assert columns(PAGE.read_text(encoding="utf-8"))[name] == expected


def test_command_says_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    """Names that are missing or unknown are an error that lists the known ones."""
    codes = [main([]), main(["nope"])]

    assert codes == [2, 2]
    assert capsys.readouterr().err.startswith(
        "no runtime given; run: python -m pytest_codeact.testing restricted\nunknown runtime 'nope'; known runtimes: "
    )

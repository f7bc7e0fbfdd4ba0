"""The runtime `monty`: what comes from a worker is checked before anything is done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from monty_host import FUNCTIONS, Host

from pytest_codeact.errors import SandboxError
from pytest_codeact.runtimes import Bindings, Limits
from pytest_codeact.runtimes._outcome import RESTARTED
from pytest_codeact.runtimes.monty import MontyRuntime
from pytest_codeact.runtimes.monty._conversation import Conversation
from pytest_codeact.runtimes.monty._report import Feeds
from pytest_codeact.runtimes.monty._tools import ToolModules
from pytest_codeact.runtimes.monty._values import NotArgumentsError, TooLargeError, checked_arguments, value_text

if TYPE_CHECKING:
    from collections.abc import Callable

pytest.importorskip("pydantic_monty")

LIMITS = Limits(argument_bytes=20, nesting=2, integer_bits=8)


def doubled(depth: int) -> list[Any]:
    """Give a value of a few hundred bytes that takes 2 ** depth parts to walk."""
    value: list[Any] = []
    for _ in range(depth):
        value = [value, value]
    return value


def test_arguments_within_the_limits_are_taken() -> None:
    """What is allowed comes through as it is."""
    arguments: tuple[Any, ...] = ([1, [[]], "é"], {})

    assert checked_arguments(arguments, LIMITS) == arguments


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (([],), "arguments that are no list and dict"),
        (({}, []), "arguments that are no list and dict"),
        (([{1}], {}), "an argument of type set"),
        (([(1,)], {}), "an argument of type tuple"),
        (([256], {}), "an integer that is longer than allowed"),
        (([float("inf")], {}), "a number that is not JSON"),
        (([[[[]]]], {}), "arguments that are nested deeper than allowed"),
        (([{1: 2}], {}), "a key that is no string"),
        ((["x" * 20], {}), "arguments that are longer than allowed"),
        (([0] * 10**6, {}), "arguments that are longer than allowed"),
    ],
)
def test_arguments_beyond_the_limits_are_refused(arguments: tuple[Any, ...], problem: str) -> None:
    """The program's side refuses them too; a worker may be made to leave that out."""
    with pytest.raises(NotArgumentsError) as raised:
        checked_arguments(arguments, LIMITS)

    assert str(raised.value) == problem


def test_value_without_end_is_not_walked_to_its_end() -> None:
    """Neither an argument nor a final value that holds itself over and over costs more than its limit."""
    with pytest.raises(NotArgumentsError):
        checked_arguments(([doubled(60)], {}), Limits())
    with pytest.raises(TooLargeError):
        value_text(doubled(60))


class Broken:
    """A worker, its session and what it sends: something that no worker sends."""

    memory_bytes = 1

    def __init__(self, sent: Callable[[], object]) -> None:
        self.session = self
        self._sent = sent

    def feed_start(self, _program: str, **_options: object) -> object:
        return self._sent()

    def kill(self) -> None:
        pass


def unheard() -> object:
    """Fail as the client does over a message that makes no sense."""
    raise RuntimeError("monty worker protocol error: a reply to nothing")


@pytest.mark.parametrize(
    ("sent", "cause"),
    [
        (object, "a wait for a call that was answered"),
        (unheard, "monty worker protocol error: a reply to nothing"),
    ],
)
def test_what_no_worker_sends_is_a_crash(sent: Callable[[], object], cause: str) -> None:
    """It ends the program, and is no error of the host."""
    feeds = Feeds()
    feeds.add_program("1")
    worker: Any = Broken(sent)
    bindings = Bindings(functions=FUNCTIONS, call=Host())
    execution = Conversation(worker, ToolModules(None, None), bindings, Limits(), feeds).run()

    assert (execution.status, execution.error) == (
        "crash",
        f"the sandbox process broke the protocol: {cause}.\n{RESTARTED}",
    )


def test_declarations_that_kill_the_worker_are_an_error() -> None:
    """Nobody's program failed: the session cannot be had."""
    runtime = MontyRuntime()
    bindings = Bindings(functions=(), call=Host(), declarations="x = 7 ** (2 * 10**7)")

    with pytest.raises(SandboxError, match=r"^the sandbox process did not start: monty worker killed after exceeding"):
        runtime.start(bindings, Limits(wall_s=0.1)).run("1")
    runtime.close()


def test_text_that_utf8_cannot_hold_is_an_error_of_the_program() -> None:
    """A lone surrogate in a program's source is its own mistake, as under plain Python."""
    runtime = MontyRuntime()
    session = runtime.start(Bindings(functions=(), call=Host()), Limits())
    execution = session.run("x = '\ud800'")
    after = session.run("1")
    runtime.close()

    assert (execution.status, execution.error) == (
        "error",
        "SyntaxError: source code is not valid UTF-8 (contains lone surrogates)",
    )
    assert after.value == "1"

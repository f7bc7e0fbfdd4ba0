"""What one program has used and said, against its limits."""

from __future__ import annotations

import pytest

from pytest_codeact.runtimes import Bindings, CallReply, Execution, Limits
from pytest_codeact.runtimes._account import Account, OverrunError, checked_name
from pytest_codeact.runtimes._channel import ProtocolError


class Host:
    """Notes the calls; the one of "fail" is an error of the host."""

    def __init__(self) -> None:
        self.calls: list[object] = []
        self.account: Account | None = None
        self.remaining_s: list[float] = []

    def __call__(self, *call: object) -> CallReply:
        self.calls.append(call)
        if self.account is not None:
            self.remaining_s += [self.account.own_time.remaining_s() for _ in range(2)]
        if call[0] == "fail":
            raise ZeroDivisionError
        return CallReply(value=1)


def account_of(limits: Limits, host: Host | None = None) -> Account:
    """Give the account of a program that has done nothing yet."""
    return Account(Bindings(functions=("look",), call=host or Host()), limits)


def test_last_message_allowed_is_taken() -> None:
    """The one after it is an overrun that says what to do."""
    account = account_of(Limits(frames=2))
    account.count_frame()
    account.count_frame()

    with pytest.raises(OverrunError, match=r"^message limit of 2 exceeded: print more at a time, less often$"):
        account.count_frame()


def test_output_is_counted_in_bytes() -> None:
    """As many as are allowed are taken, and what was printed until the overrun is shown."""
    account = account_of(Limits(hard_output_bytes=4))
    account.print("éé")

    with pytest.raises(OverrunError, match=r"^output limit of 4 bytes exceeded: print less, print a summary$"):
        account.print("!")
    assert account.shown(Execution(status="limit")).output == "éé!"


def test_call_beyond_the_limit_is_not_carried_out() -> None:
    """The host hears of as many as are allowed, with their arguments."""
    host = Host()
    account = account_of(Limits(tool_calls=1), host)

    assert account.call("look", [1], {"at": 2}) == CallReply(value=1)
    with pytest.raises(OverrunError) as raised:
        account.call("look", [], {})
    assert str(raised.value) == ("call limit of 1 tool calls in one program exceeded: do the rest in another program")
    assert host.calls == [("look", [1], {"at": 2})]


@pytest.mark.parametrize("name", ["look", "fail"])
def test_own_time_stands_still_inside_a_tool(name: str) -> None:
    """It runs on after the call, also when the host failed."""
    host = Host()
    host.account = account = account_of(Limits(), host)
    try:
        account.call(name, [], {})
    except ZeroDivisionError:
        assert name == "fail"

    assert host.remaining_s[0] == host.remaining_s[1]
    account.own_time.pause()
    assert account.own_time.remaining_s() < host.remaining_s[0]


def test_value_has_at_least_half_of_what_is_shown() -> None:
    """Output takes what the value leaves, and a short output leaves the value more."""
    long = account_of(Limits(output_bytes=1000))
    long.print("o" * 5000)
    shown = long.shown(Execution(status="ok", value="v" * 5000))
    short = account_of(Limits(output_bytes=1000))
    short.print("o" * 100)

    assert shown.value is not None
    assert (len(shown.value) <= 500, len(shown.output) <= 1000 - len(shown.value)) == (True, True)
    assert short.shown(Execution(status="ok", value="v" * 900)) == Execution(
        status="ok", value="v" * 900, output="o" * 100
    )


def test_every_text_is_made_safe_to_show() -> None:
    """Output, value and error alike."""
    account = account_of(Limits())
    account.print("\x1b")

    assert account.shown(Execution(status="error", value="\ud800", error="\0")) == Execution(
        status="error", output="\\x1b", value="\\ud800", error="\\x00"
    )


@pytest.mark.parametrize("name", ["os.system", "__class__", "", "x" * 201])
def test_name_that_no_function_can_have_is_a_breach(name: str) -> None:
    """The text names it, as far as it is bearable."""
    with pytest.raises(ProtocolError) as raised:
        checked_name(name)

    assert str(raised.value) == f"a call of {name[:200]!r}, which no function can be called"


def test_result_beyond_its_limit_is_an_error() -> None:
    """Its JSON text is counted; one byte more is too long, and never reaches the program."""
    results = iter(["xyz", "wxyz"])
    bindings = Bindings(functions=("get",), call=lambda *_call: CallReply(value=next(results)))
    account = Account(bindings, Limits(result_bytes=5))

    assert account.call("get", [], {}) == CallReply(value="xyz")
    assert account.call("get", [], {}) == CallReply(error="result limit of 5 bytes exceeded; ask for less")

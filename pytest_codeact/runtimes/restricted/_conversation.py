"""
What is said between the test process and the sandbox's while one program runs: strict turns, one call at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_codeact.runtimes._account import OverrunError, checked_name
from pytest_codeact.runtimes._conversation import FramedConversation, checked
from pytest_codeact.runtimes._outcome import ERROR_BYTES, limited
from pytest_codeact.runtimes._text import cut
from pytest_codeact.runtimes.restricted._process import SandboxProcess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_codeact.runtimes import Bindings, CallReply, Execution, Limits
    from pytest_codeact.runtimes._channel import Message
    from pytest_codeact.runtimes.restricted._process import Place


class Conversation(FramedConversation[SandboxProcess]):
    """
    The run of one program.

    Args:
        process: The process; it stands ready.
        bindings: What programs may call.
        limits: What the program may use.
        programs: The declarations, then the sources of every program of the process, this one included.
    """

    def __init__(self, process: SandboxProcess, bindings: Bindings, limits: Limits, programs: Sequence[str]) -> None:
        super().__init__(process, bindings, limits)
        self._programs = programs

    def _answer(self, message: Message) -> CallReply:
        name = checked_name(message["name"])
        self._expect_silence("before the answer to its call")
        return self._account.call(name, message["args"], message["kw"])

    def _done(self, message: Message) -> Execution:
        if message["status"] == "deadlock":
            return limited(cut(message["err"] or "", ERROR_BYTES))
        return super()._done(message)

    def _overtime(self) -> str:
        """Name the limit and the line that was running, after taking the output that is still on its way."""
        try:
            self._process.flush(self._read_rest)
        except OverrunError as overrun:
            return str(overrun)
        return f"{super()._overtime()}{self._placed(self._process.place())}"

    def _read_rest(self, timeout_s: float) -> bool:
        message = checked(self._process.channel.receive(timeout_s), "out", "call", "done", "flushed")
        if message["t"] == "out":
            self._account.print(message["s"])
        return bool(message["t"] == "out")

    def _placed(self, place: Place | None) -> str:
        if place is None or place.program >= len(self._programs):
            return ""
        program = self._programs[place.program]
        lines = program.splitlines()
        line = lines[place.line - 1].strip() if 0 < place.line <= len(lines) else ""
        where = "" if place.program == len(self._programs) - 1 else " of an earlier program"
        function = "" if place.function == "<module>" else f", in {place.function}"
        return f" at line {place.line}{where}{function}: {line}"

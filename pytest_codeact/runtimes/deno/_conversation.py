"""
What is said between the test process and Deno's while one program runs: a program may have many calls out at once.
"""

from __future__ import annotations

from pytest_codeact.runtimes._conversation import FramedConversation
from pytest_codeact.runtimes._outcome import memory_text
from pytest_codeact.runtimes.deno._process import DenoProcess


class Conversation(FramedConversation[DenoProcess]):
    """The run of one program. See `FramedConversation` for what it takes."""

    def _death(self) -> str | None:
        if self._process.out_of_memory():
            return memory_text(self._limits.memory_bytes)
        if self._process.waited_in_vain():
            return "the program awaits a promise that nothing will settle"
        return None

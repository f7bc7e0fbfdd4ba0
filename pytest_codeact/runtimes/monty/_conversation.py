"""
The run of one program: Monty stops at every call and look-up, and is told here how to go on.

What a worker says is a claim: names and arguments are checked, messages and output are counted, and a watchdog of
our own kills it should the pool's not have done so.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal

from pytest_codeact.runtimes import Execution
from pytest_codeact.runtimes._account import Account, OverrunError, checked_name
from pytest_codeact.runtimes._channel import ProtocolError
from pytest_codeact.runtimes._outcome import (
    broke_protocol,
    died,
    limited,
    memory_text,
    processor_text,
    time_text,
)
from pytest_codeact.runtimes._own_time import Watchdog
from pytest_codeact.runtimes._text import escape
from pytest_codeact.runtimes.monty._prelude import MODULE, RAW_NAME
from pytest_codeact.runtimes.monty._report import failure, traceback_text
from pytest_codeact.runtimes.monty._values import (
    NotArgumentsError,
    TooLargeError,
    checked_arguments,
    unfit,
    value_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic_monty import (
        FunctionSnapshot,
        MontyComplete,
        MontyRuntimeError,
        NameLookupSnapshot,
    )
    from pydantic_monty import SyncSnapshot as Snapshot

    from pytest_codeact.runtimes import Bindings, Limits
    from pytest_codeact.runtimes.monty._report import Feeds
    from pytest_codeact.runtimes.monty._tools import ToolModules
    from pytest_codeact.runtimes.monty._worker import Worker

_UNKNOWN: Final = f"{MODULE}."
"""What the name of a function begins with that is no tool: the host is to say so, in the words of every arm."""

_EXITS: Final = frozenset({"exit", "quit"})

_SIGNAL: Final = re.compile(r"\(signal: \d+ \((SIG\w+)\)")

_REPR_SOURCE: Final = "repr(_codeact_value)"


class Conversation:
    """
    The run of one program.

    Args:
        worker: The worker; its prelude has run.
        modules: What `import tools` gives.
        bindings: What programs may call.
        limits: What the program may use.
        feeds: What the worker was fed, this program last.
    """

    def __init__(self, worker: Worker, modules: ToolModules, bindings: Bindings, limits: Limits, feeds: Feeds) -> None:
        self._worker = worker
        self._modules = modules
        self._limits = limits
        self._feeds = feeds
        self._account = Account(bindings, limits)
        self._tool_errors: list[str] = []
        self._overrun: OverrunError | None = None

    def run(self) -> Execution:
        """Run the program and give what came of it."""
        from pydantic_monty import MontyCrashedError, MontyRuntimeError, MontySyntaxError

        with Watchdog(self._account.own_time, self._worker.kill):
            try:
                execution = self._converse()
            except OverrunError as overrun:
                execution = limited(str(overrun))
            except MontySyntaxError as error:
                if "<python-input-" not in error.display():
                    # Too deep to be parsed is too deep to be counted.
                    self._feeds.forget_last()
                execution = failure(error, self._feeds, ())
            except MontyRuntimeError as error:
                execution = self._failed(error)
            except MontyCrashedError as error:
                execution = self._lost(error)
            except ProtocolError as error:
                execution = broke_protocol(error)
        return self._account.shown(execution)

    def _converse(self) -> Execution:
        from pydantic_monty import FunctionSnapshot, MontyComplete, NameLookupSnapshot

        feed = self._worker.session.feed_start
        step: Snapshot | None = self._step(lambda: feed(self._feeds.program, print_callback=self._take_output))
        while step is not None:
            if isinstance(step, MontyComplete):
                return self._ended(step)
            self._account.count_frame()
            if isinstance(step, FunctionSnapshot):
                step = self._answer(step)
            elif isinstance(step, NameLookupSnapshot):
                step = self._look_up(step)
            else:
                raise ProtocolError("a wait for a call that was answered")
        return Execution(status="final")

    def _step(self, resume: Callable[[], Snapshot]) -> Snapshot:
        """Let the program go on up to its next stop."""
        try:
            return resume()
        except RuntimeError as error:
            # The client's name for whatever it has no class for.
            raise ProtocolError(str(error)) from error

    def _ended(self, step: MontyComplete) -> Execution:
        value = step.output
        if value is None:
            return Execution(status="ok")
        try:
            return Execution(status="ok", value=value_text(value))
        except ValueError as error:
            return Execution(status="error", error=f"ValueError: {error}")
        except TooLargeError:
            return self._large(value)

    def _large(self, value: object) -> Execution:
        """Let the worker write a large value down: its time and memory are limited, and ours are not."""
        from pydantic_monty import MontyComplete, MontyRuntimeError

        feed = self._worker.session.feed_start
        self._feeds.add(_REPR_SOURCE)
        try:
            step = self._step(lambda: feed(_REPR_SOURCE, inputs={"_codeact_value": value}))
        except MontyRuntimeError as error:
            if "no longer exists" not in error.display("msg"):
                raise
            # It holds instances of the program's classes, which ended with it.
            return Execution(status="ok", value=f"<{type(value).__name__} object>")
        if not isinstance(step, MontyComplete) or not isinstance(step.output, str):
            raise ProtocolError("a repr that is no text")
        return Execution(status="ok", value=step.output)

    def _answer(self, step: FunctionSnapshot) -> Snapshot | None:
        """Answer a call. None after the final answer: the program never goes on."""
        name = step.function_name
        if step.is_os_function:
            if name == "import" and step.args == (MODULE,):
                module = self._modules.of(self._feeds.source(step.position.filename) or "", step.position.start)
                return self._step(lambda: step.resume({"return_value": module}))
            return self._step(step.resume_not_handled)
        if name == RAW_NAME:
            match step.args:
                case (str() as function, *arguments) if not step.kwargs:
                    return self._call(step, function, tuple(arguments))
            raise ProtocolError("a call without a name")
        if step.object_id is not None or name.startswith(_UNKNOWN):
            return self._call(step, name.removeprefix(_UNKNOWN), (list(step.args), step.kwargs))
        if name in _EXITS:
            return self._exit(step)
        # Monty takes any name that it does not know for a function of the host when it is called.
        return self._raise(step, "NameError", f"name '{name}' is not defined")

    def _call(self, step: FunctionSnapshot, name: str, arguments: tuple[Any, ...]) -> Snapshot | None:
        """Carry out a call."""
        name = checked_name(name)
        try:
            listed, named = checked_arguments(arguments, self._limits)
        except NotArgumentsError as error:
            return self._raise(step, "TypeError", f"{name}(): {error}")
        reply = self._account.call(name, listed, named)
        if reply.final:
            return None
        error_text = reply.error if reply.error is not None else unfit(reply.value)
        if error_text is None:
            return self._step(lambda: step.resume({"return_value": reply.value}))
        error_text = escape(error_text)
        self._tool_errors.append(error_text)
        return self._raise(step, "RuntimeError", error_text)

    def _look_up(self, step: NameLookupSnapshot) -> Snapshot:
        """Answer the question for a name that nothing has, or for an attribute of `tools`."""
        name = step.variable_name
        if step.object_id is None or not self._is_attribute(step):
            return self._step(step.resume)

        def unknown() -> None: ...

        unknown.__name__ = _UNKNOWN + name
        return self._step(lambda: step.resume(value=unknown))

    def _is_attribute(self, step: NameLookupSnapshot) -> bool:
        """Tell `tools.name` from `from tools import name` and `hasattr`, for which a missing name is missing."""
        source = self._feeds.source(step.position.filename)
        if source is None or step.variable_name.startswith("_"):
            return False
        part = source.encode("utf-8", "surrogatepass")[step.position.start : step.position.end]
        text = part.decode("utf-8", "replace")
        return re.search(rf"\.\s*{re.escape(step.variable_name)}$", text) is not None

    def _exit(self, step: FunctionSnapshot) -> Snapshot:
        code = step.args[0] if step.args else None
        if code is None or code == 0:
            return self._step(lambda: step.resume({"exc_type": "SystemExit"}))
        return self._raise(step, "SystemExit", escape(str(code)[: self._limits.output_bytes]))

    def _raise(
        self,
        step: FunctionSnapshot,
        kind: Literal["NameError", "RuntimeError", "SystemExit", "TypeError"],
        message: str,
    ) -> Snapshot:
        return self._step(lambda: step.resume({"exc_type": kind, "message": message}))

    def _take_output(self, _stream: str, text: str) -> None:
        try:
            self._account.count_frame()
            self._account.print(text)
        except OverrunError as overrun:
            # What a callback raises comes out of the client once the program has ended, in other clothes.
            self._overrun = overrun
            self._worker.kill()
            raise

    def _failed(self, error: MontyRuntimeError) -> Execution:
        if self._overrun is not None:
            return limited(str(self._overrun))
        kind, _, message = error.display("type-msg").partition(": ")
        if kind == "TimeoutError" and message.startswith("feed time limit exceeded: ") and not error.traceback():
            return limited(time_text(self._limits))
        if kind == "MemoryError" and "memory limit" in message:
            place = traceback_text(error, self._feeds).removesuffix(f": {message}")
            return limited(f"{place}\n{memory_text(self._worker.memory_bytes)}")
        return failure(error, self._feeds, self._tool_errors)

    def _lost(self, error: Any) -> Execution:
        if self._overrun is not None:
            return limited(str(self._overrun))
        if error.timed_out or self._account.own_time.remaining_s() <= 0:
            return limited(time_text(self._limits))
        match = _SIGNAL.search(str(error))
        if match is not None and match[1] == "SIGXCPU":
            return limited(processor_text(self._limits))
        return died(match[1] if match is not None else f"exit status {error.exit_status}")

"""
What a program finds as `warnings`: filters, the record of a block, and the text that plain Python writes.
"""

from __future__ import annotations

import linecache
import re
import sys
from typing import Any, Final, NamedTuple

from pytest_codeact.runtimes.restricted.child.kinds import present_as
from pytest_codeact.runtimes.restricted.child.policy import FILE_NAME
from pytest_codeact.runtimes.restricted.child.streams import program_frame

_ACTIONS: Final = ("default", "error", "ignore", "always", "all", "module", "once")


class _Filter(NamedTuple):
    """What is done with warnings of a class whose text a pattern matches."""

    action: str
    category: type[Warning] = Warning
    pattern: str = ""


_AT_START: Final = (
    _Filter("ignore", PendingDeprecationWarning),
    _Filter("ignore", ImportWarning),
    _Filter("ignore", ResourceWarning),
)
"""Plain Python's own filters, as far as a main program meets them."""


class WarningMessage(NamedTuple):
    """A warning that was recorded."""

    message: Warning
    category: type[Warning]
    filename: str
    lineno: int
    file: None = None
    line: None = None
    source: object = None


present_as(WarningMessage, "warnings", "WarningMessage")


class Warnings:
    """The filters of one interpreter, and who records its warnings."""

    def __init__(self) -> None:
        self._filters = list(_AT_START)
        self._shown: set[tuple[object, ...]] = set()
        self._blocks: list[tuple[list[_Filter], list[WarningMessage] | None]] = []

    def add(self, action: str, pattern: str, category: Any, *, append: object) -> None:
        """Add a filter before the others, or after them."""
        if action not in _ACTIONS:
            raise ValueError(f"invalid action: {action!r}")
        self._filters.insert(len(self._filters) if append else 0, _Filter(action, category, pattern))
        self._shown.clear()

    def reset(self) -> None:
        """Remove all filters."""
        self._filters.clear()
        self._shown.clear()

    def enter(self, *, record: bool) -> list[WarningMessage] | None:
        """Begin a block, with a list of its warnings if they are recorded."""
        self._blocks.append((list(self._filters), [] if record else None))
        self._shown.clear()
        return self._blocks[-1][1]

    def leave(self) -> None:
        """End the block."""
        self._filters, _ = self._blocks.pop()
        self._shown.clear()

    def warn(self, message: Any, category: Any, stack_level: int) -> None:
        """Warn of something."""
        if isinstance(message, Warning):
            category = type(message)
        elif category is None:
            category = UserWarning
        if not (isinstance(category, type) and issubclass(category, Warning)):
            raise TypeError(f"category must be a Warning subclass, not '{type(category).__name__}'")
        warning = message if isinstance(message, Warning) else category(message)
        frame = program_frame(stack_level)
        line = 1 if frame is None else frame.f_lineno
        action = self._action(str(warning), category)
        if action == "error":
            raise warning
        place = () if action == "once" else (FILE_NAME,) if action == "module" else (FILE_NAME, line)
        key = (str(warning), category, *place)
        if action == "ignore" or (action not in {"always", "all"} and key in self._shown):
            return
        self._shown.add(key)
        self._show(WarningMessage(warning, category, FILE_NAME, line), frame)

    def _action(self, text: str, category: type[Warning]) -> str:
        for each in self._filters:
            if issubclass(category, each.category) and (
                not each.pattern or re.match(each.pattern, text, re.IGNORECASE)
            ):
                return each.action
        return "default"

    def _show(self, warning: WarningMessage, frame: Any) -> None:
        recorded = next((each for _, each in reversed(self._blocks) if each is not None), None)
        if recorded is not None:
            recorded.append(warning)
            return
        source = "" if frame is None else linecache.getline(frame.f_code.co_filename, warning.lineno).strip()
        quoted = f"  {source}\n" if source else ""
        sys.stderr.write(f"{FILE_NAME}:{warning.lineno}: {warning.category.__name__}: {warning.message}\n{quoted}")


def warnings_names() -> dict[str, Any]:
    """Give what the module holds, for one interpreter."""
    state = Warnings()

    class catch_warnings:  # noqa: N801  # the library's own name
        """As warnings.catch_warnings."""

        def __init__(
            self, *, record: bool = False, action: str | None = None, category: Any = Warning, **_more: Any
        ) -> None:
            self._wanted = (record, action, category)

        def __enter__(self) -> list[WarningMessage] | None:
            record, action, category = self._wanted
            recorded = state.enter(record=record)
            if action is not None:
                state.add(action, "", category, append=False)
            return recorded

        def __exit__(self, *_exception: object) -> None:
            state.leave()

    present_as(catch_warnings, "warnings", "catch_warnings")

    def warn(message: Any, category: Any = None, stacklevel: int = 1, source: object = None, **_more: object) -> None:  # noqa: ARG001  # the library's signature
        state.warn(message, category, stacklevel)

    def filterwarnings(
        action: str,
        message: str = "",
        category: Any = Warning,
        module: str = "",  # noqa: ARG001  # the library's signature; there is one module
        lineno: int = 0,  # noqa: ARG001  # as above
        append: object = False,  # noqa: FBT002  # as above
    ) -> None:
        state.add(action, message, category, append=append)

    def simplefilter(action: str, category: Any = Warning, lineno: int = 0, append: object = False) -> None:  # noqa: ARG001, FBT002  # as above
        state.add(action, "", category, append=append)

    def resetwarnings() -> None:
        state.reset()

    functions = (warn, filterwarnings, simplefilter, resetwarnings)
    return {"catch_warnings": catch_warnings, **{each.__name__: each for each in functions}}

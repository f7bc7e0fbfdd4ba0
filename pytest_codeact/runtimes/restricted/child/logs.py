"""
The records, handlers and formatters of `logging`: they write what the real ones do, to the program's own streams.

The real module asks the system for processes and threads, opens files, and formats by `str.format`.
"""

from __future__ import annotations

import re
import string
import sys
import time
from collections.abc import Mapping
from typing import Any, Final

from pytest_codeact.runtimes.restricted.child.format import checked_format
from pytest_codeact.runtimes.restricted.child.kinds import present_as
from pytest_codeact.runtimes.restricted.child.trace import error_text

LEVELS: Final = {"NOTSET": 0, "DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}
"""Levels by name."""

_ALIASES: Final = {"WARN": 30, "FATAL": 50}

_STYLES: Final = {"%": "%(message)s", "{": "{message}", "$": "${message}"}

_FIELD: Final = re.compile(r"%\(\w+\)[#0+ -]*(\*|\d+)?(\.(\*|\d+))?[diouxefgcrsa%]", re.IGNORECASE)


def checked_level(level: Any) -> int:
    """Give a level by its number or name."""
    if isinstance(level, int):
        return level
    if not isinstance(level, str):
        raise TypeError(f"Level not an integer or a valid string: {level!r}")
    known = {**LEVELS, **_ALIASES}
    if level not in known:
        raise ValueError(f"Unknown level: {level!r}")
    return known[level]


def level_name(level: Any) -> Any:
    """Give the name of a level, or the level of a name."""
    names = {number: name for name, number in LEVELS.items()}
    if isinstance(level, str):
        return {**LEVELS, **_ALIASES}.get(level, f"Level {level}")
    return names.get(level, f"Level {level}")


class LogRecord:
    """One thing that was logged."""

    def __init__(
        self,
        name: str,
        level: int,
        pathname: str,
        lineno: int,
        msg: Any,
        args: Any,
        exc_info: Any,
        func: str | None = None,
    ) -> None:
        if args and len(args) == 1 and isinstance(args[0], Mapping) and args[0]:
            args = args[0]
        self.name, self.msg, self.args = name, msg, args
        self.levelname, self.levelno = level_name(level), level
        self.pathname = self.filename = pathname
        self.module, self.lineno, self.funcName = pathname.removesuffix(".py"), lineno, func
        self.exc_info, self.exc_text, self.stack_info = exc_info, None, None
        self.created = self.msecs = self.relativeCreated = 0.0
        self.thread, self.threadName, self.process, self.processName = 1, "MainThread", 1, "MainProcess"

    def getMessage(self) -> str:  # noqa: N802  # the library's own name
        """Give the message with its arguments in it."""
        text = str(self.msg)
        return text % self.args if self.args else text

    def __repr__(self) -> str:
        return f'<LogRecord: {self.name}, {self.levelno}, {self.pathname}, {self.lineno}, "{self.msg}">'


class Formatter:
    """As logging.Formatter."""

    default_time_format = "%Y-%m-%d %H:%M:%S"
    default_msec_format = "%s,%03d"

    def __init__(
        self,
        fmt: str | None = None,
        datefmt: str | None = None,
        style: str = "%",
        validate: bool = True,  # noqa: FBT001, FBT002  # the library's signature
        *,
        defaults: Mapping[str, Any] | None = None,
    ) -> None:
        if style not in _STYLES:
            raise ValueError(f"Style must be one of: {','.join(_STYLES)}")
        self.datefmt, self.style, self.defaults = datefmt, style, defaults
        self.fmt = fmt or _STYLES[style]
        if validate and style == "%" and not _FIELD.search(self.fmt):
            raise ValueError(f"Invalid format '{self.fmt}' for '%' style")

    def format(self, record: Any) -> str:
        """Give the text of a record."""
        record.message = record.getMessage()
        if self.usesTime():
            record.asctime = self.formatTime(record, self.datefmt)
        text = self.formatMessage(record)
        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)
        parts = [text.removesuffix("\n") if record.exc_text else text, record.exc_text, record.stack_info]
        return "\n".join(part for part in parts if part) if record.exc_text or record.stack_info else text

    def usesTime(self) -> bool:  # noqa: N802  # the library's own name
        """Say whether the format shows the time."""
        return "asctime" in self.fmt

    def formatMessage(self, record: Any) -> str:  # noqa: N802  # as above
        """Fill the format in."""
        values = {**(self.defaults or {}), **vars(record)}
        if self.style == "{":
            return str(checked_format(self.fmt.format)(**values))
        return string.Template(self.fmt).substitute(values) if self.style == "$" else self.fmt % values

    def formatTime(self, record: Any, datefmt: str | None = None) -> str:  # noqa: N802  # as above
        """Give the time of a record, in UTC."""
        moment = time.gmtime(record.created)
        if datefmt:
            return time.strftime(datefmt, moment)
        return self.default_msec_format % (time.strftime(self.default_time_format, moment), record.msecs)

    def formatException(self, exc_info: Any) -> str:  # noqa: N802  # as above
        """Give the traceback of an error."""
        return error_text(exc_info[1])


class _Filtering:
    """What loggers and handlers have in common."""

    def __init__(self) -> None:
        self.filters: list[Any] = []

    def addFilter(self, each: Any) -> None:  # noqa: N802  # the library's own name
        """Add a filter."""
        if each not in self.filters:
            self.filters.append(each)

    def removeFilter(self, each: Any) -> None:  # noqa: N802  # as above
        """Remove a filter."""
        if each in self.filters:
            self.filters.remove(each)

    def filter(self, record: Any) -> Any:
        """Say whether a record passes; a filter may give another in its place."""
        for each in self.filters:
            passed = each.filter(record) if hasattr(each, "filter") else each(record)
            if not passed:
                return False
            if isinstance(passed, LogRecord):
                record = passed
        return record


class Filter:
    """As logging.Filter."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    def filter(self, record: Any) -> bool:
        """Say whether a record is of a logger of this name or below it."""
        return not self.name or record.name == self.name or record.name.startswith(f"{self.name}.")


class Handler(_Filtering):
    """As logging.Handler."""

    def __init__(self, level: Any = 0) -> None:
        super().__init__()
        self.level = checked_level(level)
        self.formatter: Any = None
        self.name: str | None = None

    def setLevel(self, level: Any) -> None:  # noqa: N802  # the library's own name
        """Set the lowest level."""
        self.level = checked_level(level)

    def setFormatter(self, formatter: Any) -> None:  # noqa: N802  # as above
        """Set the formatter."""
        self.formatter = formatter

    def set_name(self, name: str) -> None:
        """Set the name."""
        self.name = name

    def get_name(self) -> str | None:
        """Give the name."""
        return self.name

    def format(self, record: Any) -> Any:
        """Give the text of a record."""
        return (self.formatter or Formatter()).format(record)

    def handle(self, record: Any) -> Any:
        """Emit a record if it passes."""
        passed = self.filter(record)
        if passed:
            self.emit(passed)
        return passed

    def emit(self, record: Any) -> None:
        """Do what the handler is for."""
        raise NotImplementedError("emit must be implemented by Handler subclasses")

    def handleError(self, record: Any) -> None:  # noqa: N802  # the library's own name
        """Say that a record could not be emitted."""
        error = sys.exception()
        shown = "" if error is None else error_text(error)
        sys.stderr.write(f"--- Logging error ---\n{shown}\nMessage: {record.msg!r}\nArguments: {record.args}\n")

    def flush(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""

    def acquire(self) -> None:
        """Do nothing: there is one thread."""

    release = createLock = acquire  # noqa: N815  # the library's own name


class StreamHandler(Handler):
    """As logging.StreamHandler."""

    terminator = "\n"

    def __init__(self, stream: Any = None) -> None:
        super().__init__()
        self.stream = sys.stderr if stream is None else stream

    def setStream(self, stream: Any) -> Any:  # noqa: N802  # the library's own name
        """Set the stream and give the one before."""
        before, self.stream = self.stream, stream
        return before

    def emit(self, record: Any) -> None:
        """Write a record."""
        try:
            self.stream.write(self.format(record) + self.terminator)
        except Exception:  # noqa: BLE001  # what is wrong with a record does not end the program
            self.handleError(record)


class LastResort(StreamHandler):
    """Writes warnings of loggers that have no handler."""

    def handle(self, record: Any) -> Any:
        """Write to what is standard error now."""
        self.stream = sys.stderr
        return super().handle(record)


class NullHandler(Handler):
    """As logging.NullHandler."""

    def handle(self, record: Any) -> Any:
        """Do nothing."""

    def emit(self, record: Any) -> None:
        """Do nothing."""


for _kind in (LogRecord, Formatter, _Filtering, Filter, Handler, StreamHandler, NullHandler):
    present_as(_kind, "logging", _kind.__name__.replace("_Filtering", "Filterer"))

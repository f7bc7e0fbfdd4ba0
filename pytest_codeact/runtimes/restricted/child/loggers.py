"""
The loggers of `logging`, and the functions that make and set them up.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from pytest_codeact.runtimes.restricted.child import logs
from pytest_codeact.runtimes.restricted.child.kinds import DeniedCallError, present_as
from pytest_codeact.runtimes.restricted.child.policy import FILE_NAME
from pytest_codeact.runtimes.restricted.child.streams import program_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_METHODS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50, "warn": 30, "fatal": 50}


class Hierarchy:
    """
    The loggers of one interpreter, by name.

    Args:
        clock: Gives the seconds since the epoch.
    """

    __slots__ = ("clock", "disabled", "known", "last_resort", "root", "start_s")

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.start_s = clock()
        self.disabled = 0
        self.known: dict[str, Logger] = {}
        self.last_resort = logs.LastResort()
        self.last_resort.level = logs.LEVELS["WARNING"]
        self.root = Logger("root", logs.LEVELS["WARNING"], _hierarchy=self)

    def get(self, name: str | None = None) -> Logger:
        """Give a logger, the root without a name."""
        if not name or name == "root":
            return self.root
        if not isinstance(name, str):
            raise TypeError("A logger name must be a string")
        if name not in self.known:
            self.known[name] = Logger(name, _hierarchy=self)
        return self.known[name]

    def parent(self, logger: Logger) -> Logger | None:
        """Give the nearest logger above."""
        name = logger.name
        while "." in name:
            name = name.rpartition(".")[0]
            if name in self.known:
                return self.known[name]
        return None if logger is self.root else self.root


class Logger(logs._Filtering):  # noqa: SLF001  # what the room of logging has in common
    """As logging.Logger."""

    def __init__(self, name: str, level: Any = 0, *, _hierarchy: Hierarchy | None = None) -> None:
        super().__init__()
        self.name = name
        self.level = logs.checked_level(level)
        self.handlers: list[Any] = []
        self.propagate = True
        self.disabled = False
        self._hierarchy = _hierarchy

    @property
    def parent(self) -> Logger | None:
        """The nearest logger above. None for the root."""
        return None if self._hierarchy is None else self._hierarchy.parent(self)

    def setLevel(self, level: Any) -> None:  # noqa: N802  # the library's own name
        """Set the lowest level."""
        self.level = logs.checked_level(level)

    def getEffectiveLevel(self) -> int:  # noqa: N802  # as above
        """Give the lowest level, that of a logger above if it has none."""
        logger: Logger | None = self
        while logger is not None:
            if logger.level:
                return logger.level
            logger = logger.parent
        return 0

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802  # as above
        """Say whether a level is logged."""
        off = self.disabled or (self._hierarchy is not None and level <= self._hierarchy.disabled)
        return not off and level >= self.getEffectiveLevel()

    def getChild(self, suffix: str) -> Logger:  # noqa: N802  # as above
        """Give a logger below."""
        name = suffix if self.name == "root" else f"{self.name}.{suffix}"
        return Logger(name) if self._hierarchy is None else self._hierarchy.get(name)

    def addHandler(self, handler: Any) -> None:  # noqa: N802  # as above
        """Add a handler."""
        if handler not in self.handlers:
            self.handlers.append(handler)

    def removeHandler(self, handler: Any) -> None:  # noqa: N802  # as above
        """Remove a handler."""
        if handler in self.handlers:
            self.handlers.remove(handler)

    def hasHandlers(self) -> bool:  # noqa: N802  # as above
        """Say whether anything handles what it logs."""
        return bool(self._all_handlers())

    def _all_handlers(self) -> list[Any]:
        found: list[Any] = []
        logger: Logger | None = self
        while logger is not None:
            found += logger.handlers
            logger = logger.parent if logger.propagate else None
        return found

    def log(self, level: int, msg: Any, *args: Any, **options: Any) -> None:
        """Log at a level."""
        if not isinstance(level, int):
            raise TypeError("level must be an integer")
        if self.isEnabledFor(level):
            self._log(level, msg, args, **options)

    def exception(self, msg: Any, *args: Any, exc_info: Any = True, **options: Any) -> None:
        """Log an error with its traceback."""
        self.log(logs.LEVELS["ERROR"], msg, *args, exc_info=exc_info, **options)

    def _log(
        self,
        level: int,
        msg: Any,
        args: Any,
        exc_info: Any = None,
        extra: Mapping[str, Any] | None = None,
        stack_info: bool = False,  # noqa: ARG002, FBT001, FBT002  # the library's signature
        stacklevel: int = 1,
    ) -> None:
        if isinstance(exc_info, BaseException):
            exc_info = (type(exc_info), exc_info, exc_info.__traceback__)
        elif exc_info and not isinstance(exc_info, tuple):
            exc_info = sys.exc_info()
        frame = program_frame(stacklevel)
        line, function = (0, "(unknown function)") if frame is None else (frame.f_lineno, frame.f_code.co_name)
        record = logs.LogRecord(self.name, level, FILE_NAME, line, msg, args, exc_info or None, function)
        if self._hierarchy is not None:
            record.created = self._hierarchy.clock()
            record.relativeCreated = (record.created - self._hierarchy.start_s) * 1000
            record.msecs = float(int(record.created % 1 * 1000))
        for name, value in (extra or {}).items():
            if name in {"message", "asctime"} or name in vars(record):
                raise KeyError(f"Attempt to overwrite {name!r} in LogRecord")
            vars(record)[name] = value
        self.handle(record)

    def handle(self, record: Any) -> None:
        """Give a record to the handlers."""
        passed: Any = False if self.disabled else self.filter(record)
        if not passed:
            return
        handlers = self._all_handlers()
        if not handlers and self._hierarchy is not None:
            handlers = [self._hierarchy.last_resort]
        for handler in handlers:
            if passed.levelno >= handler.level:
                handler.handle(passed)

    callHandlers = handle  # noqa: N815  # the library's own name

    def __repr__(self) -> str:
        kind = "RootLogger" if self.name == "root" else "Logger"
        return f"<{kind} {self.name} ({logs.level_name(self.getEffectiveLevel())})>"


def _at(level: int, name: str) -> Callable[..., None]:
    def log(self: Logger, msg: Any, *args: Any, **options: Any) -> None:
        self.log(level, msg, *args, **options)

    log.__name__ = name
    return log


for _name, _level in _METHODS.items():
    setattr(Logger, _name, _at(_level, _name))


class LoggerAdapter:
    """As logging.LoggerAdapter."""

    def __init__(self, logger: Any, extra: Any = None) -> None:
        self.logger, self.extra = logger, extra

    def process(self, msg: Any, kwargs: Any) -> tuple[Any, Any]:
        """Add what the adapter knows."""
        return msg, {**kwargs, "extra": self.extra}

    def log(self, level: int, msg: Any, *args: Any, **options: Any) -> None:
        """Log at a level."""
        if self.logger.isEnabledFor(level):
            msg, options = self.process(msg, options)
            self.logger.log(level, msg, *args, **options)

    def exception(self, msg: Any, *args: Any, exc_info: Any = True, **options: Any) -> None:
        """Log an error with its traceback."""
        self.log(logs.LEVELS["ERROR"], msg, *args, exc_info=exc_info, **options)


for _name, _level in _METHODS.items():
    setattr(LoggerAdapter, _name, _at(_level, _name))

present_as(Logger, "logging", "Logger")
present_as(LoggerAdapter, "logging", "LoggerAdapter")


def logging_names(clock: Callable[[], float]) -> dict[str, Any]:
    """
    Give what the module holds, for one interpreter.

    Args:
        clock: Gives the seconds since the epoch.
    """
    loggers = Hierarchy(clock)

    def basicConfig(*, filename: Any = None, handlers: Any = None, force: bool = False, **options: Any) -> None:  # noqa: N802  # the library's own name
        if filename is not None:
            raise DeniedCallError(
                "logging to a file is not available in the sandbox: there are no files; leave filename out"
            )
        if force:
            loggers.root.handlers.clear()
        if not loggers.root.handlers:
            _set_up(loggers.root, handlers, **options)

    def getLogger(name: str | None = None) -> Logger:  # noqa: N802  # as above
        return loggers.get(name)

    def disable(level: Any = 50) -> None:
        loggers.disabled = logs.checked_level(level)

    def of_root(name: str) -> Callable[..., None]:
        def log(*args: Any, **options: Any) -> None:
            if not loggers.root.handlers:
                basicConfig()
            getattr(loggers.root, name)(*args, **options)

        log.__name__ = log.__qualname__ = name
        return log

    kinds = (logs.LogRecord, logs.Formatter, logs.Filter, logs.Handler, logs.StreamHandler, logs.NullHandler)
    return {
        **logs.LEVELS,
        "WARN": 30,
        "FATAL": 50,
        "BASIC_FORMAT": "%(levelname)s:%(name)s:%(message)s",
        "raiseExceptions": True,
        "root": loggers.root,
        **{kind.__name__: kind for kind in (*kinds, Logger, LoggerAdapter)},
        **{name: of_root(name) for name in (*_METHODS, "exception", "log")},
        **{each.__name__: each for each in (basicConfig, getLogger, disable)},
        "getLevelName": logs.level_name,
        "getLevelNamesMapping": lambda: {**logs.LEVELS, "WARN": 30, "FATAL": 50},
        "captureWarnings": lambda _capture: None,
        "shutdown": lambda: None,
    }


def _set_up(
    root: Logger,
    handlers: Any = None,
    *,
    format: str | None = None,  # noqa: A002  # the library's own name
    datefmt: str | None = None,
    style: str = "%",
    level: Any = None,
    stream: Any = None,
    **unknown: Any,
) -> None:
    unknown = {name: each for name, each in unknown.items() if name not in {"filemode", "encoding", "errors"}}
    if unknown:
        raise ValueError(f"Unrecognised argument(s): {', '.join(unknown)}")
    default = {"%": "%(levelname)s:%(name)s:%(message)s", "{": "{levelname}:{name}:{message}"}
    formatter = logs.Formatter(format or default.get(style, "${levelname}:${name}:${message}"), datefmt, style)
    for handler in handlers or [logs.StreamHandler(stream)]:
        if handler.formatter is None:
            handler.setFormatter(formatter)
        root.addHandler(handler)
    if level is not None:
        root.setLevel(level)

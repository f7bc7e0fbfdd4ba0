"""
What a program finds as `concurrent.futures`: everything is done at once, in the order it is given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from pytest_codeact.runtimes.restricted.child.tasks import CancelledError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


class Executor:
    """What a program finds as `ThreadPoolExecutor`: it does the work at once, in the order it is given."""

    def __init__(self, max_workers: int | None = None, **_keywords: object) -> None:
        if max_workers is not None and max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **keywords: Any) -> Done:
        """Call a function and keep what comes of it."""
        return Done(function, arguments, keywords)

    def map(self, function: Callable[..., Any], *iterables: Iterable[Any], **_keywords: object) -> Iterator[Any]:
        """Call a function for each of the items."""
        return iter([function(*each) for each in zip(*iterables, strict=False)])

    def shutdown(self, **_keywords: object) -> None:
        """Do nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.shutdown()


class Done:
    """A call that `Executor` has carried out."""

    def __init__(self, function: Callable[..., Any], arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        self._result: Any = None
        self._error: Exception | None = None
        try:
            self._result = function(*arguments, **keywords)
        except Exception as error:  # noqa: BLE001  # kept for whoever asks for the result
            self._error = error

    def result(self, timeout: float | None = None) -> Any:  # noqa: ARG002  # the standard library's signature
        """Give the result, or raise the error there is in its place."""
        if self._error is not None:
            raise self._error
        return self._result

    def exception(self, timeout: float | None = None) -> Exception | None:  # noqa: ARG002  # as above
        """Give the error. None if there is a result."""
        return self._error

    def done(self) -> bool:
        """Say that it is done."""
        return True

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        """Call back at once."""
        callback(self)


def futures_names() -> dict[str, Any]:
    """Give what `concurrent.futures` holds."""
    return {
        "ThreadPoolExecutor": Executor,
        "Future": Done,
        "as_completed": lambda futures, timeout=None: iter(list(futures)),  # noqa: ARG005  # the library's signature
        "wait": lambda futures, **_keywords: (set(futures), set()),
        "TimeoutError": TimeoutError,
        "CancelledError": CancelledError,
        "ALL_COMPLETED": "ALL_COMPLETED",
        "FIRST_COMPLETED": "FIRST_COMPLETED",
        "FIRST_EXCEPTION": "FIRST_EXCEPTION",
    }

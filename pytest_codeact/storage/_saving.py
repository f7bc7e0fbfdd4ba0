"""
pytest-benchmark's saving, made safe: two runs never take one number, and what cannot be saved is not lost.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_codeact.locks import alone_in

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


def guard_saving(config: pytest.Config, tell: Callable[[str], None]) -> None:
    """
    Guard the saving that pytest-benchmark is about to do; do nothing where it is not active.

    A saved run's number is the highest one and 1 more: two runs that end together would both take it, and one would
    die. They wait for each other. A file that cannot be written leaves none behind and ends nothing: what was to be
    in it goes to a temporary file.

    Args:
        config: The controller's.
        tell: Takes a sentence about a file that could not be written.
    """
    session = config.pluginmanager.get_plugin("pytest-benchmark")
    if session is not None:
        session.storage = _SafeStorage(session.storage, tell)
        session.save_json = _safe_json(session, tell)


class _SafeStorage:
    """A storage of pytest-benchmark that saves under a lock; for the rest it is the one it stands for."""

    def __init__(self, storage: Any, tell: Callable[[str], None]) -> None:
        self._storage = storage
        self._tell = tell

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    def __str__(self) -> str:
        return str(self._storage)

    def save(self, output_json: dict[str, Any], save: str) -> None:
        if not hasattr(self._storage, "query"):
            # No storage of files.
            self._storage.save(output_json, save)
            return
        with alone_in(Path(self._storage.path)):
            before = set(self._storage.query("*"))
            try:
                self._storage.save(output_json, save)
            except OSError as error:
                for path in set(self._storage.query("*")) - before:
                    if path.name.endswith(f"_{save}.json"):
                        path.unlink(missing_ok=True)
                self._tell(_rescued(output_json, error))


def _safe_json(session: Any, tell: Callable[[str], None]) -> Callable[[dict[str, Any]], None]:
    save_json: Callable[[dict[str, Any]], None] = session.save_json

    def save(output_json: dict[str, Any]) -> None:
        try:
            save_json(output_json)
        except OSError as error:
            tell(_rescued(output_json, error))

    return save


def _rescued(output_json: dict[str, Any], error: OSError) -> str:
    """Write a run that could not be saved where it can be, and say so."""
    from pytest_benchmark.utils import safe_dumps

    dumps: Callable[..., str] = safe_dumps
    problem = f"the run could not be saved: {error}"
    try:
        descriptor, path = tempfile.mkstemp(prefix="codeact-run-", suffix=".json")
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - it is a descriptor
            file.write(dumps(output_json, indent=4))
    except OSError as second:
        return f"{problem}; nor could it be written elsewhere: {second}; make room and run it again"
    return f"{problem}; it is in {path} instead; move it to a place of yours, its path will do for --benchmark-compare"

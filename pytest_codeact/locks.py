"""
Locks between processes: one directory, one writer at a time.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def alone_in(directory: Path) -> Iterator[None]:
    """
    Hold a directory alone, among all threads and processes that ask for it here; waits for whoever has it.

    Where there are no locks, or the directory cannot be opened, go on without: they seldom meet.
    """
    try:
        import fcntl

        descriptor = os.open(directory, os.O_RDONLY)
    except (ImportError, OSError):
        yield
        return
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        # Closing it lets go of the lock.
        os.close(descriptor)

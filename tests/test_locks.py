"""The lock of a directory."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

import pytest

from pytest_codeact.locks import alone_in

if TYPE_CHECKING:
    from pathlib import Path


def test_directory_is_held_and_let_go(tmp_path: Path) -> None:
    """Nobody else gets the lock inside; everybody does afterwards."""
    other = os.open(tmp_path, os.O_RDONLY)
    try:
        with alone_in(tmp_path), pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)

        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(other)


def test_directory_that_is_not_there_is_no_obstacle(tmp_path: Path) -> None:
    """What is done inside is done without a lock."""
    done = []
    with alone_in(tmp_path / "none"):
        done.append(1)

    assert done == [1]

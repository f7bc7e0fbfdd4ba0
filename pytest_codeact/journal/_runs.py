"""The directory of the runs: their names, which are there, and which of them nobody needs any more."""

from __future__ import annotations

import contextlib
import secrets
import string
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from pytest_codeact.errors import RecordError
from pytest_codeact.journal._file import FILE, LOCK, held, last_line
from pytest_codeact.journal._lines import Header, read_end, read_head

if TYPE_CHECKING:
    from pathlib import Path

DIRECTORY: Final = ".codeact"
"""Where the runs are, below pytest's root directory."""

KEPT_RUNS: Final = 20
"""Complete runs of the reference policy that stay."""

_MONEY_FILES: Final = ("ledger.alive", "ledger.sqlite", "ledger.sqlite-shm", "ledger.sqlite-wal")
"""What the room `money` leaves in the directory of a run whose replies an emulator made."""

_DIGITS: Final = string.digits + string.ascii_lowercase


def new_name(now: datetime | None = None) -> str:
    """
    Draw the name of a run: its UTC time to the second, and four characters.

    Names sort by time: the first two characters are the fraction of the second. The other two are random.
    """
    now = now or datetime.now(UTC)
    fraction = now.microsecond * len(_DIGITS) ** 2 // 1_000_000
    drawn = "".join(secrets.choice(_DIGITS) for _ in range(2))
    return f"{now:%Y%m%d-%H%M%S}-{_DIGITS[fraction // 36]}{_DIGITS[fraction % 36]}{drawn}"


def run_names(root: Path) -> list[str]:
    """
    List the runs that have a journal, newest first.

    Args:
        root: The directory of the runs; it need not exist.
    """
    with contextlib.suppress(OSError):
        return sorted((each.name for each in root.iterdir() if _size(each / FILE)), reverse=True)
    return []


def read_header(directory: Path) -> Header:
    """
    Read the first line of a run's journal.

    Raises:
        RecordError: It cannot be read, or is of another schema.
        OSError: The file cannot be read.
    """
    with (directory / FILE).open("rb") as file:
        return Header.from_line(file.readline())


def prune(root: Path, keep: int = KEPT_RUNS) -> None:
    """
    Delete the oldest of those runs that cost nothing and were not cut short.

    A run that anybody paid for, that was interrupted, or that a process still has open stays, whatever its age.

    Args:
        root: The directory of the runs.
        keep: How many of them stay.
    """
    complete = [root / name for name in run_names(root) if _is_complete(root / name)]
    for directory in complete[keep:]:
        with contextlib.suppress(OSError, RecordError), held(directory / LOCK), held(directory / FILE):
            if _cost_nothing(directory):
                for name in (FILE, LOCK, *_MONEY_FILES):
                    (directory / name).unlink(missing_ok=True)
                # Not a tree: what somebody else put there stays, and its directory with it.
                directory.rmdir()


def _is_complete(directory: Path) -> bool:
    with contextlib.suppress(OSError):
        end = read_end(last_line(directory / FILE))
        return end is not None and not end[0] and set(end[1]) <= {"reference"}
    return False


def _cost_nothing(directory: Path) -> bool:
    """Tell whether the reference policy made every trial: the last line speaks for the last session only."""
    with (directory / FILE).open("rb") as file:
        heads = [head for line in file if (head := read_head(line))]
    return all(head.mode in (None, "reference") for head in heads)


def _size(path: Path) -> int:
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return 0

"""
Who a process is: root becomes a user that nobody is, and nobody keeps a capability.
"""

from __future__ import annotations

import os
import pwd
from contextlib import suppress
from pathlib import Path
from typing import Final

_FIRST: Final = 61184
_COUNT: Final = 4336
"""
The ids that systemd gives to services without a user of their own, and sets aside for that.
https://systemd.io/UIDS-GIDS
"""


def unused_user() -> int:
    """
    Find a user id that has no name and no process, another one for each process that asks if possible.

    Raises:
        OSError: All are taken.
    """
    running = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            running.add(folder.stat().st_uid)
    start = os.getpid() % _COUNT
    for user in (_FIRST + (start + step) % _COUNT for step in range(_COUNT)):
        if user not in running and not _has_name(user):
            return user
    raise OSError(11, "every user id set aside for services is taken")


def _has_name(user: int) -> bool:
    try:
        pwd.getpwuid(user)
    except KeyError:
        return False
    return True


def become(user: int) -> None:
    """
    Become a user, with the group of the same number and no other, for good.

    Raises:
        OSError: It is not allowed, or the id does not exist in this user namespace.
    """
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)

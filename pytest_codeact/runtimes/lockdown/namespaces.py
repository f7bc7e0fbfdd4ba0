"""
Namespaces: a process whose world is empty. No file, no network interface, no other process is in it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from pytest_codeact.runtimes.lockdown import libc

_USER: Final = 0x10000000

_KINDS: Final = {
    "mount": 0x00020000,
    "net": 0x40000000,
    "pid": 0x20000000,
    "ipc": 0x08000000,
    "uts": 0x04000000,
}
"""CLONE_NEW* of <linux/sched.h>."""

_MS_READ_ONLY: Final = 1
_MS_NO_SUID: Final = 2
_MS_NO_DEVICES: Final = 4
_MS_NO_EXEC: Final = 8
_MS_REMOUNT: Final = 32
_MS_RECURSIVE: Final = 16384
_MS_PRIVATE: Final = 1 << 18
_MNT_DETACH: Final = 2
"""Flags of <sys/mount.h>."""

_PIVOT_ROOT: Final = {"x86_64": 155, "aarch64": 41}
"""Number of the system call, which the C library has no function for."""

_MOUNT_POINTS: Final = ("/tmp", "/var", "/usr", "/etc")  # noqa: S108 - nothing is written there: an empty directory covers it
"""Where the new root is mounted before it becomes the root. Any directory that exists will do."""


def leave_world(*, without: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """
    Enter new namespaces of every kind that the kernel allows, and leave the file system behind.

    Processes made from now on are in the new PID namespace; this one stays outside of it. An ordinary user needs a user
    namespace, in which its id is what it was.

    Args:
        without: Kinds to leave out.

    Returns:
        The kinds entered: of user, mount, net, pid, ipc, uts. "mount" only if the file system is empty now.

    Raises:
        OSError: None can be entered.
    """
    user, group = os.geteuid(), os.getegid()
    wanted = {kind: flag for kind, flag in _KINDS.items() if kind not in without}
    entered = []
    try:
        libc.call("unshare", sum(wanted.values()))
        entered = list(wanted)
    except OSError:
        # Not root, or root without the capability: a user namespace gives it, for the others alone.
        libc.call("unshare", _USER)
        _map_to_itself(user, group)
        entered = ["user", *(kind for kind, flag in wanted.items() if _enter(flag))]
    if "mount" in entered:
        try:
            _empty_root()
        except OSError:
            entered.remove("mount")
    return tuple(entered)


def _enter(flag: int) -> bool:
    try:
        libc.call("unshare", flag)
    except OSError:
        return False
    return True


def _map_to_itself(user: int, group: int) -> None:
    with suppress(OSError):
        # Needed before gid_map since Linux 3.19; absent before.
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")


def _empty_root() -> None:
    """Make an empty, read-only directory the root, in place of everything."""
    point = next(each for each in _MOUNT_POINTS if Path(each).is_dir())
    flags = _MS_NO_SUID | _MS_NO_DEVICES | _MS_NO_EXEC
    libc.call("mount", None, b"/", None, _MS_RECURSIVE | _MS_PRIVATE, None)
    libc.call("mount", b"none", point.encode(), b"tmpfs", flags, b"size=4k,nr_inodes=2,mode=0555")
    os.chdir(point)
    # With "." for both, the old root lies over the new one until it is unmounted, and no directory is needed for it.
    libc.call("syscall", _PIVOT_ROOT[libc.MACHINE], b".", b".")
    libc.call("umount2", b".", _MNT_DETACH)
    os.chdir("/")
    libc.call("mount", None, b"/", None, _MS_REMOUNT | _MS_READ_ONLY | flags, b"size=4k,nr_inodes=2,mode=0555")

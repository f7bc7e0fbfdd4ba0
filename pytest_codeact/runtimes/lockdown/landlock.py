"""
Landlock: a process gives up the file system, and TCP, by itself and without any privilege.

It does not take what is open already, nor `stat`, UDP, netlink and, before ABI 6, abstract UNIX sockets and signals:
other layers do.
"""

from __future__ import annotations

import ctypes
import os
import struct
from typing import Final

from pytest_codeact.runtimes.lockdown import libc

_CREATE_RULESET: Final = 444
_RESTRICT_SELF: Final = 446
"""System calls, of the same number on every architecture."""

_VERSION: Final = 1
"""LANDLOCK_CREATE_RULESET_VERSION."""

_FILE_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 5: 16}
"""Number of rights to files and directories from an ABI on: LANDLOCK_ACCESS_FS_*, from bit 0."""

_TCP: Final = 0b11
"""LANDLOCK_ACCESS_NET_BIND_TCP and _CONNECT_TCP. From ABI 4 on."""

_SCOPES: Final = 0b11
"""LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET and _SIGNAL. From ABI 6 on."""

_ABI_TCP: Final = 4
_ABI_SCOPES: Final = 6


def give_up_files() -> int:
    """
    Give up every right that the kernel's Landlock knows. No rule gives one back.

    Returns:
        The version of its ABI.

    Raises:
        OSError: The kernel has no Landlock or it is switched off; or no_new_privs is not set.
    """
    abi = libc.call("syscall", _CREATE_RULESET, None, 0, _VERSION)
    rights = max(count for since, count in _FILE_RIGHTS.items() if since <= abi)
    words = [(1 << rights) - 1]
    words += [_TCP] if abi >= _ABI_TCP else []
    words += [_SCOPES] if abi >= _ABI_SCOPES else []
    attributes = struct.pack(f"={len(words)}Q", *words)
    ruleset = libc.call("syscall", _CREATE_RULESET, ctypes.c_char_p(attributes), len(attributes), 0)
    try:
        libc.call("syscall", _RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    return abi

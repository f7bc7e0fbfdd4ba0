"""
The C library's doors to the kernel that Python's `os` does not have, with errno raised as OSError.
"""

from __future__ import annotations

import ctypes
import os
import platform
from contextlib import suppress
from typing import Final

MACHINE: Final = platform.machine()
"""The architecture, as the kernel calls it: "x86_64", "aarch64"."""

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_SECCOMP: Final = 22
_PR_CAPBSET_DROP: Final = 24
_PR_SET_NO_NEW_PRIVS: Final = 38
_SECCOMP_MODE_FILTER: Final = 2
_CAPABILITY_VERSION_3: Final = 0x20080522
"""Numbers of <linux/prctl.h>, <linux/seccomp.h> and <linux/capability.h>, the same on every architecture."""

_KEYCTL: Final = {"x86_64": 250, "aarch64": 219}
"""Number of the system call, which the C library has no function for."""

_JOIN_SESSION_KEYRING: Final = 1
"""KEYCTL_JOIN_SESSION_KEYRING of <linux/keyctl.h>: a new one where no name is given."""

_LIBC: Final = ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: object) -> int:
    """
    Call a function of the C library that returns -1 and sets errno when it fails.

    Args:
        name: Its name.
        arguments: Integers, bytes, None for a null pointer, or what ctypes takes.

    Returns:
        What it returned.

    Raises:
        OSError: It failed, or this C library does not have it (ENOSYS).
    """
    try:
        function = getattr(_LIBC, name)
    except AttributeError:
        raise OSError(38, f"the C library has no {name}") from None
    result: int = function(*(_word(each) for each in arguments))
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result


def _word(argument: object) -> object:
    # Variadic functions, `syscall` and `prctl`, read whole registers; a plain int would fill half of one.
    return ctypes.c_long(argument) if isinstance(argument, int) else argument


def give_up_privileges(*, dies_with_parent: bool = True) -> None:
    """
    Gain no privileges by executing a program, die with the thread that made this process, be looked into by nobody.

    A change of user ids undoes the second and a fork does too: repeat it then.
    """
    call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if dies_with_parent:
        die_with_parent()
    call("prctl", _PR_SET_DUMPABLE, 0, 0, 0, 0)


def die_with_parent() -> None:
    """Ask for SIGKILL when the thread ends that made this process."""
    call("prctl", _PR_SET_PDEATHSIG, 9, 0, 0, 0)


def set_filter(program: ctypes.Structure) -> None:
    """Set a seccomp filter, a `struct sock_fprog`. Needs no_new_privs or a privilege."""
    call("prctl", _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0)


def leave_keyring() -> None:
    """Leave the keys of the session that this process was started in, if the kernel has any."""
    if MACHINE in _KEYCTL:
        with suppress(OSError):
            call("syscall", _KEYCTL[MACHINE], _JOIN_SESSION_KEYRING, None)


def drop_capability_bounds() -> None:
    """Give up the getting back of capabilities by executing a program, as far as this process may."""
    for number in range(64):
        try:
            call("prctl", _PR_CAPBSET_DROP, number, 0, 0, 0)
        except OSError:
            # The first number that the kernel does not know, or no right to do so: then none can be gained either.
            break


def drop_capabilities() -> None:
    """Give up every capability."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    call("capset", ctypes.byref(header), ctypes.byref((ctypes.c_uint32 * 6)()))

"""
The filter of system calls: an allow-list, as a program for the kernel's packet filter machine.

A call that is not listed fails with EPERM, which the program meets as PermissionError. One that no honest program gets
near, and that an exploit needs, ends the process: nothing may try such calls until one works.
"""

from __future__ import annotations

import ctypes
import struct
from typing import Final

from pytest_codeact.runtimes.lockdown import libc

_ALLOWED: Final[dict[str, tuple[int | None, int | None]]] = {
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "fstat": (5, 80),
    "lseek": (8, 62),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sched_yield": (24, 124),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "nanosleep": (35, 101),
    "getpid": (39, 172),
    "exit": (60, 93),
    "gettimeofday": (96, 169),
    "getrusage": (98, 165),
    "getuid": (102, 174),
    "getgid": (104, 176),
    "geteuid": (107, 175),
    "getegid": (108, 177),
    "sigaltstack": (131, 132),
    "gettid": (186, 178),
    "time": (201, None),
    "futex": (202, 98),
    "restart_syscall": (219, 128),
    "clock_nanosleep": (230, 115),
    "exit_group": (231, 94),
    "getrandom": (318, 278),
}
"""What a Python program that talks over descriptors it has needs, with the numbers on x86-64 and aarch64."""

_WITHOUT_EXEC: Final[dict[str, tuple[int, int]]] = {"mmap": (9, 222), "mprotect": (10, 226)}
"""Allowed unless the third argument asks for memory that can be executed."""

_OF_CLOCKS: Final[dict[str, tuple[int, int]]] = {"clock_gettime": (228, 113), "clock_getres": (229, 114)}
"""Allowed for the clocks that have small numbers. The others are those of any process, by its number."""

_CLOCKS: Final = 16
"""Numbers of clocks in <linux/time.h>: from 0 to 15."""

_DEADLY: Final[dict[str, tuple[int | None, int | None]]] = {
    "socket": (41, 198),
    "connect": (42, 203),
    "accept": (43, 202),
    "sendto": (44, 206),
    "sendmsg": (46, 211),
    "recvmsg": (47, 212),
    "bind": (49, 200),
    "listen": (50, 201),
    "socketpair": (53, 199),
    "clone": (56, 220),
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "kill": (62, 129),
    "ptrace": (101, 117),
    "setuid": (105, 146),
    "setgid": (106, 144),
    "setreuid": (113, 145),
    "setregid": (114, 143),
    "setgroups": (116, 159),
    "setresuid": (117, 147),
    "setresgid": (119, 149),
    "setfsuid": (122, 151),
    "setfsgid": (123, 152),
    "capset": (126, 91),
    "rt_sigqueueinfo": (129, 138),
    "personality": (135, 92),
    "modify_ldt": (154, None),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "acct": (163, 89),
    "settimeofday": (164, 170),
    "mount": (165, 40),
    "umount2": (166, 39),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "iopl": (172, None),
    "ioperm": (173, None),
    "init_module": (175, 105),
    "delete_module": (176, 106),
    "quotactl": (179, 60),
    "tkill": (200, 130),
    "clock_settime": (227, 112),
    "tgkill": (234, 131),
    "kexec_load": (246, 104),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "unshare": (272, 97),
    "accept4": (288, 242),
    "rt_tgsigqueueinfo": (297, 240),
    "perf_event_open": (298, 241),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "sendmmsg": (307, 269),
    "setns": (308, 268),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "finit_module": (313, 273),
    "seccomp": (317, 277),
    "memfd_create": (319, 279),
    "kexec_file_load": (320, 294),
    "bpf": (321, 280),
    "execveat": (322, 281),
    "userfaultfd": (323, 282),
    "pidfd_send_signal": (424, 424),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "pidfd_open": (434, 434),
    "clone3": (435, 435),
    "pidfd_getfd": (438, 438),
    "process_madvise": (440, 440),
    "mount_setattr": (442, 442),
    "memfd_secret": (447, 447),
}
"""Calls that end the process. tgkill is among them: the other programs of a worker are in the same namespace."""

_ARCHITECTURES: Final = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""Column of the tables above, and AUDIT_ARCH_* of <linux/audit.h>."""

_X32_BIT: Final = 0x40000000
"""Calls of the x32 ABI have it set, come under the number of x86-64's architecture and mean other things."""

_EPERM: Final = 1
_PROT_EXEC: Final = 4

_ALLOW: Final = 0x7FFF0000
_REFUSE: Final = 0x00050000 | _EPERM
_KILL: Final = 0x80000000
"""SECCOMP_RET_* of <linux/seccomp.h>: allow, fail with errno, kill the process."""

_LOAD: Final = 0x20
_IF_EQUAL: Final = 0x15
_IF_AT_LEAST: Final = 0x35
_IF_BITS: Final = 0x45
_RETURN: Final = 0x06
"""Instructions of the classic BPF machine: load a word, jump, return."""

_NUMBER_AT: Final = 0
_ARCHITECTURE_AT: Final = 4
_FIRST_ARGUMENT_AT: Final = 16
_THIRD_ARGUMENT_AT: Final = 32
"""Offsets in `struct seccomp_data`; of an argument its lower half, on machines that have that first."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def filter_program(machine: str = libc.MACHINE) -> bytes:
    """
    Assemble the filter: `struct sock_filter` after `struct sock_filter`, 8 bytes each.

    Raises:
        OSError: There are no tables for this machine.
    """
    if machine not in _ARCHITECTURES:
        known = ", ".join(_ARCHITECTURES)
        raise OSError(38, f"no seccomp filter for the machine {machine!r}; there is one for {known}")
    column, architecture = _ARCHITECTURES[machine]
    made = [
        _step(_LOAD, _ARCHITECTURE_AT),
        _step(_IF_EQUAL, architecture, 1, 0),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER_AT),
        _step(_IF_AT_LEAST, _X32_BIT, 0, 1),
        _step(_RETURN, _KILL),
    ]
    for verdict, table in ((_ALLOW, _ALLOWED), (_KILL, _DEADLY)):
        for numbers in table.values():
            if (number := numbers[column]) is not None:
                made += [_step(_IF_EQUAL, number, 0, 1), _step(_RETURN, verdict)]
    for each in _WITHOUT_EXEC.values():
        made += [
            _step(_IF_EQUAL, each[column], 0, 4),
            _step(_LOAD, _THIRD_ARGUMENT_AT),
            _step(_IF_BITS, _PROT_EXEC, 0, 1),
            _step(_RETURN, _REFUSE),
            _step(_RETURN, _ALLOW),
        ]
    for each in _OF_CLOCKS.values():
        made += [
            _step(_IF_EQUAL, each[column], 0, 4),
            _step(_LOAD, _FIRST_ARGUMENT_AT),
            _step(_IF_AT_LEAST, _CLOCKS, 0, 1),
            _step(_RETURN, _REFUSE),
            _step(_RETURN, _ALLOW),
        ]
    made.append(_step(_RETURN, _REFUSE))
    return b"".join(made)


def _step(instruction: int, operand: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", instruction, if_true, if_false, operand)


def filter_system_calls(program: bytes) -> None:
    """
    Let the kernel filter every system call of this process and of those it makes, from now on.

    Args:
        program: What `filter_program` gave.

    Raises:
        OSError: The kernel does not have seccomp filters, or no_new_privs is not set.
    """
    libc.set_filter(_Program(len(program) // 8, program))

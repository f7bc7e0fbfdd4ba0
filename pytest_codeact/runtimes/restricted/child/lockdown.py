"""
What the sandbox's process takes from itself before it reads a program: the wall that does not depend on Python.

Every step is best effort but the limits of memory and processor time, which a program is told about.
"""

from __future__ import annotations

import resource
import signal
import sys
from contextlib import suppress
from typing import Final

_OPEN_FILES: Final = 16
"""Descriptors the process may hold: three on null, the channel, and room for none to matter."""

# Numbers of <linux/prctl.h>, the same on every architecture.
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38


def lock_down(*, cpu_s: int, memory_bytes: int) -> None:
    """
    Give up what a program must not have. Cannot be undone.

    Args:
        cpu_s: Processor seconds, after which the kernel ends the process with SIGXCPU.
        memory_bytes: Address space, beyond which an allocation fails.
    """
    if sys.platform == "linux":
        _give_up_privileges()
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES)
    # Ignored for root, who needs a further wall against new processes.
    _limit(resource.RLIMIT_NPROC, 0)
    # At the soft limit comes SIGXCPU, which tells the host why; at the hard one SIGKILL, which would not.
    _limit(resource.RLIMIT_CPU, cpu_s, cpu_s + 1)
    # macOS does not know it for every process; a program there is stopped by its time alone.
    _limit(resource.RLIMIT_AS, memory_bytes)


def _limit(kind: int, soft: int, hard: int | None = None) -> None:
    wanted = (soft, soft if hard is None else hard)
    _, most = resource.getrlimit(kind)
    allowed = wanted if most == resource.RLIM_INFINITY else (min(wanted[0], most), min(wanted[1], most))
    with suppress(ValueError, OSError):
        resource.setrlimit(kind, allowed)


def _give_up_privileges() -> None:
    import ctypes

    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # Dies with the thread that launched it, which therefore lives as long as the runtime.
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # Neither a core dump nor another process of the same user may look inside.
    prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)

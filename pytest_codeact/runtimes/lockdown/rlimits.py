"""
What a process may use up, by the kernel's own count.
"""

from __future__ import annotations

import resource
from contextlib import suppress
from typing import Final

_OPEN_FILES: Final = 16
"""Descriptors the process may hold: three on null, the channel, and room for none to matter."""


def limit_resources(*, cpu_s: int, memory_bytes: int) -> None:
    """
    Limit this process for good. What the system does not know of these is left out.

    Args:
        cpu_s: Processor seconds, after which the kernel ends the process with SIGXCPU.
        memory_bytes: Address space, beyond which an allocation fails.
    """
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

"""
The layers of the sandbox, built in the one order in which none makes the next impossible, and what they are worth.
"""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING, Final

from pytest_codeact.runtimes.lockdown import identity, landlock, libc, namespaces, seccomp
from pytest_codeact.runtimes.lockdown.layers import LANDLOCK, NAMESPACES, NO_NEW_PRIVS, RLIMITS, SECCOMP, UID
from pytest_codeact.runtimes.lockdown.rlimits import limit_resources
from pytest_codeact.runtimes.restricted.child.selftest import UNBUILT, Targets, breaches

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from pytest_codeact.runtimes._channel import Message

_ENOUGH_NAMESPACES: Final = frozenset({"mount", "net", "pid"})
"""Those without which namespaces are no layer of their own: files, network, other processes."""

_TEST_MEMORY_BYTES: Final = 512 * 2**20
_TEST_CPU_S: Final = 5
"""Limits under which the self-test's attempts run."""


class Walls:
    """
    The walls of one zygote.

    Args:
        layers: Names of `lockdown.LAYERS`: which are to be built.

    Attributes:
        has_handles: Whether the system has descriptors of processes.
    """

    def __init__(self, layers: Collection[str]) -> None:
        self._layers = layers
        self._built: dict[str, str] = {}
        self._missing: list[str] = []
        self._namespaces: tuple[str, ...] = ()
        self._filter = b""
        self._targets = Targets.none()
        self.has_handles = _has_process_descriptors()

    @property
    def has_pids(self) -> bool:
        """Whether processes made from now on are in a PID namespace of their own."""
        return "pid" in self._namespaces

    def build_around_zygote(self) -> None:
        """Build the layers that children inherit."""
        self._targets = Targets.open()
        user = self._find_user()
        self._build(NAMESPACES, self._leave_world)
        self._build(UID, lambda: self._become(user))
        self._build(NO_NEW_PRIVS, self._give_up_privileges)
        self._build(LANDLOCK, self._give_up_files)
        self._build(SECCOMP, self._assemble_filter)
        if RLIMITS in self._layers:
            self._built[RLIMITS] = "process limits"

    def build_around_program(self, *, cpu_s: int, memory_bytes: int) -> None:
        """Build the layers of one trial's process, in it; nothing that they refuse is possible afterwards."""
        self.die_with_parent()
        if RLIMITS in self._built:
            limit_resources(cpu_s=cpu_s, memory_bytes=memory_bytes)
        if SECCOMP in self._built:
            seccomp.filter_system_calls(self._filter)

    def die_with_parent(self) -> None:
        """Ask the kernel to end this process with the one that forked it; a fork does not hand that down."""
        if NO_NEW_PRIVS in self._built:
            libc.die_with_parent()

    def report(self, language: str) -> Message:
        """
        Try to break out, and say what held.

        Args:
            language: What the language layer is called. "" if there is none.

        Returns:
            "level", "layers" and "missing", as of `Confinement`.
        """
        found = self._breaches()
        if UNBUILT in found and self._built.pop(SECCOMP, ""):
            # A filter around this one may refuse it: then there is one layer less, and the others are tried alone.
            self._missing.append(f"{SECCOMP}: the kernel does not take the filter")
            found = self._breaches()
        self._targets.close()
        self._missing += [f"self-test: {name}" + (" was possible" if name != UNBUILT else "") for name in found]
        layers = [language] if language else []
        return {
            "level": self._level(found),
            "layers": [*layers, *self._built.values()],
            "missing": self._missing,
        }

    def _breaches(self) -> list[str]:
        return breaches(
            self._targets, lambda: self.build_around_program(cpu_s=_TEST_CPU_S, memory_bytes=_TEST_MEMORY_BYTES)
        )

    def _level(self, found: Collection[str]) -> str:
        if RLIMITS not in self._built:
            return "D"
        if found or SECCOMP not in self._built:
            return "C"
        is_second = NAMESPACES in self._built and set(self._namespaces) >= _ENOUGH_NAMESPACES
        return "A" if is_second and UID in self._built else "B"

    def _build(self, layer: str, build: Callable[[], str]) -> None:
        if layer not in self._layers:
            return
        if sys.platform != "linux":
            self._missing.append(f"{layer}: only Linux has it")
            return
        try:
            self._built[layer] = build()
        except (OSError, AttributeError) as error:
            self._missing.append(f"{layer}: {getattr(error, 'strerror', None) or error}")

    def _find_user(self) -> int | None:
        # Before the file system, where the names of users are, is left behind.
        if UID not in self._layers or sys.platform != "linux" or os.geteuid() != 0:
            return None
        return identity.unused_user()

    def _leave_world(self) -> str:
        # A process in another namespace can be ended by its descriptor alone.
        without = frozenset() if self.has_handles else frozenset({"pid"})
        self._namespaces = namespaces.leave_world(without=without)
        if lacking := _ENOUGH_NAMESPACES - set(self._namespaces):
            self._missing.append(f"{NAMESPACES}: none of {', '.join(sorted(lacking))}")
        return f"namespaces ({', '.join(self._namespaces)})"

    def _become(self, user: int | None) -> str:
        # While there is the right to: root that has become another user has it no more.
        libc.drop_capability_bounds()
        try:
            if user is not None:
                identity.become(user)
        finally:
            libc.drop_capabilities()
            libc.leave_keyring()
        return f"user id {os.geteuid()} without capabilities"

    def _give_up_privileges(self) -> str:
        libc.give_up_privileges()
        return "no new privileges"

    def _give_up_files(self) -> str:
        return f"Landlock {landlock.give_up_files()}"

    def _assemble_filter(self) -> str:
        if NO_NEW_PRIVS not in self._built:
            # The kernel asks for it, but only when each child sets its filter.
            raise OSError(errno.EPERM, f"needs the layer {NO_NEW_PRIVS}")
        self._filter = seccomp.filter_program()
        return "seccomp"


def _has_process_descriptors() -> bool:
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return False
    return True

"""
The names of the layers, for both sides of the sandbox.
"""

from __future__ import annotations

from typing import Final

RLIMITS: Final = "rlimits"
NO_NEW_PRIVS: Final = "no_new_privs"
SECCOMP: Final = "seccomp"
LANDLOCK: Final = "landlock"
NAMESPACES: Final = "namespaces"
UID: Final = "uid"

LAYERS: Final = (RLIMITS, NO_NEW_PRIVS, SECCOMP, LANDLOCK, NAMESPACES, UID)
"""
Names of the layers.

* rlimits: address space, processor time, processes, descriptors, file size, core dumps.
* no_new_privs: no program gains privileges by being executed; dies with its parent; cannot be looked into.
* seccomp: system calls beyond memory, clock, reading and writing are refused, the dangerous ones are deadly.
* landlock: no path of the file system can be opened or changed, no TCP port bound or connected to.
* namespaces: an empty file system, a network without interfaces, no other process, no System V objects.
* uid: an unused user id in place of root, and no capabilities.
"""

"""The layers: what the filter of system calls decides on every machine, and what walls are worth with some missing."""

from __future__ import annotations

import os
import struct
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_codeact.runtimes import Bindings, CallReply, Limits
from pytest_codeact.runtimes.lockdown import identity, libc, seccomp
from pytest_codeact.runtimes.lockdown.layers import LAYERS, NAMESPACES, NO_NEW_PRIVS, RLIMITS, SECCOMP, UID
from pytest_codeact.runtimes.restricted import RestrictedRuntime

if TYPE_CHECKING:
    from collections.abc import Iterator

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the layers are Linux's")

X86_64, AARCH64, I386 = 0xC000003E, 0xC00000B7, 0x40000003
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050001, 0x80000000


def decide(program: bytes, architecture: int, number: int, third_argument: int = 0) -> int:
    """Run a filter as the kernel does, for a system call."""
    record = struct.pack("=IIQ6Q", number, architecture, 0, 0, 0, third_argument, 0, 0, 0)
    steps = list(struct.iter_unpack("=HBBI", program))
    at, loaded = 0, 0
    while True:
        kind, if_true, if_false, operand = steps[at]
        at += 1
        match kind:
            case 0x20:
                (loaded,) = struct.unpack_from("=I", record, operand)
            case 0x15:
                at += if_true if loaded == operand else if_false
            case 0x35:
                at += if_true if loaded >= operand else if_false
            case 0x45:
                at += if_true if loaded & operand else if_false
            case 0x06:
                return int(operand)
            case _:
                raise AssertionError(f"unknown instruction {kind:#x}")


DECISIONS = [
    ("x86_64", X86_64, 0, ALLOW, "read"),
    ("x86_64", X86_64, 1, ALLOW, "write"),
    ("x86_64", X86_64, 2, REFUSE, "open"),
    ("x86_64", X86_64, 257, REFUSE, "openat"),
    ("x86_64", X86_64, 4, REFUSE, "stat"),
    ("x86_64", X86_64, 157, REFUSE, "prctl"),
    ("x86_64", X86_64, 302, REFUSE, "prlimit64"),
    ("x86_64", X86_64, 41, KILL, "socket"),
    ("x86_64", X86_64, 56, KILL, "clone"),
    ("x86_64", X86_64, 57, KILL, "fork"),
    ("x86_64", X86_64, 59, KILL, "execve"),
    ("x86_64", X86_64, 234, KILL, "tgkill"),
    ("x86_64", X86_64, 435, KILL, "clone3"),
    ("x86_64", X86_64, 9999, REFUSE, "a call of the future"),
    ("x86_64", X86_64, 0x40000000, KILL, "read of x32"),
    ("x86_64", I386, 4, KILL, "write of i386"),
    ("x86_64", AARCH64, 63, KILL, "read of another machine"),
    ("aarch64", AARCH64, 63, ALLOW, "read"),
    ("aarch64", AARCH64, 64, ALLOW, "write"),
    ("aarch64", AARCH64, 56, REFUSE, "openat"),
    ("aarch64", AARCH64, 79, REFUSE, "newfstatat"),
    ("aarch64", AARCH64, 198, KILL, "socket"),
    ("aarch64", AARCH64, 220, KILL, "clone"),
    ("aarch64", AARCH64, 221, KILL, "execve"),
    ("aarch64", AARCH64, 131, KILL, "tgkill"),
    ("aarch64", AARCH64, 435, KILL, "clone3"),
    ("aarch64", AARCH64, 0, REFUSE, "io_setup"),
    ("aarch64", X86_64, 0, KILL, "read of another machine"),
]
"""Machine of the filter, architecture and number of a call, what becomes of it, and its name."""


@pytest.mark.parametrize(
    ("machine", "architecture", "number", "decision"),
    [row[:4] for row in DECISIONS],
    ids=[f"{row[0]}-{row[4]}" for row in DECISIONS],
)
def test_filter_decides(machine: str, architecture: int, number: int, decision: int) -> None:
    """What is listed is allowed or deadly, anything else fails, and no call comes in by another ABI's door."""
    assert decision == decide(seccomp.filter_program(machine), architecture, number)


@pytest.mark.parametrize(
    ("machine", "architecture", "mmap", "mprotect"), [("x86_64", X86_64, 9, 10), ("aarch64", AARCH64, 222, 226)]
)
def test_filter_allows_no_executable_memory(machine: str, architecture: int, mmap: int, mprotect: int) -> None:
    """Memory may be asked for to be read and written, in no combination to be executed."""
    program = seccomp.filter_program(machine)

    for number in (mmap, mprotect):
        decisions = [decide(program, architecture, number, protection) for protection in range(8)]
        assert decisions == [ALLOW] * 4 + [REFUSE] * 4


def test_tables_name_each_call_once() -> None:
    """A call is in one table, and no two of a machine have one number."""
    tables = (seccomp._ALLOWED, seccomp._DEADLY, seccomp._WITHOUT_EXEC)

    for column in (0, 1):
        numbers = [each[column] for table in tables for each in table.values() if each[column] is not None]
        assert len(numbers) == len(set(numbers))


def test_unknown_machine_has_no_filter() -> None:
    """It is an error that a level is lost by, not a filter of another machine's numbers."""
    with pytest.raises(OSError, match="no seccomp filter for the machine 'riscv64'; there is one for x86_64, aarch64"):
        seccomp.filter_program("riscv64")


@linux_only
def test_unused_user_is_nobody() -> None:
    """It is of those set aside for services, and no process has it."""
    user = identity.unused_user()

    assert 61184 <= user < 65520
    assert user != os.getuid()


def test_missing_function_of_the_c_library_is_an_error() -> None:
    """As a kernel's would be."""
    with pytest.raises(OSError, match="the C library has no no_such_function"):
        libc.call("no_such_function")


def test_unknown_layer_is_an_error() -> None:
    """The text lists the layers."""
    with pytest.raises(
        ValueError, match=r"^unknown layer 'moat'; known layers: rlimits, no_new_privs, seccomp, landlock, "
    ):
        RestrictedRuntime(layers={"moat"})


@pytest.fixture(scope="module")
def machine_level() -> Iterator[str]:
    """Give the level that this machine reaches with every layer."""
    runtime = RestrictedRuntime()
    yield runtime.confinement().level
    runtime.close()


LEVELS = {
    "all": (frozenset(LAYERS), "A"),
    "no_namespaces": (frozenset(LAYERS) - {NAMESPACES}, "B"),
    "seccomp": (frozenset({RLIMITS, NO_NEW_PRIVS, SECCOMP}), "B"),
    "no_seccomp": (frozenset(LAYERS) - {SECCOMP}, "C"),
    "limits": (frozenset({RLIMITS}), "C"),
    "nothing": (frozenset(), "D"),
}


@linux_only
@pytest.mark.parametrize("name", LEVELS)
def test_level_follows_from_what_holds(name: str, machine_level: str) -> None:
    """Fewer layers are a lesser level, and what the self-test gets at is named."""
    layers, level = LEVELS[name]
    runtime = RestrictedRuntime(layers=layers)
    held = runtime.confinement()
    runtime.close()

    assert max(level, machine_level) == held.level
    assert ("self-test: reading a file was possible" in held.missing) == (name in {"limits", "nothing"})


@linux_only
def test_self_test_has_teeth() -> None:
    """With process limits alone most of what it tries is possible, whoever runs it."""
    runtime = RestrictedRuntime(layers={RLIMITS})
    found = {each.removeprefix("self-test: ").removesuffix(" was possible") for each in runtime.confinement().missing}
    runtime.close()

    assert found >= {
        "reading a file",
        "listing files",
        "asking for a file",
        "connecting by TCP",
        "connecting by UNIX socket",
        "executing a program",
        "making memory executable",
    }
    assert "using more memory than allowed" not in found


@linux_only
def test_program_runs_with_any_choice_of_layers() -> None:
    """No layer needs another one to let honest programs run."""
    for left_out in LAYERS:
        runtime = RestrictedRuntime(layers=set(LAYERS) - {left_out})
        session = runtime.start(Bindings(functions=(), call=lambda *_call: CallReply()), Limits())
        execution = session.run("import json\njson.dumps([1, 2.5])")
        runtime.close()

        assert (left_out, "'[1, 2.5]'") == (left_out, execution.value)


@linux_only
@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_root_is_somebody_else_inside() -> None:
    """The user id is one of those set aside, unless that layer is left out."""
    users = []
    for layers in (LAYERS, set(LAYERS) - {UID}):
        runtime = RestrictedRuntime(layers=layers, language=False)
        session = runtime.start(Bindings(functions=(), call=lambda *_call: CallReply()), Limits())
        users.append(int(session.run("import os\nprint(os.getuid(), end='')").output))
        runtime.close()

    assert 61184 <= users[0] < 65520
    assert users[1] == 0

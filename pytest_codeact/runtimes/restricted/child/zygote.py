"""
The zygote: a process that has imported everything and given up nearly everything, and forks one child per trial.

It is executed afresh and never runs a line of a program's. What a program could find in its memory is what this file
and its imports leave there.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import socket
import struct
import sys
import traceback
from typing import Any, Final, NoReturn

from pytest_codeact.runtimes._channel import Channel
from pytest_codeact.runtimes.restricted.child.main import CHANNEL_DESCRIPTOR, Interpreter, load_codecs, serve
from pytest_codeact.runtimes.restricted.child.walls import Walls

ORDER: Final = struct.Struct(">cI")
"""What the host sends: an operation, and the number of a child (0 for a new one, whose channel comes with it)."""

FORK: Final = b"f"
FORK_SPARE: Final = b"s"
REAP: Final = b"r"

REPLY: Final = struct.Struct(">Ii")
"""
What it is answered: the number of the child, with a descriptor of it if it is new; its exit status. Without a child,
0 and the number of the error.
"""

_OPEN_FILES: Final = 256
"""Descriptors that the zygote may hold: those of the children it has not handed over yet."""

_REPORT_BYTES: Final = 64 * 2**10

_FIRST_PROGRAM: Final = """
import json
from dataclasses import dataclass

@dataclass
class Row:
    name: str
    total: float = 0.0

def report(rows: list[dict], least: float = 1.0, *more: int, **options: bool) -> list[str]:
    lines = []
    by_name = {}
    for index, row in enumerate(rows):
        try:
            if row["total"] >= least and not options:
                by_name.setdefault(row["name"], []).append(Row(row["name"], row["total"]))
        except KeyError as error:
            print(f"{index:>3} has no {error!r}")
    for name, found in sorted(by_name.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        lines.append(f"{name:<10} {sum(each.total for each in found):,.2f}")
    return lines

print("\\n".join(report([{"name": "a", "total": 2.5}, {"name": "b"}])), json.dumps({"rows": [1, 2.5, None]}))
"""
"""A program such as models write, run by spares while they wait."""

_WARM_UP: Final = "import json\ndef warm(x: int) -> str:\n    return f'{json.dumps([x])}'\nwarm(1)\n"
"""A program that is run before the first fork, so that no child pays for what is filled at the first use."""


def main(settings: str) -> NoReturn:
    """
    Build the walls, say how they hold, and fork until the host is gone. The socket to the host is standard input.

    Args:
        settings: JSON: "layers", names of `lockdown.LAYERS`; "language", whether programs are filtered.
    """
    # Off until a program runs: a collection would touch, and so copy, every page there is.
    gc.disable()
    control = _take_control()
    _reset_signals()
    host = Channel(control, send_bytes=_REPORT_BYTES, receive_bytes=0)
    try:
        interpreter, walls = _built(control, json.loads(settings))
        # What is there now is never freed: no child need copy a page to count that it is still in use.
        gc.freeze()
        host.send({**walls.report(interpreter.layer), "handles": walls.has_handles})
    except BaseException as error:  # noqa: BLE001 - nobody else would ever say why
        host.send({"failed": "".join(traceback.format_exception(error))[-_REPORT_BYTES // 8 :]})
        os._exit(1)
    control.settimeout(None)
    if _fork_children(control, has_handles=walls.has_handles) == FORK_SPARE:
        # It has time to copy the pages that a first program touches.
        interpreter.warm_up(_FIRST_PROGRAM)
    serve(interpreter, walls.build_around_program)


def _take_control() -> socket.socket:
    """Move the socket to the host away from standard input, which is then on null as the others are."""
    control = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.close(null)
    return control


def _reset_signals() -> None:
    """Undo what the host ignores or blocks: it would be inherited, and children must be waited for and signalled."""
    for number in (signal.SIGCHLD, signal.SIGXCPU):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _built(control: socket.socket, settings: dict[str, Any]) -> tuple[Interpreter, Walls]:
    load_codecs()
    interpreter = _interpreter(filtered=settings["language"])
    _forget_host()
    walls = Walls(frozenset(settings["layers"]))
    walls.build_around_zygote()
    if walls.has_pids:
        _become_init(control, walls)
    return interpreter, walls


def _interpreter(*, filtered: bool) -> Interpreter:
    if not filtered:
        from pytest_codeact.runtimes.restricted.child.breach import BreachInterpreter

        return BreachInterpreter()
    interpreter = Interpreter()
    interpreter.warm_up(_WARM_UP)
    return interpreter


def _forget_host() -> None:
    """Drop what a program that broke out of the language could read of the host."""
    sys.argv[:] = ["main.py"]
    sys.orig_argv.clear()
    sys.path.clear()
    sys.path_importer_cache.clear()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = _OPEN_FILES if most == resource.RLIM_INFINITY else min(_OPEN_FILES, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, allowed))


def _become_init(control: socket.socket, walls: Walls) -> None:
    """Go on in a child, the first process of the new namespace: with it, everything in the namespace ends."""
    child = os.fork()
    if child == 0:
        walls.die_with_parent()
        return
    # What the init holds shall be gone when it is; this process only keeps its place.
    control.detach()
    os.closerange(CHANNEL_DESCRIPTOR, _OPEN_FILES)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 1)


def _fork_children(control: socket.socket, *, has_handles: bool) -> bytes:
    """Do what the host asks for until it is gone. Returns in the children alone, with the operation that made each."""
    while True:
        order, descriptors, _, _ = socket.recv_fds(control, ORDER.size, 1)
        if len(order) < ORDER.size:
            os._exit(0)
        operation, number = ORDER.unpack(order)
        try:
            if operation == REAP:
                _, status = os.waitpid(number, 0)
                control.sendall(REPLY.pack(number, os.waitstatus_to_exitcode(status)))
            elif _is_child(control, descriptors[0], has_handles=has_handles):
                return bytes(operation)
        except OSError as error:
            # One trial cannot have its process; the others go on.
            control.sendall(REPLY.pack(0, error.errno or 0))


def _is_child(control: socket.socket, channel: int, *, has_handles: bool) -> bool:
    try:
        child = os.fork()
    except OSError:
        os.close(channel)
        raise
    if child == 0:
        # The channel takes the first place after the standard streams; everything else goes.
        if channel != CHANNEL_DESCRIPTOR:
            os.dup2(channel, CHANNEL_DESCRIPTOR)
        control.detach()
        os.closerange(CHANNEL_DESCRIPTOR + 1, _OPEN_FILES)
        return True
    os.close(channel)
    try:
        # Without, the child is in the host's own namespace (`Walls`), and its number is enough.
        handles = [os.pidfd_open(child)] if has_handles else []
    except OSError:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise
    socket.send_fds(control, [REPLY.pack(child, 0)], handles)
    for handle in handles:
        os.close(handle)
    return False
